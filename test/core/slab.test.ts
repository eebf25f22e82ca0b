import { expect, test } from 'vitest';
import { Slab } from '../../src/core/slab.ts';

test('what is cut from a slab belongs to nobody else', () => {
  const slab = new Slab(4096);
  const taken = Array.from({ length: 200 }, (_, at) => slab.take(60 + at));
  for (const [at, bytes] of taken.entries()) bytes.fill(at);
  expect(taken.every((bytes, at) => bytes.length === 60 + at && bytes.every((byte) => byte === at))).toBe(true);
});

test('what takes more than a quarter of a slab has memory of its own', () => {
  const slab = new Slab(4096);
  expect([slab.take(1024).buffer.byteLength, slab.take(1025).buffer.byteLength]).toEqual([4096, 1025]);
});
