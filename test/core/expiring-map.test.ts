import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { milliseconds, type Instant } from '../../src/core/duration.ts';
import { ExpiringMap } from '../../src/core/expiring-map.ts';

const at = (ms: number): Instant => ms as Instant;

describe('an expiring map', () => {
  test('refuses what is larger than it may be, and forgets what was stored under the key', () => {
    const map = new ExpiringMap<string, string>({ maxEntries: 4, maxBytes: 10, maxAge: milliseconds(100) });
    expect(map.set('a', 'small', 5, at(0))).toBe(true);
    expect(map.set('a', 'large', 11, at(0))).toBe(false);
    expect(map.get('a', at(0))).toBeUndefined();
    expect(map.bytes).toBe(0);
  });

  test('lets go at the very instant the age is reached', () => {
    const map = new ExpiringMap<string, number>({ maxEntries: 4, maxBytes: 10, maxAge: milliseconds(100) });
    map.set('a', 1, 1, at(0));
    map.set('b', 2, 1, at(50));
    expect(map.get('a', at(99.9))).toBe(1);
    expect(map.bytes).toBe(2);
    expect(map.get('a', at(100))).toBeUndefined();
    expect(map.bytes).toBe(1);
    map.expire(at(149.9));
    expect(map.bytes).toBe(1);
    map.expire(at(150));
    expect(map.bytes).toBe(0);
  });

  test('agrees with a naive list: oldest first out, within count, bytes and age', () => {
    const step = fc.record({
      kind: fc.constantFrom('set', 'set', 'set', 'get', 'delete', 'expire'),
      key: fc.nat(12),
      bytes: fc.nat(12),
      later: fc.nat(30),
    });
    const limits = fc.record({
      maxEntries: fc.integer({ min: 1, max: 8 }),
      maxBytes: fc.nat(40),
      maxAge: fc.integer({ min: 1, max: 100 }),
    });
    const run = fc.property(limits, fc.array(step, { maxLength: 200 }), ({ maxEntries, maxBytes, maxAge }, steps) => {
      let model: { key: number; serial: number; bytes: number; expires: number }[] = [];
      const map = new ExpiringMap<number, number>({ maxEntries, maxBytes, maxAge: milliseconds(maxAge) });
      let now = 0;
      steps.forEach(({ kind, key, bytes, later }, serial) => {
        now += later;
        if (kind === 'get') {
          const known = model.find((entry) => entry.key === key && entry.expires > now);
          expect(map.get(key, at(now))).toBe(known?.serial);
          model = model.filter((entry) => entry.key !== key || entry.expires > now);
        } else if (kind === 'delete') {
          expect(map.delete(key)).toBe(model.some((entry) => entry.key === key));
          model = model.filter((entry) => entry.key !== key);
        } else {
          model = model.filter((entry) => entry.expires > now);
          if (kind === 'set') {
            model = model.filter((entry) => entry.key !== key);
            const stored = bytes <= maxBytes;
            expect(map.set(key, serial, bytes, at(now))).toBe(stored);
            if (stored) {
              model.push({ key, serial, bytes, expires: now + maxAge });
              while (model.length > maxEntries || model.reduce((sum, entry) => sum + entry.bytes, 0) > maxBytes)
                model.shift();
            }
          } else map.expire(at(now));
        }
        expect(map.bytes).toBe(model.reduce((sum, entry) => sum + entry.bytes, 0));
      });
      model = model.filter((entry) => entry.expires > now);
      const left = Array.from({ length: 13 }, (_, key) => map.get(key, at(now)));
      expect(left).toEqual(left.map((_, key) => model.find((entry) => entry.key === key)?.serial));
    });
    fc.assert(run, { numRuns: 500 });
  });
});
