/** Time for what is not sans-IO: a clock that can also call back. */
import { systemClock, type Clock } from '../core/clock.ts';
import type { Instant, Milliseconds } from '../core/duration.ts';

export interface Scheduler extends Clock {
  /** Calls `fire` once, after `span` or somewhat later. What it returns cancels, harmlessly when it has fired. */
  after(span: Milliseconds, fire: () => void): () => void;
}

/** Longer spans fire at once in setTimeout; whoever waits longer is woken in between. */
const longestTimeoutMs = 2 ** 31 - 1;

export const systemScheduler: Scheduler = {
  now: (): Instant => systemClock.now(),
  after: (span, fire) => {
    // Rounded up: a timer that fires a fraction early is woken twice for one deadline.
    const timeout = setTimeout(fire, Math.min(Math.ceil(span), longestTimeoutMs));
    return () => clearTimeout(timeout);
  },
};
