/** The call of the benchmark as a JSON route answers it. */

/** @throws TypeError for what is not a list of two numbers */
export function sumOf(body: unknown): number {
  if (!Array.isArray(body) || body.length !== 2) throw new TypeError('A list of two numbers is needed.');
  const [a, b]: readonly unknown[] = body;
  if (typeof a !== 'number' || typeof b !== 'number') throw new TypeError('A list of two numbers is needed.');
  return a + b;
}
