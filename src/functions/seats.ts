/** Which worker each open stream runs on, and the steps of streams that wait until that very worker has room. */
import type { Instant } from '../core/duration.ts';
import type { PendingCall } from './pending-call.ts';
import type { StreamSeat } from './stream-steps.ts';
import type { WorkerLane } from './worker-lane.ts';

/** What it goes on with is on one worker, and nowhere else. */
export const isSeated = ({ call }: PendingCall): boolean => call.step !== undefined && call.step.action !== 'open';

export class Seats {
  readonly #lanes = new Map<StreamSeat, WorkerLane>();
  #waiting: readonly PendingCall[] = [];

  get waiting(): number {
    return this.#waiting.length;
  }

  take(seat: StreamSeat, lane: WorkerLane): void {
    this.#lanes.set(seat, lane);
    lane.streams++;
  }

  leave(seat: StreamSeat, now: Instant): void {
    const lane = this.#lanes.get(seat);
    if (lane === undefined) return;
    this.#lanes.delete(seat);
    lane.streams--;
    if (lane.empty) lane.idleSince = now;
  }

  /** Behind those that wait, or, given back by a worker, before them. */
  push(...steps: readonly PendingCall[]): void {
    this.#waiting = [...this.#waiting, ...steps];
  }

  putBack(steps: readonly PendingCall[]): void {
    this.#waiting = [...steps, ...this.#waiting];
  }

  /** Offers each to its own worker, also to one that is stalled or drains: no other could go on with it. */
  dispatch(offer: (step: PendingCall, lane: WorkerLane) => void, lost: (step: PendingCall) => void): void {
    this.#waiting = this.#waiting.filter((pending) => {
      if (pending.settled) return false;
      const lane = pending.call.step && this.#lanes.get(pending.call.step.seat);
      if (lane !== undefined && lane.state !== 'gone' && !lane.hasRoom) return true;
      if (lane === undefined || lane.state === 'gone') lost(pending);
      else offer(pending, lane);
      return false;
    });
  }

  /** Those whose time is over. */
  expired(now: Instant): readonly PendingCall[] {
    return this.#waiting.filter(({ limitAt }) => limitAt <= now);
  }

  drain(): readonly PendingCall[] {
    const all = this.#waiting;
    this.#waiting = [];
    return all;
  }
}
