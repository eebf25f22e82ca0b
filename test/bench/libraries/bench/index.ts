/**
 * The sum of two numbers: as little work as a call can be, so that what is measured is the way there and back.
 * @pure
 * @maxAge 3600
 */
export function add(a: number, b: number): number {
  return a + b;
}
