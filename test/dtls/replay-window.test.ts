import { expect, test } from 'vitest';
import fc from 'fast-check';
import { ReplayWindow } from '../../src/dtls/replay-window.ts';

test('a number is accepted once', () => {
  const window = new ReplayWindow();
  for (const sequence of [0, 1, 5, 3, 40, 39, 70]) {
    expect(window.accepts(sequence)).toBe(true);
    window.add(sequence);
    expect(window.accepts(sequence)).toBe(false);
  }
});

test('of the past, 64 numbers up to the newest can still come', () => {
  const window = new ReplayWindow();
  window.add(1000);
  expect(window.accepts(1000 - 63)).toBe(true);
  expect(window.accepts(1000 - 64)).toBe(false);
});

test('asking does not move it', () => {
  const window = new ReplayWindow();
  expect(window.accepts(10_000)).toBe(true);
  expect(window.newest).toBe(-1);
  expect(window.accepts(0)).toBe(true);
});

test('one that goes on from a mark accepts nothing at or below it', () => {
  const window = new ReplayWindow(500);
  for (let sequence = 0; sequence <= 500; sequence++) expect(window.accepts(sequence)).toBe(false);
  expect(window.accepts(501)).toBe(true);
});

test('does what a set of all numbers seen would do', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 200 }), (sequences) => {
      const window = new ReplayWindow();
      const seen = new Set<number>();
      let newest = -1;
      for (const sequence of sequences) {
        const fresh = !seen.has(sequence) && newest - sequence < 64;
        expect(window.accepts(sequence)).toBe(fresh);
        if (!fresh) continue;
        expect(window.add(sequence)).toBe(sequence > newest);
        seen.add(sequence);
        newest = Math.max(newest, sequence);
        expect(window.newest).toBe(newest);
      }
    }),
  );
});
