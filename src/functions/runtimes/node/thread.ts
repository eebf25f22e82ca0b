/**
 * One worker thread of a library's version, as the pool sees it.
 *
 * Memory: V8 aborts the whole process when a thread reaches its heap limit faster than it can be
 * told to stop (measured: a Map that grows without end). So the limit is enforced by looking at the
 * heap while calls run, and V8's own limit, `hardLimitFactor` times as high, is the last resort.
 */
import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { timeOfDay } from './time-of-day.ts';
import { readFromWorker, RunWriter } from './call-frames.ts';
import { placeIn } from './describe-load-error.ts';
import { Link } from './link.ts';
import type { FromWorker, WorkerStart } from './messages.ts';
import { createRing } from './ring.ts';
import type { StartWorkerOptions, WorkerListener, WorkerLoss, WorkerPort } from '../../worker-port.ts';

export interface ThreadOptions {
  readonly library: string;
  readonly folder: string;
  readonly entry: string;
  readonly dataFolder: string;
  readonly maxHeapMebibytes: number;
  /** The file of an addon that can lower a thread's priority; undefined where there is none. */
  readonly priorityAddon: string | undefined;
  readonly printed: (stream: 'stdout' | 'stderr', text: string) => void;
}

const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
const hardLimitFactor = 8;
const mebibyte = 1_048_576;
/** How long a finished call waits at most behind one that computes. No RFC's number. */
const lookEveryMs = 1;

// V8's loop unrolling drops the check by which a thread is stopped, at least up to V8 13.6: with it
// `for (;;) new Array(1000).fill(1.5)` runs on after terminate(). Its gain is a few per cent in small loops.
setFlagsFromString('--no-turboshaft-loop-unrolling');

const workerUrl = new URL(`./worker${extension}`, import.meta.url);

export function startThread(options: ThreadOptions, start: StartWorkerOptions, listener: WorkerListener): WorkerPort {
  const claims = new Int32Array(new SharedArrayBuffer(start.slots * Int32Array.BYTES_PER_ELEMENT));
  const workerData: WorkerStart = {
    library: options.library,
    folder: options.folder,
    entry: options.entry,
    dataFolder: options.dataFolder,
    describe: start.describe,
    instances: start.instances ?? new Map(),
    claims,
    incoming: createRing(),
    outgoing: createRing(),
    priorityAddon: options.priorityAddon,
  };
  const worker = new Worker(workerUrl, {
    workerData,
    name: `funcoap ${options.library}`,
    // Not the gateway's own flags: only that node:sqlite and type stripping do not print their warnings.
    execArgv: ['--disable-warning=ExperimentalWarning'],
    argv: [],
    stdin: false,
    stdout: true,
    stderr: true,
    resourceLimits: {
      maxOldGenerationSizeMb: options.maxHeapMebibytes * hardLimitFactor,
      maxYoungGenerationSizeMb: 16,
    },
  });
  worker.stdout.setEncoding('utf8').on('data', (text: string) => options.printed('stdout', text));
  worker.stderr.setEncoding('utf8').on('data', (text: string) => options.printed('stderr', text));

  let ended = false;
  const lose = (loss: WorkerLoss): void => {
    if (ended) return;
    // What it said before it ended counts.
    if (loss.kind !== 'memory') listen();
    if (ended) return;
    ended = true;
    listener.lost(loss);
  };
  let batch: FromWorker[] = [];
  /** It has said something: how it loads does not matter any more. */
  let loaded = false;
  const link = new Link({
    outgoing: workerData.incoming,
    incoming: workerData.outgoing,
    // Sent after the end, it is lost without an error.
    post: (parcel, transfer) => worker.postMessage(parcel, transfer),
    frame: (reader) => batch.push(readFromWorker(reader)),
    message: (message) => {
      loaded = true;
      batch.push(message as FromWorker);
    },
  });
  /** Hands on what has come in one batch. */
  const hear = (read: () => boolean): void => {
    if (ended) return;
    let broken: unknown;
    try {
      if (!read()) setImmediate(listen);
    } catch (error) {
      // Nothing that comes after it can be understood.
      broken = error;
    }
    const heard = batch;
    batch = [];
    try {
      if (heard.length > 0) listener.received(heard);
    } catch (error) {
      // A library can say what no worker says: that ends its thread, not the gateway.
      broken ??= error;
    }
    if (broken === undefined || ended) return;
    ended = true;
    listener.lost(describeLoss(broken, options.folder));
  };
  const listen = (): void => hear(() => link.drain());
  worker.on('message', (parcel: unknown) => hear(() => link.accept(parcel)));

  let looking: NodeJS.Timeout | undefined;
  /**
   * While the thread computes it wakes nobody, and it may never end what it computes: what it finished before is looked for.
   */
  const look = (): void => {
    looking = undefined;
    listen();
    watch();
  };
  const watch = (): void => {
    if (!ended && !link.otherSleeps) looking ??= setTimeout(look, lookEveryMs);
  };
  const runs = new RunWriter();
  let flushing = false;
  const flush = (): void => {
    flushing = false;
    link.wake();
    watch();
  };
  worker.on('error', (error: unknown) => lose(describeLoss(error, options.folder)));
  worker.on('messageerror', (error) => lose(describeLoss(error, options.folder)));
  const gone = new Promise<void>((resolve) => {
    worker.on('exit', (exitCode) => {
      lose({ kind: 'exited', exitCode });
      resolve();
    });
  });
  let checking = false;
  /** What the thread's processor time was when it last said; one that gets none says nothing. */
  let processorMs = 0;
  const checkMemory = (): void => {
    if (checking || ended) return;
    checking = true;
    const check = async (): Promise<void> => {
      const { used_heap_size: used } = await worker.getHeapStatistics();
      if (used > options.maxHeapMebibytes * mebibyte) lose({ kind: 'memory' });
      if (loaded || !('cpuUsage' in worker)) return;
      const { user, system } = await worker.cpuUsage();
      processorMs = (user + system) / 1000;
    };
    // Refused only before the thread has begun and while it ends, which is told by itself.
    check()
      .catch(() => undefined)
      .finally(() => {
        checking = false;
      });
  };
  return {
    claims,
    checkMemory,
    starvedIn: (span) => {
      const { idle } = worker.performance.eventLoopUtilization();
      return 'cpuUsage' in worker && processorMs < span / 2 && idle < span / 2;
    },
    post: (message) => {
      if (message.kind === 'run') {
        runs.write(link.begin(), message, timeOfDay());
        link.send();
      } else {
        link.sendMessage(message);
      }
      if (flushing) return;
      flushing = true;
      setImmediate(flush);
    },
    terminate: async () => {
      ended = true;
      clearTimeout(looking);
      await worker.terminate();
      await gone;
    },
  };
}

function describeLoss(error: unknown, folder: string): WorkerLoss {
  if (!(error instanceof Error)) return { kind: 'crashed', name: 'Thrown', message: String(error), stack: undefined };
  if ('code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY') return { kind: 'memory' };
  const { name, message, stack } = error;
  return { kind: 'crashed', name, message, stack, place: placeIn(stack ?? '', folder) };
}
