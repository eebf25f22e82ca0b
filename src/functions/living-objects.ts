/**
 * The objects that live on the one thread of a library that makes them (docs/decisions/0014-objects.md). A version of a library lasts
 * as long as they do. With their thread they are lost.
 */
import type { Call, GivenObject } from './call.ts';
import type { PendingCall } from './pending-call.ts';

export class LivingObjects {
  /** How often each was given to its identity: ids are given anew on their way out (runtimes/node/object-ids.ts). */
  readonly #ids = new Map<string, number>();
  /** Those of them that are of an instance for all callers: it ends when its version of the library is replaced. */
  readonly #shared = new Set<string>();
  /** The classes of such instances. */
  readonly #single = new Map<string, Call['function']>();

  /** Objects for which a version of a library stays. */
  get size(): number {
    return this.#ids.size - this.#shared.size;
  }

  has(object: string): boolean {
    return this.#ids.has(object);
  }

  /** Whether a call has an object to go to. One that lets go of it is the last. */
  admits({ home }: Call): boolean {
    if (home === undefined || home.does === 'begin') return true;
    if (home.does === 'end') this.#shared.delete(home.object);
    return home.does === 'end' ? this.#ids.delete(home.object) : this.#ids.has(home.object);
  }

  /** A call has succeeded. */
  done({ home, function: fn }: Call): void {
    if (home?.does !== 'begin') return;
    this.#ids.set(home.object, 1);
    if (fn.instance !== 'single') return;
    this.#shared.add(home.object);
    this.#single.set(fn.method, fn);
  }

  /** A result has objects in it. @returns those that were not known */
  given(objects: readonly GivenObject[], { function: fn }: Call): readonly GivenObject[] {
    const fresh = objects.filter(({ id }) => !this.#ids.has(id));
    for (const { id, times, class: name } of objects) {
      this.#ids.set(id, times);
      if (fn.classes?.get(name)?.instance === 'single') this.#shared.add(id);
    }
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
    this.#shared.clear();
    this.#single.clear();
  }

  /** Their version of the library is replaced. @returns their classes */
  endSingle(): readonly Call['function'][] {
    const classes = [...this.#single.values()];
    for (const id of this.#shared) this.#ids.delete(id);
    this.#shared.clear();
    this.#single.clear();
    return classes;
  }
}

/** It is of use on the thread of its object alone. */
export const isBound = ({ call: { home } }: PendingCall): boolean => home !== undefined && home.does !== 'begin';
