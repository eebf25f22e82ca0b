/**
 * The objects that live on the one thread of a library that makes them (docs/decisions/0014-objects.md). A version of a library lasts
 * as long as they do. With their thread they are lost.
 */
import type { Call } from './call.ts';
import type { PendingCall } from './pending-call.ts';

export class LivingObjects {
  readonly #ids = new Set<string>();

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
    if (home?.does === 'begin') this.#ids.add(home.object);
  }

  /** Their thread is gone. */
  lose(): void {
    this.#ids.clear();
  }
}

/** It is of use on the thread of its object alone. */
export const isBound = ({ call: { home } }: PendingCall): boolean => home !== undefined && home.does !== 'begin';
