/**
 * Functions that are declared `inline`: they run in the I/O thread, without a worker's cost and
 * without its protection. Only what their code awaits can be limited in time.
 */
import type { Scheduler } from '../core/clock.ts';
import { after, until, type Milliseconds } from '../core/duration.ts';
import type { Value } from '../core/value.ts';
import { cancelledError, functionError, timeLimitError } from './call-failures.ts';
import { RunningCall, type CallerFacts, type CallFacts } from './call-context.ts';
import { CallError } from './call-error.ts';
import { isCallable, type Exports } from './runtimes/node/load-module.ts';
import { runCall, type Outcome } from './runtimes/node/run-call.ts';
import { timeOfDay } from './runtimes/node/time-of-day.ts';
import { PackedArguments } from './packed-arguments.ts';
import { Returned } from './returned.ts';
import type { Call, CallResult } from './call.ts';
import type { Invalidation } from './invalidation.ts';

export interface InlineParts {
  readonly exports: Exports;
  readonly dataFolder: string;
  readonly timeLimit: Milliseconds;
  readonly scheduler: Scheduler;
  readonly invalidated: (what: Invalidation) => void;
}

/** A class and no literal with a getter: of each such literal V8 makes a new shape, which lives on after it. */
class InlineFacts implements CallFacts {
  readonly deadline: number;
  readonly #call: Call;
  readonly #parts: InlineParts;

  constructor(call: Call, deadline: number, parts: InlineParts) {
    this.#call = call;
    this.deadline = deadline;
    this.#parts = parts;
  }

  get library(): string {
    return this.#call.function.library;
  }

  get caller(): CallerFacts {
    const { caller, correlationId } = this.#call;
    return { ...caller, correlationId };
  }

  get dataFolder(): string {
    return this.#parts.dataFolder;
  }

  get invalidate(): CallFacts['invalidate'] {
    return this.#parts.invalidated;
  }
}

/** The function may change what it is given, and the same arguments may be asked for again. */
function ownCopy(args: Call['args']): readonly Value[] {
  if (args instanceof PackedArguments) return args.values;
  return args.some((arg) => typeof arg === 'object' && arg !== null) ? structuredClone(args) : args;
}

/** Returns at once where the function does. Throws and rejects with a `CallError`. */
export function runInline(call: Call, parts: InlineParts): CallResult | Promise<CallResult> {
  const { scheduler } = parts;
  const callable = parts.exports.get(call.function.method);
  if (!isCallable(callable))
    throw new CallError('no-such-method', `${call.function.library} has no function ${call.function.method}.`);
  if (call.signal?.aborted === true) throw cancelledError(call);
  const startedAt = scheduler.now();
  const limit = call.timeLimit ?? call.function.timeLimit ?? parts.timeLimit;
  const limitAt = Math.min(after(startedAt, limit), call.deadline) as typeof startedAt;
  const running = new RunningCall(new InlineFacts(call, timeOfDay() + until(limitAt, startedAt), parts));
  const outcome = runCall(callable, ownCopy(call.args), running);
  return outcome instanceof Promise ? withinLimit(outcome).then(resultOf) : resultOf(outcome);

  function resultOf(settled: Outcome): CallResult {
    if (settled.kind === 'failed') throw functionError(call, settled.failure);
    const { value, readCaller, tags } = settled;
    const ran = (scheduler.now() - startedAt) as Milliseconds;
    return { value, returned: Returned.of(value), readCaller, tags, queued: 0 as Milliseconds, ran };
  }

  function withinLimit(pending: Promise<Outcome>): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const giveUp = (error: CallError): void => {
        cleanUp();
        running.abort(error.message);
        reject(error);
      };
      const onAbort = (): void => giveUp(cancelledError(call));
      const cancelTimer = scheduler.after(until(limitAt, scheduler.now()), () => giveUp(timeLimitError(call, limit)));
      const cleanUp = (): void => {
        cancelTimer();
        call.signal?.removeEventListener('abort', onAbort);
      };
      call.signal?.addEventListener('abort', onAbort, { once: true });
      // runCall never rejects.
      void pending.then((result) => {
        cleanUp();
        resolve(result);
      });
    });
  }
}
