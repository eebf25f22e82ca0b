/** As little work as calls can be, so that what is measured is the way there and back. */

/**
 * The sum of two numbers, in a worker.
 * @pure
 * @maxAge 3600
 */
export function add(a: number, b: number): number {
  return a + b;
}

/**
 * The same in the gateway's own thread.
 * @pure
 * @inline
 * @maxAge 3600
 */
export function plus(a: number, b: number): number {
  return a + b;
}

/**
 * A text of so many letters.
 * @pure
 * @maxAge 3600
 */
export function text(letters: number): string {
  return 'x'.repeat(letters);
}
