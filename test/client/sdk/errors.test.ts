/** What is thrown of an answer that is an error. */
import { describe, expect, test } from 'vitest';
import { contentFormat } from '../../../src/cbor/content-format.ts';
import { encodeCbor } from '../../../src/cbor/encode.ts';
import type { DoorAnswer } from '../../../src/client/sdk/door.ts';
import { RemoteError } from '../../../src/client/sdk/errors.ts';
import { responseCode } from '../../../src/coap/codec/codes.ts';
import { emptyBytes, utf8 } from '../../../src/core/bytes.ts';
import { seconds } from '../../../src/core/duration.ts';
import { CallError } from '../../../src/functions/call-error.ts';
import { encodeProblem, encodeProblemJson } from '../../../src/functions/problem-details.ts';

const { badRequest, serviceUnavailable, tooManyRequests } = responseCode;

const thrown = (answer: Partial<DoorAnswer>): RemoteError =>
  new RemoteError(
    'lib/f',
    {
      code: badRequest,
      contentFormat: undefined,
      payload: emptyBytes,
      etag: undefined,
      maxAge: seconds(7),
      ...answer,
    },
    [{ name: 'a', id: 3 }],
  );

test('of an answer without problem details its code and its words are told, as many as a person reads', () => {
  expect(thrown({})).toMatchObject({ code: 'refused', message: 'lib/f was answered 4.00 Bad Request.' });
  const long = thrown({ payload: utf8('x'.repeat(5000)) }).message;
  expect([long.startsWith('lib/f was answered 4.00 Bad Request: xxx'), long.length < 600]).toEqual([true, true]);
});

test('of what is no text nothing is shown, and of a problem that is not known its number', () => {
  const said = (answer: Partial<DoorAnswer>): string => thrown(answer).message.replace('lib/f was answered ', '');
  expect(said({ contentFormat: contentFormat.cbor, payload: utf8('text') })).toBe('4.00 Bad Request.');
  const payload = encodeCbor({ 'funcoap:e': new Map([[0, 9999]]) });
  expect(said({ contentFormat: contentFormat.problemDetails, payload })).toBe('4.00 Bad Request: problem 9999.');
});

test('problem details that cannot be read are none, and neither is what only looks so', () => {
  const problem = encodeProblemJson(new CallError('overloaded', 'No.'), { words: true, internals: false });
  for (const [format, payload] of [
    [contentFormat.problemDetails, Uint8Array.of(0xff)],
    [contentFormat.json, utf8('{')],
    [contentFormat.text, problem],
  ] as const)
    expect(thrown({ contentFormat: format, payload }).code).toBe('refused');
  expect(thrown({ contentFormat: contentFormat.json, payload: problem }).code).toBe('overloaded');
});

test('only 4.29 and 5.03 say when to come back', () => {
  const when = [badRequest, tooManyRequests, serviceUnavailable].map((code) => thrown({ code }).retryAfter);
  expect(when).toEqual([undefined, 7000, 7000]);
});

describe.each(['CBOR', 'JSON'])('in %s', (form) => {
  const of = (error: CallError): RemoteError => {
    const encode = form === 'CBOR' ? encodeProblem : encodeProblemJson;
    const format = form === 'CBOR' ? contentFormat.problemDetails : contentFormat.json;
    return thrown({ contentFormat: format, payload: encode(error, { words: true, internals: true }) });
  };

  test('a parameter has its name', () => {
    const error = new CallError('wrong-type', 'No.', { parameter: { name: 'a', id: 3 }, expected: { kind: 'number' } });
    expect(of(error)).toMatchObject({ parameter: 'a', expected: 'number', message: 'No.' });
  });

  test('what was thrown there is the cause, with a stack in any case', () => {
    const remote = { name: 'RangeError', message: 'no such luck', stack: undefined };
    const { cause } = of(new CallError('function-failed', 'It failed.', { remote }));
    expect(cause).toMatchObject({ name: 'RangeError', stack: 'RangeError: no such luck' });
  });
});
