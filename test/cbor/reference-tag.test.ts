/** Objects of classes in CBOR: tag 39 around a path, where it is asked for and nowhere else. */
import { describe, expect, test } from 'vitest';
import { decodeCbor, decodeCborSequence } from '../../src/cbor/decode.ts';
import { encodeCbor, encodeExactly } from '../../src/cbor/encode.ts';
import { encodeJson } from '../../src/cbor/json-encode.ts';
import { defaultDecodeLimits } from '../../src/cbor/limits.ts';
import { asPath, asReference } from '../../src/cbor/reference-tag.ts';
import { decodeRepresentation } from '../../src/cbor/representation.ts';
import { hex } from '../../src/core/bytes.ts';
import { ObjectReference } from '../../src/core/object-reference.ts';
import type { Value } from '../../src/core/value.ts';

const object = new ObjectReference('3kP0aZ_q', ['Account']);
const bytes = Buffer.from('d8276b2f6f2f336b5030615a5f71', 'hex');
const asked = (digits: string): Value => decodeCbor(Buffer.from(digits, 'hex'), defaultDecodeLimits, asReference);

test('a reference is tag 39 around its path, and the path in JSON', () => {
  expect(hex(encodeCbor([object, { a: object }]))).toBe(`82${bytes.toString('hex')}a16161${bytes.toString('hex')}`);
  expect(encodeJson([object, { a: object }])).toBe('["/o/3kP0aZ_q",{"a":"/o/3kP0aZ_q"}]');
});

test('it is like no other value, so that nothing is remembered by it', () => {
  expect(() => encodeExactly([object])).toThrow(/a type that CBOR does not have/);
});

describe('tag 39', () => {
  test('is a reference, or a path, to who asks for one', () => {
    const read = decodeCbor(bytes, defaultDecodeLimits, asReference);
    expect(read instanceof ObjectReference && [read.id, read.path, read.classes]).toEqual([
      '3kP0aZ_q',
      '/o/3kP0aZ_q',
      undefined,
    ]);
    expect(decodeCbor(bytes, defaultDecodeLimits, asPath)).toBe('/o/3kP0aZ_q');
  });

  test.each<[string, () => unknown]>([
    ['decodeCbor', () => decodeCbor(bytes)],
    ['decodeCborSequence', () => decodeCborSequence(bytes)],
    ['decodeRepresentation', () => decodeRepresentation(bytes, 60)],
  ])('is refused by %s where nobody asked', (_name, read) => {
    expect(read).toThrow(/tag 39 is not understood/);
  });

  test.each([
    ['a number', 'd82701'],
    ['an array, as in a batch', 'd8278100'],
    ['other text', 'd82763616263'],
    ['a byte string', 'd8274b2f6f2f336b5030615a5f71'],
    ['a path that is too short', 'd8276a2f6f2f336b5030615a5f'],
    ['a path that is too long', 'd8276c2f6f2f336b5030615a5f7171'],
    ['the path of a job', 'd8276b2f6a2f336b5030615a5f71'],
    ['a path with a line end', 'd8276c2f6f2f336b5030615a5f710a'],
    ['itself', 'd827d8276b2f6f2f336b5030615a5f71'],
  ])('around %s is not valid', (_what, digits) => {
    expect(() => asked(`81${digits}`)).toThrow(/byte 1: tag 39 must hold the path of an object/);
  });

  test('other tags are refused as ever', () => {
    expect(() => asked('d8286161')).toThrow(/tag 40 is not understood/);
  });
});
