/** Time that stands still until it is told to move: what tests and the in-memory network run on. */
import { after, type Instant, type Milliseconds } from '../core/duration.ts';
import { TimerWheel } from '../core/timer-wheel.ts';
import type { Scheduler } from '../core/clock.ts';

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

  /** Lets `span` pass, and calls what becomes due at its own time, in order. */
  advance(span: Milliseconds): void {
    const end = after(this.#now, span);
    for (let next = this.nextDeadline(); next !== undefined && next <= end; next = this.nextDeadline())
      this.moveTo(next);
    this.moveTo(end);
  }

  /** Moves on to `then`, and calls what is due by then. */
  moveTo(then: Instant): void {
    this.setNow(then);
    this.#timers.advance(this.#now, (fire) => fire());
  }
}
