/** Time that stands still until it is told to move: what tests and the in-memory network run on. */
import { after, type Instant, type Milliseconds } from '../core/duration.ts';
import { TimerWheel } from '../core/timer-wheel.ts';
import type { Scheduler } from './scheduler.ts';

export class ManualScheduler implements Scheduler {
  readonly #timers: TimerWheel<() => void>;
  #now: Instant;

  constructor(now: Instant = 0 as Instant) {
    this.#now = now;
    this.#timers = new TimerWheel(now);
  }

  now(): Instant {
    return this.#now;
  }

  after(span: Milliseconds, fire: () => void): () => void {
    const timer = this.#timers.arm(after(this.#now, span), fire);
    return () => this.#timers.cancel(timer);
  }

  nextDeadline(): Instant | undefined {
    return this.#timers.nextDeadline();
  }

  /** Moves on to `then` and calls nothing yet. */
  setNow(then: Instant): void {
    if (then > this.#now) this.#now = then;
  }

  /** Moves on to `then`, and calls what is due by then. */
  moveTo(then: Instant): void {
    this.setNow(then);
    this.#timers.advance(this.#now, (fire) => fire());
  }
}
