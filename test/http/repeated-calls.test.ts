/**
 * Calls that are made again are answered past fastify, and exactly as through it: a preference that means nothing
 * (`Prefer: x`) sends the same request through fastify.
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { channel } from 'node:diagnostics_channel';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { encodeCbor } from '../../src/cbor/encode.ts';
import { channels, type RequestAnswered } from '../../src/core/channels.ts';
import { ran } from '../cli/terminal.ts';
import { openDoors, type Doors, type DoorSettings } from './doors.ts';
import { ask, type Answered, type Asked } from './gateway.ts';
import { patience } from '../patience.ts';

const libraries = {
  'calc/index.ts': `let runs = 0;
    /** @pure @inline @maxAge 240 */ export function add(a: number, b: number = 1): number { return a + b; }
    /** @safe @inline */ export function count(): number { return ++runs; }
    /** @inline */ export function put(text: string): string { return text; }
    /** @inline */ export function nothing(): void {}
    /** @pure @inline @maxAge 240 */ export function long(): string { return 'x'.repeat(2000); }
    /** @safe @inline */ export function* some(): Generator<number> { yield 1; yield 2; }
    /** @inline */ export function fail(): never { throw new Error('secret words'); }`,
  'who/index.ts': `import { context } from 'funcoap/library';
    /** @pure @maxAge 240 */ export function am(): string { return context().identity; }`,
  'changing/index.ts': `/** @pure @inline @maxAge 240 */ export function version(): number { return 1; }`,
};

let folder: string;
let doors: Doors;
const tokens = new Map<string, string>();

const funcoap = async (line: string): Promise<string> =>
  (await ran([...line.split(' '), '--data', join(folder, 'data')], { workingFolder: folder })).out.trim();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'funcoap-repeated-'));
  await funcoap('ca init --host 127.0.0.1');
  for (const name of ['ann', 'bob']) {
    await funcoap(`enroll ${name}`);
    tokens.set(name, await funcoap(`token ${name}`));
  }
  doors = await openDoors(libraries, join(folder, 'data'));
});
afterAll(async () => {
  await doors.close();
  rmSync(folder, { recursive: true });
});
afterEach(() => doors.closeOpened());

/** Requests that fastify handed to a route. */
let byFastify = 0;
const count = (): void => {
  byFastify++;
};
const handled = channel('tracing:fastify.request.handler:start');
beforeEach(() => {
  byFastify = 0;
  handled.subscribe(count);
});
afterEach(() => {
  handled.unsubscribe(count);
});

const json = { 'content-type': 'application/json' };
const bearer = (name: string): { readonly authorization: string } => ({ authorization: `Bearer ${tokens.get(name)}` });
const sum: Asked = { method: 'POST', headers: json, body: '[10,20]' };

/** Status, headers and body, but for what differs from second to second. */
const seen = ({ status, headers, text }: Answered): unknown => {
  const { 'date': _, 'cache-control': kept = '', 'x-request-id': id, ...others } = headers;
  return { status, others, kept: kept.replace(/\d+/, 'n'), id: String(id).replace(/^h.*/, 'h'), text };
};

async function times<T>(n: number, make: () => Promise<T>): Promise<T[]> {
  const all: T[] = [];
  for (let i = 0; i < n; i++) all.push(await make());
  return all;
}

const times3 = <T>(one: T): T[] => [one, one, one];

test('a call that was made before is answered past fastify', async () => {
  const { url } = await doors.open();
  const answers = await times(5, () => ask(`${url}/func/calc/add`, sum));
  expect(answers.map(({ json }) => json)).toEqual([30, 30, 30, 30, 30]);
  expect(byFastify).toBe(1);
  expect((await ask(`${url}/func/calc/add`, { ...sum, body: '[1,2]' })).json).toBe(3);
  expect(byFastify).toBe(1);
  expect((await ask(`${url}/func/calc/add`, { ...sum, headers: { ...json, prefer: 'x' } })).json).toBe(30);
  expect(byFastify).toBe(2);
});

test('each is counted as a hit', async () => {
  const { url, cache } = await doors.open();
  await times(6, () => ask(`${url}/func/calc/add`, sum));
  expect(cache.counters()).toMatchObject({ misses: 1, hits: 5 });
});

describe('the same request, again and again, through fastify and past it, has the same answer', () => {
  const bodies = [
    '',
    '[10,20]',
    '{"a":1}',
    '5',
    '[]',
    '{',
    '["x"]',
    '"text"',
    '[1,2,3]',
    ' [10, 20] ',
    'x'.repeat(600),
  ];
  const request = fc.record({
    method: fc.constantFrom('GET', 'HEAD', 'QUERY', 'POST', 'PUT', 'DELETE', 'OPTIONS'),
    path: fc.constantFrom(
      ...['calc/add', 'calc/add/', 'calc/put', 'calc/nothing', 'calc/long', 'calc/some', 'calc/fail', 'calc/none'],
      ...['calc/%61dd', 'calc/%ff', 'calc/add/more', 'none/add', 'who/am'],
    ),
    query: fc.constantFrom('', '', '?a=1&b=2', '?text=a+b', '?_describe', '?_job', '?_from=1', '?_nonsense', '?a=%ff'),
    type: fc.constantFrom(
      ...['application/json', 'application/json', 'Application/JSON; charset=utf-8', 'text/plain', 'application/cbor'],
      ...['image/png', 'nonsense', undefined],
    ),
    accept: fc.constantFrom(
      ...[undefined, undefined, '*/*', 'application/cbor', 'application/json;q=0.5,application/cbor', 'image/png', ''],
      ...['text/event-stream', 'application/x-ndjson'],
    ),
    body: fc.constantFrom(...bodies),
    more: fc.constantFrom<Readonly<Record<string, string>>[]>(
      ...[{}, {}, {}, { host: 'evil.example' }, { origin: 'http://evil.example' }, { 'sec-fetch-site': 'cross-site' }],
      ...[{ authorization: 'Bearer x' }, { 'x-forwarded-for': '192.0.2.1' }, { 'content-encoding': 'gzip' }],
      ...[{ 'if-none-match': '*' }, { 'x-request-id': 'mine' }, { 'transfer-encoding': 'chunked' }],
    ),
    who: fc.constantFrom(undefined, undefined, 'ann', 'bob'),
  });

  test('whatever it is', async () => {
    const { url } = await doors.open({ maxBodyBytes: 550 });
    const events: RequestAnswered[] = [];
    const listen = (event: unknown): void => void events.push(event as RequestAnswered);
    channels.request.subscribe(listen);
    const told = (): unknown[] =>
      events.splice(0).map((event) => ({
        ...event,
        peer: '',
        correlationId: event.correlationId.replace(/^h.*/, 'h'),
        ...{ queuedMs: 0, ranMs: 0, totalMs: 0 },
      }));
    await fc.assert(
      fc.asyncProperty(request, async ({ method, path, query, type, accept, body, more, who }) => {
        const headers = {
          ...(type === undefined ? {} : { 'content-type': type }),
          ...(accept === undefined ? {} : { accept }),
          ...(who === undefined ? {} : bearer(who)),
          ...more,
        };
        const bytes = type === 'application/cbor' && body === '[10,20]' ? encodeCbor([10, 20]) : body;
        const length = 'transfer-encoding' in more || body === '' ? {} : { 'content-length': String(bytes.length) };
        const send = async (extra: Readonly<Record<string, string>>): Promise<unknown> => {
          const asked = {
            method,
            headers: { ...headers, ...length, ...extra },
            ...(body === '' ? {} : { body: bytes }),
          };
          const answer = await ask(`${url}/func/${path}${query}`, asked);
          return [seen(answer), told()];
        };
        // A job is asked for by a preference: its id is another one each time.
        fc.pre(query !== '?_job' || method !== 'POST');
        await send({}); // whatever it is, it is in the cache now where it can be
        const through = await send({ prefer: 'x' });
        expect(await times(3, () => send({}))).toEqual([through, through, through]);
      }),
      { numRuns: 100, seed: 7 },
    );
    channels.request.unsubscribe(listen);
    expect(byFastify).toBeLessThan(5 * 100 - 80);
  });
});

describe('what is asked of every request is asked of one that was made before', () => {
  const known = async (settings: DoorSettings, asked: Asked = sum): Promise<(more?: Asked) => Promise<Answered>> => {
    const { url } = await doors.open(settings);
    const send = (more: Asked = {}): Promise<Answered> =>
      ask(`${url}/func/calc/add`, { ...asked, ...more, headers: { ...asked.headers, ...more.headers } });
    await times(3, () => send());
    expect(byFastify).toBe(1);
    return send;
  };

  test.each([
    ['Host', { host: 'evil.example' }, 403],
    ['Origin', { origin: 'http://evil.example' }, 403],
    ['where a browser comes from', { 'sec-fetch-site': 'cross-site' }, 403],
    ['the token', { authorization: 'Bearer x' }, 401],
    ['whether a proxy stands between', { via: '1.1 proxy' }, 401],
    ['the media type', { 'content-type': 'image/png' }, 415],
    ['the coding', { 'content-encoding': 'gzip' }, 415],
    ['what is accepted', { accept: 'image/png' }, 406],
  ] as const)('%s', async (_, headers, status) => {
    const send = await known({});
    expect((await send({ headers })).status).toBe(status);
    expect((await send()).json).toBe(30);
  });

  test('whether a body of text may be taken of who asks now', async () => {
    const { url } = await doors.open();
    const text = { 'content-type': 'text/plain', 'content-length': '4' };
    const send = (headers: Asked['headers']): Promise<Answered> =>
      ask(`${url}/func/calc/put`, { method: 'POST', headers: { ...text, ...headers }, body: 'text' });
    expect((await times(3, () => send(bearer('ann')))).map(({ status }) => status)).toEqual([200, 200, 200]);
    expect((await send({})).status).toBe(415);
  });

  test('whether it has a body, of whatever length it says or does not say', async () => {
    const { url } = await doors.open();
    const cbor = { 'content-type': 'application/cbor' };
    const send = async (headers: Asked['headers'], body?: Uint8Array): Promise<unknown> => {
      const asked = { method: 'POST', headers: { ...cbor, ...headers } };
      const answer = await ask(`${url}/func/who/am`, body === undefined ? asked : { ...asked, body });
      return [answer.status, answer.headers['content-type']];
    };
    const [none, one] = [encodeCbor([]), encodeCbor(['one'])];
    expect(await times(3, () => send({}))).toEqual(times3([200, 'application/json']));
    expect(await times(3, () => send({ 'content-length': '1' }, none))).toEqual(times3([200, 'application/cbor']));
    expect(await send({ 'transfer-encoding': 'chunked' }, none)).toEqual([200, 'application/cbor']);
    expect(await send({ 'transfer-encoding': 'chunked' }, one)).toEqual([422, 'application/problem+json']);
  });

  test('how long its body is', async () => {
    const send = await known({ maxBodyBytes: 20 });
    expect((await send({ body: `[10,${' '.repeat(20)}20]` })).status).toBe(413);
    const long = await doors.open();
    const text = JSON.stringify(['x'.repeat(600)]);
    const put: Asked = { method: 'POST', headers: { ...json, 'content-length': String(text.length) }, body: text };
    byFastify = 0;
    expect((await times(3, () => ask(`${long.url}/func/calc/put`, put))).map(({ status }) => status)).toEqual(
      times3(200),
    );
    expect(byFastify).toBe(3);
  });

  test('its rate', async () => {
    const send = await known({ rate: { perSecond: 0.001, burst: 5, loopback: true } });
    expect((await times(3, () => send())).map(({ status }) => status)).toEqual([200, 200, 429]);
    expect(byFastify).toBe(1);
  });

  test('whether the gateway is being stopped', async () => {
    const door = await doors.open();
    const send = (): Promise<Answered> => ask(`${door.url}/func/calc/add`, sum);
    await times(3, send);
    door.calls.close();
    expect([(await send()).status, byFastify]).toEqual([503, 1]);
  });

  test('the access rules, for who asks now', async () => {
    const rule = { group: undefined, resources: [], rate: undefined, link: {} };
    const { url } = await doors.open({
      access: [
        { ...rule, identity: 'ann', functions: ['calc/*'] },
        { ...rule, identity: 'bob', functions: ['calc/put'] },
      ],
    });
    const send = (who: string): Promise<Answered> =>
      ask(`${url}/func/calc/add`, { ...sum, headers: { ...json, ...bearer(who) } });
    expect((await times(3, () => send('ann'))).map(({ json }) => json)).toEqual([30, 30, 30]);
    expect((await times(2, () => send('bob'))).map(({ status }) => status)).toEqual([403, 403]);
    expect((await ask(`${url}/func/calc/add`, sum)).status).toBe(401);
    expect(byFastify).toBe(1);
  });

  test('its identity, of a function that reads who asks', async () => {
    const { url } = await doors.open();
    const send = async (who: string): Promise<unknown> =>
      (await ask(`${url}/func/who/am`, { method: 'POST', headers: bearer(who) })).json;
    expect(await times(4, () => send('ann'))).toEqual(['ann', 'ann', 'ann', 'ann']);
    expect(await times(4, () => send('bob'))).toEqual(['bob', 'bob', 'bob', 'bob']);
    expect(byFastify).toBe(1);
  });

  test('whether the answer is private, by who asks now', async () => {
    const { url } = await doors.open();
    const send = async (headers: Asked['headers'] = {}): Promise<string> =>
      (await ask(`${url}/func/calc/add?a=1&b=2`, { headers })).headers['cache-control'] ?? '';
    expect((await times(3, () => send())).every((kept) => !kept.includes('private'))).toBe(true);
    expect((await times(3, () => send(bearer('ann')))).every((kept) => kept.startsWith('private, '))).toBe(true);
    expect(await send()).not.toContain('private');
    expect(byFastify).toBe(1);
  });

  test('whether the token still stands', async () => {
    await funcoap('enroll eve');
    const token = await funcoap('token eve');
    const { url } = await doors.open();
    const send = (): Promise<Answered> =>
      ask(`${url}/func/calc/add`, { ...sum, headers: { ...json, authorization: `Bearer ${token}` } });
    await vi.waitFor(async () => expect((await send()).status).toBe(200), { timeout: 10_000 });
    await times(3, send);
    await funcoap('identities revoke eve');
    await vi.waitFor(async () => expect((await send()).status).toBe(401), { timeout: 10_000 });
  });

  test('what the function is now', async () => {
    const { url } = await doors.open();
    const send = async (): Promise<unknown> => (await ask(`${url}/func/changing/version`, { method: 'POST' })).json;
    expect(await times(4, send)).toEqual([1, 1, 1, 1]);
    const file = join(doors.folder, 'libraries', 'changing', 'index.ts');
    writeFileSync(file, libraries['changing/index.ts'].replace('return 1', 'return 2'));
    await vi.waitFor(async () => expect(await send()).toBe(2), patience);
  });

  test('what is called out of date is not given again', async () => {
    const { url, cache } = await doors.open();
    const send = (): Promise<Answered> => ask(`${url}/func/calc/add`, sum);
    await times(4, send);
    cache.invalidateFunction('calc', 'add');
    await send();
    expect(cache.counters()).toMatchObject({ misses: 2, hits: 3 });
  });
});

test('a body that comes in pieces is the body, and a client that goes in the middle is told in the log alone', async () => {
  const { url } = await doors.open();
  await times(2, () => ask(`${url}/func/calc/add`, sum));
  const events: RequestAnswered[] = [];
  const listen = (event: unknown): void => void events.push(event as RequestAnswered);
  channels.request.subscribe(listen);
  const socket = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => undefined);
  const head =
    'POST /func/calc/add HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 7\r\n\r\n';
  socket.setNoDelay(true);
  for (const part of [head, '[10', ',2', '0]']) {
    socket.write(part);
    await setImmediate();
  }
  const [answer] = (await once(socket, 'data')) as [Buffer];
  expect(answer.toString()).toMatch(/^HTTP\/1\.1 200 OK\r\n.*\r\n\r\n30$/s);
  socket.write(`${head}[10`);
  await vi.waitFor(() => expect(socket.bytesWritten).toBe(2 * head.length + 10), patience);
  socket.destroy();
  await vi.waitFor(
    () =>
      expect(events.map(({ code, problem, bytesIn }) => [code, problem, bytesIn])).toEqual([
        ['200', undefined, 7],
        ['400', 'bad-request', 0],
      ]),
    patience,
  );
  channels.request.unsubscribe(listen);
  expect(byFastify).toBe(1);
});
