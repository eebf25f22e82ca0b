/**
 * Gives ids from the lock file to what libraries export. Libraries that are found together get theirs in the order in which they
 * were found, that of their names, whichever loads first.
 */
import { channels } from '../core/channels.ts';
import type { ExportDescription } from './export-description.ts';
import type { LockFile } from './lock-file.ts';
import type { LibraryIds } from './lock-table.ts';

/** Of one library that was found. */
export interface IdTurn {
  /** Waits until those that were found before have loaded, or failed to. */
  readonly assign: (exports: readonly ExportDescription[]) => Promise<void>;
  /** It has loaded for the first time, or failed to. */
  readonly over: () => void;
}

export class IdAssigner {
  readonly #lock: LockFile;
  /** All that were found so far are over. */
  #found: Promise<unknown> = Promise.resolve();

  constructor(lock: LockFile) {
    this.#lock = lock;
  }

  of(library: string): LibraryIds | undefined {
    return this.#lock.idsOf(library);
  }

  queue(library: string): IdTurn {
    const earlier = this.#found;
    const first = Promise.withResolvers<void>();
    this.#found = earlier.then(() => first.promise);
    return {
      assign: async (exports) => {
        await earlier;
        await this.#assign(library, exports);
      },
      over: first.resolve,
    };
  }

  /** Where ids cannot be given, the library is served all the same, by name. */
  async #assign(name: string, exports: readonly ExportDescription[]): Promise<void> {
    const callable = exports.filter((exported) => exported.notCallable === undefined || exported.members !== undefined);
    const methods = callable.map(({ method, parameters }) => ({
      name: method,
      parameters: parameters.map((parameter) => parameter.name),
    }));
    const reason = await this.#lock.assign([{ name, methods }]).then(
      (locked) => locked.reason,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
    if (reason !== undefined)
      channels.library.publish({ library: name, state: 'unlocked', functions: callable.length, message: reason });
  }
}
