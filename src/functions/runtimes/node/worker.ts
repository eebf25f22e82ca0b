/**
 * The thread that runs one version of one library. Started by thread.ts; see messages.ts.
 *
 * A result is posted before the next call starts, of the same batch or another: that call may never
 * end, and the result must not wait for it. What becomes due while nothing computes leaves in one batch.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { pathToFileURL } from 'node:url';
import { RunningCall, setThreadHost } from '../../call-context.ts';
import { InternalError } from '../../../core/error.ts';
import { installHooks } from './hooks.ts';
import { describeLoadError, isCallable, loadModule, type Exports } from './load-module.ts';
import { runCall, type Outcome } from './run-call.ts';
import type { Invalidation } from '../../invalidation.ts';
import { slotState, type FromWorker, type RunMessage, type ToWorkerBatch, type WorkerStart } from './messages.ts';
import { timeOfDay } from './time-of-day.ts';

if (parentPort === null) throw new InternalError('not-a-worker', 'worker.ts runs in a worker thread only.');
const port = parentPort;
const start = workerData as WorkerStart;
/** Calls that have yielded. */
const running = new Map<number, RunningCall>();
let outbox: FromWorker[] = [];
let flushing = false;

function flush(): void {
  flushing = false;
  if (outbox.length === 0) return;
  const batch = outbox;
  outbox = [];
  port.postMessage(batch);
}

function say(message: FromWorker): void {
  outbox.push(message);
  if (flushing) return;
  flushing = true;
  setImmediate(flush);
}

const invalidate = (what: Invalidation): void => say({ kind: 'invalidate', what });
setThreadHost({ invalidate });

function settle(id: number, slot: number, outcome: Outcome): void {
  running.delete(id);
  Atomics.store(start.claims, slot, slotState.free);
  say({ id, ...outcome });
}

function run(exports: Exports, message: RunMessage, sentAt: number): void {
  const { id, slot } = message;
  if (Atomics.compareExchange(start.claims, slot, slotState.offered, slotState.taken) !== slotState.offered) {
    Atomics.store(start.claims, slot, slotState.free);
    say({ kind: 'heard', id });
    return;
  }
  const callable = exports.get(message.method);
  if (!isCallable(callable)) {
    const failure = {
      problem: 'no-such-method',
      message: `The library has no function ${message.method}.`,
      parameter: undefined,
      thrown: undefined,
    } as const;
    settle(id, slot, { kind: 'failed', failure });
    return;
  }
  const call = new RunningCall({
    library: start.library,
    identity: message.identity,
    peer: message.peer,
    correlationId: message.correlationId,
    deadline: Math.min(sentAt + message.remaining, timeOfDay() + message.timeLimit),
    dataFolder: start.dataFolder,
    invalidate,
  });
  const outcome = runCall(callable, message.args, call);
  if (!(outcome instanceof Promise)) {
    settle(id, slot, outcome);
    return;
  }
  running.set(id, call);
  say({ kind: 'yielded', id });
  // runCall never rejects.
  void outcome.then((settled) => settle(id, slot, settled));
}

function receive(exports: Exports, { at, messages }: ToWorkerBatch): void {
  for (const message of messages) {
    if (message.kind === 'abort') {
      running.get(message.id)?.abort(message.reason);
      say({ kind: 'heard', id: message.id });
      continue;
    }
    flush();
    run(exports, message, at);
  }
}

async function main(): Promise<void> {
  try {
    installHooks(`${pathToFileURL(start.folder).href}/`);
    // Read before it is run: a mistake in the file is told with its line.
    const reader = start.describe ? await import('./describe-exports.ts') : undefined;
    const declared = reader?.readDeclarations(start.entry);
    const exports = await loadModule(start.entry);
    const described = declared === undefined ? undefined : reader?.describeExports(start.entry, declared, exports);
    port.on('message', (batch: ToWorkerBatch) => {
      receive(exports, batch);
    });
    say({ kind: 'loaded', title: described?.title, exports: described?.exports });
  } catch (thrown) {
    say({ kind: 'load-failed', failure: { message: describeLoadError(thrown, start.folder, start.entry) } });
  }
}

await main();
