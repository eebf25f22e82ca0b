/** Values for property tests, and the one comparison that they need. */
import { inspect, isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { expect } from 'vitest';
import type { Value } from '../../src/core/value.ts';

const text: fc.Arbitrary<string> = fc.oneof(
  fc.string(),
  fc.string({ unit: 'grapheme' }),
  fc.string().map((rest) => `\ufeff${rest}`),
  fc.string({ minLength: 60, maxLength: 300 }),
);

export const key: fc.Arbitrary<string> = fc.oneof(
  fc.string(),
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('__proto__', 'constructor', 'toString', 'hasOwnProperty', '', '\ufffe', '\u{1f600}', 'a', 'b', 'aa'),
);

/** Everything that comes back as it went: no undefined (left out or null), no bigint that fits a number. */
export const anyValue: fc.Arbitrary<Value> = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double(),
    fc.float(),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 200n }),
    fc.bigInt({ min: -(2n ** 200n), max: -(2n ** 53n) }),
    text,
    fc.uint8Array({ maxLength: 40 }),
    fc.date({ noInvalidDate: true, min: new Date(-8e12), max: new Date(8e12) }),
    fc.array(tie('value'), { maxLength: 6 }),
    fc
      .uniqueArray(fc.tuple(key, tie('value')), { maxLength: 6, selector: ([name]) => name })
      .map(Object.fromEntries<Value>),
    fc
      .uniqueArray(fc.tuple(fc.integer(), tie('value')), { minLength: 1, maxLength: 6, selector: ([n]) => n })
      .map((e) => new Map(e)),
  ),
})).value;

export const fromHex = (digits: string): Uint8Array =>
  Uint8Array.from(digits.replace(/\s/g, '').match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));

/** Like toStrictEqual, which takes a member named `constructor` for the constructor. */
export function expectSame(actual: unknown, wanted: unknown): void {
  if (!isDeepStrictEqual(actual, wanted)) expect.fail(`${inspect(actual)} is not ${inspect(wanted)}`);
}
