import { encode as cborgEncode, rfc8949EncodeOptions } from 'cborg';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hex } from '../../src/core/bytes.ts';
import { UsageError } from '../../src/core/error.ts';
import type { Value } from '../../src/core/value.ts';
import { decodeCbor } from '../../src/cbor/decode.ts';
import { encodeCbor, encodeExactly } from '../../src/cbor/encode.ts';
import { anyValue, expectSame, key } from './values.ts';

const encoded = (value: unknown): string => hex(encodeCbor(value as Value));
const carried = (value: unknown): unknown => decodeCbor(encodeCbor(value as Value));

test('what is encoded and decoded is the same value', () => {
  fc.assert(
    fc.property(anyValue, (value) => expectSame(decodeCbor(encodeCbor(value)), value)),
    { numRuns: 500 },
  );
});

test('equal objects are equal bytes, in whatever order their members were set', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(key, anyValue), { selector: ([name]) => name }),
      fc.infiniteStream(fc.nat()),
      (members, random) => {
        const order = members
          .map((member) => ({ member, rank: random.next().value ?? 0 }))
          .sort((a, b) => a.rank - b.rank)
          .map((e) => e.member);
        expect(encoded(Object.fromEntries(order))).toBe(encoded(Object.fromEntries(members)));
        expect(encoded(new Map(order))).toBe(encoded(Object.fromEntries(members)));
      },
    ),
  );
});

test('an independent deterministic encoder gives the same bytes', () => {
  // It writes -0 as 0 and has no tag for dates and large integers.
  const hasMinusZero = (value: unknown): boolean =>
    Object.is(value, -0) || (typeof value === 'object' && value !== null && Object.values(value).some(hasMinusZero));
  fc.assert(
    fc.property(
      fc.jsonValue().filter((value) => !hasMinusZero(value)),
      (value) => {
        expect(encoded(value)).toBe(hex(cborgEncode(value, rfc8949EncodeOptions)));
      },
    ),
    { numRuns: 500 },
  );
});

test('every half and a sample of singles is written in its shortest form', () => {
  const view = new DataView(new ArrayBuffer(3));
  for (let bits = 0; bits < 0x1_0000; bits++) {
    view.setUint8(0, 0xf9);
    view.setUint16(1, bits);
    const value = decodeCbor(new Uint8Array(view.buffer.slice(0)));
    if (Number.isInteger(value) && !Object.is(value, -0)) continue;
    const shortest = Number.isNaN(value) ? 'f97e00' : hex(new Uint8Array(view.buffer));
    if (encoded(value) !== shortest) expect(encoded(value)).toBe(shortest);
  }
  fc.assert(
    fc.property(fc.float({ noNaN: true, noInteger: true }), (value) => {
      expect(encodeCbor(value).length).toBeLessThanOrEqual(5);
    }),
    { numRuns: 1000 },
  );
  expect(encoded(2 ** -25)).toBe('fa33000000');
  expect(encoded(65505.5)).toBe('fa477fe180');
  expect(encoded(0.1)).toBe('fb3fb999999999999a');
});

describe('order of keys (RFC 8949 §4.2.1)', () => {
  test("the RFC's own example", () => {
    const keys: Value[] = [[-1], 'aa', false, 100, [100], 'z', -1, 10];
    expect([...(carried(new Map(keys.map((k) => [k, 0]))) as Map<unknown, unknown>).keys()]).toStrictEqual([
      10,
      100,
      -1,
      'z',
      'aa',
      [100],
      [-1],
      false,
    ]);
  });
  test('shorter texts first, then by byte, also where UTF-16 would order otherwise', () => {
    // U+FFFE is EF BF BE, U+1F600 is F0 9F 98 80 (four bytes): UTF-16 has D83D first.
    expect(Object.keys(carried({ '\u{1f600}': 1, '\ufffe!': 2, 'aa': 3, 'b': 4 }) as object)).toStrictEqual([
      'b',
      'aa',
      '\ufffe!',
      '\u{1f600}',
    ]);
  });
  test('keys that become the same are refused', () => {
    expect(() =>
      encodeCbor(
        new Map<Value, Value>([
          [5, 1],
          [5n, 2],
        ]),
      ),
    ).toThrow(/two keys/);
    expect(() => encodeCbor({ '\ud800': 1, '\ud801': 2 })).toThrow(/two keys/);
  });
});

class Point {
  readonly x = 1;
}

describe('what is not one of the types of CBOR', () => {
  class Money {
    toJSON(): unknown {
      return { amount: 5n };
    }
  }
  test.each<[string, unknown, unknown]>([
    ['undefined alone is undefined', undefined, undefined],
    ['undefined members are left out', { a: undefined, b: 1 }, { b: 1 }],
    ['undefined in an array is null', [undefined, 1], [null, 1]],
    ['a hole in an array is null', Object.assign(Array(2), { 1: 1 }), [null, 1]],
    [
      'undefined in a Map is left out',
      new Map([
        [1, undefined],
        [2, 3],
      ]),
      new Map([[2, 3]]),
    ],
    ['an object without prototype is one', Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
    ['a class instance goes as its text', [new Point()], ['[object Object]']],
    ['toJSON decides', [new Money()], [{ amount: 5 }]],
    ['a URL says itself', new URL('coap://h/'), 'coap://h/'],
    ['a function goes as its name, never its source', { f: function secret() {} }, { f: '[function secret]' }],
    ['a symbol goes as its text', [Symbol('s')], ['Symbol(s)']],
    ['an error goes as its text', new TypeError('no'), 'TypeError: no'],
    ['a regular expression goes as its text', /a/g, '/a/g'],
    ['a Set is an array', new Set([1, 2]), [1, 2]],
    ['typed arrays are arrays', new Float64Array([1, 2.5]), [1, 2.5]],
    ['an ArrayBuffer is bytes', Uint8Array.of(1, 2).buffer, Uint8Array.of(1, 2)],
    ['a DataView is bytes', new DataView(Uint8Array.of(1, 2, 3).buffer, 1), Uint8Array.of(2, 3)],
    ['a Buffer is bytes', Buffer.from('ab'), Uint8Array.of(0x61, 0x62)],
    ['a Date that is none is null', [new Date(Number.NaN)], [null]],
    ['a lone surrogate is U+FFFD', '\ud800', '\ufffd'],
    [
      'an object whose text cannot be had',
      Object.create({ toString: undefined, constructor: Point }, {}),
      '[object Object]',
    ],
  ])('%s', (_rule, value, wanted) => expect(carried(value)).toStrictEqual(wanted));

  test.each([0, 1, 23, 24, 255, 256, 65_536])('%i rows from an iterator are an array of definite length', (count) => {
    function* rows(): Generator {
      for (let i = 0; i < count; i++) yield i % 10;
    }
    expect(encoded([rows(), 'end'])).toBe(encoded([[...rows()], 'end']));
  });
  test('an iterator that never ends is stopped', () => {
    const row = 'x'.repeat(1 << 16);
    function* endless(): Generator {
      for (;;) yield row;
    }
    expect(() => encodeCbor(endless() as never)).toThrow(
      expect.objectContaining({ code: 'unencodable-value', message: expect.stringContaining('more than') }),
    );
  });
  test('a cycle is a clear error, a value used twice is not', () => {
    const shared = { a: 1 };
    expect(carried([shared, shared])).toStrictEqual([shared, shared]);
    const cycle: unknown[] = [];
    cycle.push({ cycle });
    const self = new Map<unknown, unknown>();
    self.set('self', self);
    const own = new Map<unknown, unknown>();
    own.set(own, 'its own key');
    for (const value of [cycle, self, own]) {
      expect(() => encodeCbor(value as Value)).toThrow(UsageError);
      expect(() => encodeCbor(value as Value)).toThrow(/contains itself/);
    }
    expect(encoded(1)).toBe('01');
  });
  test('nesting is bounded', () => {
    let deep: Value = 1;
    for (let i = 0; i < 100_000; i++) deep = [deep];
    expect(() => encodeCbor(deep)).toThrow(/nested deeper than 128/);
    let keys: Value = 1;
    for (let i = 0; i < 100_000; i++) keys = new Map<Value, Value>([[keys, 1]]);
    expect(() => encodeCbor(keys)).toThrow(/nested deeper than 128/);
  });
  test('encoding while encoding does not mix the bytes', () => {
    const nosy = { toJSON: () => ({ inner: encodeCbor({ a: 1, b: [2] }) }) };
    expect(carried([nosy, 'x'])).toStrictEqual([{ inner: encodeCbor({ a: 1, b: [2] }) }, 'x']);
  });
});

describe('the exact encoding', () => {
  test('tells undefined from null and from nothing', () => {
    const all = [[undefined], [null], [], [{ a: undefined }], [{}], [{ a: null }]].map((v) => hex(encodeExactly(v)));
    expect(new Set(all).size).toBe(6);
  });
  test.each<[string, unknown]>([
    ['a function', () => 1],
    ['a class instance', new Point()],
    ['an iterator', [1].values()],
    ['a Set', new Set([1])],
    ['an object with toJSON', { toJSON: () => 1 }],
    ['a symbol', Symbol('s')],
  ])('refuses %s', (_name, value) => expect(() => encodeExactly([value] as Value)).toThrow(UsageError));
  test('is the same as the other for plain values', () => {
    fc.assert(fc.property(anyValue, (value) => expectSame(encodeExactly(value), encodeCbor(value))));
  });
});
