/** The workers of a pool: which of them gets the next call, and whether anybody waits. */
import type { PendingCall } from './pending-call.ts';
import type { WorkerLane } from './worker-lane.ts';

export class WorkerLanes extends Set<WorkerLane> {
  /** The one with the fewest calls ahead of a new one; undefined where none may be given a call. */
  leastLoaded(): WorkerLane | undefined {
    let best: WorkerLane | undefined;
    for (const lane of this) if (lane.open && (best === undefined || lane.load < best.load)) best = lane;
    return best;
  }

  holding(pending: PendingCall): WorkerLane | undefined {
    for (const lane of this) if (lane.calls.get(pending.id) === pending) return lane;
    return undefined;
  }

  some(is: (lane: WorkerLane) => boolean): boolean {
    for (const lane of this) if (is(lane)) return true;
    return false;
  }

  /** Calls were sent ahead that are not known to have begun. */
  get someoneWaits(): boolean {
    return this.some((lane) => lane.waiting.length > 0);
  }

  /** Streams that are open in any of them. */
  get streams(): number {
    let sum = 0;
    for (const lane of this) sum += lane.streams;
    return sum;
  }

  /** Somebody still waits for a result of one of them. */
  get owing(): boolean {
    return this.some((lane) => {
      for (const pending of lane.calls.values()) if (!pending.settled) return true;
      return false;
    });
  }
}
