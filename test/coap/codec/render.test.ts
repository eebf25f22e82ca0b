import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptyBytes, utf8 } from '../../../src/core/bytes.ts';
import { method, responseCode } from '../../../src/coap/codec/codes.ts';
import { messageType, type Message } from '../../../src/coap/codec/message.ts';
import { opaqueOption, optionNumber, stringOption, uintOption } from '../../../src/coap/codec/options.ts';
import { renderBytes, renderMessage } from '../../../src/coap/codec/render.ts';
import { encodeMessage } from '../../../src/coap/codec/rfc7252.ts';
import { fromHex, messageVectors, fromPlain } from './vectors.ts';

const request: Message = {
  type: messageType.CON,
  code: method.FETCH,
  messageId: 0x1234,
  token: Uint8Array.of(1, 2),
  options: [
    stringOption(optionNumber.uriPath, 'func'),
    uintOption(optionNumber.contentFormat, 60),
    uintOption(optionNumber.block2, 0x1e),
    uintOption(optionNumber.noResponse, 26),
    opaqueOption(2049, Uint8Array.of(9)),
  ],
  payload: fromHex('82 0a 14'),
};

const response: Message = {
  type: messageType.ACK,
  code: responseCode.content,
  messageId: 7,
  token: emptyBytes,
  options: [],
  payload: emptyBytes,
};

describe('a message for people', () => {
  it('names its header, each option in its format, and its payload', () => {
    expect(renderMessage(request)).toEqual([
      'CON 0.05 FETCH, MID 4660, token 0102',
      '  Uri-Path: "func"',
      '  Content-Format: 60 application/cbor',
      '  Block2: 1/1/1024 (NUM/M/SIZE)',
      '  No-Response: 26 no 2.xx, 4.xx, 5.xx',
      '  Option 2049 (critical, not understood): 09',
      '  Payload: 3 bytes',
      '    82 0a 14',
    ]);
  });

  it('shows text as text, cut where it is long, and never within a character', () => {
    const options = [uintOption(optionNumber.contentFormat, 0)];
    const lines = renderMessage({ ...response, options, payload: utf8('22.3 °C\nrising') }, { maxPayloadBytes: 6 });
    expect(lines.slice(-3)).toEqual(['  Payload: 15 bytes', '    22.3 ', '    … 9 bytes more']);
  });

  it.each([
    [opaqueOption(optionNumber.etag, fromHex('deadbeef')), 'ETag: deadbeef'],
    [uintOption(optionNumber.observe, 3), 'Observe: 3'],
    [uintOption(optionNumber.maxAge, 0), 'Max-Age: 0 s'],
    [uintOption(optionNumber.accept, 9999), 'Accept: 9999 (not registered here)'],
    [opaqueOption(optionNumber.ifNoneMatch, emptyBytes), 'If-None-Match: present'],
    [opaqueOption(optionNumber.ifMatch, emptyBytes), 'If-Match: (empty)'],
    [uintOption(optionNumber.block1, 7), 'Block1: 0/0/reserved (NUM/M/SIZE)'],
    [uintOption(optionNumber.noResponse, 0), 'No-Response: 0 every response is wanted'],
    [opaqueOption(optionNumber.uriPath, Uint8Array.of(0xff)), 'Uri-Path: ff (not UTF-8)'],
    [opaqueOption(optionNumber.etag, new Uint8Array(9)), 'ETag: 000000000000000000 (9 bytes, must be 1 to 8)'],
    [opaqueOption(2048, emptyBytes), 'Option 2048 (elective, not understood): (empty)'],
  ])('option %# is written %s', (option, line) => {
    expect(renderMessage({ ...response, options: [option] })).toContain(`  ${line}`);
  });

  it('cannot drive a terminal, whatever a peer sends', () => {
    const nasty = fc
      .array(fc.oneof(fc.constantFrom('\u001b[31m', '\u009b', '\u202e', '\r', '\u0007', 'é', 'x')))
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(nasty, (text) => {
        const options = [stringOption(optionNumber.uriPath, text), stringOption(optionNumber.uriQuery, text)];
        const message = { ...request, options, payload: utf8(text) };
        const lines = [...renderMessage(message), ...renderBytes(encodeMessage(message))];
        expect(lines.join('')).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
      }),
    );
  });
});

describe('the bytes of a message for people', () => {
  it('are annotated field by field', () => {
    expect(renderBytes(encodeMessage(request))).toEqual([
      '0000  42                       version 1, CON, token length 2',
      '0001  05                       code 0.05 FETCH',
      '0002  12 34                    Message ID 4660',
      '0004  01 02                    token',
      '0006  b4                       delta 11, length 4: Uri-Path',
      '0007  66 75 6e 63              "func"',
      '000b  11                       delta 1, length 1: Content-Format',
      '000c  3c                       60 application/cbor',
      '000d  b1                       delta 11, length 1: Block2',
      '000e  1e                       1/1/1024 (NUM/M/SIZE)',
      '000f  d1 de                    delta 235, length 1: No-Response',
      '0011  1a                       26 no 2.xx, 4.xx, 5.xx',
      '0012  e1 05 f2                 delta 1791, length 1: Option 2049 (critical, not understood)',
      '0015  09                       09',
      '0016  ff                       payload marker',
      '0017  82 0a 14                 payload, 3 bytes',
    ]);
  });

  it('of a long field go on over several lines and end', () => {
    const lines = renderBytes(encodeMessage({ ...response, payload: new Uint8Array(100) }), { maxPayloadBytes: 10 });
    expect(lines.slice(-3)).toEqual([
      '0005  00 00 00 00 00 00 00 00  payload, 100 bytes',
      '000d  00 00',
      '      … 90 bytes more',
    ]);
  });

  it('say what is wrong with a malformed one', () => {
    expect(renderBytes(fromHex('44 01 12 34 01'))).toEqual([
      '0000  44                       version 1, CON, token length 4',
      '0001  01                       code 0.01 GET',
      '0002  12 34                    Message ID 4660',
      '0004  01                       not understood',
      '0005                           The token is cut off',
    ]);
    expect(renderBytes(emptyBytes)).toEqual([
      '0000                           The datagram is shorter than the 4 bytes of a header',
    ]);
  });

  it.each(messageVectors)('of each known message have a meaning: $name', ({ message }) => {
    const lines = renderBytes(encodeMessage(fromPlain(message)));
    expect(lines.join('\n')).not.toContain('not understood\n');
    expect(lines.length).toBeGreaterThanOrEqual(3);
  });
});
