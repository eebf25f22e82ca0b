/**
 * Tells when something in a set of folders changes. One plain watch per folder, which every system
 * has, renewed when the set is read again: recursive watching differs between systems, and a watch
 * dies with the folder that it was put on.
 */
import { watch, type FSWatcher } from 'node:fs';

export class FolderWatcher {
  readonly #changed: (fileName: string | undefined) => void;
  #watches: FSWatcher[] = [];

  /** `changed` gets the name inside its folder where the system tells it. */
  constructor(changed: (fileName: string | undefined) => void) {
    this.#changed = changed;
  }

  /** Watches these folders instead of the ones before; false where the system refuses. */
  watch(folders: readonly string[]): boolean {
    this.close();
    for (const folder of folders) {
      try {
        const watcher = watch(folder, { persistent: false }, (_event, name) => this.#changed(name ?? undefined));
        // The folder went away, which its parent tells too.
        watcher.on('error', () => this.#changed(undefined));
        this.#watches.push(watcher);
      } catch {
        return false;
      }
    }
    return true;
  }

  close(): void {
    for (const watcher of this.#watches) watcher.close();
    this.#watches = [];
  }
}
