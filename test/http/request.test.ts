/** What a request says, word by word. */
import { describe, expect, test } from 'vitest';
import { contentFormat } from '../../src/cbor/content-format.ts';
import { acceptedFormats, formatOf } from '../../src/http/media-types.ts';
import { asksForJob, flowWish, hostOf, queryItems, readError, targetOf } from '../../src/http/request.ts';

test.each<[string, number | undefined]>([
  ['17', 17],
  ['', undefined],
  ['-1', undefined],
  ['1.5', undefined],
  ['9'.repeat(16), undefined],
])('the event that a reader has last is a number: %j', (last, after) => {
  expect(flowWish({ headers: { 'last-event-id': last } }).after).toBe(after);
});

test('empty items of a query are none', () => {
  expect(queryItems('/x?&a=1&&b=2&')).toEqual(['a=1', 'b=2']);
});

test.each([
  ['respond-async', true],
  ['wait=10, Respond-Async', true],
  ['respond-async; wait=10', true],
  ['no-respond-async', false],
  ['respond-asynchronously', false],
])('Prefer: %s', (prefer, isWanted) => {
  expect(asksForJob({ method: 'POST', url: '/func/a/b', headers: { prefer }, body: undefined })).toBe(isWanted);
});

test('what stands in the path or the query of a target is no host', () => {
  const headers = { host: 'gw.example' };
  expect(hostOf({ url: '/x?next=http://evil.example/', headers })).toBe('gw.example');
  expect(hostOf({ url: 'http://evil.example/x', headers })).toBe('evil.example');
});

test('logs name no job and no object, whose ids may be enough to use them, and no more than a line', () => {
  expect(targetOf(['j', '3kP0aZ_q'])).toBe('j');
  expect(targetOf(['o', '3kP0aZ_q'])).toBe('o');
  expect(targetOf(['o', '3kP0aZ_q', 'deposit'])).toBe('o/*/deposit');
  expect(targetOf(['x'.repeat(1000)])).toHaveLength(200);
  expect(targetOf(['o', '3kP0aZ_q', 'x'.repeat(1000)])).toHaveLength(200);
});

test('what goes wrong while a request is read is the fault of who asks, unless it is the server’s', () => {
  const raised = (code: string, statusCode: number): Error =>
    Object.assign(new Error('It is so.'), { code, statusCode });
  expect(readError(raised('FST_ERR_CTP_INVALID_MEDIA_TYPE', 415))).toMatchObject({ code: 'unsupported-format' });
  expect(readError(raised('FST_ERR_X', 400))).toMatchObject({ code: 'bad-request' });
  const fault = raised('FST_ERR_X', 500);
  expect(readError(fault)).toBe(fault);
});

describe('media types', () => {
  test.each<[string, number | undefined]>([
    ['text/plain', contentFormat.text],
    ['text/plain; charset="UTF-8"', contentFormat.text],
    ['text/plain; charset=us-ascii', contentFormat.text],
    ['text/plain; charset=latin1', undefined],
    ['application/link-format', undefined],
  ])('a body of %s', (type, format) => {
    expect(formatOf(type)).toBe(format);
  });

  test('what is liked equally is answered in the format of the request, also where it was asked in another before', () => {
    const { cbor, json } = contentFormat;
    const first = (accept: string, asked: number): number | undefined => acceptedFormats(accept, asked)[0];
    for (const accept of ['application/*', '*/*;q=0.9', 'image/png, application/*;q=0.5'])
      expect([first(accept, cbor), first(accept, json)]).toEqual([cbor, json]);
  });
});
