/** Time that moves when the test says so. */
import { after, type Instant, type Milliseconds } from '../../src/core/duration.ts';
import type { Scheduler } from '../../src/functions/scheduler.ts';

export class ManualScheduler implements Scheduler {
  #now = 0 as Instant;
  #timers: { readonly at: Instant; readonly run: () => void }[] = [];

  now(): Instant {
    return this.#now;
  }

  after(span: Milliseconds, run: () => void): () => void {
    const timer = { at: after(this.#now, span), run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  soon(run: () => void): void {
    setImmediate(run);
  }

  epoch(): number {
    return this.#now;
  }

  /** Lets `span` pass, firing what becomes due in order. */
  advance(span: Milliseconds): void {
    const end = after(this.#now, span);
    for (;;) {
      const [next] = this.#timers.filter((timer) => timer.at <= end).toSorted((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== next);
      if (next.at > this.#now) this.#now = next.at;
      next.run();
    }
    this.#now = end;
  }
}
