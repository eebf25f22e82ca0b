import type { Instant, Milliseconds } from './duration.ts';

/** Where the time comes from. Protocol code never reads a clock: it is handed `now`. */
export interface Clock {
  /** Monotonic: never goes back, unrelated to the time of day. */
  now(): Instant;
}

/** Time for what is not sans-IO: a clock that can also call back. */
export interface Scheduler extends Clock {
  /** Calls `fire` once, after `span` or somewhat later. What it returns cancels, harmlessly when it has fired. */
  after(span: Milliseconds, fire: () => void): () => void;
}

export const systemClock: Clock = { now: () => performance.now() as Instant };
