/** RFC 8949 Appendix A and Appendix F.1, complete. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { hex } from '../../src/core/bytes.ts';
import { PeerError } from '../../src/core/error.ts';
import { decodeCbor } from '../../src/cbor/decode.ts';
import { encodeCbor } from '../../src/cbor/encode.ts';
import { fromHex } from './values.ts';

interface Example {
  readonly diagnostic: string;
  readonly hex: string;
  readonly value?: unknown;
  readonly refused?: string;
  readonly deterministic?: string;
}

const load = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../vectors/cbor/${name}`, import.meta.url), 'utf8'));

/** Undoes the notation of the vector files. */
function meant(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(meant);
  if (typeof value !== 'object' || value === null) return value;
  if ('bytes' in value) return fromHex(String(value.bytes));
  if ('bigint' in value) return BigInt(String(value.bigint));
  if ('number' in value) return Number(value.number);
  if ('date' in value) return new Date(String(value.date));
  if ('undefined' in value) return undefined;
  if ('map' in value) return new Map(value.map as [unknown, unknown][]);
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, meant(member)]));
}

describe('RFC 8949 Appendix A', () => {
  const { vectors } = load('rfc8949-appendix-a.json') as { vectors: readonly Example[] };
  test('is complete', () => expect(vectors).toHaveLength(81));
  test.each(vectors.filter((v) => v.refused === undefined))('$hex is $diagnostic', (vector) => {
    const value = decodeCbor(fromHex(vector.hex));
    expect(value).toStrictEqual(meant(vector.value));
    expect(hex(encodeCbor(value))).toBe(vector.deterministic ?? vector.hex);
  });
  test.each(vectors.filter((v) => v.refused !== undefined))(
    '$diagnostic is well-formed but means nothing here: refused',
    (vector) => {
      expect(() => decodeCbor(fromHex(vector.hex))).toThrow(new RegExp(`at byte 0: ${vector.refused}`));
    },
  );
});

describe('RFC 8949 Appendix F.1: not well-formed', () => {
  const { vectors } = load('rfc8949-appendix-f.json') as { vectors: readonly { kind: string; hex: string[] }[] };
  test('is complete', () => expect(vectors.flatMap((v) => v.hex)).toHaveLength(94));
  describe.each(vectors)('$kind', ({ hex: examples }) => {
    test.each(examples)('%s', (example) => {
      const decode = (): unknown => decodeCbor(fromHex(example));
      expect(decode).toThrow(PeerError);
      expect(decode).toThrow(
        expect.objectContaining({ code: 'malformed-body', message: expect.stringMatching(/at byte \d+: /) }),
      );
    });
  });
});
