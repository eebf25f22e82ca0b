/** Wakes its owner once, at the earliest of the times that it was asked for. */
import { never, type Instant, type Milliseconds } from '../core/duration.ts';
import type { Scheduler } from '../core/clock.ts';

export class Alarm {
  readonly #scheduler: Scheduler;
  readonly #ring: () => void;
  #at: Instant | undefined;
  #cancel: (() => void) | undefined;
  #closed = false;

  constructor(scheduler: Scheduler, ring: () => void) {
    this.#scheduler = scheduler;
    this.#ring = ring;
  }

  by(at: Instant): void {
    if (this.#closed || at === never || (this.#at !== undefined && this.#at <= at)) return;
    this.clear();
    this.#at = at;
    const wait = Math.max(0, at - this.#scheduler.now()) as Milliseconds;
    this.#cancel = this.#scheduler.after(wait, () => {
      this.clear();
      this.#ring();
    });
  }

  /** Forgets what it was asked for. */
  clear(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#at = undefined;
  }

  /** Never rings again. */
  close(): void {
    this.#closed = true;
    this.clear();
  }
}
