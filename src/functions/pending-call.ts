/** A call on its way through a worker pool, from the moment it is accepted until it is settled. */
import { after, type Instant, type Milliseconds } from '../core/duration.ts';
import type { ReadCaller } from '../core/principal.ts';
import type { Value } from '../core/value.ts';
import type { CallError } from './call-error.ts';
import type { Call, CallResult, GivenObject } from './call.ts';
import type { Returned } from './returned.ts';
import type { FromWorker } from './runtimes/node/messages.ts';

export class PendingCall {
  readonly id: number;
  readonly call: Call;
  readonly acceptedAt: Instant;
  /** How long its function may run. */
  readonly limit: Milliseconds;
  readonly #resolve: (result: CallResult) => void;
  readonly #reject: (error: CallError) => void;
  #onAbort: (() => void) | undefined;
  #settled = false;

  /** The slot of its worker that it occupies. */
  slot = -1;
  /** When its function began, as far as known on this side. */
  startedAt: Instant | undefined;
  /** It was lost with a worker once already. */
  retried = false;
  /** It was told to stop at its limit: from here on its worker is on probation. */
  overdue = false;
  /** The worker has answered the last abort. */
  heard = false;
  /** A stream waits for its next item, which costs its thread nothing: only the deadline limits that. */
  idles = false;

  constructor(
    id: number,
    call: Call,
    acceptedAt: Instant,
    limit: Milliseconds,
    resolve: (result: CallResult) => void,
    reject: (error: CallError) => void,
  ) {
    this.id = id;
    this.call = call;
    this.acceptedAt = acceptedAt;
    this.limit = limit;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** Somebody has been answered: what the worker still does for it is in vain. */
  get settled(): boolean {
    return this.#settled;
  }

  /** When it is stopped: its time limit counts from its start; before that only the deadline does. */
  get limitAt(): Instant {
    const { deadline } = this.call;
    if (this.startedAt === undefined || this.idles) return deadline;
    const limit = after(this.startedAt, this.limit);
    return limit < deadline ? limit : deadline;
  }

  onAbort(run: () => void): void {
    this.#onAbort = run;
    this.call.signal?.addEventListener('abort', run, { once: true });
  }

  resolve({ returned, readCaller, tags, objects }: Extract<FromWorker, { kind: 'done' }>, now: Instant): void {
    if (this.#settled) return;
    this.#finish();
    const startedAt = this.startedAt ?? now;
    const queued = (startedAt - this.acceptedAt) as Milliseconds;
    const ran = (now - startedAt) as Milliseconds;
    this.#resolve(new ThreadResult(returned, readCaller, tags, objects, queued, ran));
  }

  reject(error: CallError): void {
    if (this.#settled) return;
    this.#finish();
    this.#reject(error);
  }

  #finish(): void {
    this.#settled = true;
    if (this.#onAbort !== undefined) this.call.signal?.removeEventListener('abort', this.#onAbort);
  }
}

class ThreadResult implements CallResult {
  readonly returned: Returned;
  readonly readCaller: ReadCaller;
  readonly tags: readonly string[];
  readonly objects: readonly GivenObject[] | undefined;
  readonly queued: Milliseconds;
  readonly ran: Milliseconds;

  constructor(
    returned: Returned,
    readCaller: ReadCaller,
    tags: readonly string[],
    objects: readonly GivenObject[] | undefined,
    queued: Milliseconds,
    ran: Milliseconds,
  ) {
    this.returned = returned;
    this.readCaller = readCaller;
    this.tags = tags;
    this.objects = objects;
    this.queued = queued;
    this.ran = ran;
  }

  get value(): Value {
    return this.returned.value;
  }
}
