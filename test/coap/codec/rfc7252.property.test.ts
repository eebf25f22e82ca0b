import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { equalBytes, hex } from '../../../src/core/bytes.ts';
import type { Message } from '../../../src/coap/codec/message.ts';
import { sortOptions } from '../../../src/coap/codec/options.ts';
import { fieldsOf } from '../../../src/coap/codec/render.ts';
import { decodeMessage, encodeMessage, isMalformed } from '../../../src/coap/codec/rfc7252.ts';
import { fromHex, malformedVectors, messageVectors, plain } from './vectors.ts';

const bytesUpTo = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength });

/** Lengths and numbers gather around the borders of the one- and two-byte extensions. */
const option = fc.record({
  number: fc.oneof(
    fc.integer({ min: 0, max: 60 }),
    fc.constantFrom(12, 13, 268, 269, 65535),
    fc.integer({ min: 0, max: 65535 }),
  ),
  value: fc.oneof(
    bytesUpTo(8),
    fc.constantFrom(12, 13, 268, 269).map((length) => new Uint8Array(length).fill(7)),
    bytesUpTo(400),
  ),
});

const message: fc.Arbitrary<Message> = fc.record({
  type: fc.constantFrom(0 as const, 1 as const, 2 as const, 3 as const),
  code: fc.integer({ min: 1, max: 255 }),
  messageId: fc.integer({ min: 0, max: 0xffff }),
  token: fc.oneof(bytesUpTo(8), bytesUpTo(300)),
  options: fc.array(option, { maxLength: 12 }).map(sortOptions),
  payload: bytesUpTo(100),
});

/** A valid datagram with bytes changed, cut out or put in. */
const mutated = fc
  .tuple(
    fc.constantFrom(...messageVectors, ...malformedVectors),
    fc.array(fc.record({ at: fc.nat(), drop: fc.nat({ max: 3 }), put: bytesUpTo(3) }), { minLength: 1, maxLength: 4 }),
  )
  .map(([vector, edits]) => {
    const bytes = Array.from(fromHex(vector.hex));
    for (const { at, drop, put } of edits) bytes.splice(at % (bytes.length + 1), drop, ...put);
    return Uint8Array.from(bytes);
  });

/** What holds of every datagram whatsoever. */
function holds(datagram: Uint8Array): boolean {
  const decoded = decodeMessage(datagram);
  if (!isMalformed(decoded)) return equalBytes(encodeMessage(decoded), datagram);
  const hasHeader = datagram.length >= 4 && (datagram[0] ?? 0) >> 6 === 1;
  return (decoded.type !== undefined) === hasHeader && (decoded.messageId !== undefined) === hasHeader;
}

describe('every message', () => {
  it('comes back as it was sent', () => {
    fc.assert(
      fc.property(message, (sent) => {
        const received = decodeMessage(encodeMessage(sent));
        if (isMalformed(received)) throw new Error(received.malformed);
        expect(plain(received)).toEqual(plain(sent));
      }),
      { numRuns: 500 },
    );
  });

  it('that is cut off is another message or a format error, never read past its end', () => {
    fc.assert(
      fc.property(message, fc.nat(), (sent, cut) => {
        const whole = encodeMessage(sent);
        const buffer = new Uint8Array(whole.length).fill(0xee);
        const length = cut % whole.length;
        buffer.set(whole.subarray(0, length));
        expect(holds(buffer.subarray(0, length))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});

describe('every datagram is one message, with one encoding, or malformed', () => {
  it('if random', () => {
    fc.assert(
      fc.property(bytesUpTo(64), (datagram) => holds(datagram)),
      { numRuns: 2000 },
    );
  });

  it('if a known message with bytes changed, lost or added', () => {
    fc.assert(
      fc.property(mutated, (datagram) => holds(datagram)),
      { numRuns: 5000 },
    );
  });

  it('and its fields are all of its bytes', () => {
    fc.assert(
      fc.property(fc.oneof(bytesUpTo(64), mutated, message.map(encodeMessage)), (datagram) => {
        expect(
          fieldsOf(datagram)
            .map((field) => hex(field.bytes))
            .join(''),
        ).toBe(hex(datagram));
      }),
      { numRuns: 1000 },
    );
  });

  it('if of 1, 2 or 3 bytes, all of them: malformed without a header', () => {
    let wrong = 0;
    for (let length = 1; length <= 3; length++) {
      const datagram = new Uint8Array(length);
      for (let n = 0; n < 256 ** length; n++) {
        for (let i = 0; i < length; i++) datagram[i] = n >> (8 * i);
        const decoded = decodeMessage(datagram);
        if (!isMalformed(decoded) || decoded.type !== undefined || decoded.messageId !== undefined) wrong += 1;
      }
    }
    expect(wrong).toBe(0);
  });

  it('if of 4 bytes, every first and second byte, and every Message ID with each type', () => {
    let wrong = 0;
    let wellFormed = 0;
    const datagram = new Uint8Array(4);
    const check = (first: number, code: number, messageId: number): void => {
      datagram.set([first, code, messageId >> 8, messageId & 0xff]);
      if (!holds(datagram)) wrong += 1;
      const decoded = decodeMessage(datagram);
      if (!isMalformed(decoded)) wellFormed += 1;
      if (first >> 6 === 1 && decoded.messageId !== messageId) wrong += 1;
    };
    // The Message ID takes no part in what is well-formed, so not all 2^32 need a try.
    for (let head = 0; head < 0x10000; head++) check(head >> 8, head & 0xff, head ^ 0x5aa5);
    // Version 1 and no token: four types with every code.
    expect(wellFormed).toBe(4 * 256);
    for (let messageId = 0; messageId < 0x10000; messageId++) {
      for (let type = 0; type < 4; type++) check(0x40 | (type << 4), 0, messageId);
    }
    expect(wellFormed).toBe(4 * 256 + 4 * 0x10000);
    expect(wrong).toBe(0);
  });
});
