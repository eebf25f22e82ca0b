/**
 * Durations and instants as branded numbers, so that seconds and milliseconds cannot be mixed up.
 * Everything inside funcoap counts milliseconds; seconds exist only on the wire (Max-Age) and in settings.
 */

/** A span of time in milliseconds. */
export type Milliseconds = number & { readonly unit: 'ms' };

/** A point on a monotonic clock, in milliseconds since an origin that only its clock knows. */
export type Instant = number & { readonly unit: 'ms since origin' };

export const milliseconds = (n: number): Milliseconds => n as Milliseconds;
export const seconds = (n: number): Milliseconds => (n * 1000) as Milliseconds;
export const minutes = (n: number): Milliseconds => (n * 60_000) as Milliseconds;

/** An instant that does not come. */
export const never: Instant = Infinity as Instant;

/** An instant before all others. */
export const longAgo: Instant = -Infinity as Instant;

/** The instant `span` after `from`. */
export const after = (from: Instant, span: Milliseconds): Instant => (from + span) as Instant;

/** The time from `now` until `then`; 0 when it has passed. */
export const until = (then: Instant, now: Instant): Milliseconds => Math.max(0, then - now) as Milliseconds;
