import type { Instant } from './duration.ts';

/** Where the time comes from. Protocol code never reads a clock: it is handed `now`. */
export interface Clock {
  /** Monotonic: never goes back, unrelated to the time of day. */
  now(): Instant;
}

export const systemClock: Clock = { now: () => performance.now() as Instant };
