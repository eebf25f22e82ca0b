/**
 * The threads of one version of one library, and the calls that wait for them.
 *
 * A call is sent to the worker with the fewest calls ahead of it. A worker that shows no progress
 * for `stallAfter` is computing: what it was sent ahead is taken back and goes elsewhere, to a new
 * worker if all are busy. So a function that never ends delays nobody but its own caller, and calls
 * still travel in batches. Why no package does this: docs/decisions/0002-worker-pool.md.
 *
 * A call that is lost with its worker is run again once if it is safe; one that has side effects
 * is never run twice and fails with 'worker-lost'.
 *
 * A library that exports a class has one worker, on which its objects live (docs/decisions/0014-objects.md). Workers are started
 * and ended by workforce.ts.
 *
 * Longer than other files because queue, lanes and alarm change together: each step of a call's way
 * (offered, begun, overdue, lost, run again) touches all three.
 */
import type { Scheduler } from '../core/clock.ts';
import { after, never, type Instant, type Milliseconds } from '../core/duration.ts';
import { Alarm } from './alarm.ts';
import {
  cancelledError,
  closedError,
  describeLoadLoss,
  functionError,
  loadError,
  lostError,
  objectLostError,
  overloadedError,
  waitedError,
  timeLimitError,
} from './call-failures.ts';
import { CallError } from './call-error.ts';
import { CallQueue } from './call-queue.ts';
import { endingFunction } from './object-calls.ts';
import { isBound, LivingObjects } from './living-objects.ts';
import { PendingCall } from './pending-call.ts';
import { sortLostCalls } from './lost-calls.ts';
import { isSeated, Seats } from './seats.ts';
import type { WorkerLane } from './worker-lane.ts';
import type { WorkerLanes } from './worker-lanes.ts';
import { Workforce, type LoadedLibrary } from './workforce.ts';
import type { FromWorker } from './runtimes/node/messages.ts';
import type { Call, CallResult, GivenObject, Invoker } from './call.ts';
import type { Invalidation } from './invalidation.ts';
import type { Value } from '../core/value.ts';
import type { StreamSeat } from './stream-steps.ts';
import type { StartWorker, WorkerLoss } from './worker-port.ts';
import type { WorkerBudget, WorkerPoolOptions } from './worker-pool-options.ts';

export interface WorkerPoolParts {
  readonly library: string;
  readonly options: WorkerPoolOptions;
  readonly budget: WorkerBudget;
  readonly scheduler: Scheduler;
  readonly start: StartWorker;
  readonly invalidated: (what: Invalidation) => void;
  /** A worker ended without being told to. */
  readonly lost: (loss: WorkerLoss) => void;
  /** An object failed when it was let go of, and nobody waits for what comes of that. */
  readonly endedBadly: (call: Call, error: CallError) => void;
}

export class WorkerPool implements Invoker {
  readonly #parts: WorkerPoolParts;
  readonly #options: WorkerPoolOptions;
  readonly #alarm: Alarm;
  readonly #force: Workforce;
  readonly #lanes: WorkerLanes;
  readonly #queue = new CallQueue();
  readonly #seats = new Seats();
  readonly #objects = new LivingObjects();
  #nextId = 0;
  #retireAt: Instant | undefined;
  #closed = false;
  #onRetired: (() => void) | undefined;

  constructor(parts: WorkerPoolParts) {
    this.#parts = parts;
    this.#options = parts.options;
    this.#alarm = new Alarm(parts.scheduler, () => this.#sweep());
    this.#force = new Workforce({
      ...parts,
      alarm: this.#alarm,
      received: (lane, batch) => this.#receive(lane, batch),
      lost: (lane, loss) => this.#lose(lane, loss),
      hopeless: (message) => {
        for (const pending of this.#queue.drain()) pending.reject(loadError(parts.library, message));
      },
    });
    this.#lanes = this.#force.lanes;
  }

  /** Worker threads that run or are being started. */
  get workers(): number {
    return this.#lanes.size;
  }

  /** Calls that wait for a worker. */
  get queued(): number {
    return this.#queue.size;
  }

  /** Starts the first worker. @throws UsageError 'library-load' with one sentence, file and line where known. */
  open(): Promise<LoadedLibrary> {
    const opened = this.#force.open();
    this.#sweep();
    return opened;
  }

  /** An object lives on its thread. */
  holds(object: string): boolean {
    return this.#objects.has(object);
  }

  invoke(asked: Call): Promise<CallResult> {
    const call = this.#objects.counted(asked);
    return new Promise((resolve, reject) => {
      const now = this.#parts.scheduler.now();
      if (this.#closed) {
        reject(closedError(call, this.#options.retryAfter));
        return;
      }
      if (call.signal?.aborted === true) {
        reject(cancelledError(call));
        return;
      }
      if (!this.#objects.admits(call)) {
        reject(objectLostError(call));
        return;
      }
      // However busy its thread is, an object that is let go of does not stay.
      if (this.#queue.size >= this.#options.maxQueued && call.home?.does !== 'end') {
        reject(overloadedError(call, this.#options.retryAfter));
        return;
      }
      const limit = call.timeLimit ?? call.function.timeLimit ?? this.#options.timeLimit;
      const pending = new PendingCall(this.#nextId++, call, now, limit, resolve, reject);
      pending.onAbort(() => this.#cancel(pending));
      if (isSeated(pending)) this.#seats.push(pending);
      else this.#queue.push(pending);
      this.#dispatch(now);
      this.#alarm.by(pending.limitAt);
    });
  }

  /** A stream is over: its worker may end. */
  leave(seat: StreamSeat): void {
    const now = this.#parts.scheduler.now();
    this.#seats.leave(seat, now);
    if (!this.#closed) this.#alarm.by(now);
  }

  /** Finishes what was accepted, lingers for calls that are on their way to it, then closes. */
  retire(linger: Milliseconds): Promise<void> {
    return new Promise((resolve) => {
      this.#onRetired = resolve;
      for (const of of this.#objects.endSingle())
        this.#letGo({ function: endingFunction(of), args: [''], ...nobody, deadline: never });
      this.#retireAt = after(this.#parts.scheduler.now(), linger);
      this.#sweep();
    });
  }

  /** Nobody can reach its objects any more. */
  disown(): void {
    this.#loseObjects();
    this.#alarm.by(this.#parts.scheduler.now());
  }

  /** Stops all workers now; calls that have no result yet fail with 'not-ready'. */
  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#alarm.close();
      for (const lane of this.#lanes) {
        for (const pending of lane.calls.values()) pending.reject(closedError(pending.call, this.#options.retryAfter));
      }
      for (const pending of [...this.#queue.drain(), ...this.#seats.drain()])
        pending.reject(closedError(pending.call, this.#options.retryAfter));
      this.#force.close();
      this.#onRetired?.();
    }
    await this.#force.ended();
  }

  #dispatch(now: Instant): void {
    if (this.#seats.waiting > 0) this.#dispatchSeated(now);
    const given = this.#queue.give((pending) => {
      const lane = this.#lanes.leastLoaded();
      if (lane === undefined) return false;
      if (pending.settled) return true;
      lane.offer(pending, now);
      if (pending.startedAt !== undefined) this.#alarm.by(pending.limitAt);
      return true;
    });
    if (given > 0) this.#alarm.by(after(now, this.#options.memoryCheckInterval));
    if (this.#queue.size > 0 || this.#lanes.someoneWaits) this.#alarm.by(after(now, this.#options.stallAfter));
  }

  #dispatchSeated(now: Instant): void {
    this.#seats.dispatch(
      (pending, lane) => {
        lane.offer(pending, now);
        this.#alarm.by(after(now, this.#options.memoryCheckInterval));
        if (pending.startedAt !== undefined) this.#alarm.by(pending.limitAt);
      },
      (pending) => pending.reject(lostError(pending.call, undefined, false)),
    );
  }

  /** To the head of the queue, or of the line before their own worker. */
  #putBack(back: readonly PendingCall[]): void {
    this.#queue.putBack(...back.filter((pending) => !isSeated(pending)));
    this.#seats.putBack(back.filter(isSeated));
  }

  #receive(lane: WorkerLane, batch: readonly FromWorker[]): void {
    const now = this.#parts.scheduler.now();
    lane.alive(now);
    for (const message of batch) this.#take(lane, message, now);
    if (lane.current !== undefined) this.#alarm.by(lane.current.limitAt);
    this.#dispatch(now);
    if (lane.state === 'draining' || this.#retireAt !== undefined) this.#alarm.by(now);
    else if (lane.empty && this.#lanes.size > 1) this.#alarm.by(after(now, this.#options.idleAfter));
  }

  #take(lane: WorkerLane, message: FromWorker, now: Instant): void {
    switch (message.kind) {
      case 'loaded':
        this.#force.loaded(lane, message, now);
        return;
      case 'load-failed':
        this.#force.failed(lane, message.failure.message, now);
        return;
      case 'invalidate':
        this.#parts.invalidated(message.what);
        return;
      case 'yielded':
      case 'heard':
      case 'done':
      case 'failed':
        this.#progress(lane, message, now);
    }
  }

  #progress(lane: WorkerLane, message: Extract<FromWorker, { id: number }>, now: Instant): void {
    const pending = lane.calls.get(message.id);
    if (pending === undefined) return;
    switch (message.kind) {
      case 'yielded':
        lane.yielded(pending, now);
        return;
      case 'heard':
        pending.heard = true;
        return;
      case 'done':
        lane.finished(pending, now);
        if (pending.call.step?.action === 'open') this.#seat(lane, pending, message.returned.value);
        this.#objects.done(pending.call);
        if (pending.settled && pending.call.home?.does === 'begin')
          this.#abandon(pending.call, pending.call.function, pending.call.home.object);
        if (message.objects !== undefined) this.#give(pending, message.objects);
        pending.resolve(message, now);
        return;
      case 'failed': {
        // Made first: what a damaged thread says may be no failure, and then its calls are lost with it.
        const error = functionError(pending.call, message.failure);
        lane.finished(pending, now);
        pending.reject(error);
      }
    }
  }

  #seat(lane: WorkerLane, { call, settled }: PendingCall, opened: Value): void {
    if (call.step === undefined) return;
    const { seat } = call.step;
    this.#seats.take(seat, lane);
    if (!settled) return;
    // Given up meanwhile: nobody else will close it.
    const over = (): void => this.leave(seat);
    this.invoke({ ...unsignalled(call), args: [opened], step: { action: 'close', seat } }).then(over, over);
  }

  #give({ settled, call }: PendingCall, objects: readonly GivenObject[]): void {
    const fresh = this.#objects.given(objects, call);
    if (!settled) return;
    for (const { id, class: name } of fresh) this.#abandon(call, call.function.classes?.get(name) ?? call.function, id);
  }

  /** Whoever asked for the object has been told that there is none. */
  #abandon({ caller, correlationId }: Call, of: Call['function'], object: string): void {
    const ending = { function: endingFunction(of), args: [], caller, correlationId, deadline: never };
    this.#letGo({ ...ending, home: { object, does: 'end' } });
  }

  #letGo(ending: Call): void {
    this.invoke(ending).catch((error: unknown) => {
      if (error instanceof CallError) this.#parts.endedBadly(ending, error);
    });
  }

  /** Nobody waits for the result any more: it is taken back, or its function is told. */
  #cancel(pending: PendingCall): void {
    pending.reject(cancelledError(pending.call));
    const now = this.#parts.scheduler.now();
    const lane = this.#lanes.holding(pending);
    if (lane === undefined) this.#queue.remove(pending);
    else if (!lane.withdraw(pending, now)) lane.abort(pending, 'Nobody waits for the result any more.');
  }

  /** A thread is gone, or has to go: `loss` is undefined where the pool itself ends it. */
  #lose(lane: WorkerLane, loss: WorkerLoss | undefined): void {
    const now = this.#parts.scheduler.now();
    if (loss !== undefined) this.#parts.lost(loss);
    if (lane.state === 'loading') {
      this.#force.failed(lane, describeLoadLoss(loss), now);
      return;
    }
    const { again, failed } = sortLostCalls(lane, loss);
    for (const { pending, culprit } of failed) pending.reject(lostError(pending.call, loss, culprit));
    this.#force.stop(lane);
    if (loss !== undefined) this.#force.lost(lane, now);
    this.#putBack(again);
    this.#loseObjects();
    if (this.#lanes.size === 0) this.#grow(now);
    this.#dispatch(now);
    this.#alarm.by(now);
  }

  /** The thread on which they lived is gone. */
  #loseObjects(): void {
    this.#objects.lose();
    for (const pending of this.#queue.takeOut(isBound)) pending.reject(objectLostError(pending.call));
  }

  /** Everything that time brings about. Runs when the earliest of it is due. */
  #sweep(): void {
    if (this.#closed) return;
    this.#alarm.clear();
    const now = this.#parts.scheduler.now();
    for (const pending of this.#queue.expire(now)) pending.reject(waitedError(pending.call, this.#options.retryAfter));
    for (const pending of this.#seats.expired(now)) pending.reject(timeLimitError(pending.call, pending.limit));
    for (const lane of this.#lanes) this.#sweepLane(lane, now);
    if (this.#retireIfDone(now)) return;
    this.#grow(now);
    this.#dispatch(now);
    const expiry = this.#queue.nextExpiry();
    if (expiry !== undefined) this.#alarm.by(expiry);
  }

  #grow(now: Instant): void {
    this.#force.grow(now, { callsWait: this.#queue.size > 0, retiring: this.#retireAt !== undefined });
  }

  #sweepLane(lane: WorkerLane, now: Instant): void {
    const { stallAfter, idleAfter } = this.#options;
    if (lane.state === 'loading') {
      this.#checkMemory(lane, now);
      this.#force.watchLoading(lane, now);
      return;
    }
    if (lane.calls.size > 0) this.#checkMemory(lane, now);
    this.#moveOn(lane, now, stallAfter);
    for (const pending of lane.calls.values()) {
      if (!this.#enforce(lane, pending, now)) return;
    }
    const onlyVain = lane.calls.values().every((pending) => pending.overdue);
    if (lane.state === 'draining' && onlyVain) {
      this.#force.stop(lane);
      this.#loseObjects();
    } else if (lane.empty && this.#lanes.size > 1) {
      const idleAt = after(lane.idleSince, idleAfter);
      if (now >= idleAt) this.#force.stop(lane);
      else this.#alarm.by(idleAt);
    }
  }

  #checkMemory(lane: WorkerLane, now: Instant): void {
    const { memoryCheckInterval } = this.#options;
    if (now >= after(lane.memoryCheckedAt, memoryCheckInterval)) {
      lane.memoryCheckedAt = now;
      lane.port.checkMemory();
    }
    this.#alarm.by(after(lane.memoryCheckedAt, memoryCheckInterval));
  }

  /** What was sent ahead to a worker that makes no progress goes back to the head of the queue. */
  #moveOn(lane: WorkerLane, now: Instant, stallAfter: Milliseconds): void {
    if (!lane.busy) return;
    const stallsAt = lane.stallsAt(stallAfter);
    if (now < stallsAt) {
      if (lane.waiting.length > 0) this.#alarm.by(stallsAt);
      return;
    }
    lane.stalled = true;
    const back = lane.waiting.filter((pending) => lane.withdraw(pending, now));
    const { current } = lane;
    if (current !== undefined && lane.withdraw(current, now)) back.unshift(current);
    this.#putBack(back);
  }

  /** Holds a call to its limit; false when its worker had to be ended. */
  #enforce(lane: WorkerLane, pending: PendingCall, now: Instant): boolean {
    const { limitAt } = pending;
    if (now < limitAt) {
      this.#alarm.by(limitAt);
      return true;
    }
    if (lane.withdraw(pending, now)) {
      // Never begun: the worker was busy with another call.
      if (!pending.settled) this.#putBack([pending]);
      return true;
    }
    if (!pending.overdue) {
      pending.overdue = true;
      pending.reject(timeLimitError(pending.call, pending.limit));
      lane.abort(pending, 'The time limit has passed.');
    }
    const graceEnds = after(limitAt, this.#options.grace);
    if (now < graceEnds) {
      this.#alarm.by(graceEnds);
    } else if (pending.heard) {
      // The thread is alive and the function does not listen: the others may finish there. Objects end only where nothing else is left.
      if (!this.#force.makesObjects || !lane.hasRoom) lane.state = 'draining';
    } else {
      this.#lose(lane, undefined);
      return false;
    }
    return true;
  }

  #retireIfDone(now: Instant): boolean {
    if (this.#retireAt === undefined) return false;
    if (this.#queue.size > 0 || this.#seats.waiting > 0 || this.#lanes.owing || this.#objects.keepVersion) return false;
    const until = this.#lanes.streams > 0 ? after(this.#retireAt, this.#options.streamGrace) : this.#retireAt;
    if (now < until) {
      this.#alarm.by(until);
      return false;
    }
    void this.close();
    return true;
  }
}

const nobody = { caller: { identity: '', peer: '' }, correlationId: '' } as const;

const unsignalled = ({ function: fn, args, caller, correlationId, deadline }: Call): Call => ({
  function: fn,
  args,
  caller,
  correlationId,
  deadline,
});
