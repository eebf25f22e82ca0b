/** A response that has its bytes, and another Max-Age in them. */
import { expect, test } from 'vitest';
import { responseCode } from '../../src/coap/codec/codes.ts';
import { findUint, optionNumber } from '../../src/coap/codec/options.ts';
import { decodeContent } from '../../src/coap/codec/rfc7252.ts';
import { encodedResponse, response, rewriteMaxAge, type Response } from '../../src/coap/response.ts';

const of = (maxAge: number): Response =>
  encodedResponse(
    response(responseCode.content, {
      etag: Uint8Array.of(1, 2, 3, 4),
      contentFormat: 60,
      maxAge,
      payload: Uint8Array.of(9),
    }),
  );

const stated = ({ encoded = new Uint8Array() }: Response): number | undefined => {
  const content = decodeContent(encoded, 0);
  return typeof content === 'string' ? undefined : findUint(content.options, optionNumber.maxAge);
};

test.each([
  [3600, 3599],
  [300, 256],
  [255, 1],
  [61, 59],
])('Max-Age %i becomes %i in place', (before, next) => {
  const given = of(before);
  expect(rewriteMaxAge(given, next)).toBe(true);
  expect(stated(given)).toBe(next);
  expect(findUint(given.options, optionNumber.maxAge)).toBe(next);
  expect(given.payload).toEqual(Uint8Array.of(9));
});

test.each([
  ['takes fewer bytes', 256, 255],
  ['is what no option says', 61, 60],
  ['takes no byte', 1, 0],
])('a Max-Age that %s is not written', (_what, before, next) => {
  const given = of(before);
  expect(rewriteMaxAge(given, next)).toBe(false);
  expect(stated(given)).toBe(before);
});

test('there is none to be written where none was said, or where the response has no bytes', () => {
  expect(rewriteMaxAge(of(60), 59)).toBe(false);
  expect(rewriteMaxAge(response(responseCode.content, { maxAge: 30 }), 29)).toBe(false);
});
