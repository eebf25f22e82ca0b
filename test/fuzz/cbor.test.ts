/** The edge decoders on bytes that are random or spoiled; against other decoders where both accept. */
import { decode as decodeWithCborg } from 'cborg';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeCbor } from '../../src/cbor/decode.ts';
import { encodeCbor } from '../../src/cbor/encode.ts';
import { decodeJson } from '../../src/cbor/json-decode.ts';
import { encodeJson } from '../../src/cbor/json-encode.ts';
import { utf8 } from '../../src/core/bytes.ts';
import { PeerError } from '../../src/core/error.ts';
import type { Value } from '../../src/core/value.ts';
import { Chance } from './chance.ts';
import { hostileBodies } from './hostile.ts';
import { mutate } from './mutator.ts';
import { PollutionWatch } from './pollution.ts';
import { processorTime } from '../processor-time.ts';

const rounds = 20_000;
const seed = 20_260_101;

/** The value, or undefined where it is refused as the peer's fault; anything else thrown is ours. */
function accepted(read: () => Value): { readonly value: Value } | undefined {
  try {
    return { value: read() };
  } catch (error) {
    if (error instanceof PeerError && error.code === 'malformed-body') return undefined;
    throw error;
  }
}

/** Values of a body: no Dates, which cborg does not make of tags unless told. */
const value: fc.Arbitrary<Value> = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom<Value>(null, true, false, 0, -1, 2 ** 32, 1.5, 'a', '__proto__', ''),
    fc.integer(),
    fc.double({ noNaN: true }),
    fc.string({ unit: 'grapheme', maxLength: 8 }),
    fc.uint8Array({ maxLength: 8 }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom('a', 'b', '__proto__', 'constructor', 'length', ''), tie('value'), { maxKeys: 4 }),
  ),
})).value;

const samples = fc.sample(value, { numRuns: 400, seed });

describe('CBOR', () => {
  test('random and spoiled bytes are a value or the peer’s fault; what is a value comes back from its own encoding', () => {
    const chance = new Chance(seed);
    const pollution = new PollutionWatch();
    const seeds = [
      ...samples.map((sample) => encodeCbor(sample)),
      ...hostileBodies.map(({ bytes }) => bytes.subarray(0, 200)),
    ];
    let values = 0;
    for (let round = 0; round < rounds; round++) {
      const from = chance.pick(seeds) ?? new Uint8Array(0);
      const bytes = chance.oneIn(4) ? chance.bytes(chance.below(24)) : mutate(from, chance, chance.pick(seeds) ?? from);
      const read = accepted(() => decodeCbor(bytes));
      if (read === undefined) continue;
      values++;
      const canonical = encodeCbor(read.value);
      expect(encodeCbor(decodeCbor(canonical))).toEqual(canonical);
    }
    expect(values).toBeGreaterThan(rounds / 20);
    pollution.check();
  });

  test('where cborg accepts the same bytes, it reads the same value', () => {
    const chance = new Chance(seed + 1);
    const seeds = samples.map((sample) => encodeCbor(sample));
    let both = 0;
    for (let round = 0; round < rounds; round++) {
      const from = chance.pick(seeds) ?? new Uint8Array(0);
      const bytes = chance.oneIn(2) ? from : mutate(from, chance, chance.pick(seeds) ?? from);
      const ours = accepted(() => decodeCbor(bytes));
      const theirs = readByCborg(bytes);
      if (ours === undefined || theirs === undefined) continue;
      both++;
      // Compared as bytes: an own property `__proto__` and a Map are then what they are.
      expect(encodeCbor(ours.value)).toEqual(encodeCbor(theirs.value as Value));
    }
    expect(both).toBeGreaterThan(rounds / 4);
  });
});

function readByCborg(bytes: Uint8Array): { readonly value: unknown } | undefined {
  // It drops a byte order mark from a text, which we keep.
  if (bytes.some((byte, at) => byte === 0xef && bytes[at + 1] === 0xbb && bytes[at + 2] === 0xbf)) return undefined;
  try {
    return {
      value: decodeWithCborg(bytes, { allowBigInt: true, rejectDuplicateMapKeys: true, useMaps: true, tags: {} }),
    };
  } catch {
    return undefined;
  }
}

/** Maps as keys of maps as keys: each level reads all keys below it again when it looks for equal ones. */
test('keys in keys in keys cost no more than their bytes allow', () => {
  let nested: number[] = [0xa0];
  for (let level = 0; level < 15; level++) nested = [0xa2, ...nested, 0x00, 0x81, ...nested, 0x00];
  const bytes = Uint8Array.from(nested);
  expect(bytes.length).toBeGreaterThan(100_000);
  const spent = processorTime();
  expect(() => decodeCbor(bytes)).toThrow(/keys/);
  // The I/O thread does nothing else meanwhile; unbounded it would be seconds.
  expect(spent()).toBeLessThan(500);
});

describe('JSON', () => {
  const texts = samples.flatMap((sample) => encodeJson(sample));

  test('random and spoiled text is a value or the peer’s fault', () => {
    const chance = new Chance(seed + 2);
    const pollution = new PollutionWatch();
    const seeds = texts.map(utf8);
    for (let round = 0; round < rounds; round++) {
      const from = chance.pick(seeds) ?? new Uint8Array(0);
      const bytes = chance.oneIn(4) ? printable(chance) : mutate(from, chance, chance.pick(seeds) ?? from);
      const read = accepted(() => decodeJson(bytes));
      if (read !== undefined) accepted(() => decodeJson(utf8(encodeJson(read.value))));
    }
    pollution.check();
  });

  test('what JSON.parse refuses is refused, and where both accept they read the same', () => {
    const chance = new Chance(seed + 3);
    let both = 0;
    for (let round = 0; round < rounds; round++) {
      const from = chance.pick(texts) ?? '';
      const text = chance.oneIn(2) ? from : spoil(from, chance);
      const ours = accepted(() => decodeJson(utf8(text)));
      const theirs = parsed(text);
      // Lone surrogates cannot be written as UTF-8 at all; integers above 2^53 are bigint here and rounded there.
      if (ours === undefined || !text.isWellFormed() || /\d{16}/.test(text)) continue;
      both++;
      expect({ text, read: theirs && JSON.stringify(theirs.value) }).toEqual({
        text,
        read: JSON.stringify(ours.value),
      });
    }
    expect(both).toBeGreaterThan(rounds / 4);
  });
});

const marks = '{}[]:,"\\0123456789.eE+- truefalsn\u0000\u007f\u00e9';
const printable = (chance: Chance): Uint8Array =>
  utf8(Array.from({ length: chance.below(24) }, () => marks[chance.below(marks.length)] ?? '').join(''));

function spoil(text: string, chance: Chance): string {
  const at = chance.below(text.length + 1);
  return text.slice(0, at) + (marks[chance.below(marks.length)] ?? '') + text.slice(at + chance.below(3));
}

function parsed(text: string): { readonly value: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return { value };
  } catch {
    return undefined;
  }
}
