/** The system's time. */
import { systemClock, type Scheduler } from '../core/clock.ts';
import type { Instant } from '../core/duration.ts';

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

/** Milliseconds since 1970: for what is compared with the times in certificates and tickets. */
export const systemTimeOfDay = (): number => Date.now();
