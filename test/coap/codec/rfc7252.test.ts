import { describe, expect, it } from 'vitest';
import { emptyBytes, hex, utf8 } from '../../../src/core/bytes.ts';
import { InternalError } from '../../../src/core/error.ts';
import { method, responseCode } from '../../../src/coap/codec/codes.ts';
import { messageType, type Message } from '../../../src/coap/codec/message.ts';
import {
  findStrings,
  opaqueOption,
  optionDefinitions,
  optionNumber,
  stringOption,
  uintOption,
} from '../../../src/coap/codec/options.ts';
import { decodeMessage, encodeMessage, isMalformed } from '../../../src/coap/codec/rfc7252.ts';
import { fromHex, fromPlain, malformedVectors, messageVectors, plain } from './vectors.ts';

function decoded(bytes: Uint8Array): Message {
  const message = decodeMessage(bytes);
  if (isMalformed(message)) throw new Error(message.malformed);
  return message;
}

const request: Message = {
  type: messageType.CON,
  code: method.FETCH,
  messageId: 0x612a,
  token: Uint8Array.of(0x01),
  options: [
    stringOption(optionNumber.uriPath, 'func'),
    stringOption(optionNumber.uriPath, 'math'),
    stringOption(optionNumber.uriPath, 'add'),
    uintOption(optionNumber.contentFormat, 60),
    uintOption(optionNumber.accept, 50),
  ],
  payload: fromHex('82 0a 14'), // [10, 20]
};

const requestBytes = fromHex(`
  41           ; Ver 1, T CON, TKL 1
  05           ; 0.05 FETCH
  612a         ; Message ID
  01           ; token
  b4 66756e63  ; Uri-Path (delta 11, length 4) "func"
  04 6d617468  ; Uri-Path (delta 0, length 4) "math"
  03 616464    ; Uri-Path (delta 0, length 3) "add"
  11 3c        ; Content-Format (delta 1, length 1) 60
  51 32        ; Accept (delta 5, length 1) 50
  ff           ; payload marker
  82 0a 14     ; [10, 20]
`);

describe('the message format (RFC 7252 §3)', () => {
  it('is written field by field', () => {
    expect(hex(encodeMessage(request))).toBe(hex(requestBytes));
  });

  it('is read field by field', () => {
    expect(plain(decoded(requestBytes))).toEqual(plain(request));
    expect(findStrings(decoded(requestBytes).options, optionNumber.uriPath)).toEqual(['func', 'math', 'add']);
  });

  it.each(messageVectors)('reads and writes: $name', ({ hex: bytes, message }) => {
    expect(plain(decoded(fromHex(bytes)))).toEqual(message);
    expect(hex(encodeMessage(fromPlain(message)))).toBe(bytes);
  });

  it('spends 11 bytes and the token on a 2.03 with ETag and Max-Age', () => {
    const valid: Message = {
      type: messageType.ACK,
      code: responseCode.valid,
      messageId: 1,
      token: emptyBytes,
      options: [opaqueOption(optionNumber.etag, Uint8Array.of(1, 2, 3, 4)), uintOption(optionNumber.maxAge, 59)],
      payload: emptyBytes,
    };
    expect(encodeMessage(valid)).toHaveLength(11);
  });

  it('hands out views of the datagram, plain Uint8Arrays even of a Buffer', () => {
    const datagram = Buffer.from(requestBytes);
    const message = decoded(datagram);
    for (const part of [message.token, message.payload, ...message.options.map((option) => option.value)]) {
      expect(part.buffer).toBe(datagram.buffer);
      expect(Object.getPrototypeOf(part)).toBe(Uint8Array.prototype);
    }
  });

  it('reads a datagram that is a part of a larger buffer', () => {
    const pool = new Uint8Array(requestBytes.length + 20).fill(0xff);
    pool.set(requestBytes, 10);
    expect(plain(decoded(pool.subarray(10, 10 + requestBytes.length)))).toEqual(plain(request));
  });
});

describe('message format errors (RFC 7252 §4.2, §4.3)', () => {
  it.each(malformedVectors)('are told: $name', ({ hex: bytes, header, says }) => {
    const message = decodeMessage(fromHex(bytes));
    if (!isMalformed(message)) throw new Error('It was taken for well-formed');
    expect(message.malformed).toBe(says);
    expect([message.type, message.messageId]).toEqual(header ?? [undefined, undefined]);
  });

  it('keep the type and Message ID of every type, so that a CON can be rejected', () => {
    for (const type of Object.values(messageType)) {
      const message = decodeMessage(Uint8Array.of(0x40 | (type << 4), 1, 0xab, 0xcd, 0xff));
      expect(message).toMatchObject({ type, messageId: 0xabcd, malformed: expect.any(String) });
    }
  });
});

describe('registered options', () => {
  const lengths = (minimum: number, maximum: number): number[] =>
    [0, minimum, maximum, maximum + 1, maximum + 300].filter((length, index, all) => all.indexOf(length) === index);

  it.each([...optionDefinitions])(
    "%i pass in any length, their limits being the next layer's",
    (number, definition) => {
      for (const length of lengths(definition.minLength, definition.maxLength)) {
        const value = new Uint8Array(length).fill(0x61);
        const message: Message = { ...request, options: [{ number, value }] };
        expect(plain(decoded(encodeMessage(message)))).toEqual(plain(message));
      }
    },
  );

  it.each([...optionDefinitions])('%i cut off anywhere are a format error', (number, definition) => {
    const value = new Uint8Array(Math.max(1, definition.maxLength)).fill(0x61);
    const whole = encodeMessage({ ...request, token: emptyBytes, options: [{ number, value }], payload: emptyBytes });
    for (let length = 5; length < whole.length; length++) {
      const message = decodeMessage(whole.subarray(0, length));
      expect(message).toMatchObject({
        type: request.type,
        messageId: request.messageId,
        malformed: expect.any(String),
      });
    }
  });
});

describe('what cannot be written is our own fault', () => {
  it.each([
    ['options that do not ascend', { options: [uintOption(12, 0), uintOption(11, 0)] }],
    ['an option number above 65535', { options: [uintOption(65536, 0)] }],
    ['a negative option number', { options: [uintOption(-1, 0)] }],
    ['an option value above 65804 bytes', { options: [{ number: 11, value: new Uint8Array(65805) }] }],
    ['a token above 65804 bytes', { token: new Uint8Array(65805) }],
    ['a Message ID above 16 bits', { messageId: 0x10000 }],
    ['a Message ID that is not a whole number', { messageId: 1.5 }],
    ['a code above a byte', { code: 256 }],
    ['an Empty message with a token', { code: 0, options: [], payload: emptyBytes }],
    ['an Empty message with an option', { code: 0, token: emptyBytes, payload: emptyBytes }],
    ['an Empty message with a payload', { code: 0, token: emptyBytes, options: [], payload: utf8('x') }],
  ])('%s', (_, wrong) => {
    expect(() => encodeMessage({ ...request, ...wrong })).toThrow(InternalError);
  });
});
