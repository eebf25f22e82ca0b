/**
 * The libraries of a folder: found, loaded, watched, and called.
 *
 * Dropping a library in, editing or deleting it takes effect on the next call. Three things make
 * that true: folders are watched; `pending` looks at the entry file itself when nobody did in the
 * last moment; and a caller who finds a reload under way waits for it, within a limit. Calls in
 * flight finish on the threads of the version that they began on.
 *
 *     const reload = registry.pending(name);          // undefined as a rule: nothing to wait for
 *     if (reload !== undefined) await reload;
 *     const description = registry.find(name, method);
 *     await registry.invoke({ function: description, ... });
 *
 * Longer than other files because calls and streams find the version that they began on in the same place.
 */
import { join, resolve } from 'node:path';
import { statSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { channels } from '../core/channels.ts';
import { after, until, type Instant, type Milliseconds } from '../core/duration.ts';
import { UsageError } from '../core/error.ts';
import { CallError } from './call-error.ts';
import { objectLostError } from './call-failures.ts';
import { FolderWatcher } from './folder-watcher.ts';
import { IdAssigner } from './id-assigner.ts';
import { LibraryCatalogue } from './library-catalogue.ts';
import { dataFolderName, libraryNamePattern } from './library-files.ts';
import { LoadTurns } from './load-turns.ts';
import { LockFile } from './lock-file.ts';
import { LibraryOutput } from './library-output.ts';
import { LibraryVersion } from './library-version.ts';
import { ServedLibrary, type LibraryChange } from './served-library.ts';
import { WorkerBudget } from './worker-pool-options.ts';
import { defaultRegistryOptions, type RegistryOptions, type RegistrySettings } from './registry-options.ts';
import type { Call, CallResult, Invoker } from './call.ts';
import type { FunctionDescription, LibraryDescription } from './description.ts';
import type { OpenedStream, StreamOpener } from './opened-stream.ts';
import type { Invalidation } from './invalidation.ts';

/** Cached results are out of date: all of one function of the library, or those with a tag. */
export type LibraryInvalidation = { readonly library: string } & Invalidation;

/** Lies among the libraries, and is committed with them. */
const lockFileName = 'funcoap.lock.json';

/** Folders that are no libraries and need no explanation. */
const ignoredFolders: ReadonlySet<string> = new Set(['node_modules', dataFolderName]);

export class Registry implements Invoker, StreamOpener {
  readonly #options: RegistryOptions;
  readonly #ids: IdAssigner;
  readonly #budget: WorkerBudget;
  readonly #turns: LoadTurns;
  readonly #watcher: FolderWatcher;
  readonly #served = new Map<string, ServedLibrary>();
  readonly #catalogue = new LibraryCatalogue();
  /** By library and version, also those that only finish their calls. */
  readonly #versions = new Map<string, Map<string, LibraryVersion>>();
  readonly #retiring = new Set<Promise<void>>();
  readonly #invalidateListeners = new Set<(what: LibraryInvalidation) => void>();
  readonly #changeListeners = new Set<(library: string) => void>();
  readonly #reportedNames = new Set<string>();
  #scanning: Promise<void> | undefined;
  #cancelPoll: (() => void) | undefined;
  #closed = false;

  private constructor(options: RegistryOptions, lock: LockFile) {
    this.#options = options;
    this.#ids = new IdAssigner(lock);
    this.#budget = new WorkerBudget(options.maxWorkers);
    this.#turns = new LoadTurns(options.maxLoading);
    this.#watcher = new FolderWatcher((name) => this.#folderChanged(name));
  }

  /**
   * Loads all libraries of a folder and watches it. A library that does not load is reported, and hinders no other.
   * @throws UsageError 'no-library-folder' when the folder is not there, 'lock-file' errors when the ids cannot be read.
   */
  static async open(options: Pick<RegistryOptions, 'scheduler'> & Partial<RegistrySettings>): Promise<Registry> {
    const folder = resolve(options.folder ?? defaultRegistryOptions.folder);
    const complete: RegistryOptions = Object.freeze({ ...defaultRegistryOptions, ...options, folder });
    const found = await stat(folder).catch(() => undefined);
    if (found?.isDirectory() !== true) {
      throw new UsageError(
        'no-library-folder',
        `There is no folder ${folder}; create it, or say where the libraries lie.`,
      );
    }
    const registry = new Registry(complete, await LockFile.load(join(folder, lockFileName)));
    registry.#watch();
    await registry.#scan();
    await Promise.all([...registry.#served.values()].flatMap((library) => library.pending() ?? []));
    return registry;
  }

  /**
   * Something to wait for before `find`: a reload of this library (by name or locked id) that is under way.
   * Undefined in nearly all cases. It never rejects, and is over `reloadWait` after the change at the latest.
   */
  pending(library: string | number, now: Instant = this.#options.scheduler.now()): Promise<void> | undefined {
    const name = typeof library === 'string' ? library : this.#catalogue.nameOf(library);
    if (name === undefined || this.#closed) return undefined;
    // What a peer asks for is a name, never a path: the file system is asked for names only.
    const served = this.#served.get(name) ?? (libraryNamePattern.test(name) ? this.#discover(name) : undefined);
    return served && this.#reloadOf(served, now);
  }

  /** Reloads of any library that are under way; for lists of all of them. */
  pendingAny(): Promise<void> | undefined {
    const now = this.#options.scheduler.now();
    const reloads = [...this.#served.values()].flatMap((library) => this.#reloadOf(library, now) ?? []);
    if (this.#scanning !== undefined) reloads.push(this.#bounded(this.#scanning, this.#options.reloadWait));
    return reloads.length === 0 ? undefined : Promise.all(reloads).then(() => undefined);
  }

  /** As long as it is the same, `find` and `findById` say the same. */
  get revision(): number {
    return this.#catalogue.revision;
  }

  /** @throws CallError 'no-such-library', 'no-such-method', 'not-callable', 'library-failed', 'not-ready' */
  find(library: string, method: string): FunctionDescription {
    return this.#catalogue.find(library, method) ?? this.#refuse(library, `no function ${method.slice(0, 64)}`);
  }

  /** By the ids of the lock file. @throws CallError as `find` does */
  findById(libraryId: number, id: number): FunctionDescription {
    const name = this.#catalogue.nameOf(libraryId);
    if (name === undefined)
      throw new CallError('no-such-library', `No library has the id ${libraryId}; see /func for those there are.`);
    return this.#catalogue.findById(libraryId, id) ?? this.#refuse(name, `no function with the id ${id}`);
  }

  /** A class by names or ids; undefined where it is none. */
  findClass(library: string | number, method: string | number): FunctionDescription | undefined {
    return this.#catalogue.findClass(library, method);
  }

  /** Sorted by name; also those that do not load. */
  libraries(): readonly LibraryDescription[] {
    return this.#catalogue.libraries();
  }

  invoke(call: Call): CallResult | Promise<CallResult> {
    return this.#running(call).invoke(call);
  }

  /** An object of a version of a library lives on one of its threads. */
  holds({ library, version }: FunctionDescription, object: string): boolean {
    return this.#versions.get(library)?.get(version)?.holds(object) === true;
  }

  /** Calls a stream. */
  async open(call: Call, itemLimit: Milliseconds): Promise<OpenedStream> {
    return await this.#running(call).open(call, itemLimit);
  }

  #running(call: Call): LibraryVersion {
    const { library, version } = call.function;
    const running = this.#versions.get(library)?.get(version);
    if (running === undefined) {
      if (call.home !== undefined && call.home.does !== 'begin') throw objectLostError(call);
      const { retryAfter } = this.#options.pool;
      throw new CallError('not-ready', `This version of ${library} is not served any more; call again.`, {
        retryAfter,
      });
    }
    return running;
  }

  /** A library says that cached results are out of date. Returns a function that ends the subscription. */
  onInvalidate(listener: (what: LibraryInvalidation) => void): () => void {
    this.#invalidateListeners.add(listener);
    return () => this.#invalidateListeners.delete(listener);
  }

  /** A library was loaded, replaced or removed, or its error changed. */
  onChange(listener: (library: string) => void): () => void {
    this.#changeListeners.add(listener);
    return () => this.#changeListeners.delete(listener);
  }

  /** Stops watching and all threads. Calls that have no result yet fail with 'not-ready'. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelPoll?.();
    this.#watcher.close();
    const reloads = [...this.#served.values()].flatMap((library) => library.pending() ?? []);
    for (const library of this.#served.values()) library.close();
    await this.#closeVersions();
    await Promise.all([...reloads, ...this.#retiring]);
    await this.#closeVersions();
  }

  async #closeVersions(): Promise<void> {
    const versions = [...this.#versions.values()].flatMap((ofLibrary) => [...ofLibrary.values()]);
    await Promise.all(versions.map((version) => version.close()));
  }

  /** Why a function is not there. */
  #refuse(library: string, what: string): never {
    const served = this.#served.get(library);
    if (served?.current !== undefined)
      throw new CallError('no-such-method', `${library} has ${what}; see /func/${library} for those it has.`);
    if (served?.error !== undefined) throw new CallError('library-failed', `${library} does not load: ${served.error}`);
    if (served !== undefined) {
      const { retryAfter } = this.#options.pool;
      throw new CallError('not-ready', `${library} is being loaded; come back later.`, { retryAfter });
    }
    throw new CallError(
      'no-such-library',
      `There is no library ${library.slice(0, 64)}; see /func for those there are.`,
    );
  }

  /** Counted from the change and not from who asks: a library that takes long to load holds up nobody who comes later. */
  #reloadOf(served: ServedLibrary, now: Instant): Promise<void> | undefined {
    const reload = served.pending(now);
    const left = until(after(served.changedAt, this.#options.reloadWait), now);
    return reload === undefined || left === 0 ? undefined : this.#bounded(reload, left);
  }

  #bounded(work: Promise<void>, span: Milliseconds): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.scheduler.after(span, resolve);
      void work.finally(() => {
        cancel();
        resolve();
      });
    });
  }

  #watch(): void {
    if (this.#closed || this.#watcher.watch([this.#options.folder])) return;
    this.#cancelPoll = this.#options.scheduler.after(this.#options.pollInterval, () => {
      this.#watch();
      this.#folderChanged(undefined);
    });
  }

  #folderChanged(name: string | undefined): void {
    if (this.#closed) return;
    const served = name === undefined ? undefined : this.#served.get(name);
    if (served !== undefined) served.touch();
    else if (name === undefined || (!name.startsWith('.') && !name.includes('.lock'))) void this.#scan();
  }

  /** Brings the set of libraries in line with the folder. */
  #scan(): Promise<void> {
    this.#scanning ??= this.#readFolder().finally(() => {
      this.#scanning = undefined;
    });
    return this.#scanning;
  }

  async #readFolder(): Promise<void> {
    const names = await readdir(this.#options.folder).catch((): string[] => []);
    for (const name of names.sort()) {
      if (this.#served.has(name) || name.startsWith('.') || ignoredFolders.has(name)) continue;
      const found = await stat(join(this.#options.folder, name)).catch(() => undefined);
      if (found?.isFile() === true) this.#reportFile(name);
      if (found?.isDirectory() !== true) continue;
      if (libraryNamePattern.test(name)) this.#discover(name);
      else this.#reportName(name);
    }
    for (const library of this.#served.values()) if (!names.includes(library.name)) library.touch();
  }

  /** A folder that may have been dropped in just now. Peers choose the name: the file system is asked of no other place. */
  #discover(name: string): ServedLibrary | undefined {
    if (this.#closed || !libraryNamePattern.test(name) || ignoredFolders.has(name)) return undefined;
    const found = statSync(join(this.#options.folder, name), { throwIfNoEntry: false });
    if (found?.isDirectory() !== true) return undefined;
    const turn = this.#ids.queue(name);
    const output = new LibraryOutput(name, this.#options.maxOutputPerSecond, this.#options.scheduler);
    const served = new ServedLibrary({
      name,
      options: this.#options,
      load: async (folder, entry, version) => {
        const loaded = await this.#turns.take(() => {
          if (this.#closed) throw new UsageError('library-load', 'it was closed while it waited to load.');
          return LibraryVersion.load({
            library: name,
            folder,
            entry,
            version,
            options: this.#options,
            budget: this.#budget,
            output,
            invalidated: (what) => {
              for (const listener of this.#invalidateListeners) listener({ library: name, ...what });
            },
          });
        });
        await turn.assign(loaded.exports);
        return loaded;
      },
      changed: (library, change) => this.#apply(library, change),
    });
    this.#served.set(name, served);
    served.touch();
    void served.pending()?.finally(turn.over);
    return served;
  }

  /** A library in one file is an easy mistake. Names with more dots are configuration and declarations. */
  #reportFile(name: string): void {
    const [, library = '', ending = ''] = /^([^.]+)\.(m?[jt]s|py)$/.exec(name) ?? [];
    if (!libraryNamePattern.test(library) || this.#reportedNames.has(name)) return;
    this.#reportedNames.add(name);
    const message = `${name} is not served: a library is a folder. If it is one, put it into ${library}/${ending === 'py' ? name : `index.${ending}`}.`;
    channels.library.publish({ library: name, state: 'ignored', functions: 0, message });
  }

  #reportName(name: string): void {
    if (this.#reportedNames.has(name)) return;
    this.#reportedNames.add(name);
    const message = `its name cannot stand in a path; rename the folder to lower-case letters, digits, "-" and "_", beginning with a letter, at most 64 characters.`;
    channels.library.publish({ library: name, state: 'failed', functions: 0, message });
  }

  #apply(library: ServedLibrary, change: LibraryChange): void {
    const { name } = library;
    if (change.kind === 'removed') {
      this.#served.delete(name);
      this.#catalogue.remove(name);
    } else {
      this.#catalogue.show(library, this.#ids.of(name));
    }
    if (change.kind === 'loaded') {
      const versions = this.#versions.get(name) ?? new Map<string, LibraryVersion>();
      // An edit was taken back: objects from before it are out of reach, and nothing waits for them.
      versions.get(change.version.version)?.disown();
      this.#versions.set(name, versions.set(change.version.version, change.version));
    }
    if ((change.kind === 'loaded' || change.kind === 'removed') && change.replaced !== undefined)
      this.#retire(name, change.replaced);
    const state = change.kind === 'mended' ? 'loaded' : change.kind;
    const functions = this.#catalogue.sizeOf(name);
    const isEmpty = state === 'loaded' && functions === 0;
    const message = isEmpty
      ? `${name} exports no function; write \`export\` before those that are to be called.`
      : library.error;
    channels.library.publish({ library: name, state, functions, message });
    for (const listener of this.#changeListeners) listener(name);
  }

  #retire(name: string, version: LibraryVersion): void {
    const retiring = version.retire(this.#options.linger).finally(() => {
      this.#retiring.delete(retiring);
      const versions = this.#versions.get(name);
      if (versions?.get(version.version) === version) versions.delete(version.version);
      if (versions?.size === 0) this.#versions.delete(name);
    });
    this.#retiring.add(retiring);
  }
}
