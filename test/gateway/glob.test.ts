import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compileGlob } from '../../src/gateway/glob.ts';
import { processorTime } from '../processor-time.ts';

/** By definition: a star is nothing, or one character and the star again. */
function naive(pattern: string, text: string): boolean {
  if (pattern === '') return text === '';
  if (pattern.startsWith('*')) {
    return naive(pattern.slice(1), text) || (text !== '' && naive(pattern, text.slice(1)));
  }
  return text.startsWith(pattern.charAt(0)) && naive(pattern.slice(1), text.slice(1));
}

test('a glob matches what its definition says', () => {
  const letters = (alphabet: readonly string[], maxLength: number): fc.Arbitrary<string> =>
    fc.array(fc.constantFrom(...alphabet), { maxLength }).map((all) => all.join(''));
  fc.assert(
    fc.property(letters(['a', 'b', '/', '*'], 7), letters(['a', 'b', '/'], 9), (pattern, text) => {
      expect(compileGlob(pattern)(text)).toBe(naive(pattern, text));
    }),
    { numRuns: 5000 },
  );
});

test.each([
  ['math/*', 'math/add', true],
  ['math/*', 'maths/add', false],
  ['*', 'math/add', true],
  ['*/get*', 'store/getAll', true],
  ['math/add', 'math/addAll', false],
  ['math.*', 'mathx', false],
])('%s on %s: %s', (pattern, text, expected) => {
  expect(compileGlob(pattern)(text)).toBe(expected);
});

test('no pattern is slow on any text', () => {
  const matches = compileGlob(`${'a*'.repeat(100)}b`);
  const spent = processorTime();
  expect(matches('a'.repeat(100_000))).toBe(false);
  expect(spent()).toBeLessThan(200);
});
