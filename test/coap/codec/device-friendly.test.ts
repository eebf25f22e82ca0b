import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptyBytes } from '../../../src/core/bytes.ts';
import { method, responseCode } from '../../../src/coap/codec/codes.ts';
import { messageType, type Message } from '../../../src/coap/codec/message.ts';
import { opaqueOption, optionNumber, stringOption, uintOption } from '../../../src/coap/codec/options.ts';
import { encodeMessage } from '../../../src/coap/codec/rfc7252.ts';
import { assertDeviceFriendly, assertDeviceFriendlyBytes } from './device-friendly.ts';

const response: Message = {
  type: messageType.ACK,
  code: responseCode.content,
  messageId: 1,
  token: emptyBytes,
  options: [],
  payload: emptyBytes,
};

describe('a response that any device can take', () => {
  it("has the gateway's own options in any of their values", () => {
    const id = fc.string({ unit: fc.constantFrom('a', 'Z', '0', '-', '_'), minLength: 8, maxLength: 8 });
    const uint = (bytes: number): fc.Arbitrary<number> => fc.integer({ min: 0, max: 2 ** (8 * bytes) - 1 });
    const four = fc.uint8Array({ minLength: 4, maxLength: 4 });
    const eight = fc.uint8Array({ minLength: 8, maxLength: 8 });
    const values = fc.record({
      id,
      etag: four,
      observe: uint(3),
      format: uint(2),
      maxAge: uint(4),
      block: uint(3),
      size: uint(4),
      echo: eight,
    });
    fc.assert(
      fc.property(values, ({ id: location, etag, observe, format, maxAge, block, size, echo }) => {
        const options = [
          opaqueOption(optionNumber.etag, etag),
          uintOption(optionNumber.observe, observe),
          stringOption(optionNumber.locationPath, 'j'),
          stringOption(optionNumber.locationPath, location),
          uintOption(optionNumber.contentFormat, format),
          uintOption(optionNumber.maxAge, maxAge),
          uintOption(optionNumber.block2, block),
          uintOption(optionNumber.block1, block),
          uintOption(optionNumber.size2, size),
          uintOption(optionNumber.size1, size),
          opaqueOption(optionNumber.echo, echo),
        ];
        assertDeviceFriendlyBytes(encodeMessage({ ...response, options }));
      }),
    );
  });

  it.each([
    ['any value of 13 bytes', optionNumber.locationQuery, 13],
    ['an unknown option of 13 bytes', 2048, 13],
    ['an ETag of 5 bytes', optionNumber.etag, 5],
    ['an Echo of 9 bytes', optionNumber.echo, 9],
    ['a Location-Path segment of 9 bytes', optionNumber.locationPath, 9],
  ])('does not have %s', (_, number, length) => {
    const option = opaqueOption(number, new Uint8Array(length));
    expect(() => assertDeviceFriendly({ ...response, options: [option] })).toThrow(
      `Option ${number} has ${length} bytes`,
    );
  });

  it('is well-formed', () => {
    expect(() => assertDeviceFriendlyBytes(Uint8Array.of(0x40, 0x45, 0, 1, 0xff))).toThrow('Not a CoAP message');
  });

  it('is a response: requests may say what they like', () => {
    const long = stringOption(optionNumber.uriPath, 'a-library-with-a-long-name');
    expect(() => assertDeviceFriendly({ ...response, code: method.GET, options: [long] })).not.toThrow();
  });
});
