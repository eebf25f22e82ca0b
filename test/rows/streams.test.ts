/** Generators of users of Pyro5 and Wrap: remote, lazy, closed when nobody reads them, gone on with after a reconnection. Over CoAP and HTTP. */
import { readFileSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeCborSequence } from '../../src/cbor/decode.ts';
import { openCoapClient, type CoapClient } from '../../src/client/coap-client.ts';
import { findUint, optionNumber } from '../../src/coap/codec/options.ts';
import { dotted } from '../../src/coap/codec/codes.ts';
import type { Value } from '../../src/core/value.ts';
import { ran } from '../cli/terminal.ts';
import { ask, startGateway, type TestGateway } from '../http/gateway.ts';

const library = `
  import { appendFileSync } from 'node:fs';
  import { setTimeout } from 'node:timers/promises';
  import { context, invalidate } from 'funcoap/library';
  const note = (text: string) => appendFileSync(context().dataFolder + '/notes', text + '\\n');
  /** @safe */
  export function* sync(to = 3): Generator<number> { for (let i = 0; i < to; i++) yield i; }
  /** @safe */
  export async function* later(to = 3): AsyncGenerator<{ i: number }> {
    try { for (let i = 0; i < to; i++) { await setTimeout(1); yield { i }; } } finally { note('later ended'); }
  }
  /** @safe */
  export function* fails(): Generator<number> { yield 1; throw new RangeError('no'); }
  /** @safe */
  export function plain(): number { return 1; }
  /** @safe */
  export async function awaited(): Promise<number> { return 2; }
  let price = 1;
  /** @pure @maxAge 1h */
  export function quote(): number { return price; }
  export function change(to: number): void { price = to; invalidate({ method: 'quote' }); }
`;

let gateway: TestGateway;
let client: CoapClient;
beforeAll(async () => {
  gateway = await startGateway({
    libraries: { 'gen/index.ts': library, 'gen/data/notes': '' },
    more: { streams: { lifetime: '300ms' }, workers: { threads: 1 } },
  });
  client = await openCoapClient({});
});
afterAll(async () => {
  await client.close();
  await gateway.close();
});

const notes = (): string => readFileSync(join(gateway.folder, 'libraries/gen/data/notes'), 'utf8');

async function observed(path: string, most = Infinity): Promise<{ items: Value[]; code: string }> {
  const items: Value[] = [];
  let code = '';
  for await (const answer of client.observe({ uri: gateway.coap + path, method: 'FETCH' })) {
    code = dotted(answer.code);
    if (code === '2.05') items.push(...decodeCborSequence(answer.payload));
    if (items.length >= most) break;
  }
  return { items, code };
}

async function read(path: string): Promise<{ items: readonly Value[]; format: number | undefined }> {
  const { payload, options } = await client.request({ uri: gateway.coap + path, method: 'FETCH' });
  return { items: decodeCborSequence(payload), format: findUint(options, optionNumber.contentFormat) };
}

function follow(path: string, headers: Readonly<Record<string, string>>): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    httpRequest(gateway.url + path, { headers, agent: false }, resolve)
      .on('error', reject)
      .end();
  });
}

describe('Pyro5', () => {
  test('P17 a remote generator is read lazily, in order, to its end', async () => {
    expect(await read('/func/gen/sync?to=5')).toEqual({ items: [0, 1, 2, 3, 4], format: 63 });
    expect((await read('/func/gen/sync?to=3000')).items).toEqual(Array.from({ length: 3000 }, (_, i) => i));
    expect(await observed('/func/gen/sync')).toEqual({ items: [[0, 0], [1, 1], [2, 2], [3]], code: '2.05' });
    expect(await observed('/func/gen/fails')).toEqual({ items: [[0, 1]], code: '5.00' });
  });

  test('P17 after a reconnection it goes on where it was; one that nobody comes back for is closed within its lifetime', async () => {
    const before = notes().length;
    const first = await observed('/func/gen/later?to=1000000', 4);
    expect(first.items.at(-1)).toEqual([3, { i: 3 }]);
    const again = await openCoapClient({});
    for await (const answer of again.observe({
      uri: `${gateway.coap}/func/gen/later?to=1000000&_from=4`,
      method: 'FETCH',
    })) {
      const [item] = decodeCborSequence(answer.payload);
      if (item === undefined) continue;
      expect(item).toEqual([4, { i: 4 }]);
      break;
    }
    await again.close();
    await expect.poll(() => notes().slice(before), { timeout: 5000 }).toContain('later ended');
  });
});

describe('Wrap', () => {
  test('W6 functions, async functions, generators and async generators are all called, over both doors', async () => {
    expect((await read('/func/gen/plain')).items).toEqual([1]);
    expect((await read('/func/gen/awaited')).items).toEqual([2]);
    expect((await read('/func/gen/sync')).items).toEqual([0, 1, 2]);
    expect((await read('/func/gen/later')).items).toEqual([{ i: 0 }, { i: 1 }, { i: 2 }]);
    const lines = await ask(`${gateway.url}/func/gen/later?to=2`);
    expect([lines.status, lines.headers['content-type'], lines.text]).toEqual([
      200,
      'application/x-ndjson',
      '{"i":0}\n{"i":1}\n',
    ]);
    const part = await ask(`${gateway.url}/func/gen/sync?to=9&_from=5&_n=2`);
    expect(part.text).toBe('5\n6\n');
    const sequence = await ask(`${gateway.url}/func/gen/sync`, { headers: { accept: 'application/cbor-seq' } });
    expect([...sequence.bytes]).toEqual([0, 1, 2]);
  });
});

describe('over HTTP, and from the command line', () => {
  test('server-sent events have the index as id, tell the end, and go on behind Last-Event-ID', async () => {
    const headers = { accept: 'text/event-stream' };
    const { text, headers: answered } = await ask(`${gateway.url}/func/gen/sync?to=2`, { headers });
    expect(answered['content-type']).toBe('text/event-stream');
    expect(text).toBe('id: 0\ndata: 0\n\nid: 1\ndata: 1\n\nevent: end\ndata: {"count":2}\n\n');
    const rest = await ask(`${gateway.url}/func/gen/sync?to=2`, { headers: { ...headers, 'last-event-id': '0' } });
    expect(rest.text).toBe('id: 1\ndata: 1\n\nevent: end\ndata: {"count":2}\n\n');
    const none = await ask(`${gateway.url}/func/gen/sync?to=2`, { headers: { ...headers, 'last-event-id': '1' } });
    expect(none.status).toBe(204);
    const failed = await ask(`${gateway.url}/func/gen/fails`, { headers });
    expect(failed.text).toMatch(/^id: 0\ndata: 1\n\nevent: error\ndata: \{.*"code":18.*\}\n\n$/);
  });

  test('errors before the first item have their status; other forms than these are refused', async () => {
    expect((await ask(`${gateway.url}/func/gen/sync?to=x`)).status).toBe(422);
    expect((await ask(`${gateway.url}/func/gen/sync`, { headers: { accept: 'text/html' } })).status).toBe(406);
    expect((await ask(`${gateway.url}/func/gen/plain?_from=1`)).status).toBe(400);
    await expect(ask(`${gateway.url}/func/gen/fails`)).rejects.toThrow(/aborted|reset|hang up/);
  });

  test('a client that goes has its generator closed', async () => {
    const before = notes().length;
    const response = await follow('/func/gen/later?to=1000000', { accept: 'application/x-ndjson' });
    await once(response, 'data');
    response.destroy();
    await expect.poll(() => notes().slice(before), { timeout: 5000 }).toContain('later ended');
  });

  test('a pure function is followed: over CoAP and as events, told when it is another', async () => {
    const response = await follow('/func/gen/quote', { accept: 'text/event-stream' });
    const events: string[] = [];
    response.setEncoding('utf8').on('data', (text: string) => events.push(text));
    const told: Value[] = [];
    const over = (async (): Promise<void> => {
      for await (const { payload } of client.observe({ uri: `${gateway.coap}/func/gen/quote`, method: 'FETCH' })) {
        told.push(...decodeCborSequence(payload));
        if (told.length === 2) return;
      }
    })();
    await expect.poll(() => [told, events.length]).toEqual([[1], 1]);
    await client.request({ uri: `${gateway.coap}/func/gen/change?to=7`, method: 'POST' });
    await over;
    expect(told).toEqual([1, 7]);
    await expect.poll(() => events.join('')).toMatch(/^id: \w{8}\ndata: 1\n\nid: \w{8}\ndata: 7\n\n$/);
    response.destroy();
  });

  test('funcoap watch prints items, from where it is told to, and what a result is; call prints the list', async () => {
    const watched = await ran(['watch', '--json', `${gateway.coap}/func/gen/sync`, 'to=3']);
    expect(watched).toMatchObject({ code: 0, out: '0\n1\n2\n', err: '' });
    expect(
      (await ran(['watch', '--json', '--from', '5', '--count', '2', `${gateway.coap}/func/gen/sync`, 'to=9'])).out,
    ).toBe('5\n6\n');
    expect((await ran(['watch', '--json', '--count', '1', `${gateway.coap}/func/gen/quote`])).out).toMatch(/^\d\n$/);
    expect((await ran(['call', '--json', `${gateway.coap}/func/gen/sync`, 'to=3'])).out).toBe('[0,1,2]\n');
    const failed = await ran(['watch', '--json', `${gateway.coap}/func/gen/fails`]);
    expect([failed.code, failed.out, failed.err]).toEqual([5, '1\n', expect.stringContaining('function-failed')]);
  });

  test('OpenAPI describes what items are', async () => {
    const { json } = await ask(`${gateway.url}/openapi.json`);
    expect(json).toMatchObject({
      paths: {
        '/func/gen/sync': {
          get: { responses: { 200: { content: { 'application/x-ndjson': { schema: { type: 'number' } } } } } },
        },
      },
    });
  });
});
