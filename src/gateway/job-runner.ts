/**
 * Runs the jobs of the store, some at a time, as calls like any other: the same arguments' check, access rules, cache and
 * functions. What the job was asked with is all it needs, so that any process runs what any has taken.
 *
 * Whoever asked may have been revoked since: what waits then fails instead of running, and what runs is told to stop, and its result
 * is not kept.
 *
 * What has begun and has side effects is never begun again: where it is not known what came of it, the job has failed.
 */
import type { CachedResult } from '../cache/cacheable.ts';
import { contentFormat } from '../cbor/content-format.ts';
import type { Scheduler } from '../core/clock.ts';
import { after, seconds, type Milliseconds } from '../core/duration.ts';
import { anonymous, type Principal } from '../core/principal.ts';
import { later, type TimeOfDay } from '../core/time-of-day.ts';
import { CallError, type ProblemName } from '../functions/call-error.ts';
import type { Caller, Invoker } from '../functions/call.ts';
import type { EndedJob, JobLimits, JobOrder, JobOutcome, JobStore } from '../functions/job-store.ts';
import type { AccessRules } from './access-rules.ts';
import { boundCall, type BindingParts } from './bound-call.ts';
import { representationOf, type FunctionDirectory } from './call-terms.ts';
import { isStillEnrolled, type EnrolledPeers } from './enrolled-peers.ts';
import { asCallError, reportFault } from './faults.ts';
import { tellOngoing } from './ongoing.ts';

export interface JobRunnerOptions extends BindingParts {
  readonly directory: FunctionDirectory;
  readonly invoker: Invoker;
  readonly access: AccessRules;
  /** Undefined while nobody is enrolled. */
  readonly enrolled: () => EnrolledPeers | undefined;
  readonly scheduler: Scheduler;
  readonly timeOfDay: () => TimeOfDay;
  /** At a time, in this process. */
  readonly maxRunning: number;
  /** For functions that declare no limit of their own. */
  readonly timeLimit: Milliseconds;
  /** How long what came of a job is kept. */
  readonly retention: Milliseconds;
  readonly limits: JobLimits;
}

/** What cannot run yet is tried again after this. No RFC's number. */
const pause = seconds(1);

export class JobRunner {
  readonly #options: JobRunnerOptions;
  readonly #store: JobStore;
  readonly #running = new Map<string, AbortController>();
  #claiming = false;
  #wanted = false;
  #resume: (() => void) | undefined;
  #closed = false;

  constructor(options: JobRunnerOptions, store: JobStore) {
    this.#options = options;
    this.#store = store;
  }

  get running(): number {
    return this.#running.size;
  }

  /** Begins what there is room for. */
  wake(): void {
    this.#wanted = true;
    if (this.#claiming || this.#resume !== undefined) return;
    this.#claiming = true;
    void this.#claim()
      .catch((error: unknown) => {
        reportFault(asCallError(error), error, { target: 'j', correlationId: '' });
        this.#rest();
      })
      .finally(() => {
        this.#claiming = false;
        if (this.#wanted) this.wake();
      });
  }

  /** Jobs that were removed are stopped, whoever removed them. */
  async stopRemoved(): Promise<void> {
    for (const [id, controller] of this.#running) if ((await this.#store.state(id)) === undefined) controller.abort();
  }

  /** Begins nothing more; what runs goes on. */
  close(): void {
    this.#closed = true;
    this.#resume?.();
  }

  async #claim(): Promise<void> {
    const { maxRunning } = this.#options;
    this.#wanted = false;
    while (!this.#closed && this.#resume === undefined && this.#running.size < maxRunning) {
      const order = await this.#store.claim();
      if (order === undefined) return;
      const controller = new AbortController();
      this.#running.set(order.id, controller);
      const release = this.#whileEnrolled(order, controller);
      void this.#run(order, controller.signal)
        .catch((error: unknown) => reportFault(asCallError(error), error, named(order)))
        .finally(() => {
          release();
          this.#running.delete(order.id);
          this.wake();
        });
    }
  }

  /** @returns what ends that */
  #whileEnrolled(order: JobOrder, controller: AbortController): () => void {
    if (order.enrolled === undefined) return () => undefined;
    const look = (): void => {
      if (!this.#isEnrolled(order)) controller.abort(ended());
    };
    // Of an identity whose keys are rotated, the new one is known a moment later.
    return this.#options.enrolled()?.onEnd(() => queueMicrotask(look)) ?? ((): void => undefined);
  }

  #isEnrolled(order: JobOrder): boolean {
    return isStillEnrolled(order, this.#options.enrolled());
  }

  async #run(order: JobOrder, signal: AbortSignal): Promise<void> {
    const call = { function: order, caller: order, correlationId: order.correlationId };
    tellOngoing('job', 'started', call);
    const problem = await this.#finish(order, signal);
    tellOngoing('job', 'ended', call, problem);
  }

  /** @returns what it ended with, where that is a problem */
  async #finish(order: JobOrder, signal: AbortSignal): Promise<ProblemName | undefined> {
    const { limits, timeOfDay, retention } = this.#options;
    const outcome = await this.#outcome(order, signal);
    if (signal.aborted && revocationOf(signal) === undefined) return 'cancelled';
    if (outcome === 'not begun') {
      this.#rest();
      await this.#store.putBack(order.id);
      return 'overloaded';
    }
    const endedWith = (what: JobOutcome): EndedJob => ({ outcome: what, keepUntil: later(timeOfDay(), retention) });
    if ((await this.#store.finish(order.id, endedWith(outcome), limits)) !== 'full')
      return outcome.state === 'failed' ? outcome.problem : undefined;
    const message = 'There is no room for the result; fetch and remove results, or raise jobs.bytes.';
    await this.#store.finish(order.id, endedWith({ state: 'failed', problem: 'job-lost', message }), limits);
    return 'job-lost';
  }

  async #outcome(order: JobOrder, signal: AbortSignal): Promise<JobOutcome | 'not begun'> {
    const progress = { begun: false };
    try {
      const result = await this.#call(order, signal, progress);
      const revoked = revocationOf(signal);
      return revoked === undefined ? outcomeOf(result, order.format) : failureOf(revoked);
    } catch (thrown) {
      const revoked = revocationOf(signal);
      if (revoked !== undefined) return failureOf(revoked);
      const error = asCallError(thrown);
      const isBusy = error.code === 'overloaded' || error.code === 'not-ready';
      // A full queue refuses what has not begun; a version that is closed may have begun it.
      const mayRunAgain = order.safe || !progress.begun || error.code === 'overloaded';
      if (isBusy && mayRunAgain) return 'not begun';
      if (!signal.aborted) reportFault(error, thrown, named(order));
      return isBusy ? lost : failureOf(error);
    }
  }

  async #call(order: JobOrder, signal: AbortSignal, progress: { begun: boolean }): Promise<CachedResult> {
    const { directory, access, cache, invoker, scheduler } = this.#options;
    if (!this.#isEnrolled(order)) throw ended();
    await directory.pending(order.library, scheduler.now());
    const fn = directory.find(order.library, order.method);
    const { identity, groups, enrolled, peer } = order;
    const principal: Principal | undefined =
      identity === anonymous.name ? undefined : { name: identity, groups, enrolled };
    const caller: Caller = { identity, groups, enrolled, peer };
    access.of(principal).checkFunction(fn, { caller });
    if (order.safe && !fn.safe) {
      throw new CallError(
        'not-safe',
        `${fn.library}/${fn.method} was safe when the job was taken, and is not any more.`,
      );
    }
    const { args, question } = await boundCall(fn, order, this.#options);
    // What a function makes of an address is this job's alone.
    const asker = { key: `job ${order.id}`, remote: { address: order.peer, port: 0 }, principal };
    const timeLimit = fn.timeLimit ?? this.#options.timeLimit;
    for (;;) {
      const now = scheduler.now();
      let isOwn = false;
      const compute = (): ReturnType<Invoker['invoke']> => {
        isOwn = true;
        const deadline = after(now, timeLimit);
        const { correlationId } = order;
        const result = invoker.invoke({ function: fn, args, caller, correlationId, deadline, timeLimit, signal });
        progress.begun = true;
        return result;
      };
      try {
        return cache.recall(question, asker, now) ?? (await cache.ask(question, asker, now, compute));
      } catch (error) {
        // Somebody else's call, which had less time or was given up.
        const isTheirs = error instanceof CallError && (error.code === 'time-limit' || error.code === 'cancelled');
        if (isOwn || !isTheirs || signal.aborted) throw error;
      }
    }
  }

  #rest(): void {
    if (this.#closed || this.#resume !== undefined) return;
    this.#resume = this.#options.scheduler.after(pause, () => {
      this.#resume = undefined;
      this.wake();
    });
  }
}

const named = ({ library, method, correlationId }: JobOrder): { target: string; correlationId: string } => ({
  target: `${library}/${method}`,
  correlationId,
});

/** @throws CallError `unencodable-result` */
export function outcomeOf(result: CachedResult, format: number): JobOutcome {
  const { bytes: cbor } = representationOf(result, contentFormat.cbor);
  const shown = format === contentFormat.cbor ? undefined : representationOf(result, format).bytes;
  return { state: 'done', cbor, shown };
}

const ended = (): CallError =>
  new CallError('identity-needed', 'Who asked for the job is not enrolled any more, so it was not run to its end.');

/** Why it was stopped, where that was not asked for. */
const revocationOf = ({ reason }: AbortSignal): CallError | undefined =>
  reason instanceof CallError ? reason : undefined;

const lost: JobOutcome = {
  state: 'failed',
  problem: 'job-lost',
  message: 'The gateway stopped or changed the library while it ran the job; what it did until then is not known.',
};

function failureOf({ code, message, details: { remote } }: CallError): JobOutcome {
  const told = remote && { name: remote.name, message: remote.message, stack: remote.stack };
  return { state: 'failed', problem: code, message, remote: told };
}
