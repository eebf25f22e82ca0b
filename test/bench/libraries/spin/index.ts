/** A library that has gone wrong. */

/**
 * Never comes back, until its thread is stopped.
 * @timeLimit 1h
 */
export function forever(): never {
  for (;;);
}
