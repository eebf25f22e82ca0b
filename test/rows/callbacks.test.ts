/** Calls into clients, by the library of docs/examples/callbacks: W11 of users of easyrpc, P19 of users of Pyro. */
import { readFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { decodeCbor, decodeCborSequence } from '../../src/cbor/decode.ts';
import { encodeCbor } from '../../src/cbor/encode.ts';
import { openCoapClient } from '../../src/client/coap-client.ts';
import { connect } from '../../src/client/sdk/connect.ts';
import { dotted } from '../../src/coap/codec/codes.ts';
import { findStrings, findUint, optionNumber } from '../../src/coap/codec/options.ts';
import type { Value } from '../../src/core/value.ts';
import { ran } from '../cli/terminal.ts';
import { ask, post, startGateway, type Answered, type TestGateway } from '../http/gateway.ts';

const example = new URL('../../docs/examples/libraries/callbacks/index.ts', import.meta.url);
const ownCode = `
/** Builds, and tells a client how far it is. */
export async function build(client: string, steps: number): Promise<string> {
  for (let at = 1; at <= steps; at++) await call(client, 'progress', at);
  return 'built';
}
/** @safe */
export function inWaiting(): number { return waiting; }`;

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway({
    libraries: { 'callbacks/index.ts': readFileSync(example, 'utf8') + ownCode },
    more: { debug: { internals: true }, streams: { lifetime: '300ms' } },
  });
});
afterAll(() => gateway.close());

type Call = readonly [id: number, name: string, args: readonly number[], caller: string];

interface Client {
  readonly $uri: string;
  calls(): AsyncIterable<Call>;
  answer(id: number, result?: Value): Promise<boolean>;
  fail(id: number, message: string): Promise<boolean>;
  $release(): Promise<void>;
}

interface Libraries {
  readonly callbacks: {
    Client(name: string, functions: Record<string, string>, replace?: boolean): Promise<Client>;
    call(client: string, name: string, ...args: readonly Value[]): Promise<Value>;
    clients(): Promise<Value>;
    build(client: string, steps: number): Promise<string>;
  };
}

type Functions = Readonly<Record<string, (...args: readonly number[]) => Value>>;

/** A program that has functions, until the test is over. */
async function serving(name: string, functions: Functions): Promise<readonly Call[]> {
  const gw = await connect<Libraries>(gateway.coap);
  const client = await gw.callbacks.Client(name, Object.fromEntries(Object.keys(functions).map((key) => [key, ''])));
  const calls: Call[] = [];
  const read = async (): Promise<void> => {
    for await (const call of client.calls()) {
      calls.push(call);
      const [id, called, args] = call;
      try {
        await client.answer(id, functions[called]?.(...args));
      } catch (error) {
        await client.fail(id, String(error));
      }
    }
  };
  // Its end may come before the answer to the release that ends it.
  const over = Promise.allSettled([read()]);
  onTestFinished(async () => {
    await client.$release();
    expect(await over).toMatchObject([{ status: 'rejected', reason: { code: 'object-lost' } }]);
    await gw.$close();
  });
  return calls;
}

const callOf = (...args: readonly Value[]): Promise<Answered> => post(`${gateway.url}/func/callbacks/call?_why`, args);
const names = async (): Promise<unknown> => (await ask(`${gateway.url}/func/callbacks/clients`)).json;

/** A client by hand, over HTTP. */
async function registered(...args: readonly unknown[]): Promise<string> {
  const { headers } = await post(`${gateway.url}/func/callbacks/Client`, args);
  return gateway.url + String(headers.location);
}

/** Reads events of its calls. */
async function reading(calls: string): Promise<{ response: IncomingMessage; events: () => string }> {
  let text = '';
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(calls, { headers: { accept: 'text/event-stream' }, agent: false }, resolve).on('error', reject);
  });
  response.setEncoding('utf8').on('data', (part: string) => (text += part));
  response.on('error', () => undefined);
  return { response, events: () => text };
}

describe('Wrap', () => {
  test('W11 the server calls functions its clients registered, for whoever asks it to and at every door', async () => {
    const calls = await serving('meter', { read: (digits = 1) => Number((12.3456).toFixed(digits)) });
    expect(await names()).toEqual([{ name: 'meter', functions: { read: '' } }]);
    await using gw = await connect<Libraries>(gateway.coap);
    expect(await gw.callbacks.call('meter', 'read', 2)).toBe(12.35);
    expect((await callOf('meter', 'read')).json).toBe(12.3);
    expect((await ran(['call', `${gateway.coap}/func/callbacks/call`, 'meter', 'read', '3'])).out).toBe('12.346\n');
    const job = await ran(['call', '--job', `${gateway.coap}/func/callbacks/call`, 'meter', 'read']);
    expect((await ran(['jobs', 'wait', job.out.trim()])).out).toBe('12.3\n');
    expect(calls.map(([, name, args, caller]) => [name, args, caller])).toEqual(
      [[2], [], [3], []].map((args) => ['read', args, 'local']),
    );
  });

  test('W11 what a client throws comes back; what is not there is refused', async () => {
    await serving('valve', {
      close: () => {
        throw new RangeError('it is stuck');
      },
    });
    await using gw = await connect<Libraries>(gateway.coap);
    await expect(gw.callbacks.call('valve', 'close')).rejects.toMatchObject({
      thrown: { name: 'Failed', message: 'RangeError: it is stuck' },
    });
    expect((await callOf('valve', 'open')).text).toContain('valve has no function open.');
    expect((await callOf('pump', 'open')).text).toContain('No client pump is there.');
    expect((await post(`${gateway.url}/func/callbacks/Client?_why`, ['valve', {}])).text).toContain('is there already');
    expect((await post(`${gateway.url}/func/callbacks/Client?_why`, ['x'.repeat(65), {}])).status).toBe(422);
  });
});

describe('Pyro', () => {
  test('P19 a function that a client calls calls back into it while it runs', async () => {
    const told: number[] = [];
    await serving('screen', { progress: (step = 0) => told.push(step) });
    await using gw = await connect<Libraries>(gateway.coap);
    expect(await gw.callbacks.build('screen', 3)).toBe('built');
    expect(told).toEqual([1, 2, 3]);
  });
});

test('over CoAP a client is three requests: POST of the class, observation of its calls, POST of an answer', async () => {
  const device = await openCoapClient({});
  onTestFinished(() => device.close());
  const send = async (path: string, value: Value): Promise<{ code: string; place: string; value: Value }> => {
    const uri = gateway.coap + path;
    const sent = await device.request({ uri, method: 'POST', payload: encodeCbor(value), contentFormat: 60 });
    const place = `/${(findStrings(sent.options, optionNumber.locationPath) ?? []).join('/')}`;
    return { code: dotted(sent.code), place, value: sent.payload.length > 0 ? decodeCbor(sent.payload) : undefined };
  };
  const { code, place } = await send('/func/callbacks/Client', ['node', { read: 'Degrees.' }]);
  expect([code, place]).toEqual(['2.01', expect.stringMatching(/^\/o\/[\w-]{8}$/)]);
  const result = callOf('node', 'read', 'roof');
  for await (const { payload, options } of device.observe({ uri: `${gateway.coap}${place}/calls`, method: 'GET' })) {
    expect(findUint(options, optionNumber.contentFormat)).toBe(63);
    if (payload.length === 0) continue;
    const [item] = decodeCborSequence(payload);
    expect(item).toEqual([0, [expect.any(Number), 'read', ['roof'], 'local']]);
    const [, [id]] = item as [number, [number]];
    expect(await send(`${place}/answer`, [id, 21.5])).toMatchObject({ code: '2.04', value: true });
    expect(await send(`${place}/answer`, [id, 99])).toMatchObject({ code: '2.04', value: false });
    break;
  }
  expect((await result).json).toBe(21.5);
  // The observation was left.
  await expect.poll(names).toEqual([]);
});

test('calls wait while nobody reads; a connection that is lost loses none and gives none twice', async () => {
  const client = await registered('reader', { read: '' });
  const first = callOf('reader', 'read', 1);
  const before = await reading(`${client}/calls`);
  await expect.poll(before.events).toMatch(/id: 0\ndata: \[\d+,"read",\[1\],"local"\]/);
  const run = String(before.response.headers.etag).replaceAll('"', '');
  before.response.destroy();
  const second = callOf('reader', 'read', 2);
  const after = await reading(`${client}/calls?_from=1&_run=${run}`);
  await expect.poll(after.events).toMatch(/^id: 1\ndata: \[\d+,"read",\[2\],"local"\]/);
  expect(after.events()).not.toContain('[1]');
  // The first one is answered although its connection has gone.
  for (const [events, result] of [
    [before.events(), 'one'],
    [after.events(), 'two'],
  ] as const)
    await post(`${client}/answer`, [Number(/\[(\d+),/.exec(events)?.[1]), result]);
  expect([(await first).json, (await second).json]).toEqual(['one', 'two']);
  after.response.destroy();
  await ask(client, { method: 'DELETE' });
});

test('who leaves, or does not come back, is not there any more: what waits for it fails', async () => {
  const client = await registered('guest', { read: '' });
  const { response, events } = await reading(`${client}/calls`);
  const waiting = callOf('guest', 'read');
  await expect.poll(events).toContain('read');
  response.destroy();
  const { status, text } = await waiting;
  expect([status, text]).toEqual([500, expect.stringContaining('guest has left; it may have carried out the call')]);
  expect(await names()).toEqual([]);
  expect((await ask(`${client}/calls`)).text).toContain('make another');
  // Nor one that is let go of before it reads.
  const other = await registered('guest', { read: '' });
  const unread = callOf('guest', 'read');
  await expect.poll(names).toHaveLength(1);
  await ask(other, { method: 'DELETE' });
  expect((await unread).status).toBe(500);
});

test('who reads its calls anew takes over from whoever read before, and stays when that one leaves', async () => {
  const client = await registered('again', { read: '' });
  const device = await openCoapClient({});
  onTestFinished(() => device.close());
  const first = callOf('again', 'read');
  const path = new URL(client).pathname;
  let events = (): string => '';
  for await (const { payload } of device.observe({ uri: `${gateway.coap}${path}/calls`, method: 'GET' })) {
    if (payload.length === 0) continue;
    ({ events } = await reading(`${client}/calls`));
    break;
  }
  const second = callOf('again', 'read');
  await expect.poll(events).toMatch(/^id: 0/);
  const [, id] = /data: \[(\d+),/.exec(events()) ?? [];
  for (const call of [Number(id) - 1, Number(id)]) await post(`${client}/answer`, [call, 'here']);
  expect([(await first).json, (await second).json]).toEqual(['here', 'here']);
  await ask(client, { method: 'DELETE' });
});

test('what its caller has given up before it was read is not given to the client', async () => {
  const client = await registered('late', { read: '' });
  const job = await post(`${gateway.url}/func/callbacks/call?_job`, ['late', 'read', 'given up']);
  const inWaiting = async (): Promise<unknown> => (await ask(`${gateway.url}/func/callbacks/inWaiting`)).json;
  await expect.poll(inWaiting).toBe(1);
  await ask(gateway.url + String(job.headers.location), { method: 'DELETE' });
  // The function hears of it a little after whoever gave it up.
  await expect.poll(inWaiting).toBe(0);
  const { response, events } = await reading(`${client}/calls`);
  const waiting = callOf('late', 'read', 'wanted');
  await expect.poll(events).toMatch(/^id: 0\ndata: \[\d+,"read",\["wanted"\]/);
  response.destroy();
  await ask(client, { method: 'DELETE' });
  expect((await waiting).status).toBe(500);
});

test('a program that was started again takes its own place, where it says so', async () => {
  const before = await registered('twice', { read: '' });
  const { events } = await reading(`${before}/calls`);
  const now = await registered('twice', { read: '', more: '' }, true);
  expect(await names()).toEqual([{ name: 'twice', functions: { read: '', more: '' } }]);
  await expect.poll(events).toContain('event: end');
  await ask(now, { method: 'DELETE' });
});

test('eight calls wait for a client, and 32 in all, so that answers have room', async () => {
  const clients = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((name) => registered(name, { read: '' })));
  const told = new Map<number, number>();
  const counted = async (name: string): Promise<void> => {
    const { status } = await callOf(name, 'read');
    told.set(status, (told.get(status) ?? 0) + 1);
  };
  const nineOf = (name: string): Promise<void>[] => Array.from({ length: 9 }, () => counted(name));
  const calls = ['a', 'b', 'c'].flatMap(nineOf);
  await expect.poll(() => [...told]).toEqual([[422, 3]]);
  calls.push(...nineOf('d'));
  await expect.poll(() => [...told]).toEqual([[422, 4]]);
  expect((await callOf('e', 'read')).text).toContain('Too many calls wait for e');
  const { response, events } = await reading(`${clients[0]}/calls`);
  await expect.poll(events).toContain('id: 0');
  const [, id] = /data: \[(\d+),/.exec(events()) ?? [];
  expect((await post(`${clients[0]}/answer`, [Number(id), 'one'])).json).toBe(true);
  await expect.poll(() => told.get(200)).toBe(1);
  response.destroy();
  for (const client of clients) await ask(client, { method: 'DELETE' });
  await Promise.all(calls);
  expect(told).toEqual(
    new Map([
      [422, 4],
      [200, 1],
      [500, 31],
    ]),
  );
});
