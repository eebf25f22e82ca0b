/**
 * One worker as the pool sees it: which calls it holds, which of them computes, and whether it
 * makes progress. Calls are sent ahead in order; the worker takes them one by one (messages.ts).
 */
import { after, milliseconds, until, type Instant, type Milliseconds } from '../core/duration.ts';
import { TransientMap } from '../core/transient-map.ts';
import { slotState } from './runtimes/node/messages.ts';
import { stepName } from './stream-steps.ts';
import type { PendingCall } from './pending-call.ts';
import type { WorkerPort } from './worker-port.ts';

const noLimit = milliseconds(Infinity);

export type LaneState = 'loading' | 'ready' | 'draining' | 'gone';

export class WorkerLane {
  readonly port: WorkerPort;
  readonly startedAt: Instant;
  /** All calls that occupy a slot, also those given up that still run. */
  readonly calls: TransientMap<number, PendingCall> = new TransientMap();
  state: LaneState = 'loading';
  /** Sent, not known to have begun, in order. */
  waiting: PendingCall[] = [];
  /** Computing: its function has neither finished nor yielded. */
  current: PendingCall | undefined;
  /** When it last gave a sign of life, or got something to do. */
  progressAt: Instant;
  /** Has kept what it holds waiting for too long; cleared by the next sign of life. */
  stalled = false;
  idleSince: Instant;
  /** It was given a call. */
  used = false;
  /** Streams that are open there: they end with it. */
  streams = 0;
  memoryCheckedAt: Instant;
  readonly #free: number[] = [];
  readonly #withdrawn: number[] = [];
  readonly #concurrency: number;
  /** Calls of it that wait for the next item of a stream. */
  #idle = 0;

  /** @param concurrency calls that it holds at a time, besides streams that wait for an item: for those it has further slots */
  constructor(port: WorkerPort, concurrency: number, now: Instant) {
    this.port = port;
    this.#concurrency = concurrency;
    this.startedAt = now;
    this.progressAt = now;
    this.idleSince = now;
    this.memoryCheckedAt = now;
    for (let slot = port.claims.length - 1; slot >= 0; slot--) this.#free.push(slot);
  }

  /** Calls ahead of a new one. */
  get load(): number {
    return this.waiting.length + (this.current === undefined ? 0 : 1);
  }

  /** May be given a call. */
  get open(): boolean {
    return this.state === 'ready' && !this.stalled && this.hasRoom;
  }

  /** It can hold one call more. */
  get hasRoom(): boolean {
    if (!this.#roomy) this.#reclaim();
    return this.#roomy;
  }

  get #roomy(): boolean {
    const held = this.port.claims.length - this.#free.length - this.#idle;
    return this.#free.length > 0 && held < this.#concurrency;
  }

  /** Whether somebody waits for this worker to go on. */
  get busy(): boolean {
    return this.current !== undefined || this.waiting.length > 0;
  }

  /** Sends a call ahead. */
  offer(pending: PendingCall, now: Instant): void {
    const slot = this.#free.pop() ?? 0;
    Atomics.store(this.port.claims, slot, slotState.offered);
    pending.slot = slot;
    this.used = true;
    this.calls.set(pending.id, pending);
    if (this.busy) this.waiting.push(pending);
    else this.#begin(pending, now);
    const { call } = pending;
    this.port.post({
      kind: 'run',
      id: pending.id,
      slot,
      method: call.step === undefined ? call.function.method : stepName(call.step.action, call.function.method),
      safe: call.function.safe,
      args: call.args,
      caller: call.caller,
      correlationId: call.correlationId,
      // What a stream's function is told of its time is for all of its items.
      remaining: call.step === undefined ? until(call.deadline, now) : noLimit,
      timeLimit: call.step === undefined ? pending.limit : noLimit,
    });
  }

  abort(pending: PendingCall, reason: string): void {
    pending.heard = false;
    this.port.post({ kind: 'abort', id: pending.id, reason });
  }

  /** It holds nothing that anybody may come back to. */
  get empty(): boolean {
    return this.calls.size === 0 && this.streams === 0;
  }

  /** Takes a call back unless its worker has begun it; the call is then free to go elsewhere. */
  withdraw(pending: PendingCall, now: Instant): boolean {
    const { claims } = this.port;
    const { offered, withdrawn } = slotState;
    if (Atomics.compareExchange(claims, pending.slot, offered, withdrawn) !== offered) return false;
    this.#withdrawn.push(pending.slot);
    pending.startedAt = undefined;
    this.calls.delete(pending.id);
    if (pending === this.current) this.#next(now);
    else this.waiting = this.waiting.filter((other) => other !== pending);
    if (this.calls.size === 0) this.idleSince = now;
    return true;
  }

  /** The function has returned a promise: the next one begins. */
  yielded(pending: PendingCall, now: Instant): void {
    if (pending.call.step !== undefined && !pending.idles) {
      pending.idles = true;
      this.#idle++;
    }
    if (pending === this.current) this.#next(now);
  }

  /** The call is over and its slot is free. */
  finished(pending: PendingCall, now: Instant): void {
    this.#free.push(pending.slot);
    if (pending.idles) this.#idle--;
    this.calls.delete(pending.id);
    if (pending === this.current) this.#next(now);
    if (this.calls.size === 0) this.idleSince = now;
  }

  alive(now: Instant): void {
    this.progressAt = now;
    this.stalled = false;
  }

  stallsAt(limit: Milliseconds): Instant {
    return after(this.progressAt, limit);
  }

  #begin(pending: PendingCall, now: Instant): void {
    this.current = pending;
    this.progressAt = now;
    pending.startedAt = now;
  }

  #next(now: Instant): void {
    const next = this.waiting.shift();
    this.current = undefined;
    if (next !== undefined) this.#begin(next, now);
  }

  /** The worker frees the slot of a withdrawn call when it comes across it. */
  #reclaim(): void {
    for (let i = this.#withdrawn.length - 1; i >= 0; i--) {
      const slot = this.#withdrawn[i] ?? 0;
      if (Atomics.load(this.port.claims, slot) !== slotState.free) continue;
      this.#withdrawn.splice(i, 1);
      this.#free.push(slot);
    }
  }
}
