/** Values through frames: exactly as structured clone would carry them, and nothing believed. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InternalError } from '../../../../src/core/error.ts';
import { ObjectReference } from '../../../../src/core/object-reference.ts';
import type { Value } from '../../../../src/core/value.ts';
import { BrokenFrame } from '../../../../src/functions/runtimes/node/frame.ts';
import { FrameReader } from '../../../../src/functions/runtimes/node/frame-reader.ts';
import { FrameWriter } from '../../../../src/functions/runtimes/node/frame-writer.ts';
import { ReferenceWriter } from '../../../../src/functions/runtimes/node/reference-writer.ts';

const bytesOf = (value: Value): Uint8Array => {
  const writer = new FrameWriter();
  writer.value(value);
  return writer.bytes.slice(0, writer.length);
};
const values: fc.Arbitrary<Value> = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, undefined, true, false, -0, NaN, Infinity, 2 ** 53, -(2 ** 31), 2 ** 31),
    fc.double(),
    fc.integer(),
    fc.bigInt(),
    fc.string({ unit: 'binary' }),
    fc.string({ minLength: 40, maxLength: 80 }),
    fc.constantFrom('\ud800', 'ÿ'.repeat(60), '😀'.repeat(60)),
    fc.uint8Array(),
    fc.date(),
    fc.array(tie('value')),
    fc.dictionary(fc.string(), tie('value')),
    fc.array(fc.tuple(tie('value'), tie('value'))).map((entries) => new Map(entries)),
  ),
})).value;

describe('a frame', () => {
  it('gives back the value that was written, as structured clone does', () => {
    fc.assert(
      fc.property(values, (value) => {
        const reader = new FrameReader(bytesOf(value));
        expect(reader.value()).toStrictEqual(structuredClone(value));
        reader.end();
      }),
    );
  });

  it('keeps the order of members, and __proto__ as a name like any other', () => {
    const value = Object.fromEntries([
      ['b', 1],
      ['__proto__', 2],
      ['a', 3],
    ]);
    const back = new FrameReader(bytesOf(value)).value();
    expect(Object.entries(back as object)).toEqual(Object.entries(value));
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype);
  });

  it('of arguments says of which classes an object has to be, and elsewhere a reference is its path', () => {
    const writer = new ReferenceWriter();
    const value = [new ObjectReference('3kP0aZ_q', ['Account', 'Savings']), { deep: new ObjectReference('AAAAAAAA') }];
    writer.value(value);
    const bytes = writer.bytes.slice(0, writer.length);
    expect(new FrameReader(bytes).value()).toEqual(['/o/3kP0aZ_q', { deep: '/o/AAAAAAAA' }]);
    const read = new FrameReader(bytes, bytes.length, (id, classes) => [id, ...classes]).value();
    expect(read).toEqual([['3kP0aZ_q', 'Account', 'Savings'], { deep: ['AAAAAAAA'] }]);
    for (let end = 0; end < bytes.length; end++)
      expect(() => new FrameReader(bytes, end).value(), `at ${end}`).toThrow(BrokenFrame);
  });

  it('that ends too early is broken, wherever it ends', () => {
    const bytes = bytesOf({ a: [1, 2.5, 'text', 10n], b: new Uint8Array(3), c: new Date(0), d: new Map([[1, null]]) });
    for (let end = 0; end < bytes.length; end++)
      expect(() => new FrameReader(bytes, end).value(), `at ${end}`).toThrow(BrokenFrame);
  });

  it('whose bytes are anything is a value or broken, in time and memory bounded by its length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(63), fc.nat(255), (noise, at, byte) => {
        const bytes = bytesOf({ a: [1, 'x'], b: { c: 2n } });
        bytes[at % bytes.length] = byte;
        for (const each of [noise, bytes]) {
          try {
            new FrameReader(each).value();
          } catch (error) {
            expect(error).toBeInstanceOf(BrokenFrame);
          }
        }
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['a depth that no value has', [10, 1, 0, 0, 0], 300, 'nested deeper than 256'],
    ['fewer items than none', [10, 0xff, 0xff, 0xff, 0xff], 1, '-1 items'],
    ['more items than bytes', [10, 0, 0, 0, 1, 0], 1, '16777216 items are said to follow in 1 bytes'],
    ['an integer that is none', [7, 1, 0, 0, 0, 0x78], 1, 'no digits'],
    ['a kind that there is not', [14], 1, 'no kind 14'],
  ])('with %s is broken, before anything is made for it', (_, bytes, times, why) => {
    const all = Uint8Array.from(Array.from({ length: times }, () => bytes).flat());
    const read = (): Value => new FrameReader(all).value();
    expect(read).toThrow(BrokenFrame);
    expect(read).toThrow(why);
  });

  it('is not written of what contains itself, and a large one is not kept in memory for the next', () => {
    const writer = new FrameWriter();
    const cycle: Value[] = [];
    cycle.push(cycle);
    expect(() => writer.value(cycle)).toThrow(InternalError);
    writer.begin();
    writer.data(new Uint8Array(1_000_000));
    const { length } = writer.bytes;
    writer.begin();
    expect([length >= 1_000_000, writer.bytes.length < 100_000]).toEqual([true, true]);
  });

  it('with something left over is broken', () => {
    const reader = new FrameReader(new Uint8Array([1, 1]));
    reader.value();
    expect(() => reader.end()).toThrow(BrokenFrame);
  });
});
