/** One version of a library's code: its threads, and its functions as data. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { channels } from '../core/channels.ts';
import { after, type Milliseconds } from '../core/duration.ts';
import { UsageError } from '../core/error.ts';
import type { CallError } from './call-error.ts';
import { streamError } from './call-failures.ts';
import { runInline, type InlineParts } from './inline-functions.ts';
import { dataFolderName, isPython } from './library-files.ts';
import { installHooks } from './runtimes/node/hooks.ts';
import { describeLoadError } from './runtimes/node/describe-load-error.ts';
import { loadModule, type Exports } from './runtimes/node/load-module.ts';
import { startThread } from './runtimes/node/thread.ts';
import { openStream, type OpenedStream } from './opened-stream.ts';
import { readManifest } from './runtimes/python/manifest.ts';
import { startPython } from './runtimes/python/process.ts';
import { WorkerPool } from './worker-pool.ts';
import type { Call, CallResult } from './call.ts';
import type { ExportDescription } from './export-description.ts';
import type { Invalidation } from './invalidation.ts';
import type { LibraryOutput } from './library-output.ts';
import type { RegistryOptions } from './registry-options.ts';
import type { WorkerLoss } from './worker-port.ts';
import type { WorkerBudget } from './worker-pool-options.ts';

export interface LibraryVersionParts {
  readonly library: string;
  /** With symbolic links resolved, as modules know it. */
  readonly folder: string;
  readonly entry: string;
  readonly version: string;
  readonly options: RegistryOptions;
  readonly budget: WorkerBudget;
  readonly output: LibraryOutput;
  readonly invalidated: (what: Invalidation) => void;
}

/** It did not load, and that took as long as it may: another time it may be quicker. */
export class SlowLoad extends UsageError {
  constructor(cause: UsageError) {
    super(cause.code, cause.message, { cause });
  }
}

export class LibraryVersion {
  readonly version: string;
  readonly title: string | undefined;
  readonly exports: readonly ExportDescription[];
  readonly #pool: WorkerPool;
  readonly #inline: InlineParts;

  private constructor(
    parts: LibraryVersionParts,
    pool: WorkerPool,
    inline: Exports,
    title: string | undefined,
    exports: readonly ExportDescription[],
  ) {
    this.version = parts.version;
    this.title = title;
    this.exports = exports;
    this.#pool = pool;
    this.#inline = {
      exports: inline,
      dataFolder: dataFolderOf(parts.folder),
      timeLimit: parts.options.pool.timeLimit,
      scheduler: parts.options.scheduler,
      invalidated: parts.invalidated,
    };
  }

  /** Starts the first thread of a version. @throws UsageError 'library-load' with file and line; `SlowLoad` */
  static async load(parts: LibraryVersionParts): Promise<LibraryVersion> {
    const { scheduler, pool: limits } = parts.options;
    const slowFrom = after(scheduler.now(), limits.loadLimit);
    const pool = createPool(parts);
    try {
      const { title, exports = [] } = await pool.open();
      const wantsInline = exports.some((exported) => exported.inline && exported.notCallable === undefined);
      const inline = wantsInline ? await loadInline(parts) : new Map<string, unknown>();
      return new LibraryVersion(parts, pool, inline, title, exports);
    } catch (error) {
      await pool.close();
      throw error instanceof UsageError && scheduler.now() >= slowFrom ? new SlowLoad(error) : error;
    }
  }

  invoke(call: Call): CallResult | Promise<CallResult> {
    if (call.function.stream === true) throw streamError(call.function);
    return call.function.inline ? runInline(call, this.#inline) : this.#pool.invoke(call);
  }

  /** An object lives on its thread. */
  holds(object: string): boolean {
    return this.#pool.holds(object);
  }

  open(call: Call, itemLimit: Milliseconds): Promise<OpenedStream> {
    return openStream(this.#pool, call, itemLimit, this.#inline.scheduler);
  }

  /** Finishes its calls, lingers, and stops its threads. */
  retire(linger: Milliseconds): Promise<void> {
    return this.#pool.retire(linger);
  }

  /** It does not wait for its objects to be let go of. */
  disown(): void {
    this.#pool.disown();
  }

  close(): Promise<void> {
    return this.#pool.close();
  }
}

const dataFolderOf = (folder: string): string => join(folder, dataFolderName);

function createPool(parts: LibraryVersionParts): WorkerPool {
  const { library, folder, entry, options, output } = parts;
  const worker = {
    library,
    folder,
    entry,
    dataFolder: dataFolderOf(folder),
    maxHeapMebibytes: options.pool.maxHeapMebibytes,
    printed: (stream: 'stdout' | 'stderr', text: string) => output.print(stream, text),
  };
  const manifest = isPython(entry) ? readManifest(folder) : undefined;
  return new WorkerPool({
    library,
    // A module's variables are those of one program, unless its author says that it may be several.
    options: manifest === undefined ? options.pool : { ...options.pool, maxWorkers: manifest.processes },
    budget: parts.budget,
    scheduler: options.scheduler,
    start: (start, listener) =>
      manifest === undefined
        ? startThread({ ...worker, priorityAddon: options.priorityAddon }, start, listener)
        : startPython({ ...worker, manifest, python: options.python }, start, listener),
    invalidated: parts.invalidated,
    lost: (loss) => publishLoss(library, loss),
    endedBadly: publishEnd,
  });
}

const hookedFolders = new Set<string>();

async function loadInline(parts: LibraryVersionParts): Promise<Exports> {
  const folderUrl = `${pathToFileURL(parts.folder).href}/`;
  if (!hookedFolders.has(folderUrl)) {
    hookedFolders.add(folderUrl);
    installHooks(folderUrl);
  }
  try {
    return await loadModule(parts.entry, parts.version);
  } catch (error) {
    throw new UsageError('library-load', await describeLoadError(error, parts.folder, parts.entry), { cause: error });
  }
}

function publishEnd(
  { function: { library, method }, correlationId }: Call,
  { code, message, details }: CallError,
): void {
  // Its thread is told of itself, and a library that is closed has no objects to let go of.
  if (code !== 'function-failed' && code !== 'time-limit') return;
  channels.functionFailed.publish({
    target: `${library}/${method}`,
    problem: code,
    message,
    stack: details.remote?.stack,
    correlationId,
  });
}

function publishLoss(library: string, loss: WorkerLoss): void {
  if (!channels.functionFailed.hasSubscribers) return;
  const told =
    loss.kind === 'crashed'
      ? `${loss.name}: ${loss.message}`
      : loss.kind === 'memory'
        ? 'out of memory'
        : loss.kind === 'process'
          ? `its process ended ${loss.how}`
          : `process.exit(${loss.exitCode})`;
  channels.functionFailed.publish({
    target: library,
    problem: loss.kind === 'memory' ? 'memory-limit' : 'worker-lost',
    message: `A thread of ${library} ended: ${told}. It is replaced.`,
    stack: loss.kind === 'crashed' ? loss.stack : undefined,
    correlationId: '',
  });
}
