/**
 * The objects that live on the one thread of a library that makes them (docs/decisions/0014-objects.md). A version of a library lasts
 * as long as they do. With their thread they are lost.
 */
import type { Call, GivenObject } from './call.ts';
import type { PendingCall } from './pending-call.ts';

interface Living {
  /** How often it was given to its identity: ids are given anew on their way out (runtimes/node/object-ids.ts). */
  readonly times: number;
  /** Of the instance for all callers, which ends when its version of the library is replaced. */
  readonly isShared: boolean;
}

export class LivingObjects {
  readonly #ids = new Map<string, Living>();
  /** The classes of the instances for all callers that were made. */
  readonly #single = new Map<string, Call['function']>();

  /** There is one for which a version of a library stays. */
  get keepVersion(): boolean {
    for (const { isShared } of this.#ids.values()) if (!isShared) return true;
    return false;
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
  done({ home, function: fn }: Call): void {
    if (home?.does !== 'begin') return;
    const isShared = fn.instance === 'single';
    this.#ids.set(home.object, { times: 1, isShared });
    if (isShared) this.#single.set(fn.method, fn);
  }

  /** A result has objects in it. @returns those that were not known */
  given(objects: readonly GivenObject[], { function: fn }: Call): readonly GivenObject[] {
    const fresh = objects.filter(({ id }) => !this.#ids.has(id));
    for (const { id, times, class: name } of objects)
      this.#ids.set(id, { times, isShared: fn.classes?.get(name)?.instance === 'single' });
    return fresh;
  }

  /** A call that lets go of its object says how often that was given. */
  counted(call: Call): Call {
    const { home } = call;
    return home?.does === 'end' ? { ...call, args: [home.object, this.#ids.get(home.object)?.times ?? 0] } : call;
  }

  /** Their version of the library is replaced. @returns the classes of the instances for all callers */
  endSingle(): readonly Call['function'][] {
    const classes = [...this.#single.values()];
    for (const [id, { isShared }] of this.#ids) if (isShared) this.#ids.delete(id);
    this.#single.clear();
    return classes;
  }

  /** Their thread is gone. */
  lose(): void {
    this.#ids.clear();
    this.#single.clear();
  }
}

/** It is of use on the thread of its object alone. */
export const isBound = ({ call: { home } }: PendingCall): boolean => home !== undefined && home.does !== 'begin';
