/**
 * The thread that runs one version of one library. Started by thread.ts; see messages.ts.
 *
 * A result is written before the next call starts, which may never end; the gateway is told of many at once, and looks by
 * itself while somebody computes. What becomes due while nothing computes is told at the end of the turn.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { pathToFileURL } from 'node:url';
import { RunningCall, setThreadHost, type CallerFacts, type CallFacts, type References } from '../../call-context.ts';
import { Returned } from '../../returned.ts';
import { InternalError } from '../../../core/error.ts';
import type { Value } from '../../../core/value.ts';
import { instanceModesOf } from '../../description.ts';
import { installHooks } from './hooks.ts';
import { isCallable, loadModule, type Exports } from './load-module.ts';
import { ObjectTable } from './object-table.ts';
import { OpenStreams } from './open-streams.ts';
import { runCall, type Outcome } from './run-call.ts';
import type { Invalidation } from '../../invalidation.ts';
import { callerOf, RunReader, writeDone, writeSign, type ArrivedRun } from './call-frames.ts';
import { Link, type Parcel } from './link.ts';
import { slotState, type CallFailure, type FromWorker, type ToWorker, type WorkerStart } from './messages.ts';
import { lowerPriority } from './thread-priority.ts';
import { timeOfDay } from './time-of-day.ts';

if (parentPort === null) throw new InternalError('not-a-worker', 'worker.ts runs in a worker thread only.');
const port = parentPort;
const start = workerData as WorkerStart;
/** Calls that have yielded. */
const running = new Map<number, RunningCall>();
let exports: Exports = new Map();
let receiving = false;
const objects = new ObjectTable();
/** Some argument of the run that is being read refers to an object that is not there any more. */
let absent: string | undefined;
const runs = new RunReader();
const streams = new OpenStreams(
  (name) => {
    const named = exports.get(name);
    return isCallable(named) ? named : objects.streaming(name);
  },
  (call, ended) => objects.ending(call, ended),
);
const link: Link = new Link({
  incoming: start.incoming,
  outgoing: start.outgoing,
  post: (parcel, transfer) => port.postMessage(parcel, transfer),
  frame: (reader) => run(runs.read(reader)),
  fromReference: (id) => {
    const object = objects.argument(id);
    if (object === undefined) absent = id;
    // What functions are given is data, but for this.
    return object as Value;
  },
  message: (message) => abort(message as Extract<ToWorker, { kind: 'abort' }>),
});
/** When the first thing was said of which the gateway has not been told yet: 0 where there is none. */
let untoldSince = 0;
let telling = false;

function tell(): void {
  telling = false;
  untoldSince = 0;
  link.wake();
}

/** Something was said. Who computes right now tells it with the rest; see `receive`. */
function said(): void {
  if (untoldSince === 0) untoldSince = timeOfDay();
  if (telling || receiving) return;
  telling = true;
  setImmediate(tell);
}

/** A parcel wakes by itself. */
const say = (message: FromWorker): void => link.sendMessage(message);

const invalidate = (what: Invalidation): void => say({ kind: 'invalidate', what });
setThreadHost({ invalidate });

/** A class and no literal with a getter: of each such literal V8 makes a new shape, which lives on after it. */
class ArrivedFacts implements CallFacts {
  readonly library: string = start.library;
  readonly dataFolder: string = start.dataFolder;
  readonly invalidate: CallFacts['invalidate'] = invalidate;
  readonly deadline: number;
  readonly #caller: string;

  constructor(caller: string, deadline: number) {
    this.#caller = caller;
    this.deadline = deadline;
  }

  get caller(): CallerFacts {
    return callerOf(this.#caller);
  }
}

function settle(id: number, slot: number, outcome: Outcome, references?: References): void {
  running.delete(id);
  Atomics.store(start.claims, slot, slotState.free);
  if (outcome.kind === 'done') {
    const given = references?.given;
    writeDone(link.begin(), id, Returned.of(outcome.value, given !== undefined), outcome, given);
    link.send();
  } else {
    references?.takeBack();
    say({ id, ...outcome });
  }
  said();
}

function sign(what: 'yielded' | 'heard', id: number): void {
  writeSign(link.begin(), what, id);
  link.send();
  said();
}

function run(message: ArrivedRun): void {
  const { id, slot } = message;
  const missing = absent;
  absent = undefined;
  if (Atomics.compareExchange(start.claims, slot, slotState.offered, slotState.taken) !== slotState.offered) {
    Atomics.store(start.claims, slot, slotState.free);
    sign('heard', id);
    return;
  }
  const named = exports.get(message.method);
  const step = named === undefined ? streams.find(message.method) : undefined;
  const callable = named ?? step ?? objects.operation(message.method);
  if (!isCallable(callable) || missing !== undefined) {
    settle(id, slot, { kind: 'failed', failure: missing === undefined ? noMethod(message.method) : noObject(missing) });
    return;
  }
  const now = timeOfDay();
  // The gateway looks by itself while somebody computes (thread.ts); a row of short calls is told of in between.
  if (untoldSince !== 0 && untoldSince !== now) tell();
  const facts = new ArrivedFacts(message.caller, Math.min(message.at + message.remaining, now + message.timeLimit));
  const call = new RunningCall(facts, objects.hasClasses ? objects.references(facts, step !== undefined) : undefined);
  const outcome = runCall(callable, message.args, call);
  if (!(outcome instanceof Promise)) {
    settle(id, slot, outcome, call.references);
    return;
  }
  running.set(id, call);
  sign('yielded', id);
  // runCall never rejects.
  void outcome.then((settled) => settle(id, slot, settled, call.references));
}

const noMethod = (method: string): CallFailure => ({
  problem: 'no-such-method',
  message: `The library has no function ${method}.`,
  parameter: undefined,
  thrown: undefined,
});

const noObject = (id: string): CallFailure => ({
  problem: 'no-such-object',
  message: `The object /o/${id} was not there any more when the function was to run; make another one.`,
  parameter: undefined,
  thrown: undefined,
});

function abort({ id, reason }: Extract<ToWorker, { kind: 'abort' }>): void {
  running.get(id)?.abort(reason);
  sign('heard', id);
}

function take(read: () => boolean): void {
  // What was said between two turns is not to wait for a call that may never end.
  tell();
  receiving = true;
  if (!read()) setImmediate(takeRest);
  receiving = false;
  tell();
}

const receive = (parcel: Parcel): void => take(() => link.accept(parcel));
const takeRest = (): void => take(() => link.drain());

async function main(): Promise<void> {
  try {
    installHooks(`${pathToFileURL(start.folder).href}/`);
    // Read before it is run: a mistake in the file is told with its line.
    const reader = start.describe ? await import('./describe-exports.ts') : undefined;
    const declared = reader?.readDeclarations(start.entry);
    exports = await loadModule(start.entry);
    // A promise that was rejected meanwhile, and that nobody caught, ends the thread in this turn: it has not loaded then.
    await new Promise(setImmediate);
    const described = declared === undefined ? undefined : reader?.describeExports(start.entry, declared, exports);
    exports = objects.callables(
      exports,
      described === undefined ? start.instances : instanceModesOf(described.exports),
    );
    port.on('message', receive);
    // Not before: loading has a limit of its own, and on a busy machine would not keep it.
    lowerPriority(start.priorityAddon);
    say({ kind: 'loaded', title: described?.title, exports: described?.exports });
  } catch (thrown) {
    const { describeLoadError } = await import('./describe-load-error.ts');
    say({ kind: 'load-failed', failure: { message: await describeLoadError(thrown, start.folder, start.entry) } });
  }
}

await main();
