/** It gives what a Map gives, whatever comes and goes. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TransientMap } from '../../src/core/transient-map.ts';

const steps = fc.array(
  fc.record({
    key: fc.oneof(fc.nat(40), fc.nat(40).map(String)),
    kind: fc.constantFrom('set', 'set', 'delete', 'get'),
  }),
  { maxLength: 400 },
);

test('after any steps it holds what a Map holds', () => {
  fc.assert(
    fc.property(steps, (taken) => {
      const map = new TransientMap<string | number, number>();
      const model = new Map<string | number, number>();
      for (const [n, { key, kind }] of taken.entries()) {
        if (kind === 'set') {
          map.set(key, n);
          model.set(key, n);
        } else if (kind === 'delete') expect(map.delete(key)).toBe(model.delete(key));
        else expect(map.get(key)).toBe(model.get(key));
        expect(map.size).toBe(model.size);
      }
      expect(map.values().toSorted((a, b) => a - b)).toEqual([...model.values()].toSorted((a, b) => a - b));
    }),
  );
});

test('what is deleted while its values are looked at is seen all the same', () => {
  const map = new TransientMap<number, number>();
  for (let n = 0; n < 100; n++) map.set(n, n);
  let seen = 0;
  for (const n of map.values()) {
    map.delete(n);
    seen++;
  }
  expect([seen, map.size]).toEqual([100, 0]);
});
