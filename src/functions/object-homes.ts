/**
 * On which worker of a pool each object lives. Calls for an object go to its worker and nowhere else: they neither wait in the
 * queue of the pool nor move on when that worker computes.
 */
import type { PendingCall } from './pending-call.ts';
import type { WorkerLane } from './worker-lane.ts';

export class ObjectHomes {
  readonly #homes = new Map<string, WorkerLane>();

  get size(): number {
    return this.#homes.size;
  }

  /** Undefined where the object is gone. */
  of(object: string): WorkerLane | undefined {
    return this.#homes.get(object);
  }

  /** A call has succeeded, or let go of its object. */
  settled({ call: { home } }: PendingCall, lane: WorkerLane): void {
    if (home?.does === 'begin') this.#homes.set(home.object, lane);
    if (home?.does === 'end') this.#homes.delete(home.object);
  }

  /** Some object lives there. */
  has(lane: WorkerLane): boolean {
    for (const home of this.#homes.values()) if (home === lane) return true;
    return false;
  }

  /** A worker is gone, and its objects with it. */
  lost(lane: WorkerLane): void {
    for (const [object, home] of this.#homes) if (home === lane) this.#homes.delete(object);
  }
}

/** It can run on one worker alone. */
export const isBound = ({ call: { home } }: PendingCall): boolean => home !== undefined && home.does !== 'begin';
