/** What a function returned, as what peers can be told of it (docs/libraries.md). */
import { expect, test } from 'vitest';
import type { Value } from '../../../../src/core/value.ts';
import { toPortable, UnportableResult } from '../../../../src/functions/runtimes/node/portable.ts';

const bare = Object.assign(Object.create(null) as object, { a: 1 });
const bytes = Uint8Array.of(9, 1, 2, 9);

test.each<[string, unknown, Value]>([
  ['a symbol is its text', Symbol('s'), 'Symbol(s)'],
  ['a function is its name', Math.max, '[function max]'],
  ['a function without a name', () => 1, '[function]'],
  ['an object without a prototype', bare, { a: 1 }],
  ['a plain object that speaks for itself', { a: 1, toJSON: () => 5 }, 5],
  ['an instance that does', new URL('coap://a/'), 'coap://a/'],
  ['a date', new Date(0), new Date(0)],
  ['a date that is none', new Date(NaN), 'Invalid Date'],
  ['the part of a buffer that is shown', bytes.subarray(1, 3), Uint8Array.of(1, 2)],
  ['a buffer', bytes.buffer, bytes],
  ['the part of a buffer that is viewed', new DataView(bytes.buffer, 1, 2), Uint8Array.of(1, 2)],
  ['a regular expression', /a+/g, '/a+/g'],
  ['an error', new RangeError('no'), 'RangeError: no'],
  ['values in objects', [Object(1), Object('a'), Object(true)], [1, 'a', true]],
  ['what can be gone through', new Set([1, [2].values()]), [1, [2]]],
  ['a map', new Map([[Symbol('k'), new Set([1])]]), new Map([['Symbol(k)', [1]]])],
  ['members with names of their own', JSON.parse('{"__proto__":1}') as unknown, JSON.parse('{"__proto__":1}') as Value],
])('%s', (_, returned, told) => {
  const portable = toPortable(returned);
  expect(portable).toStrictEqual(told);
});

test('bytes are those of then, whatever becomes of them', () => {
  const own = Uint8Array.of(1);
  const told = [own, own.buffer, new DataView(own.buffer)].map((value) => toPortable(value));
  own[0] = 2;
  expect(told).toEqual([Uint8Array.of(1), Uint8Array.of(1), Uint8Array.of(1)]);
});

test('what is nested too deep, or in itself, is refused', () => {
  const loop: unknown[] = [];
  loop.push(loop);
  expect(() => toPortable(loop)).toThrow(UnportableResult);
});
