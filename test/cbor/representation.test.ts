import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { utf8 } from '../../src/core/bytes.ts';
import { PeerError, UsageError } from '../../src/core/error.ts';
import type { Value } from '../../src/core/value.ts';
import { fromBase64Url, toBase64Url } from '../../src/cbor/base64url.ts';
import { contentFormat } from '../../src/cbor/content-format.ts';
import { decodeJson } from '../../src/cbor/json-decode.ts';
import { encodeJson } from '../../src/cbor/json-encode.ts';
import { decodeRepresentation, encodeRepresentation, hasRepresentation } from '../../src/cbor/representation.ts';
import { anyValue, expectSame } from './values.ts';
import { processorTime } from '../processor-time.ts';

const { cbor, json, octetStream, text } = contentFormat;
const shown = (value: unknown, format: number): string =>
  new TextDecoder('utf-8', { ignoreBOM: true }).decode(encodeRepresentation(value as Value, format));

describe('out', () => {
  test.each<[string, unknown, number, string]>([
    ['JSON: bytes are base64url', { b: Uint8Array.of(0xfb, 0xff, 0xfe, 0) }, json, '{"b":"-__-AA"}'],
    ['JSON: bigint is decimal text', [2n ** 64n, -5n], json, '["18446744073709551616","-5"]'],
    ['JSON: a Date is RFC 3339', [new Date(0)], json, '["1970-01-01T00:00:00.000Z"]'],
    ['JSON: no number for NaN and infinities', [Number.NaN, Infinity, -0], json, '[null,null,-0]'],
    [
      'JSON: keys of a Map as text',
      new Map<Value, Value>([
        [1, 'a'],
        [-2n, 'b'],
        [[1], 'c'],
        [true, 'd'],
      ]),
      json,
      '{"1":"a","-2":"b","[1]":"c","true":"d"}',
    ],
    ['JSON: undefined members left out, in arrays null', { a: undefined, b: [undefined] }, json, '{"b":[null]}'],
    ['JSON: members keep their order', { b: 1, a: 2 }, json, '{"b":1,"a":2}'],
    ['JSON: __proto__ is a member', JSON.parse('{"__proto__":1}'), json, '{"__proto__":1}'],
    ['text: a string as it is', 'grüß "dich"', text, 'grüß "dich"'],
    ['text: anything else as its JSON', { a: [1, 'x'] }, text, '{"a":[1,"x"]}'],
    ['text: a number', 3, text, '3'],
    ['text: null', null, text, 'null'],
    ['text: bytes as in JSON', Uint8Array.of(1), text, '"AQ"'],
    ['octets: bytes as they are', utf8('raw'), octetStream, 'raw'],
    ['octets: a string as its UTF-8', 'grüß', octetStream, 'grüß'],
    ['octets: anything else as text', [1], octetStream, '[1]'],
  ])('%s', (_rule, value, format, wanted) => expect(shown(value, format)).toBe(wanted));

  test('CBOR is the deterministic one', () =>
    expect([...encodeRepresentation({ b: 1, a: 2 }, cbor)]).toStrictEqual([0xa2, 0x61, 0x61, 2, 0x61, 0x62, 1]));
  test('nothing has no representation: no bytes, in any format', () => {
    expect(hasRepresentation(undefined)).toBe(false);
    expect(hasRepresentation(null)).toBe(true);
    for (const format of [cbor, json, text, octetStream])
      expect(encodeRepresentation(undefined, format)).toHaveLength(0);
  });
  test('a format that carries no values is a mistake of the caller', () =>
    expect(() => encodeRepresentation(1, 40)).toThrow(UsageError));
  test('keys that collide in JSON are refused', () =>
    expect(() =>
      encodeJson(
        new Map<Value, Value>([
          [1, 1],
          ['1', 2],
        ]),
      ),
    ).toThrow(/both "1"/));
  test('a cycle is a clear error in every format', () => {
    const cycle: unknown[] = [];
    cycle.push(cycle);
    const own = new Map<unknown, unknown>();
    own.set(own, 'its own key');
    for (const format of [cbor, json, text, octetStream])
      for (const value of [cycle, own])
        expect(() => encodeRepresentation(value as Value, format)).toThrow(/contains itself/);
  });
});

describe('in', () => {
  test('text is one string, octets one byte string, both may be empty', () => {
    expect(decodeRepresentation(utf8('grüß'), text)).toBe('grüß');
    expect(decodeRepresentation(Uint8Array.of(255), octetStream)).toStrictEqual(Uint8Array.of(255));
    expect(decodeRepresentation(new Uint8Array(), text)).toBe('');
  });
  test('text that is not UTF-8 is refused', () =>
    expect(() => decodeRepresentation(Uint8Array.of(0xc3), text)).toThrow(
      expect.objectContaining({ code: 'malformed-body' }),
    ));
  test.each([40, 41, 63, 257, 65_535])('Content-Format %i is not understood', (format) => {
    expect(() => decodeRepresentation(utf8('1'), format)).toThrow(
      expect.objectContaining({ code: 'unsupported-format' }),
    );
  });
});

describe('JSON in', () => {
  const decode = (source: string): Value => decodeJson(utf8(source));

  /** JSON.parse, but integers that a number cannot hold are bigint. */
  const exact = (source: string): unknown =>
    JSON.parse(source, (_name, value: unknown, context?: { source?: string }) =>
      typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? '')
        ? BigInt(context?.source ?? '')
        : value,
    );

  test('agrees with JSON.parse on what both take', () => {
    fc.assert(
      fc.property(fc.json(), (source) => expectSame(decode(source), exact(source))),
      { numRuns: 500 },
    );
  });
  test('refuses what JSON.parse refuses', () => {
    const almost = fc
      .tuple(fc.json(), fc.nat(), fc.constantFrom('', ',', '"', '{', ']', '\\', '0', '.', 'e', ' ', '\u0001'))
      .map(([source, at, inserted]) => {
        const cut = at % (source.length + 1);
        return source.slice(0, cut) + inserted + source.slice(cut + (at % 2));
      });
    fc.assert(
      fc.property(almost, (source) => {
        if (!source.isWellFormed()) return;
        try {
          decode(source);
        } catch (error) {
          expect(error).toBeInstanceOf(PeerError);
          return;
        }
        expect((): unknown => JSON.parse(source)).not.toThrow();
      }),
      { numRuns: 3000 },
    );
  });
  test('integers beyond 2^53 are bigint, other numbers the nearest double', () => {
    expect(
      decode('[9007199254740991, 9007199254740992, -9007199254740993, 9007199254740993.0, 1e20, 0.1, -0]'),
    ).toStrictEqual([9007199254740991, 9007199254740992n, -9007199254740993n, 9007199254740992, 1e20, 0.1, -0]);
  });
  test.each([
    ['a name twice', '{"a":1, "a":2}', 'byte 8: an object has the same name twice'],
    ['a name twice, once escaped', '{"a":1,"\\u0061":2}', 'byte 7: an object has the same name twice'],
    ['__proto__ twice', '{"__proto__":1,"__proto__":2}', 'same name twice'],
    ['two values', '1 2', 'byte 2: the value ends here'],
    ['nothing', '  ', 'byte 2: the input ends'],
    ['a byte order mark', '\ufeff1', 'byte 0: there is no value'],
    ['a trailing comma', '[1,]', 'byte 3'],
    ['single quotes', "{'a':1}", 'byte 1: a name in double quotes'],
    ['a leading zero', '01', 'byte 1'],
    ['a number too large', '1e999', 'byte 0: a number is too large'],
    ['half a character', '"\\ud800"', 'half a character'],
    ['a raw control character', '"\n"', 'byte 1: a control character'],
    ['deep nesting', '['.repeat(40) + ']'.repeat(40), 'byte 32: it is nested deeper than 32'],
    ['a byte counted, not a character', '{"ü":1,"ü":2}', 'byte 8: an object'],
    ['a number of too many digits', '9'.repeat(3000), 'digits'],
  ])('%s is refused', (_rule, source, why) => {
    expect(() => decode(source)).toThrow(
      expect.objectContaining({ code: 'malformed-body', message: expect.stringContaining(why) }),
    );
  });
  test('bytes that are not UTF-8 are refused', () =>
    expect(() => decodeJson(Uint8Array.of(0x22, 0xc0, 0x80, 0x22))).toThrow(/not valid UTF-8/));
  test('__proto__ pollutes nothing', () => {
    const value = decode('{"__proto__":{"polluted":1}}');
    expect(Object.hasOwn(value as object, '__proto__')).toBe(true);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
  });
  test('1 MiB of [ is refused at once', () => {
    const spent = processorTime();
    expect(() => decodeJson(new Uint8Array(1 << 20).fill(0x5b))).toThrow(/nested deeper/);
    expect(spent()).toBeLessThan(500);
  });
});

test('JSON and CBOR agree: what JSON can carry is the same value by both ways', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const byJson = decodeRepresentation(encodeRepresentation(value, json), json);
      const byCbor = decodeRepresentation(encodeRepresentation(value, cbor), cbor);
      expectSame(byJson, value);
      // CBOR sorts the members; the value is the same.
      expectSame(byCbor, value);
    }),
    { numRuns: 500 },
  );
});

test('JSON of a value and of the same value carried by CBOR is the same but for the order of members', () => {
  fc.assert(
    fc.property(anyValue, (value) => {
      const carried = decodeRepresentation(encodeRepresentation(value, cbor), cbor);
      expectSame(decodeJson(utf8(encodeJson(carried))), decodeJson(utf8(encodeJson(value))));
    }),
  );
});

test('base64url goes both ways and refuses anything else', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      expect(toBase64Url(bytes)).toBe(Buffer.from(bytes).toString('base64url'));
      expect(fromBase64Url(toBase64Url(bytes))).toStrictEqual(bytes);
    }),
  );
  for (const bad of ['A', 'AB', 'A=', 'AA==', '+/+/', 'AAAAA']) expect(fromBase64Url(bad)).toBeUndefined();
});
