/** What a function of a Pyro user's knows of its call, at each door and in each kind of call, and what tells it that nobody waits. */
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { decodeCbor, decodeCborSequence } from '../../src/cbor/decode.ts';
import { openCoapClient, type CoapClient } from '../../src/client/coap-client.ts';
import { ask, post, startGateway, type TestGateway } from '../http/gateway.ts';
import { patience } from '../patience.ts';

const patient = { timeout: 20_000, interval: 10 };

/** No time limit of the gateway's own ends a call here: what is told to a function is told by who leaves. */
const source = `
  import { appendFileSync } from 'node:fs';
  import { setTimeout as sleep } from 'node:timers/promises';
  import { context } from 'funcoap/library';
  const facts = () => {
    const { identity, peer, correlationId, deadline, signal, dataFolder } = context();
    return { identity, peer, correlationId, left: deadline - Date.now(), aborted: signal.aborted, dataFolder };
  };
  const note = (text: string) => appendFileSync(context().dataFolder + '/notes', text + '\\n');
  /** @safe */ export function who() { return facts(); }
  /** @safe */ export function* whose() { yield facts(); yield facts(); }
  /** @safe */
  export async function waits(mark: string): Promise<string> {
    const { signal } = context();
    note(mark + ' began');
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    // Also after an await, and in what the signal calls, this is the same call.
    note(mark + ' ' + signal.reason.name + ' ' + context().correlationId);
    return 'late';
  }
  /** @safe */
  export async function* streams(mark: string) {
    const { signal } = context();
    signal.addEventListener('abort', () => note(mark + ' aborted ' + context().correlationId));
    try {
      for (let item = 0; ; item++) {
        yield item;
        await sleep(10);
      }
    } finally {
      note(mark + ' closed');
    }
  }
  /** @safe @timeLimit 0.1 */
  export async function limited(mark: string): Promise<string> { return await waits(mark); }
  export function fails(): never { throw new RangeError('no such room'); }
`;

let gateway: TestGateway;
let client: CoapClient;
let data: string;
beforeAll(async () => {
  gateway = await startGateway({
    libraries: { 'ctx/index.ts': source },
    more: {
      streams: { lifetime: '200ms' },
      workers: { threads: 1, timeLimit: '5m' },
      access: [{ identity: 'local', functions: ['*'] }],
    },
  });
  data = join(gateway.folder, 'libraries/ctx/data');
  mkdirSync(data);
  client = await openCoapClient({});
});
afterAll(async () => {
  await client.close();
  await gateway.close();
});

const notes = (): string[] =>
  existsSync(join(data, 'notes')) ? readFileSync(join(data, 'notes'), 'utf8').trim().split('\n') : [];
const noted = (line: string): Promise<void> => vi.waitFor(() => expect(notes()).toContain(line), patient);

/** The head of an answer has come, or the request is under way; `leave` ends the connection. */
function begin(path: string, mark: string, more: Readonly<Record<string, string>> = {}, method = 'GET'): () => void {
  const made = request(gateway.url + path, { method, headers: { 'x-request-id': mark, ...more }, agent: false });
  made.on('error', () => undefined).on('response', (answer: IncomingMessage) => answer.on('error', () => undefined));
  made.end(method === 'GET' ? undefined : JSON.stringify([['ctx/waits', [mark]]]));
  return () => made.destroy();
}

const known = (correlationId: string): object => ({
  identity: 'local',
  peer: expect.stringMatching(/^127\.0\.0\.1:\d+$/) as string,
  correlationId,
  left: expect.any(Number) as number,
  aborted: false,
  dataFolder: data,
});

describe('P12-13: a function knows who calls it, under which correlation id and until when', () => {
  test('over HTTP, in a batch and in a stream', async () => {
    const headers = { 'x-request-id': 'order-1' };
    const { json } = await ask(`${gateway.url}/func/ctx/who`, { headers });
    expect(json).toEqual(known('order-1'));
    expect((json as { left: number }).left).toBeGreaterThan(200_000);
    expect((await post(`${gateway.url}/b`, [['ctx/who']], headers)).json).toEqual([known('order-1')]);
    const { text } = await ask(`${gateway.url}/func/ctx/whose`, { headers });
    const items = text
      .trim()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
    // A stream has no deadline, and JSON no Infinity.
    expect(items).toEqual([0, 1].map(() => ({ ...known('order-1'), left: null })));
  });

  test('over CoAP', async () => {
    const { payload } = await client.request({ uri: `${gateway.coap}/func/ctx/who`, method: 'GET' });
    expect(decodeCbor(payload)).toEqual(known(expect.stringMatching(/./) as string));
  });

  test('in a job, which has its own time', async () => {
    const taken = await post(`${gateway.url}/func/ctx/who?_job`, [], { 'x-request-id': 'order-2' });
    const job = gateway.url + String(taken.headers.location);
    const answer = await vi.waitUntil(async () => {
      const asked = await ask(job);
      return asked.status === 200 ? asked : undefined;
    }, patient);
    expect(answer.json).toEqual(known('order-2'));
    await ask(job, { method: 'DELETE' });
  });
});

describe('P12-13: a function is told by its signal that nobody waits any more', () => {
  test('whose caller has left', async () => {
    const leave = begin('/func/ctx/waits?mark=left', 'left');
    await noted('left began');
    leave();
    await noted('left AbortError left');
  });

  test('whose caller has left a batch', async () => {
    const leave = begin('/b', 'batch', { 'content-type': 'application/json' }, 'POST');
    await noted('batch began');
    leave();
    await noted('batch AbortError batch');
  });

  test('whose time is over', async () => {
    // A thread that gets no processor for 100 ms ends before it has been told.
    await vi.waitFor(async () => {
      const headers = { 'x-request-id': 'time' };
      const { status } = await ask(`${gateway.url}/func/ctx/limited?mark=time`, { headers });
      expect(status).toBe(504);
      await vi.waitFor(() => expect(notes()).toContain('time AbortError time'), patience);
    }, patient);
  });

  test('whose job was cancelled', async () => {
    const taken = await post(`${gateway.url}/func/ctx/waits?_job`, ['job'], { 'x-request-id': 'job' });
    await noted('job began');
    await ask(gateway.url + String(taken.headers.location), { method: 'DELETE' });
    await noted('job AbortError job');
  });

  test('whose stream nobody reads any more, over HTTP', async () => {
    const made = request(`${gateway.url}/func/ctx/streams?mark=reader`, {
      headers: { 'x-request-id': 'reader' },
    }).end();
    made.on('error', () => undefined);
    const [answer] = (await once(made, 'response')) as [IncomingMessage];
    await once(answer, 'data');
    answer.on('error', () => undefined).destroy();
    await noted('reader aborted reader');
    await noted('reader closed');
  });

  test('whose stream nobody observes any more', async () => {
    const uri = `${gateway.coap}/func/ctx/streams?mark=observer`;
    for await (const { payload } of client.observe({ uri, method: 'FETCH' }))
      if (decodeCborSequence(payload).length > 0) break;
    await vi.waitFor(() => expect(notes()).toContainEqual(expect.stringMatching(/^observer aborted ./)), patient);
    await noted('observer closed');
  });
});

test('P12-13: error hooks: what a function threw, where and in which call is told on a diagnostics channel', async () => {
  const told: unknown[] = [];
  const listen = (event: unknown): void => void told.push(event);
  subscribe('funcoap:functionFailed', listen);
  const { status } = await post(`${gateway.url}/func/ctx/fails`, [], { 'x-request-id': 'order-3' });
  unsubscribe('funcoap:functionFailed', listen);
  expect([status, told]).toEqual([
    500,
    [
      {
        target: 'ctx/fails',
        problem: 'function-failed',
        message: expect.stringMatching(/RangeError.*no such room \(index\.ts:\d+\)\.$/) as string,
        stack: expect.stringContaining('index.ts') as string,
        correlationId: 'order-3',
      },
    ],
  ]);
});
