import { decode as cborgDecode } from 'cborg';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concatBytes, utf8 } from '../../src/core/bytes.ts';
import { PeerError } from '../../src/core/error.ts';
import { decodeCbor } from '../../src/cbor/decode.ts';
import { encodeCbor } from '../../src/cbor/encode.ts';
import { defaultDecodeLimits } from '../../src/cbor/limits.ts';
import { anyValue, expectSame, fromHex } from './values.ts';
import { processorTime } from '../processor-time.ts';

const decode = (digits: string): unknown => decodeCbor(fromHex(digits));
const refusal = (digits: string): string => {
  try {
    decode(digits);
  } catch (error) {
    if (error instanceof PeerError && error.code === 'malformed-body') return error.message;
    throw error;
  }
  return 'accepted';
};

describe('numbers', () => {
  test.each([
    ['integers longer than needed are accepted', '1b0000000000000005', 5],
    ['floats longer than needed are accepted', 'fb3ff8000000000000', 1.5],
    ['2^53 - 1 is a number', '1b001fffffffffffff', 2 ** 53 - 1],
    ['2^53 is a bigint', '1b0020000000000000', 2n ** 53n],
    ['-(2^53 - 1) is a number', '3b001ffffffffffffe', -(2 ** 53 - 1)],
    ['-2^53 is a bigint', '3b001fffffffffffff', -(2n ** 53n)],
    ['a bignum with leading zeros is what it is without', 'c24a00010000000000000000', 2n ** 64n],
    ['a bignum that fits a number is that number', 'c24105', 5],
    ['an empty bignum is 0', 'c240', 0],
    ['a negative bignum at the edge', 'c347001fffffffffff', -(2 ** 45)],
    ['a negative bignum just beyond a number', 'c3471fffffffffffff', -(2n ** 53n)],
    ['a bignum in chunks', 'c25f4101480000000000000000ff', 2n ** 64n],
  ])('%s', (_rule, digits, value) => expect(decode(digits)).toStrictEqual(value));

  test('a bignum of more than 1024 bytes is refused', () => {
    const bignum = (length: number): Uint8Array =>
      concatBytes([fromHex('c259'), Uint8Array.of(length >> 8, length & 255), new Uint8Array(length).fill(1)]);
    expect(typeof decodeCbor(bignum(1024))).toBe('bigint');
    expect(() => decodeCbor(bignum(1100))).toThrow(/at byte 0: a bignum is longer/);
  });
});

describe('tags', () => {
  test.each([
    ['self-described CBOR is its content', 'd9d9f7820102', [1, 2]],
    [
      'a date as text with an offset',
      'c07819323031332d30332d32315432323a30343a30302b30323a3030',
      new Date('2013-03-21T20:04:00Z'),
    ],
    ['a date before 1970', 'c120', new Date(-1000)],
    ['a date as half float', 'c1f93e00', new Date(1500)],
  ])('%s', (_rule, digits, value) => expect(decode(digits)).toStrictEqual(value));

  test.each([
    ['tag 39', 'd8276161', 'byte 0: tag 39 is not understood'],
    ['tag 258 inside', '81d9010280', 'byte 1: tag 258 is not understood'],
    ['a tag of 64 bits', 'dbffffffffffffffff00', 'is not understood'],
    ['tag 0 on a number', 'c001', 'byte 0: tag 0'],
    ['tag 0 on other text', 'c06161', 'byte 1: tag 0 must hold'],
    ['tag 0 on 30 February', 'c074' + Buffer.from('2013-02-30T20:04:00Z').toString('hex'), 'byte 1: tag 0 must hold'],
    ['tag 1 on text', 'c16161', 'byte 0: tag 1'],
    ['tag 1 on true', 'c1f5', 'byte 0: tag 1'],
    ['tag 1 on NaN', 'c1f97e00', 'byte 1: tag 1 holds a time'],
    ['tag 1 beyond every date', 'c1fb7e37e43c8800759c', 'byte 1: tag 1 holds a time'],
    ['tag 2 on a number', 'c201', 'byte 0: tag 2'],
    ['tag 3 on text', 'c36161', 'byte 0: tag 3'],
    ['tag 2 on a tagged byte string', 'c2d9d9f74101', 'byte 0: tag 2'],
  ])('%s is refused', (_rule, digits, why) => expect(refusal(digits)).toContain(why));
});

describe('text', () => {
  test.each([
    ['an overlong form', '62c080'],
    ['a surrogate', '63eda080'],
    ['a character cut short', '61c3'],
    ['a character over two chunks', '7f61c361bcff'],
    ['after plain ASCII', '6461626380'],
  ])('%s is not UTF-8', (_rule, digits) => expect(refusal(digits)).toContain('not valid UTF-8'));

  test('U+FEFF at the beginning is part of the text', () => {
    expect(decode('63efbbbf')).toBe('\ufeff');
    expect(decode('66efbbbf616263')).toBe('\ufeffabc');
    expect(decode('7f63efbbbf6161ff')).toBe('\ufeffa');
  });
});

describe('maps', () => {
  test.each([
    ['text', 'a2616101616102', 4],
    ['text, with indefinite length', 'bf616101616102ff', 4],
    ['two encodings of one integer', 'a20501180502', 3],
    ['an integer and the equal float', 'a20101f93c0002', 3],
    ['a bignum and the equal integer', 'a20501c2410502', 3],
    ['-0 and 0', 'a20001f9800002', 3],
    ['byte strings', 'a2410101410102', 4],
    ['arrays', 'a281010181180102', 4],
    ['maps in another order', 'a2a20102030401a20304010202', 7],
    ['__proto__', 'a2695f5f70726f746f5f5f01695f5f70726f746f5f5f02', 12],
    ['text in two ways', 'a26161017f6161ff02', 4],
    ['inside another map', 'a16162a2616101616102', 7],
  ])('a duplicate key is refused: %s', (_rule, digits, at) => {
    expect(refusal(digits)).toBe(`The CBOR body is refused at byte ${at}: a map has the same key twice.`);
  });

  test('keys that are all text make a plain object, in the order sent', () => {
    expect(decode('a2616201616102')).toStrictEqual({ b: 1, a: 2 });
    expect(Object.keys(decode('a2616201616102') as object)).toStrictEqual(['b', 'a']);
  });
  test('other keys make a Map, also beside and inside objects', () => {
    expect(decode('a26161016162a10102')).toStrictEqual({ a: 1, b: new Map([[1, 2]]) });
    expect(decode('a101a1616102')).toStrictEqual(new Map([[1, { a: 2 }]]));
    expect(decode('a20102616103')).toStrictEqual(
      new Map<unknown, unknown>([
        [1, 2],
        ['a', 3],
      ]),
    );
    expect(decode('a20102613103')).toStrictEqual(
      new Map<unknown, unknown>([
        [1, 2],
        ['1', 3],
      ]),
    );
  });
  test('__proto__ is a key like any other: own, no pollution, and it survives structured clone', () => {
    for (const digits of [
      'a1695f5f70726f746f5f5fa168706f6c6c7574656401',
      'a2695f5f70726f746f5f5fa168706f6c6c75746564016161a10102',
    ]) {
      const value = decode(digits) as Record<string, unknown>;
      expect(Object.hasOwn(value, '__proto__')).toBe(true);
      expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
      expect((value as { polluted?: unknown }).polluted).toBeUndefined();
      expect(Reflect.get({}, 'polluted')).toBeUndefined();
      const clone = structuredClone(value);
      expect(Object.hasOwn(clone, '__proto__')).toBe(true);
      expect(Object.getOwnPropertyDescriptor(clone, '__proto__')?.value).toStrictEqual({ polluted: 1 });
    }
  });
});

describe('the bytes', () => {
  test('trailing bytes are refused where they begin', () =>
    expect(refusal('0000')).toContain('byte 1: the item ends here but 1 more bytes follow'));
  test('no bytes at all are refused', () => expect(refusal('')).toContain('byte 0: the input ends'));
  test('every proper beginning of an item is refused', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const bytes = encodeCbor(value);
        for (let end = 0; end < bytes.length; end++)
          expect(() => decodeCbor(bytes.subarray(0, end))).toThrow(PeerError);
      }),
      { numRuns: 50 },
    );
  });
  test('random bytes decode or are a PeerError, nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          decodeCbor(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(PeerError);
        }
      }),
      { numRuns: 3000 },
    );
  });
  test('what an independent decoder takes and this one takes too is the same value', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 24 }), (bytes) => {
        let ours: unknown;
        let theirs: unknown;
        try {
          ours = decodeCbor(bytes);
          theirs = cborgDecode(bytes, { rejectDuplicateMapKeys: true });
        } catch {
          return;
        }
        // It has tags for none, so dates and small bignums do not come this far.
        expectSame(ours, theirs);
      }),
      { numRuns: 3000 },
    );
  });
  test('byte strings are copies: the input may be overwritten afterwards', () => {
    const input = Buffer.from('4401020304', 'hex');
    const value = decodeCbor(input);
    input.fill(0);
    expect(value).toStrictEqual(Uint8Array.of(1, 2, 3, 4));
  });
});

describe('bombs are refused in bounded time and memory', () => {
  const oneMiB = 1 << 20;
  const bounded = (bytes: Uint8Array, why: string): void => {
    const before = process.memoryUsage().heapUsed;
    const spent = processorTime();
    let message = 'accepted';
    try {
      decodeCbor(bytes);
    } catch (error) {
      message = error instanceof PeerError ? error.message : String(error);
    }
    expect(message).toContain(why);
    expect(spent()).toBeLessThan(1000);
    // What is not needed any more is counted too: nobody says when it is collected.
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(128 * oneMiB);
  };
  test.each([
    ['arrays without end', 0x9f],
    ['maps without end', 0xbf],
    ['arrays of one', 0x81],
    ['maps of one', 0xa1],
  ])('1 MiB of %s', (_name, byte) => bounded(new Uint8Array(oneMiB).fill(byte), 'nested deeper than 32 levels'));
  test('1 MiB of a tag', () =>
    bounded(concatBytes(Array.from({ length: oneMiB / 4 }, () => fromHex('d9d9f7'))), 'nested deeper than 32'));
  test.each([
    ['5bffffffffffffffff00', 'announced but only 1 follow'],
    ['7b7fffffffffffffff00', 'announced but only 1 follow'],
    ['9bffffffffffffffff00', 'announced but only 1 bytes follow'],
    ['bbffffffffffffffff00', 'announced but only 1 bytes follow'],
    ['9a7fffffff00', 'announced but only 1 bytes follow'],
    ['9b001fffffffffffff00', 'announced but only 1 bytes follow'],
  ])('a length that is not there: %s', (digits, why) => bounded(fromHex(digits), why));
  test('many small items', () => {
    const items = new Uint8Array(oneMiB).fill(0xa0);
    items.set(fromHex('9a000ffffb'));
    bounded(items, `more than ${defaultDecodeLimits.maxItems} items`);
  });
  test('many chunks', () => {
    const items = new Uint8Array(oneMiB).fill(0x40);
    items[0] = 0x5f;
    bounded(items, 'items');
  });
  test('many compound keys, nested', () => {
    // 30 levels of {[...]: 0, [...]: 0}: each level's keys are compared once a level.
    let nested: Uint8Array = fromHex('00');
    for (let i = 0; i < 14; i++)
      nested = concatBytes([fromHex('a281'), nested, fromHex('00'), fromHex('820000'), fromHex('00')]);
    const spent = processorTime();
    expect(decodeCbor(nested)).toBeInstanceOf(Map);
    expect(spent()).toBeLessThan(500);
  });
  test('the limits can be set', () => {
    expect(() => decodeCbor(fromHex('8180'), { ...defaultDecodeLimits, maxDepth: 1 })).toThrow(/deeper than 1 /);
    expect(() => decodeCbor(fromHex('820000'), { ...defaultDecodeLimits, maxItems: 2 })).toThrow(/more than 2 items/);
  });
  test('32 levels are accepted, 33 are not', () => {
    expect(() => decodeCbor(fromHex('81'.repeat(31) + '80'))).not.toThrow();
    expect(() => decodeCbor(fromHex('81'.repeat(32) + '80'))).toThrow(/byte 32: it is nested deeper/);
  });
  test('a large text is read once', () => {
    const text = 'ü'.repeat(250_000);
    expect(decodeCbor(encodeCbor(text))).toBe(text);
    expect(utf8(text).length).toBe(500_000);
  });
});
