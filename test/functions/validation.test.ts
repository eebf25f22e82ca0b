import { describe, expect, test } from 'vitest';
import * as fc from 'fast-check';
import { CallError } from '../../src/functions/call-error.ts';
import type { ValueType } from '../../src/functions/description.ts';
import { check } from '../../src/functions/validation.ts';
import type { Value } from '../../src/core/value.ts';
import { processorTime } from '../processor-time.ts';

function failure(value: Value, type: ValueType, path = 'a'): CallError {
  try {
    check(value, type, path);
  } catch (error) {
    if (error instanceof CallError) return error;
    throw error;
  }
  throw new Error('it fits');
}

const refused = (value: Value, type: ValueType): string => failure(value, type).message;

const number: ValueType = { kind: 'number' };
const integer: ValueType = { kind: 'integer' };
const string: ValueType = { kind: 'string' };
const bytes: ValueType = { kind: 'bytes' };
const date: ValueType = { kind: 'date' };
const bigint: ValueType = { kind: 'bigint' };
const arrayOf = (items: ValueType): ValueType => ({ kind: 'array', items });
const unionOf = (...options: ValueType[]): ValueType => ({ kind: 'union', options });
const objectOf = (
  properties: Readonly<Record<string, ValueType>>,
  additional?: ValueType,
  optional: readonly string[] = [],
): ValueType => ({
  kind: 'object',
  properties: Object.fromEntries(
    Object.entries(properties).map(([name, type]) => [name, { type, required: !optional.includes(name) }]),
  ),
  additional,
});

describe('errors', () => {
  test('say where, what is expected and what was given', () => {
    const type = objectOf({ items: arrayOf(objectOf({ price: number })) });
    const error = failure({ items: [{ price: 1 }, { price: 2 }, { price: '3' }] }, type);
    expect(error.message).toBe('a.items[2].price must be a number, got text.');
    expect(error.code).toBe('wrong-type');
    expect(error.details.expected).toBe(type);
  });

  test.each<[Value, ValueType, string]>([
    ['x', number, 'a must be a number, got text.'],
    [1.5, integer, 'a must be a whole number, got 1.5.'],
    [9, { kind: 'integer', minimum: 1, maximum: 5 }, 'a must be a whole number from 1 to 5, got 9.'],
    [0, { kind: 'number', minimum: 1 }, 'a must be a number of at least 1, got 0.'],
    ['abc', { kind: 'string', maxLength: 2 }, 'a must be text of at most 2 characters, got text of 3 characters.'],
    [
      'c',
      unionOf({ kind: 'literal', value: 'a' }, { kind: 'literal', value: 'b' }),
      'a must be one of "a", "b", got "c".',
    ],
    [true, unionOf(number, string, { kind: 'null' }), 'a must be a number, text or null, got true.'],
    [[1], { kind: 'tuple', items: [number, number] }, 'a must be a list of 2, got 1.'],
    [{}, objectOf({ x: number }), 'a.x is missing; it must be a number.'],
    [
      { x: 1, prize: 2 },
      objectOf({ x: number, price: number }, undefined, ['price']),
      "a has no member 'prize'; did you mean 'price'?",
    ],
    [new Map([[1, 2]]), objectOf({}), 'a must be an object, got a map whose keys are not text.'],
    [null, arrayOf(number), 'a must be a list, each item a number, got null.'],
    [
      'yesterday',
      date,
      'a must be a date (RFC 3339 where the format is text, such as 2026-01-31T12:00:00Z), got "yesterday".',
    ],
  ])('%j', (value, type, message) => {
    expect(refused(value, type)).toBe(message);
  });

  test('of a union with one option of the same shape speak of the place inside', () => {
    expect(refused({ x: 'y' }, unionOf(string, objectOf({ x: number })))).toBe('a.x must be a number, got text.');
  });

  test('of objects told apart by a literal speak of the one that is meant', () => {
    const circle = objectOf({ kind: { kind: 'literal', value: 'circle' }, r: number });
    const square = objectOf({ kind: { kind: 'literal', value: 'square' }, side: number });
    expect(refused({ kind: 'square', side: 'x' }, unionOf(circle, square))).toBe('a.side must be a number, got text.');
  });

  test('never repeat much of what a peer sent, nor its control characters', () => {
    const long = '\u0007\n'.repeat(100_000);
    expect(
      refused(long, unionOf({ kind: 'literal', value: 'a' }, { kind: 'literal', value: 'b' })).length,
    ).toBeLessThan(100);
    expect(refused(long, unionOf({ kind: 'literal', value: 'a' }))).not.toContain('\u0007');
    expect(refused({ [long]: 1 }, objectOf({ x: number })).length).toBeLessThan(100);
    expect(refused(10n ** 500n, number).length).toBeLessThan(100);
  });
});

describe('numbers', () => {
  test('-0 is 0', () => {
    expect(Object.is(check(-0, number, 'a'), 0)).toBe(true);
    expect(Object.is(check(-0, integer, 'a'), 0)).toBe(true);
    expect(Object.is((check([-0], arrayOf(number), 'a') as readonly Value[])[0], 0)).toBe(true);
  });

  test('a bigint stands for a number where it is exactly that number', () => {
    expect(check(2n ** 60n, number, 'a')).toBe(2 ** 60);
    expect(refused(2n ** 60n + 1n, number)).toMatch(/must be a number/);
    expect(check(5n, integer, 'a')).toBe(5);
    expect(refused(2n ** 60n, integer)).toMatch(/whole number/);
  });

  test('no number is in a range that it cannot be compared with', () => {
    expect(refused(NaN, { kind: 'number', minimum: 0 })).toMatch(/got NaN/);
    expect(check(NaN, number, 'a')).toBeNaN();
    expect(check(Infinity, number, 'a')).toBe(Infinity);
  });

  test('text is no number', () => {
    expect(refused('10', number)).toMatch(/got text/);
  });
});

describe('conversion', () => {
  test('whole numbers and decimal text are bigints', () => {
    expect(check(5, bigint, 'a')).toBe(5n);
    expect(check('-123456789012345678901234567890', bigint, 'a')).toBe(-123456789012345678901234567890n);
    expect(refused(1.5, bigint)).toMatch(/whole number of any size/);
    expect(refused('1'.repeat(2000), bigint)).toMatch(/whole number of any size/);
    // Python's int is both.
    expect(refused('x', { kind: 'union', options: [{ kind: 'integer' }, bigint] })).toContain(
      'must be a whole number of any size, got',
    );
  });

  test('base64url text is bytes, padded or not', () => {
    expect(check('AAEC_w', bytes, 'a')).toEqual(new Uint8Array([0, 1, 2, 255]));
    expect(check('AAEC_w==', bytes, 'a')).toEqual(new Uint8Array([0, 1, 2, 255]));
    expect(check('', bytes, 'a')).toEqual(new Uint8Array());
    for (const text of ['A', 'AB==C', 'a b', 'AAEC/w', 'AAEC_x', 'AAA==='])
      expect(() => check(text, bytes, 'a')).toThrow(CallError);
  });

  test('any bytes survive base64url', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (value) => {
        expect(check(Buffer.from(value).toString('base64url'), bytes, 'a')).toEqual(value);
      }),
    );
  });

  test.each([
    ['2026-01-31T12:00:00Z', '2026-01-31T12:00:00.000Z'],
    ['2026-01-31t12:00:00.123456z', '2026-01-31T12:00:00.123Z'],
    ['2026-01-31T12:00:00+02:30', '2026-01-31T09:30:00.000Z'],
    ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00.000Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000Z'],
  ])('RFC 3339 text %s is a date', (text, iso) => {
    expect((check(text, date, 'a') as Date).toISOString()).toBe(iso);
  });

  test.each([
    '2026-02-30T00:00:00Z',
    '2026-01-31',
    '2026-01-31T24:00:00Z',
    '2026-01-31T12:00:00',
    '2026-13-01T00:00:00Z',
    'now',
    '1700000000',
  ])('%s is none', (text) => {
    expect(() => check(text, date, 'a')).toThrow(CallError);
  });

  test('every date survives its text form', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date('0000-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true }),
        (value) => {
          expect(check(value.toISOString(), date, 'a')).toEqual(value);
        },
      ),
    );
  });

  test('an invalid Date is no date', () => {
    expect(refused(new Date(NaN), date)).toMatch(/got an invalid date/);
  });

  test('in a union what fits as it stands wins over what needs conversion', () => {
    expect(check('AAEC', unionOf(bytes, string), 'a')).toBe('AAEC');
    expect(check(5, unionOf(bigint, number), 'a')).toBe(5);
    expect(check('AAEC', unionOf(bytes, number), 'a')).toEqual(new Uint8Array([0, 1, 2]));
  });

  test('reaches into lists and objects, and leaves the given value alone', () => {
    const type = objectOf({ when: arrayOf(date), n: number });
    const given = { when: ['2026-01-31T12:00:00Z'], n: -0 };
    expect(check(given, type, 'a')).toEqual({ when: [new Date('2026-01-31T12:00:00Z')], n: 0 });
    expect(given.when).toEqual(['2026-01-31T12:00:00Z']);
  });

  test('a value that needs none is not copied', () => {
    const given = { items: [{ price: 1 }] };
    expect(check(given, objectOf({ items: arrayOf(objectOf({ price: number })) }), 'a')).toBe(given);
  });
});

describe('objects', () => {
  test('members that are undefined are left out', () => {
    const value = check({ x: 1, y: undefined }, objectOf({ x: number, y: number }, undefined, ['y']), 'a');
    expect(Object.keys(value as object)).toEqual(['x']);
  });

  test('a map with text keys is an object', () => {
    expect(check(new Map<Value, Value>([['x', 1]]), objectOf({ x: number }), 'a')).toEqual({ x: 1 });
  });

  test('undeclared members need a declaration that allows them', () => {
    expect(check({ x: 1, y: 2 }, objectOf({ x: number }, number), 'a')).toEqual({ x: 1, y: 2 });
    expect(refused({ x: 1, y: 'z' }, objectOf({ x: number }, number))).toBe('a.y must be a number, got text.');
  });

  test('names that objects inherit are members like any other', () => {
    for (const name of ['__proto__', 'constructor', 'toString']) {
      const value = JSON.parse(`{"${name}": {"polluted": true}, "x": -0}`) as Value;
      expect(refused(value, objectOf({ x: number }))).toMatch(/has no member/);
      const open = check(value, objectOf({ x: number }, { kind: 'any' }), 'a') as object;
      expect(Object.hasOwn(open, name)).toBe(true);
      expect(Object.getPrototypeOf(open)).toBe(Object.prototype);
    }
    expect(refused({}, objectOf({ toString: string }))).toBe('a.toString is missing; it must be text.');
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

test('work is bounded: nested unions over a wide value take no time', () => {
  let type: ValueType = number;
  for (let depth = 0; depth < 12; depth++)
    type = unionOf(arrayOf(type), objectOf({ x: type }), arrayOf(unionOf(type, { kind: 'null' })));
  let value: Value = 'wrong';
  for (let depth = 0; depth < 12; depth++) value = [value];
  const wide = Array.from({ length: 20_000 }, () => 1);
  const spent = processorTime();
  expect(() => check(value, type, 'a')).toThrow(CallError);
  expect(() => check([...wide, 'x'], unionOf(arrayOf(number), arrayOf({ kind: 'boolean' })), 'a')).toThrow(CallError);
  expect(spent()).toBeLessThan(5000);
});
