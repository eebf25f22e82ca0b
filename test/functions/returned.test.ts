/** What a function returned, as bytes: every format is answered as it would be from the value itself. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { contentOf } from '../../src/cache/result.ts';
import { encodeCbor } from '../../src/cbor/encode.ts';
import { milliseconds } from '../../src/core/duration.ts';
import { FuncoapError } from '../../src/core/error.ts';
import { hex, textOf } from '../../src/core/bytes.ts';
import { ObjectReference } from '../../src/core/object-reference.ts';
import type { Value } from '../../src/core/value.ts';
import { Returned } from '../../src/functions/returned.ts';

const rest = { readCaller: false as const, tags: [], queued: milliseconds(0), ran: milliseconds(0) };

function answers(value: Value, returned: Returned | undefined): unknown[] {
  const content = contentOf({ value, returned, ...rest });
  return [60, 50, 0, 42].map((format) => {
    try {
      return content.representation(format);
    } catch (error) {
      return error instanceof FuncoapError ? error.message : error;
    }
  });
}

const values: fc.Arbitrary<Value> = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom<Value>(null, undefined, true, -0, NaN, Infinity, 2 ** 53, 5n, 2n ** 53n, '\ud800', 'b'),
    fc.double(),
    fc.integer(),
    fc.bigInt(),
    fc.string({ unit: 'binary', maxLength: 4 }),
    fc.uint8Array({ maxLength: 4 }),
    fc.date({ noInvalidDate: true }),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.string({ maxLength: 2 }), tie('value'), { maxKeys: 4 }),
    fc
      .array(fc.tuple(fc.oneof(fc.integer(), fc.string({ maxLength: 2 })), tie('value')), { maxLength: 3 })
      .map((e) => new Map(e)),
  ),
})).value;

it('answers in every format as the value does, and the same value comes back', () => {
  fc.assert(
    fc.property(values, (value) => {
      const returned = Returned.of(value);
      expect(answers(value, returned)).toStrictEqual(answers(value, undefined));
      expect(returned.value).toStrictEqual(structuredClone(value));
    }),
    { numRuns: 1000 },
  );
});

it.each<[string, Value, boolean]>([
  ['a number', 30, false],
  ['an object in the order of CBOR', { id: 1, name: 'x' }, false],
  ['an integer from 2^53', 2n ** 60n, false],
  ['a date', new Date(1), false],
  ['members in another order, which JSON shows', { b: 1, a: 2 }, true],
  ['a bigint below 2^53', 5n, true],
  ['undefined among items', [undefined], true],
  ['half a surrogate pair', '\ud800', true],
  ['a map', new Map([['a', 1]]), true],
])('keeps more than CBOR only where CBOR does not tell all: %s', (_name, value, more) => {
  const returned = Returned.of(value);
  expect(returned.cbor).toStrictEqual(encodeCbor(value));
  expect(returned.exact !== undefined).toBe(more);
});

it('is no bytes where nothing was returned', () => {
  expect(Returned.of(undefined)).toMatchObject({ cbor: new Uint8Array(0), exact: undefined, value: undefined });
});

it('an object is tag 39 in CBOR and its path in all else, whether or not CBOR tells the rest', () => {
  const object = new ObjectReference('3kP0aZ_q');
  const tagged = 'd8276b2f6f2f336b5030615a5f71';
  for (const [value, cbor, json] of [
    [object, tagged, '"/o/3kP0aZ_q"'],
    [[object], `81${tagged}`, '["/o/3kP0aZ_q"]'],
    [{ b: object, a: 1 }, `a261610161 62${tagged}`.replace(' ', ''), '{"b":"/o/3kP0aZ_q","a":1}'],
    [new Map<Value, Value>([[object, 1]]), `a1${tagged}01`, '{"/o/3kP0aZ_q":1}'],
  ] as const) {
    const returned = Returned.of(value, true);
    const content = contentOf({ value: undefined, returned, ...rest });
    expect(hex(content.representation(60).bytes)).toBe(cbor);
    expect(textOf(content.representation(50).bytes)).toBe(json);
  }
  expect(
    textOf(contentOf({ value: undefined, returned: Returned.of(object, true), ...rest }).representation(0).bytes),
  ).toBe('/o/3kP0aZ_q');
});
