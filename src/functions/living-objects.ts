/**
 * The objects that live on the one thread of a library that makes them (docs/decisions/0014-objects.md). A version of a library lasts
 * as long as they do. With their thread they are lost.
 */
import type { Call, GivenObject } from './call.ts';
import type { PendingCall } from './pending-call.ts';

export class LivingObjects {
  /** How often each was given to its identity: ids are given anew on their way out (runtimes/node/object-ids.ts). */
  readonly #ids = new Map<string, number>();

  get size(): number {
    return this.#ids.size;
  }

  has(object: string): boolean {
    return this.#ids.has(object);
  }

  /** Whether a call has an object to go to. One that lets go of it is the last. */
  admits({ home }: Call): boolean {
    if (home === undefined || home.does === 'begin') return true;
    return home.does === 'end' ? this.#ids.delete(home.object) : this.#ids.has(home.object);
  }

  /** A call has succeeded. */
  done({ home }: Call): void {
    if (home?.does === 'begin') this.#ids.set(home.object, 1);
  }

  /** A result has objects in it. @returns those that were not known */
  given(objects: readonly GivenObject[]): readonly GivenObject[] {
    const fresh = objects.filter(({ id }) => !this.#ids.has(id));
    for (const { id, times } of objects) this.#ids.set(id, times);
    return fresh;
  }

  /** A call that lets go of its object says how often that was given. */
  counted(call: Call): Call {
    const { home } = call;
    return home?.does === 'end' ? { ...call, args: [home.object, this.#ids.get(home.object) ?? 0] } : call;
  }

  /** Their thread is gone. */
  lose(): void {
    this.#ids.clear();
  }
}

/** It is of use on the thread of its object alone. */
export const isBound = ({ call: { home } }: PendingCall): boolean => home !== undefined && home.does !== 'begin';
