/**
 * On which worker of a pool each object lives. Calls for an object go to its worker and nowhere else: they neither wait in the
 * queue of the pool nor move on when that worker computes.
 */
import type { Call, GivenObject } from './call.ts';
import type { PendingCall } from './pending-call.ts';
import type { WorkerLane } from './worker-lane.ts';

export class ObjectHomes {
  readonly #homes = new Map<string, WorkerLane>();
  /** How often an id was given to its identity, where that is more than once (runtimes/node/object-ids.ts). */
  readonly #times = new Map<string, number>();

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
    if (home?.does === 'end') this.#forget(home.object);
  }

  /** A result has objects in it. @returns those that nobody was given before */
  given(objects: readonly GivenObject[], lane: WorkerLane): readonly GivenObject[] {
    const fresh = objects.filter(({ id }) => !this.#homes.has(id));
    for (const { id, times } of objects) {
      this.#homes.set(id, lane);
      if (times > 1) this.#times.set(id, times);
    }
    return fresh;
  }

  /** A call that lets go of its object says how often that was given. */
  counted(call: Call): Call {
    const { home } = call;
    return home?.does === 'end' ? { ...call, args: [home.object, this.#times.get(home.object) ?? 1] } : call;
  }

  /** Some object lives there. */
  has(lane: WorkerLane): boolean {
    for (const home of this.#homes.values()) if (home === lane) return true;
    return false;
  }

  /** A worker is gone, and its objects with it. */
  lost(lane: WorkerLane): void {
    for (const [object, home] of this.#homes) if (home === lane) this.#forget(object);
  }

  #forget(object: string): void {
    this.#homes.delete(object);
    this.#times.delete(object);
  }
}

/** It can run on one worker alone. */
export const isBound = ({ call: { home } }: PendingCall): boolean => home !== undefined && home.does !== 'begin';
