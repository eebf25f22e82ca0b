/** A library that has gone wrong. */

/**
 * Loops without a pause for so long: on its thread nothing else comes to pass, as where a loop never ends.
 * @timeLimit 1h
 */
export function loop(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}
