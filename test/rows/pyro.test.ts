/** What users of Pyro can do, row by row. Rows on objects, streams and jobs are where these are tested; DTLS is in test/interop/rows. */
import { createSocket } from 'node:dgram';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import {
  ArgumentError,
  connect,
  milliseconds,
  openCoapClient,
  RemoteError,
  type CoapClient,
  type Connection,
  type RemoteFunction,
} from '../../src/index.ts';
import { textOf } from '../../src/core/bytes.ts';
import { dotted } from '../../src/coap/codec/codes.ts';
import { decodeCbor } from '../../src/cbor/decode.ts';
import { encodeCbor } from '../../src/cbor/encode.ts';
import { parseLinkFormat } from '../../src/directory/link-format.ts';
import { ran } from '../cli/terminal.ts';
import { ask, startGateway, type TestGateway } from '../http/gateway.ts';

const office = `
import { setTimeout as sleep } from 'node:timers/promises';
import { context } from 'funcoap/library';
export { readFileSync } from 'node:fs';
const notes = [];
class NoSuchRoom extends Error {
  name = 'NoSuchRoom';
}
/**
 * Notes that were left.
 * @safe
 */
export function left(): string[] { return notes; }
export function leave(note: string): number { return notes.push(note); }
export function enter(room: string): string { throw new NoSuchRoom('There is no room ' + room + '.'); }
export function _secret(): number { return 1; }
/** @safe */
export async function slowly(): Promise<string> {
  await sleep(20_000, undefined, { signal: context().signal });
  return 'late';
}
/** @safe */
export async function who() {
  const { identity, peer, correlationId, deadline, signal } = context();
  return { identity, peer, correlationId, left: deadline - Date.now(), aborted: signal.aborted };
}
`;

interface Office {
  readonly office: Readonly<
    Record<'left' | 'leave' | 'enter' | '_secret' | 'slowly' | 'who' | 'readFileSync', RemoteFunction>
  >;
}

/** No test is about how busy the machine is. */
const patient = { timeout: 30_000, interval: 50 };
const vault = '/** @safe */ export function open(): string { return "sesame"; }';
const more = {
  access: [{ identity: 'local', functions: ['office/*'] }],
  debug: { internals: true },
  limits: { requestBody: '4 KiB' },
  // The module's variables are those of a thread.
  workers: { threads: 1 },
};
let gateway: TestGateway;
let gw: Connection<Office>;
let client: CoapClient;
/** Datagrams that `gw` sent. */
let sent = 0;
beforeAll(async () => {
  gateway = await startGateway({ libraries: { 'office/index.ts': office, 'vault/index.ts': vault }, more });
  client = await openCoapClient();
  gw = await connect<Office>(gateway.coap, {
    onMessage: (direction) => {
      if (direction === 'out') sent += 1;
    },
  });
});
afterAll(async () => {
  await gw.$close();
  await client.close();
  await gateway.close();
});

test('P1-3: a function has a URI, and is found by prefix and by what it is', async () => {
  const links = async (query: string): Promise<readonly string[]> => {
    const answer = await client.request({ uri: `${gateway.coap}/.well-known/core?${query}`, method: 'GET' });
    return parseLinkFormat(textOf(answer.payload) ?? '').map(({ target }) => target);
  };
  expect(await links('rt=func&href=/func/office/l*')).toEqual(['/func/office/left', '/func/office/leave']);
  expect(await links('href=/func/nothing*')).toEqual([]);
});

test('P4: the command line lists, describes, calls and pings', async () => {
  expect((await ran(['ls', gateway.coap])).out).toMatch(/^office /m);
  expect((await ran(['describe', `${gateway.coap}/func/office/left`])).out).toContain('Notes that were left.');
  expect((await ran(['call', `${gateway.coap}/func/office/left`, '--json'])).out).toMatch(/^\[/);
  expect((await ran(['ping', gateway.coap])).out).toMatch(/answered in [\d.]+ ms\n$/);
});

test('P6-7: what a library exports is exposed, and nothing else; its state is there in the next call', async () => {
  expect(await gw.$functions('office')).toEqual(['enter', 'leave', 'left', 'slowly', 'who']);
  for (const name of ['_secret', 'readFileSync'] as const)
    await expect(gw.office[name]()).rejects.toMatchObject({ family: expect.stringMatching(/usage|peer/) });
  const before = Number(await gw.office.leave('first'));
  expect(await gw.office.leave('second')).toBe(before + 1);
});

test('P11: ping, what is registered, and what is known of it', async () => {
  expect(await gw.$ping()).toBeGreaterThan(0);
  expect((await gw.$libraries()).map(({ name }) => name)).toEqual(['office']);
  expect(await gw.office.left.describe()).toMatchObject({ safe: true, parameters: [] });
  expect(await gw.office.leave.help()).toMatch(/^leave\(note: string\): number/);
});

test('P12-13: a function knows who calls it, under which correlation id, and until when', async () => {
  const { json } = await ask(`${gateway.url}/func/office/who`, { headers: { 'x-request-id': 'order-17' } });
  expect(json).toEqual({
    identity: 'local',
    peer: expect.stringContaining('127.0.0.1'),
    correlationId: 'order-17',
    left: expect.any(Number),
    aborted: false,
  });
  expect((json as { left: number }).left).toBeGreaterThan(0);
});

test('P14: a call is checked before it is sent', async () => {
  await gw.office.leave.describe();
  const before = sent;
  await expect(gw.office.leave()).rejects.toBeInstanceOf(ArgumentError);
  await expect(gw.office.leave(7)).rejects.toBeInstanceOf(ArgumentError);
  expect(sent).toBe(before);
});

test('P15: a oneway call is one datagram, and runs', async () => {
  await gw.office.leave.describe();
  const before = sent;
  expect(await gw.office.leave.with({ oneway: true })('oneway')).toBeUndefined();
  expect(sent).toBe(before + 1);
  await vi.waitFor(async () => expect(await gw.office.left.with({ fresh: true })()).toContain('oneway'), patient);
});

test('P16: a batch is one datagram, stops at the first error, and may be oneway', async () => {
  const results = await gw.$batch((later) => [later.office.leave('one'), later.office.leave('two')]);
  expect(Number(results[1]) - Number(results[0])).toBe(1);
  const before = sent;
  const failed: unknown = await gw
    .$batch((later) => [later.office.leave('three'), later.office.enter('cellar'), later.office.leave('never')])
    .catch((error: unknown) => error);
  expect(sent - before).toBeLessThanOrEqual(2);
  expect(failed).toBeInstanceOf(RemoteError);
  expect(failed).toMatchObject({ target: 'office/enter', batch: { index: 1, results: [Number(results[1]) + 1] } });
  await gw.$with({ oneway: true }).$batch((later) => [later.office.leave('four')]);
  await vi.waitFor(async () => expect(await gw.office.left.with({ fresh: true })()).toContain('four'), patient);
  expect(await gw.office.left.with({ fresh: true })()).not.toContain('never');
});

test('P18: calls are promises, many at once, and can be given up', async () => {
  const both = await Promise.all([gw.office.left(), gw.office.who()]);
  expect(both[1]).toMatchObject({ identity: 'local' });
  const call = gw.office.slowly.with({ signal: AbortSignal.timeout(50) })();
  await expect(call).rejects.toMatchObject({ code: 'request-aborted' });
});

test('P20-21: a call has a timeout; an exception keeps its class, message and traceback', async () => {
  const impatient = gw.office.slowly.with({ timeout: milliseconds(100), retries: 0 });
  await expect(impatient()).rejects.toMatchObject({ code: 'request-timeout' });
  await expect(gw.office.enter('cellar')).rejects.toMatchObject({
    code: 'function-failed',
    status: '5.00',
    thrown: {
      name: 'NoSuchRoom',
      message: 'There is no room cellar.',
      stack: expect.stringContaining('office/index.ts'),
    },
  });
});

test('P22: a value travels in the format that is wanted, up to a size', async () => {
  const leave = async (payload: Uint8Array, accept: number): ReturnType<CoapClient['request']> =>
    await client.request({
      uri: `${gateway.coap}/func/office/leave`,
      method: 'POST',
      payload,
      contentFormat: 60,
      accept,
    });
  const cbor = await leave(encodeCbor(['cbor']), 60);
  const json = await leave(encodeCbor(['json']), 50);
  expect(Number(textOf(json.payload)) - Number(decodeCbor(cbor.payload))).toBe(1);
  expect(dotted((await leave(encodeCbor(['x'.repeat(5000)]), 60)).code)).toBe('4.13');
});

test('P24: settings come from a file, the environment and flags, and the effective ones are shown', async () => {
  const { out } = await ran(['config', '--json', '--port', '5690'], {
    environment: { FUNCOAP_CACHE_BYTES: '1MiB' },
    workingFolder: gateway.folder,
  });
  const settings = JSON.parse(out) as { readonly setting: string; readonly from: string }[];
  const from = (name: string): string | undefined => settings.find(({ setting }) => setting === name)?.from;
  expect([from('coap.port'), from('cache.bytes'), from('coap.listen')]).toEqual([
    expect.stringContaining('--port'),
    expect.stringContaining('FUNCOAP_CACHE_BYTES'),
    'default',
  ]);
});

test('P25: over HTTP, with a description, a page to try calls, and only what a rule names', async () => {
  const { json } = await ask(`${gateway.url}/openapi.json`);
  const { paths } = json as { readonly paths: object };
  const described = Object.keys(paths).filter((path) => path.startsWith('/func/'));
  expect(described).toContain('/func/office/leave');
  expect(described.filter((path) => !path.startsWith('/func/office/'))).toEqual([]);
  expect((await ask(`${gateway.url}/docs`)).headers['content-type']).toContain('text/html');
  expect((await ask(`${gateway.url}/func/vault/open`)).status).toBe(403);
});

test('P26: what is no CoAP message, but TLS, is dropped and counted, and the others are served', async () => {
  const { malformed } = gateway.gateway.counters().engine;
  const socket = createSocket('udp4');
  socket.send(Uint8Array.of(0x16, 0x03, 0x01, 0x00, 0x05), Number(new URL(gateway.coap).port), '127.0.0.1');
  await vi.waitFor(() => expect(gateway.gateway.counters().engine.malformed).toBe(malformed + 1), patient);
  socket.close();
  expect(await gw.$ping()).toBeGreaterThan(0);
});
