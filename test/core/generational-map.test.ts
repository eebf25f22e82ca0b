import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GenerationalMap } from '../../src/core/generational-map.ts';

describe('a generational map', () => {
  test('keeps what is looked up and drops what is not', () => {
    const map = new GenerationalMap<number, string>({ maxEntries: 10 });
    for (let i = 0; i < 100; i++) {
      map.set(i, `value ${i}`);
      expect(map.get(0)).toBe('value 0');
    }
    expect(map.has(1)).toBe(false);
    expect(map.get(99)).toBe('value 99');
    expect(map.size).toBeLessThanOrEqual(10);
  });

  test('carries pinned entries over and refuses new ones when they fill it', () => {
    const map = new GenerationalMap<number, { pinned: boolean }>({ maxEntries: 8, pinned: (value) => value.pinned });
    const stored: number[] = [];
    for (let i = 0; i < 20; i++) if (map.set(i, { pinned: true })) stored.push(i);
    expect(stored).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(map.set(3, { pinned: false })).toBe(true);
    expect(map.size).toBe(8);
    map.delete(0);
    expect(map.set(100, { pinned: true })).toBe(true);
    expect(stored.slice(1).every((key) => key === 3 || map.has(key))).toBe(true);
  });

  test('does not walk over all entries for every refusal', () => {
    let asked = 0;
    const pinned = (): boolean => {
      asked++;
      return true;
    };
    const map = new GenerationalMap<number, number>({ maxEntries: 2048, pinned });
    let refused = 0;
    for (let i = 0; i < 20_000; i++) if (!map.set(i, i)) refused++;
    expect(refused).toBe(20_000 - 2048);
    expect(asked / refused).toBeLessThan(10);
  });

  test('never exceeds its limit, and loses no pinned entry', () => {
    const step = fc.record({
      kind: fc.constantFrom('set', 'set', 'set', 'get', 'delete', 'unpin'),
      key: fc.nat(40),
      pinned: fc.boolean(),
    });
    const run = fc.property(
      fc.integer({ min: 2, max: 30 }),
      fc.boolean(),
      fc.array(step, { maxLength: 300 }),
      (limit, pins, steps) => {
        const model = new Map<number, { pinned: boolean }>();
        const map = new GenerationalMap<number, { pinned: boolean }>({
          maxEntries: limit,
          pinned: (value) => value.pinned,
        });
        for (const { kind, key, pinned } of steps) {
          if (kind === 'set') {
            const value = { pinned: pins && pinned };
            const known = model.has(key);
            const stored = map.set(key, value);
            if (stored) model.set(key, value);
            else expect(pins && !known).toBe(true);
          } else if (kind === 'get') expect(map.get(key)).toBe(model.get(key));
          else if (kind === 'delete') expect(map.delete(key)).toBe(model.delete(key));
          // What goes, goes with the step that makes room for another: what was pinned then is there.
          for (const [one, value] of model) if (!value.pinned && !map.has(one)) model.delete(one);
          if (kind === 'unpin') {
            const value = model.get(key);
            if (value !== undefined) value.pinned = false;
          }
          expect(map.size).toBe(model.size);
          expect(map.size).toBeLessThanOrEqual(limit);
        }
        expect(new Map(map.entries())).toEqual(model);
      },
    );
    fc.assert(run, { numRuns: 500 });
  });
});

test('in one era nothing that was seen in it is dropped', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat({ max: 30 }), { maxLength: 300 }),
      fc.integer({ min: 2, max: 20 }),
      (keys, maxEntries) => {
        const map = new GenerationalMap<number, { pinned: boolean }>({ maxEntries, pinned: ({ pinned }) => pinned });
        let era = map.era;
        let seen = new Set<number>();
        for (const key of keys) {
          const kept = map.get(key) !== undefined || map.set(key, { pinned: key % 3 === 0 });
          if (map.era !== era) seen = new Set();
          era = map.era;
          if (kept) seen.add(key);
          for (const one of seen) expect(map.has(one)).toBe(true);
        }
      },
    ),
  );
});
