/** What is looked up by a hash is compared as well: collisions cost time, or a record. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hashRange } from '../../src/core/bytes.ts';

const key = fc.integer({ min: -0x80000000, max: 0x7fffffff }).map((n) => n | 1);

test('requests that differ by counters in their header and token have hashes of their own', () => {
  fc.assert(
    fc.property(key, fc.nat(), fc.boolean(), (secret, start, bigEndian) => {
      const hashes = new Set<number>();
      for (let n = 0; n < 2000; n++) {
        const view = new DataView(new ArrayBuffer(8));
        view.setUint32(0, (0x44020000 | ((start + n) & 0xffff)) >>> 0);
        view.setUint32(4, start + n, !bigEndian);
        hashes.add(hashRange(new Uint8Array(view.buffer), 0, 8, 0x1234, secret));
      }
      expect(hashes.size).toBeGreaterThan(1997);
    }),
    { numRuns: 50 },
  );
});

/** The top bit of a word survives a multiplication alone: flipped with one more in the next word, it could be taken back. */
test('pairs that collide under one key do not under most others', () => {
  const flipped = (bit: number): Uint8Array => {
    const view = new DataView(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8).buffer);
    view.setUint32(0, (view.getUint32(0, true) ^ 0x80000000) >>> 0, true);
    view.setUint32(4, (view.getUint32(4, true) ^ 0x80000000 ^ (1 << bit)) >>> 0, true);
    return new Uint8Array(view.buffer);
  };
  const plain = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  for (let bit = 0; bit < 31; bit++) {
    let collisions = 0;
    for (let n = 0; n < 200; n++) {
      const secret = Math.imul(n * 2 + 1, 0x9e3779b1) | 1;
      if (hashRange(plain, 0, 8, 0, secret) === hashRange(flipped(bit), 0, 8, 0, secret)) collisions++;
    }
    expect(collisions).toBeLessThan(5);
  }
});

test('only the bytes of the range count, and their number', () => {
  const bytes = Uint8Array.of(9, 9, 1, 2, 3, 0, 9);
  const hash = (from: number, end: number): number => hashRange(bytes, from, end, 7, 0x9e3779b1);
  expect(hash(2, 5)).toBe(hashRange(Uint8Array.of(1, 2, 3), 0, 3, 7, 0x9e3779b1));
  expect(hash(2, 6)).not.toBe(hash(2, 5));
});
