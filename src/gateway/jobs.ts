/**
 * Jobs: calls that are taken now, run when there is room, and whose results are fetched later (docs/jobs.md). Every door gives them
 * here; the store outlasts the process and is the same for all processes.
 *
 * The store is opened with the first job, or at once where one is there: a gateway that is never asked for a job makes no file.
 */
import { toBase64Url } from '../cbor/base64url.ts';
import { contentFormat } from '../cbor/content-format.ts';
import { encodeRepresentation } from '../cbor/representation.ts';
import type { Asker } from '../cache/asker.ts';
import { seconds } from '../core/duration.ts';
import { later } from '../core/time-of-day.ts';
import type { Value } from '../core/value.ts';
import { streamError } from '../functions/call-failures.ts';
import { CallError } from '../functions/call-error.ts';
import type { Caller } from '../functions/call.ts';
import type { FunctionDescription } from '../functions/description.ts';
import { Returned } from '../functions/returned.ts';
import type { Job, JobOutcome, JobState, JobStore, JobSummary } from '../functions/job-store.ts';
import { boundCall, type GivenArguments } from './bound-call.ts';
import { anonymousNetwork } from './anonymous-network.ts';
import { asCallError, reportFault } from './faults.ts';
import { tellOngoing } from './ongoing.ts';
import { JobRunner, outcomeOf, type JobRunnerOptions } from './job-runner.ts';
import { stopping } from './stopping.ts';

/** What the operator decides. */
export interface JobSettings extends Pick<JobRunnerOptions, 'maxRunning' | 'timeLimit' | 'retention' | 'limits'> {
  /** Asked once, when the first job comes. @throws UsageError */
  readonly openStore: () => JobStore;
  /** Whether there is one: of an earlier process, or of another one of this gateway. */
  readonly hasStore: () => boolean;
}

export interface JobsOptions extends Omit<JobRunnerOptions, keyof JobSettings>, JobSettings {
  readonly randomBytes: (length: number) => Uint8Array;
}

export interface JobRequest extends GivenArguments {
  readonly fn: FunctionDescription;
  /** Of the result, where who fetches it asks for no other. */
  readonly format: number;
  readonly caller: Caller;
  readonly asker: Asker;
  readonly correlationId: string;
}

export interface TakenJob {
  readonly id: string;
  /** In seconds; 0 where it has ended already. */
  readonly comeBack: number;
}

interface Watched {
  state: JobState;
  readonly listeners: Set<() => void>;
}

/** 48 random bits (8 characters): too many to guess, short enough for any client's buffers. */
const idBytes = 6;

const sweepEvery = seconds(10);

const whenFull = seconds(10);

export class Jobs {
  readonly #options: JobsOptions;
  readonly #watched = new Map<string, Watched>();
  #opened: { readonly store: JobStore; readonly runner: JobRunner } | undefined;
  #stopSweeping: (() => void) | undefined;
  #looking = false;
  #changed = false;
  #closed = false;

  constructor(options: JobsOptions) {
    this.#options = options;
  }

  /** Jobs of an earlier process go on. @throws UsageError where their store cannot be opened */
  start(): void {
    if (this.#options.hasStore()) this.#open();
  }

  /** That run in this process. */
  get running(): number {
    return this.#opened?.runner.running ?? 0;
  }

  /** Rejects with a `CallError`: what is wrong with the arguments, or that there is no room. */
  async submit(request: JobRequest): Promise<TakenJob> {
    const { scheduler, timeOfDay, retention, cache, limits, randomBytes } = this.#options;
    const { fn, caller, asker, correlationId, bodyFormat, items, format } = request;
    if (fn.stream === true) throw streamError(fn);
    // The bytes of a request are its sender's next one's as soon as this returns.
    const body = new Uint8Array(request.body);
    const { question } = await boundCall(fn, { body, bodyFormat, items }, this.#options);
    if (this.#closed) throw stopping();
    const { store, runner } = this.#open();
    const known = cache.recall(question, asker, scheduler.now());
    const created = timeOfDay();
    const ended = known && { outcome: outcomeOf(known, format), keepUntil: later(created, retention) };
    const id = toBase64Url(randomBytes(idBytes));
    const { library, method, safe } = fn;
    const groups = asker.principal?.groups ?? [];
    const network = anonymousNetwork(caller);
    const order = {
      id,
      ...caller,
      groups,
      enrolled: caller.enrolled,
      network,
      library,
      method,
      safe,
      body,
      bodyFormat,
      items,
      format,
      correlationId,
      created,
    };
    const added = await store.add(order, ended, limits);
    const call = { function: fn, caller, correlationId };
    if (added === 'full') {
      tellOngoing('job', 'refused', call, 'overloaded');
      throw new CallError('overloaded', 'There is no room for one more job; come back later.', {
        retryAfter: whenFull,
      });
    }
    if (added !== 'added') {
      tellOngoing('job', 'refused', call, 'rate-exceeded');
      const whose = added === 'too-many' ? caller.identity : `callers without an identity at ${network}`;
      throw new CallError(
        'rate-exceeded',
        `There is no room for more jobs of ${whose}; fetch and remove some (DELETE /j/…).`,
        { retryAfter: whenFull },
      );
    }
    tellOngoing('job', 'opened', call);
    if (ended !== undefined) tellOngoing('job', 'ended', call);
    runner.wake();
    return { id, comeBack: ended === undefined ? 1 : 0 };
  }

  /** Rejects with a `CallError` `no-such-resource`, also where it is somebody else's. */
  async find(id: string, caller: Caller): Promise<Job> {
    const job = this.#exists ? await this.#open().store.find(id, caller.identity) : undefined;
    if (job === undefined || !isOf(caller, job.order)) throw noSuchJob(id);
    return job;
  }

  /** Those of the caller, the oldest first. */
  async list(caller: Caller): Promise<Value> {
    const jobs = this.#exists ? await this.#open().store.list(caller.identity) : [];
    const own = jobs.filter((job) => isOf(caller, job));
    return own.map(({ id, library, method, state, created }) => ({
      id,
      function: `${library}/${method}`,
      state,
      created: new Date(created),
    }));
  }

  /** It is gone from here on; where it runs, its function's signal is aborted. Rejects as `find` does. */
  async remove(id: string, caller: Caller): Promise<void> {
    await this.find(id, caller);
    if (!(await this.#open().store.remove(id, caller.identity))) throw noSuchJob(id);
  }

  /** Calls `listener` when a job that was in `state` has ended, and when it is gone. @returns what ends that */
  watch(id: string, state: JobState, listener: () => void): () => void {
    const watched = this.#watched.get(id) ?? { state, listeners: new Set() };
    this.#watched.set(id, watched);
    watched.listeners.add(listener);
    this.#look();
    return () => {
      watched.listeners.delete(listener);
      if (watched.listeners.size === 0 && this.#watched.get(id) === watched) this.#watched.delete(id);
    };
  }

  /** When to come back for what has not ended: after a half of the time that it has taken. In seconds. */
  comeBack({ order }: Job): number {
    const elapsed = (this.#options.timeOfDay() - order.created) / 1000;
    return Math.min(30, Math.max(1, Math.round(elapsed / 2)));
  }

  /** Takes and begins nothing more; what runs goes on. */
  close(): void {
    this.#closed = true;
    this.#opened?.runner.close();
    this.#stopSweeping?.();
    this.#stopSweeping = undefined;
  }

  /** After everything that runs has ended. */
  async closeStore(): Promise<void> {
    this.#watched.clear();
    await this.#opened?.store.close();
    this.#opened = undefined;
  }

  /** Asking for a job that cannot be there makes no file. */
  get #exists(): boolean {
    return this.#opened !== undefined || this.#options.hasStore();
  }

  #open(): { readonly store: JobStore; readonly runner: JobRunner } {
    if (this.#opened !== undefined) return this.#opened;
    const store = this.#options.openStore();
    const runner = new JobRunner(this.#options, store);
    this.#opened = { store, runner };
    store.onChange(() => this.#look());
    this.#sweep(store);
    runner.wake();
    return this.#opened;
  }

  #sweep(store: JobStore): void {
    const { scheduler, timeOfDay, retention } = this.#options;
    this.#report(store.sweep(timeOfDay(), retention));
    this.#stopSweeping = scheduler.after(sweepEvery, () => this.#sweep(store));
  }

  /** Something has changed: who waits for it is told. */
  #look(): void {
    this.#changed = true;
    if (this.#looking) return;
    this.#looking = true;
    const look = async (): Promise<void> => {
      while (this.#changed) {
        this.#changed = false;
        await this.#lookOnce();
      }
    };
    this.#report(
      look().finally(() => {
        this.#looking = false;
      }),
    );
  }

  async #lookOnce(): Promise<void> {
    const opened = this.#opened;
    if (opened === undefined) return;
    opened.runner.wake();
    await opened.runner.stopRemoved();
    for (const [id, watched] of this.#watched) {
      const state = await opened.store.state(id);
      if (state === watched.state) continue;
      if (state === undefined) this.#watched.delete(id);
      else watched.state = state;
      if (state !== 'queued' && state !== 'running') for (const listener of watched.listeners) listener();
    }
  }

  #report(work: Promise<void>): void {
    work.catch((error: unknown) => {
      if (this.#opened !== undefined) reportFault(asCallError(error), error, { target: 'j', correlationId: '' });
    });
  }
}

/** Not another's who was enrolled under the same name before. */
const isOf = ({ enrolled }: Caller, job: Pick<JobSummary, 'enrolled'>): boolean =>
  job.enrolled === undefined || job.enrolled === enrolled;

/** What a job that has ended is answered with. @throws CallError why it has failed */
export function resultOf(outcome: JobOutcome, orderFormat: number, format: number): Uint8Array {
  if (outcome.state === 'failed') {
    const { problem, message, remote } = outcome;
    // The operator was told when it failed.
    throw new CallError(problem, message, { isReported: true, ...(remote && { remote }) });
  }
  if (format === contentFormat.cbor) return outcome.cbor;
  if (format === orderFormat && outcome.shown !== undefined) return outcome.shown;
  return encodeRepresentation(new Returned(outcome.cbor, undefined).value, format);
}

const noSuchJob = (id: string): CallError =>
  new CallError(
    'no-such-resource',
    `There is no job ${id.slice(0, 16)} of yours; its result may have been kept long enough.`,
  );
