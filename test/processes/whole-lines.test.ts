import fc from 'fast-check';
import { expect, test } from 'vitest';
import { WholeLines } from '../../src/processes/whole-lines.ts';

test('however a stream is cut, whole lines come out, all of them and in order', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: fc.constantFrom('a', 'é', '\n') })), (chunks) => {
      const lines = new WholeLines();
      const out = chunks.map((chunk) => lines.take(chunk));
      for (const text of out) expect(text === '' || text.endsWith('\n')).toBe(true);
      const all = chunks.join('');
      expect(out.join('')).toBe(all.slice(0, all.lastIndexOf('\n') + 1));
    }),
  );
});

test('a line without end is broken, not kept', () => {
  const lines = new WholeLines();
  const piece = 'x'.repeat(400_000);
  expect([lines.take(piece), lines.take(piece)]).toEqual(['', '']);
  expect(lines.take(piece)).toBe(`${piece}${piece}${piece}\n`);
  expect(lines.take('y\n')).toBe('y\n');
});
