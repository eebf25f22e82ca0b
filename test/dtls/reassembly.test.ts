import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { hex } from '../../src/core/bytes.ts';
import { FatalAlert } from '../../src/dtls/alert.ts';
import { decodeFragments, encodeFragment, encodeHandshake, type Fragment } from '../../src/dtls/handshake-message.ts';
import { Reassembly } from '../../src/dtls/reassembly.ts';
import { bytesOf, spaced } from './bytes.ts';

const body = Uint8Array.from({ length: 100 }, (_, i) => i);
const finished = 20;

const fragment = (offset: number, length: number, from: Uint8Array = body, sequence = 0): Fragment => {
  const [decoded] = decodeFragments(encodeFragment(finished, sequence, from, offset, length)) ?? [];
  if (decoded === undefined) throw new Error('not a fragment');
  return decoded;
};
const alertOf = (act: () => unknown): string | undefined => {
  try {
    act();
  } catch (error) {
    if (error instanceof FatalAlert) return error.description;
    throw error;
  }
  return undefined;
};

describe('a handshake header (RFC 6347 §4.2.2)', () => {
  test('is read field by field', () => {
    const bytes = bytesOf(
      '10' + // client_key_exchange
        '000005' + // length of the message
        '0002' + // message_seq
        '000001' + // fragment_offset
        '000003' + // fragment_length
        'aabbcc',
    );
    expect(decodeFragments(bytes)).toEqual([{ type: 16, length: 5, sequence: 2, offset: 1, bytes: bytesOf('aabbcc') }]);
  });
  test('is written field by field', () => {
    expect(hex(encodeHandshake({ type: 'client_key_exchange', sequence: 2, body: bytesOf('aabb') }))).toBe(
      spaced('10 000002 0002 000000 000002 aabb'),
    );
  });
  test.each([
    ['ends in its header', '10 000005 0002 000001 0000'],
    ['promises more than is there', '10 000005 0002 000001 000003 aabb'],
    ['goes beyond its message', '10 000005 0002 000003 000003 aabbcc'],
    ['starts beyond its message', '10 000005 0002 000006 000000'],
    ['carries nothing of something', '10 000005 0002 000001 000000'],
  ])('that %s is none', (_, text) => {
    expect(decodeFragments(bytesOf(text))).toBeUndefined();
  });
  test('of a message without a body has nothing to carry', () => {
    expect(decodeFragments(bytesOf('0e 000000 0003 000000 000000'))).toMatchObject([{ type: 14, length: 0 }]);
  });
});

describe('messages', () => {
  test('are put together from fragments in any order, which may overlap and repeat', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(99), fc.integer({ min: 1, max: 40 })), { maxLength: 40 }),
        fc.array(fc.nat(9), { minLength: 0, maxLength: 10 }),
        (pieces, order) => {
          const reassembly = new Reassembly(1000, 0);
          const all = [
            ...pieces.map(([offset, length]) => fragment(offset, Math.min(length, 100 - offset))),
            ...order.map((tenth) => fragment(tenth * 10, 10)),
            ...Array.from({ length: 10 }, (_, tenth) => fragment(tenth * 10, 10)),
          ];
          const messages = all.flatMap((one) => reassembly.add(one));
          expect(messages).toHaveLength(1);
          expect(hex(messages[0]?.body ?? new Uint8Array())).toBe(hex(body));
          expect(reassembly.bytes).toBe(0);
        },
      ),
    );
  });
  test('come in order, also when a later one is whole first', () => {
    const reassembly = new Reassembly(1000, 0);
    expect(reassembly.add(fragment(0, 100, body, 1))).toEqual([]);
    expect(reassembly.add(fragment(0, 100, body, 0)).map(({ sequence }) => sequence)).toEqual([0, 1]);
  });
  test('keep the bytes that came first: a second version of them is worth nothing', () => {
    const reassembly = new Reassembly(1000, 0);
    reassembly.add(fragment(0, 60));
    reassembly.add(
      fragment(
        0,
        60,
        body.map(() => 0xff),
      ),
    );
    const [message] = reassembly.add(fragment(50, 50));
    expect(hex(message?.body ?? new Uint8Array())).toBe(hex(body));
  });
  test('own their bytes: a datagram may be written over', () => {
    const reassembly = new Reassembly(1000, 0);
    const bytes = encodeFragment(finished, 0, body, 0, 100);
    const [whole] = decodeFragments(bytes) ?? [];
    if (whole === undefined) throw new Error('not a fragment');
    const [message] = reassembly.add(whole);
    bytes.fill(0);
    expect(hex(message?.body ?? new Uint8Array())).toBe(hex(body));
  });
  test('that were there are not put together again', () => {
    const reassembly = new Reassembly(1000, 0);
    reassembly.add(fragment(0, 100));
    expect(reassembly.add(fragment(0, 100))).toEqual([]);
  });
});

describe('what a peer can make it hold', () => {
  test('is no message that is larger than the limit', () => {
    expect(alertOf(() => new Reassembly(99, 0).add(fragment(0, 10)))).toBe('illegal_parameter');
  });
  test('is a few messages ahead, and no more', () => {
    const reassembly = new Reassembly(1000, 0);
    for (let sequence = 0; sequence < 1000; sequence++) reassembly.add(fragment(1, 1, body, sequence));
    expect(reassembly.bytes).toBe(6 * 100);
  });
  test('is, of messages that came early, no more than one large message', () => {
    const reassembly = new Reassembly(250, 0);
    for (let sequence = 1; sequence < 6; sequence++) reassembly.add(fragment(1, 1, body, sequence));
    expect(reassembly.bytes).toBe(200);
    reassembly.add(fragment(1, 1, body, 0));
    expect(reassembly.bytes).toBe(300);
  });
  test('is no message of two lengths or two types', () => {
    const reassembly = new Reassembly(1000, 0);
    reassembly.add(fragment(0, 10));
    expect(alertOf(() => reassembly.add(fragment(0, 10, body.subarray(0, 50))))).toBe('illegal_parameter');
    expect(alertOf(() => reassembly.add({ ...fragment(0, 10), type: 16 }))).toBe('illegal_parameter');
  });
  test('is no message of a type that there is not', () => {
    expect(alertOf(() => new Reassembly(1000, 0).add({ ...fragment(0, 10), type: 99 }))).toBe('unexpected_message');
  });
});
