/**
 * One library folder: the version that is served, the newest one that does not load, and the
 * reload that is under way. The last good version is served until a newer one has loaded.
 *
 * What does not load stays so until a file is saved, but for two kinds of patience: what took too long is tried again, because it
 * may be the machine that was busy, and of a folder without an entry nothing is said while it still changes.
 */
import { realpath } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { after, milliseconds, until, type Instant } from '../core/duration.ts';
import { FuncoapError } from '../core/error.ts';
import { FolderWatcher } from './folder-watcher.ts';
import { entryMark, entryOf, readLibraryFiles } from './library-files.ts';
import { withoutFolders } from './without-folders.ts';
import { SlowLoad, type LibraryVersion } from './library-version.ts';
import type { RegistryOptions } from './registry-options.ts';
import { RestartPause } from './restart-pause.ts';

export interface ServedLibraryParts {
  readonly name: string;
  readonly options: RegistryOptions;
  readonly load: (folder: string, entry: string, version: string) => Promise<LibraryVersion>;
  /** Something that is shown about the library is different now. */
  readonly changed: (library: ServedLibrary, change: LibraryChange) => void;
}

export type LibraryChange =
  | { readonly kind: 'loaded'; readonly version: LibraryVersion; readonly replaced: LibraryVersion | undefined }
  | { readonly kind: 'failed' }
  /** The newest version failed, and the files are those of the served one again. */
  | { readonly kind: 'mended' }
  | { readonly kind: 'removed'; readonly replaced: LibraryVersion | undefined };

export class ServedLibrary {
  readonly name: string;
  readonly #parts: ServedLibraryParts;
  readonly #path: string;
  readonly #watcher: FolderWatcher;
  #current: LibraryVersion | undefined;
  #failedVersion: string | undefined;
  /** The entry file as it was then: saved again, it is tried again, because what it missed may be there now. */
  #failedMark: string | undefined;
  #error: string | undefined;
  /** Loading the newest version took too long: when it is tried again. */
  #retry: RestartPause | undefined;
  /** There is no entry: since when the folder is as it is. */
  #incomplete: { readonly version: string; readonly since: Instant } | undefined;
  #reload: Promise<void> | undefined;
  #changedAt: Instant;
  #dirty = false;
  #probedAt: Instant;
  #entryMark: string | undefined;
  #cancelPoll: (() => void) | undefined;
  #cancelLook: (() => void) | undefined;
  #closed = false;

  constructor(parts: ServedLibraryParts) {
    this.name = parts.name;
    this.#parts = parts;
    this.#path = join(parts.options.folder, parts.name);
    this.#watcher = new FolderWatcher((name) => {
      if (name === undefined || isSource(name)) this.touch();
    });
    this.#changedAt = parts.options.scheduler.now();
    this.#probedAt = this.#changedAt;
  }

  /** The version that is served; undefined until one has loaded. */
  get current(): LibraryVersion | undefined {
    return this.#current;
  }

  /** One sentence with file and line where the newest version does not load. */
  get error(): string | undefined {
    return this.#error;
  }

  /** When something was last told or seen to have changed. */
  get changedAt(): Instant {
    return this.#changedAt;
  }

  /** The reload that is under way, looking at the entry file first if nobody did just now. */
  pending(now: Instant = this.#parts.options.scheduler.now()): Promise<void> | undefined {
    if (this.#reload === undefined && now - this.#probedAt >= this.#parts.options.probeInterval) {
      this.#probedAt = now;
      if (entryMark(this.#path) !== this.#entryMark) this.touch();
    }
    return this.#reload;
  }

  /** Something in the folder may have changed: it is read again when it has come to rest. */
  touch(): void {
    if (this.#closed) return;
    this.#changedAt = this.#parts.options.scheduler.now();
    this.#look();
  }

  #look(): void {
    this.#dirty = true;
    this.#reload ??= this.#reloadUntilClean().finally(() => {
      this.#reload = undefined;
    });
  }

  close(): void {
    this.#closed = true;
    this.#watcher.close();
    this.#cancelPoll?.();
    this.#cancelLook?.();
  }

  async #reloadUntilClean(): Promise<void> {
    while (this.#dirty && !this.#closed) {
      await this.#settled();
      this.#dirty = false;
      try {
        await this.#reloadOnce();
      } catch (error) {
        this.#fail(describe(error));
      }
    }
  }

  /** Waits until nothing has changed for a moment; the very first load has nothing to wait for. */
  async #settled(): Promise<void> {
    const { scheduler, settleTime, maxSettleTime } = this.#parts.options;
    if (
      this.#current === undefined &&
      this.#error === undefined &&
      this.#entryMark === undefined &&
      entryMark(this.#path) !== undefined
    )
      return;
    const latest = after(scheduler.now(), maxSettleTime);
    for (;;) {
      const now = scheduler.now();
      const restedAt = after(this.#changedAt, settleTime);
      const wait = Math.min(restedAt, latest) - now;
      if (wait <= 0) return;
      await new Promise<void>((resolve) => {
        scheduler.after(milliseconds(wait), resolve);
      });
    }
  }

  async #reloadOnce(): Promise<void> {
    // Before anything is read: what changes from here on is seen again.
    this.#entryMark = entryMark(this.#path);
    this.#probedAt = this.#parts.options.scheduler.now();
    const folder = await realpath(this.#path).catch(() => undefined);
    if (folder === undefined) {
      this.#remove();
      return;
    }
    let files = await readLibraryFiles(folder);
    this.#watch(folder === this.#path ? files.folders : [this.#path, ...files.folders]);
    files = await readLibraryFiles(folder);
    if (this.#closed) return;
    if (files.version === this.#current?.version) {
      if (this.#error === undefined) return;
      this.#error = undefined;
      this.#failedVersion = undefined;
      this.#parts.changed(this, { kind: 'mended' });
      return;
    }
    if (this.#hasFailed(files.version)) return;
    const entry = entryOf(folder, this.name);
    if (entry === undefined) {
      if (this.#mayGrow(files.version)) return;
      this.#fail(
        `the folder has no index.ts or index.js, and no ${this.name.replaceAll('-', '_')}.py or __init__.py; write one that has functions.`,
        files.version,
      );
      return;
    }
    try {
      const version = await this.#parts.load(folder, entry, files.version);
      this.#adopt(version);
    } catch (error) {
      this.#fail(describe(error), files.version);
      if (error instanceof SlowLoad) this.#tryAgain();
    }
  }

  /** Whether this version is known not to load, and has not to be tried again yet. */
  #hasFailed(version: string): boolean {
    if (version !== this.#failedVersion || this.#entryMark !== this.#failedMark) {
      this.#retry = undefined;
      return false;
    }
    if (this.#retry === undefined) return true;
    const pauseEnds = this.#retry.endOf(this.#parts.options.scheduler.now());
    if (pauseEnds !== undefined) this.#lookAt(pauseEnds);
    return pauseEnds !== undefined;
  }

  #tryAgain(): void {
    const { scheduler, retryDelay } = this.#parts.options;
    this.#retry ??= new RestartPause(retryDelay);
    this.#lookAt(this.#retry.failed(scheduler.now()));
  }

  /** Whether somebody may be about to copy the rest of it. */
  #mayGrow(version: string): boolean {
    const { scheduler, copyPatience } = this.#parts.options;
    const now = scheduler.now();
    if (this.#incomplete?.version !== version) this.#incomplete = { version, since: now };
    const patientUntil = after(this.#incomplete.since, copyPatience);
    if (now >= patientUntil) return false;
    this.#lookAt(patientUntil);
    return true;
  }

  #lookAt(at: Instant): void {
    if (this.#closed) return;
    const { scheduler } = this.#parts.options;
    this.#cancelLook?.();
    this.#cancelLook = scheduler.after(until(at, scheduler.now()), () => this.#look());
  }

  #adopt(version: LibraryVersion): void {
    if (this.#closed) {
      void version.close();
      return;
    }
    const replaced = this.#current;
    this.#current = version;
    this.#error = undefined;
    this.#failedVersion = undefined;
    this.#parts.changed(this, { kind: 'loaded', version, replaced });
  }

  #fail(message: string, version?: string): void {
    if (this.#closed) return;
    this.#failedVersion = version;
    this.#failedMark = this.#entryMark;
    const known = this.#error === message;
    this.#error = message;
    if (!known) this.#parts.changed(this, { kind: 'failed' });
  }

  #remove(): void {
    const replaced = this.#current;
    this.#current = undefined;
    this.close();
    this.#parts.changed(this, { kind: 'removed', replaced });
  }

  #watch(folders: readonly string[]): void {
    if (this.#closed) return;
    this.#cancelPoll?.();
    this.#cancelPoll = undefined;
    if (this.#watcher.watch(folders)) return;
    const { scheduler, pollInterval } = this.#parts.options;
    this.#cancelPoll = scheduler.after(pollInterval, () => this.touch());
  }
}

/** Lock files, temporary files of editors and data do not make a new version. */
const isSource = (name: string): boolean =>
  !name.startsWith('.') && !name.endsWith('~') && !['data', '__pycache__'].includes(basename(name));

function describe(error: unknown): string {
  if (error instanceof FuncoapError) return error.message;
  return `the folder cannot be read: ${withoutFolders(error instanceof Error ? error.message : String(error))}.`;
}
