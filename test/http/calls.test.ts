/** Calls over HTTP: forms of arguments and answers, what is kept by whom, errors. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeCbor } from '../../src/cbor/decode.ts';
import { encodeCbor } from '../../src/cbor/encode.ts';
import { openCoapClient } from '../../src/client/coap-client.ts';
import { findOption, optionNumber } from '../../src/coap/codec/options.ts';
import { channels, type RequestAnswered } from '../../src/core/channels.ts';
import { hex, utf8 } from '../../src/core/bytes.ts';
import { ask, post, startGateway, type TestGateway } from './gateway.ts';

const libraries = {
  'calc/index.ts': `
    let runs = 0;
    /** Adds.
     * @pure
     * @maxAge 240 */
    export function add(a: number, b: number = 1): number { runs++; return a + b; }
    /** @safe */ export function count(): number { return runs; }
    export function put(text: string): string { return text; }
    export function nothing(): void {}
    /** @safe */ export function empty(): null { return null; }
    /** @safe */ export function bytes(): Uint8Array { return new Uint8Array([0, 10, 255]); }
    /** @safe */ export function length(of: Uint8Array): number { return of.length; }
    export function fail(): never { throw new Error('secret words'); }`,
  'who/index.ts': `import { context } from 'funcoap/library';
    /** @pure @maxAge 60 */ export function am(): string { return context().identity; }
    /** @safe */ export function call(): string { return context().correlationId; }`,
  'slow/index.ts': `import { appendFileSync } from 'node:fs';
    import { context } from 'funcoap/library';
    /** @safe */ export async function wait(mark: string): Promise<string> {
      return await new Promise((resolve) => {
        context().signal.addEventListener('abort', () => { appendFileSync(mark, 'aborted'); resolve('aborted'); });
      });
    }`,
};

let gateway: TestGateway;
let url: string;
beforeAll(async () => {
  gateway = await startGateway({
    libraries,
    more: { limits: { requestBody: '4KiB' }, workers: { timeLimit: '30s', threads: 1 } },
  });
  url = `${gateway.url}/func/calc`;
}, 60_000);
afterAll(() => gateway.close());

describe('P22 arguments', () => {
  test.each([
    ['by name', { a: 10, b: 20 }, 30],
    ['by position', [10, 20], 30],
    ['the only one', 10, 11],
    ['by id', { 0: 10, 1: 20 }, 30],
  ])('%s in JSON', async (_, body, sum) => expect((await post(`${url}/add`, body)).json).toBe(sum));

  test('in CBOR, and answered so', async () => {
    const headers = { 'content-type': 'application/cbor' };
    const {
      status,
      bytes,
      headers: answered,
    } = await ask(`${url}/add`, { method: 'POST', headers, body: encodeCbor([10, 20]) });
    expect([status, decodeCbor(bytes), answered['content-type']]).toEqual([200, 30, 'application/cbor']);
  });
  test('a body that says that it is as it is', async () => {
    expect((await post(`${url}/add`, [10, 20], { 'content-encoding': 'Identity' })).json).toBe(30);
  });
  test('in the query of a GET', async () => expect((await ask(`${url}/add?a=10&b=20`)).json).toBe(30));
  test('a plus sign in the query is a space', async () => {
    const { json } = await ask(`${url}/put?text=a+b%2Bc`, { method: 'POST' });
    expect(json).toBe('a b+c');
  });
  test('bytes as application/octet-stream', async () => {
    const headers = { 'content-type': 'application/octet-stream', 'accept': 'application/json' };
    expect((await ask(`${url}/length`, { method: 'POST', headers, body: new Uint8Array(5) })).json).toBe(5);
  });
  test('QUERY is a safe call with a body', async () => {
    const headers = { 'content-type': 'application/json' };
    const { status, json, headers: answered } = await ask(`${url}/add`, { method: 'QUERY', headers, body: '[10,20]' });
    expect([status, json, answered.etag !== undefined]).toEqual([200, 30, true]);
    expect((await ask(`${url}/add?a=1&b=2`, { method: 'QUERY', headers })).json).toBe(3);
    expect((await ask(`${url}/put`, { method: 'QUERY', headers, body: '["x"]' })).status).toBe(405);
  });
  test('the compact path names the same', async () => {
    const ids = ((await ask(`${url}/add?_describe`)).json as { ids: number[] }).ids.join('/');
    expect((await ask(`${gateway.url}/f/${ids}?a=10&b=20`)).json).toBe(30);
    const [library] = ids.split('/');
    expect((await ask(`${gateway.url}/f/${library}`)).json).toEqual((await ask(url)).json);
  });
});

describe('P22 answers', () => {
  test.each([
    ['application/cbor', '181e', 'application/cbor'],
    ['text/plain', hex(utf8('30')), 'text/plain; charset=utf-8'],
    ['application/octet-stream', hex(utf8('30')), 'application/octet-stream'],
    ['text/html, application/cbor;q=0.5, */*;q=0.1', '181e', 'application/cbor'],
    ['text/html,*/*;q=0.8', hex(utf8('30')), 'application/json'],
    ['application/*;q=0.5, application/json;q=0', '181e', 'application/cbor'],
  ])('in what is accepted: %s', async (accept, bytes, type) => {
    const answer = await ask(`${url}/add?a=10&b=20`, { headers: { accept } });
    expect([answer.status, hex(answer.bytes), answer.headers['content-type']]).toEqual([200, bytes, type]);
    expect(answer.headers.vary).toBe('Accept');
  });
  test('nothing is 204, null is null', async () => {
    const nothing = await ask(`${url}/nothing`, { method: 'POST' });
    expect([nothing.status, nothing.bytes.length, nothing.headers['content-type']]).toEqual([204, 0, undefined]);
    expect((await ask(`${url}/empty`)).text).toBe('null');
  });
  test('what a function says is in them no browser guesses', async () => {
    const guessed = async (accept: string): Promise<unknown> =>
      (await ask(`${url}/bytes`, { headers: { accept } })).headers['x-content-type-options'];
    expect([await guessed('text/plain'), await guessed('application/octet-stream'), await guessed('*/*')]).toEqual([
      'nosniff',
      'nosniff',
      undefined,
    ]);
  });
  test('bytes as they are', async () => {
    const { bytes } = await ask(`${url}/bytes`, { headers: { accept: 'application/octet-stream' } });
    expect(hex(bytes)).toBe('000aff');
    expect((await ask(`${url}/bytes`)).json).toBe('AAr_');
  });
  test('HEAD is GET without its body', async () => {
    const [get, head] = [await ask(`${url}/add?a=3`), await ask(`${url}/add?a=3`, { method: 'HEAD' })];
    expect([head.status, head.bytes.length]).toEqual([200, 0]);
    for (const name of ['content-type', 'content-length', 'etag']) expect(head.headers[name]).toBe(get.headers[name]);
  });
  test('OPTIONS says what is offered and nothing of other sites', async () => {
    const { status, headers } = await ask(`${url}/add`, { method: 'OPTIONS' });
    expect([status, headers.allow]).toEqual([204, 'GET, HEAD, QUERY, POST, OPTIONS']);
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  });
});

describe('one cache for all doors', () => {
  test('HTTP and CoAP give the same result, the same ETag, and one execution', async () => {
    const runs = async (): Promise<number> => Number((await ask(`${url}/count`)).json);
    const before = await runs();
    const client = await openCoapClient({});
    const over = (accept: number) =>
      client.request({ uri: `${gateway.coap}/func/calc/add?a=1000&b=1`, method: 'GET', accept });
    const coap = await over(60);
    const [cbor, json] = [
      await ask(`${url}/add?a=1000`, { headers: { accept: 'application/cbor' } }),
      await post(`${url}/add`, { a: 1000, b: 1 }),
    ];
    const coapJson = await over(50);
    await client.close();
    const coapTag = findOption(coap.options, optionNumber.etag) ?? new Uint8Array();
    expect(hex(cbor.bytes)).toBe(hex(coap.payload));
    expect(cbor.headers.etag).toBe(`"${hex(coapTag)}"`);
    expect(utf8(json.text)).toEqual(coapJson.payload);
    const httpJson = await ask(`${url}/add?a=1000`);
    expect(httpJson.headers.etag).toBe(`"${hex(findOption(coapJson.options, optionNumber.etag) ?? new Uint8Array())}"`);
    expect((await runs()) - before).toBe(1);
  });
  test('who has it already is told so: 304', async () => {
    const first = await ask(`${url}/add?a=7`);
    expect(first.headers['cache-control']).toMatch(/^max-age=2[34]\d$/);
    const etag = first.headers.etag ?? '';
    for (const known of [etag, `W/${etag}`, `"00000000", ${etag}`, '*']) {
      const again = await ask(`${url}/add?a=7`, { headers: { 'if-none-match': known } });
      expect([again.status, again.bytes.length, again.headers.etag]).toEqual([304, 0, etag]);
    }
    expect((await ask(`${url}/add?a=7`, { headers: { 'if-none-match': '"00000000"' } })).status).toBe(200);
  });
  test('a POST has no ETag and is not kept', async () => {
    const { headers } = await post(`${url}/add`, [7]);
    expect([headers.etag, headers['cache-control']]).toEqual([undefined, undefined]);
  });
  test('what depends on who asks is for them alone', async () => {
    await ask(`${gateway.url}/func/who/am`);
    expect((await ask(`${gateway.url}/func/who/am`)).headers['cache-control']).toMatch(/^private, max-age=/);
  });
});

describe('errors', () => {
  const json = { 'content-type': 'application/json' };
  test.each([
    ['no such library', '/func/none/add', {}, 404, 'no-such-library'],
    ['no such id of a library', '/f/99', {}, 404, 'no-such-library'],
    ['an id of a library that is none', '/f/calc', {}, 404, 'no-such-library'],
    ['no such function', '/func/calc/none', {}, 404, 'no-such-method'],
    ['a path that leads out', '/func/calc/..%2f..%2fetc', {}, 404, 'no-such-method'],
    ['no such path', '/nothing/here', {}, 404, 'no-such-resource'],
    ['a long name that is none', `/func/calc/${'x'.repeat(2000)}`, {}, 404, 'no-such-method'],
    ['a long path that is none', `/func/${'x'.repeat(300)}/add`, {}, 404, 'no-such-library'],
    ['a long id of a job', `/j/${'x'.repeat(300)}`, {}, 404, 'no-such-resource'],
    [
      'a QUERY that says no Content-Type, though it has no body',
      '/func/calc/count',
      { method: 'QUERY' },
      400,
      'bad-request',
    ],
    ['percent-encoding that is none', '/func/calc/%zz', {}, 400, 'bad-request'],
    ['side effects by GET', '/func/calc/put?text=x', {}, 405, 'not-safe'],
    ['a method that is not offered', '/func/calc/add', { method: 'DELETE' }, 405, 'method-not-allowed'],
    ['a method that there is nowhere', '/func/calc/add', { method: 'TRACE' }, 405, 'method-not-allowed'],
    ['a job by GET', '/func/calc/add?a=1&_job', {}, 400, 'bad-request'],
    [
      'a condition where there are effects',
      '/func/calc/put?text=x',
      { method: 'POST', headers: { 'if-match': '"x"' } },
      400,
      'bad-option',
    ],
    [
      'a condition that something has changed',
      '/func/calc/put?text=x',
      { method: 'POST', headers: { 'if-none-match': '*' } },
      400,
      'bad-option',
    ],
    [
      'a condition that nothing has changed since',
      '/func/calc/put?text=x',
      { method: 'POST', headers: { 'if-unmodified-since': 'Sat, 31 Jan 2026 12:00:00 GMT' } },
      400,
      'bad-option',
    ],
    ['an argument missing', '/func/calc/add', {}, 422, 'missing-argument'],
    [
      'an argument unknown',
      '/func/calc/add',
      { method: 'POST', headers: json, body: '{"a":1,"c":2}' },
      422,
      'unexpected-argument',
    ],
    ['an argument of the wrong type', '/func/calc/add?a=x', {}, 422, 'wrong-type'],
    ['arguments twice', '/func/calc/add?a=1', { method: 'POST', headers: json, body: '[1]' }, 400, 'arguments-twice'],
    ['a body cut off', '/func/calc/add', { method: 'POST', headers: json, body: '{"a":' }, 400, 'malformed-body'],
    [
      'a body with a name twice',
      '/func/calc/add',
      { method: 'POST', headers: json, body: '{"a":1,"a":2}' },
      400,
      'malformed-body',
    ],
    [
      'JSON too deep',
      '/func/calc/put',
      { method: 'POST', headers: json, body: '['.repeat(2000) },
      400,
      'malformed-body',
    ],
    [
      'a body with a GET',
      '/func/calc/add',
      { headers: { ...json, 'content-length': '3' }, body: '[1]' },
      400,
      'bad-request',
    ],
    [
      'a body with a GET that does not say how long it is',
      '/func/calc/add?a=1',
      { headers: { ...json, 'transfer-encoding': 'chunked' }, body: '[1]' },
      400,
      'bad-request',
    ],
    [
      'a body that is too long',
      '/func/calc/put',
      { method: 'POST', headers: json, body: `"${'x'.repeat(5000)}"` },
      413,
      'too-large',
    ],
    ['a body of no type', '/func/calc/add', { method: 'POST', body: '[1]' }, 415, 'unsupported-format'],
    [
      'a form',
      '/func/calc/add',
      { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'a=1' },
      415,
      'unsupported-format',
    ],
    [
      'a compressed body',
      '/func/calc/add',
      { method: 'POST', headers: { ...json, 'content-encoding': 'gzip' }, body: '[1]' },
      415,
      'unsupported-format',
    ],
    [
      'an answer in what there is not',
      '/func/calc/add?a=1',
      { headers: { accept: 'image/png' } },
      406,
      'not-acceptable',
    ],
    ['a function that throws', '/func/calc/fail', { method: 'POST' }, 500, 'function-failed'],
  ])('%s', async (_, path, asked, status, problem) => {
    const answer = await ask(`${gateway.url}${path}`, asked);
    expect([answer.status, answer.problem]).toEqual([status, problem]);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.json).toMatchObject({
      status,
      code: expect.any(Number),
      title: expect.any(String),
      detail: expect.any(String),
    });
    expect(answer.text).not.toContain('secret words');
    expect(answer.text.length).toBeLessThan(500);
  });
  test('a body with a HEAD is none that is looked at', async () => {
    const headers = { ...json, 'content-length': '3' };
    expect((await ask(`${url}/add?a=1`, { method: 'HEAD', headers, body: '[1]' })).status).toBe(400);
  });
  test('405 says what is offered instead', async () => {
    expect((await ask(`${url}/add`, { method: 'PUT' })).headers.allow).toBe('GET, HEAD, QUERY, POST, OPTIONS');
    expect((await ask(`${url}/put?text=x`)).headers.allow).toBe('POST, OPTIONS');
  });
});

describe('an id of the client', () => {
  test.each([
    ['x-request-id', 'build-7.1', 'build-7.1'],
    ['traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', '0af7651916cd43dd8448eb211c80319c'],
  ])('%s reaches the function, the log and the answer', async (name, value, id) => {
    const seen: RequestAnswered[] = [];
    const listen = (event: unknown): void => void seen.push(event as RequestAnswered);
    channels.request.subscribe(listen);
    const { json, headers } = await ask(`${gateway.url}/func/who/call`, { headers: { [name]: value } });
    channels.request.unsubscribe(listen);
    expect([json, headers['x-request-id']]).toEqual([id, id]);
    expect(seen).toMatchObject([
      { correlationId: id, target: 'who/call', method: 'GET', code: '200', identity: 'local' },
    ]);
  });
  test.each([
    ['x-request-id', 'a b'],
    ['x-request-id', 'x'.repeat(65)],
    ['x-request-id', '<script>'],
    ['traceparent', `00-${'0'.repeat(32)}-b7ad6b7169203331-01`],
    ['traceparent', 'ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'],
  ])('%s: %s is none', async (name, value) => {
    const { json, headers } = await ask(`${gateway.url}/func/who/call`, { headers: { [name]: value } });
    expect(json).toMatch(/^h[\da-z]+$/);
    expect(headers['x-request-id']).toBeUndefined();
  });
});

describe('P16 a batch', () => {
  const batch = (calls: unknown, method = 'POST') =>
    ask(`${gateway.url}/b`, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(calls) });

  test('is answered with the results in their order', async () => {
    const { status, json, headers } = await batch([
      ['calc/add', { a: 1, b: 2 }],
      ['calc/put', ['x']],
      ['calc/nothing'],
    ]);
    expect([status, json, headers['etag']]).toEqual([200, [3, 'x', null], undefined]);
  });

  test('of safe functions is a QUERY, with an ETag', async () => {
    const { status, headers } = await batch([['calc/add', [1, 2]]], 'QUERY');
    expect([status, headers['etag']]).toEqual([200, expect.stringMatching(/^"[0-9a-f]{8}"$/)]);
    expect((await batch([['calc/put', ['x']]], 'QUERY')).problem).toBe('not-safe');
  });

  test('has references in CBOR', async () => {
    // [["calc/add", [10, 20]], ["calc/add", [39([0]), 5]]]
    const body = Buffer.concat([
      Buffer.from([0x82, 0x82, 0x68, ...Buffer.from('calc/add'), 0x82, 10, 0x14]),
      Buffer.from([0x82, 0x68, ...Buffer.from('calc/add'), 0x82, 0xd8, 39, 0x81, 0, 5]),
    ]);
    const headers = { 'content-type': 'application/cbor' };
    expect(decodeCbor((await ask(`${gateway.url}/b?_w=2`, { method: 'POST', headers, body })).bytes)).toEqual([35]);
  });

  test('that fails says which call did, and what there was before', async () => {
    const { status, json } = await batch([['calc/put', ['x']], ['calc/fail'], ['calc/put', ['y']]]);
    expect([status, json]).toEqual([500, expect.objectContaining({ batch: { index: 1, results: ['x'] } })]);
  });
});
