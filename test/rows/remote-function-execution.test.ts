/** What users of remote-function-execution can do, row by row, over HTTP with its own curl lines and over CoAP. */
import { execFile } from 'node:child_process';
import { writeFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { decodeJson } from '../../src/cbor/json-decode.ts';
import { decodeProblemJson } from '../../src/functions/problem-details.ts';
import { openCoapClient, type CoapClient } from '../../src/client/coap-client.ts';
import { channels, type RequestAnswered } from '../../src/core/channels.ts';
import { dotted } from '../../src/coap/codec/codes.ts';
import { utf8 } from '../../src/core/bytes.ts';
import { ask, post, startGateway, type TestGateway } from '../http/gateway.ts';

/** A busy machine takes longer to load a library than a call waits (5.03, come back later). */
const patient = { timeout: 15_000, interval: 100 };

let gateway: TestGateway;
let client: CoapClient;
beforeAll(async () => {
  gateway = await startGateway({ libraries: 'shipped' });
  client = await openCoapClient({});
});
afterAll(async () => {
  await client.close();
  await gateway.close();
});

/** The call of a path over both doors: statuses with the same digits, and the same JSON. */
async function both(path: string, body?: unknown): Promise<{ readonly status: number; readonly json: unknown }> {
  const http =
    body === undefined ? await ask(gateway.url + path, { method: 'POST' }) : await post(gateway.url + path, body);
  const coap = await client.request({
    uri: gateway.coap + path,
    method: 'POST',
    accept: 50,
    ...(body !== undefined && { payload: utf8(JSON.stringify(body)), contentFormat: 50 }),
  });
  if (http.status >= 400) {
    expect(dotted(coap.code).replace('.', '')).toBe(String(http.status));
    expect(decodeProblemJson(coap.payload).number).toBe((http.json as { code: number }).code);
  } else expect(decodeJson(coap.payload)).toEqual(http.json);
  return http;
}

const curl = async (line: string): Promise<string> =>
  (await promisify(execFile)('sh', ['-c', line.replaceAll('http://127.0.0.1:3419', gateway.url)])).stdout;

describe('remote-function-execution', () => {
  test('R1 POST /func/oslist/list answers any HTTP client, without a session', async () => {
    const { status, json } = await both('/func/oslist/list', { databasefile: 'os-list.db' });
    expect([status, Array.isArray(json)]).toEqual([200, true]);
    expect(
      (await client.request({ uri: `${gateway.coap}/func/oslist/list`, method: 'FETCH' })).payload.length,
    ).toBeGreaterThan(50);
  });
  test('R2 a library that is dropped in is callable with the next request', async () => {
    const folder = join(gateway.folder, 'libraries', 'dropped');
    mkdirSync(folder);
    writeFileSync(join(folder, 'index.ts'), 'export function in_(): string { return "it is"; }');
    const called = async (): Promise<void> =>
      expect(await both('/func/dropped/in_')).toMatchObject({ status: 200, json: 'it is' });
    await vi.waitFor(called, patient);
    rmSync(folder, { recursive: true });
  });
  test('R3 a JSON object is bound by name, and defaults are applied', async () => {
    expect(await both('/func/math/sub', { b: 20, a: 50 })).toMatchObject({ status: 200, json: 30 });
    const [named, defaulted] = [
      await both('/func/oslist/list', { databasefile: 'os-list.db' }),
      await both('/func/oslist/list', {}),
    ];
    expect(defaulted.json).toEqual(named.json);
  });
  test('R4 a function without parameters needs no body', async () => {
    expect((await both('/func/oslist/list')).status).toBe(200);
    const headers = { 'content-type': 'application/json' };
    expect((await ask(`${gateway.url}/func/oslist/list`, { method: 'POST', headers })).status).toBe(200);
  });
  test('R5 no body is no arguments, and a malformed one is an error', async () => {
    expect(await both('/func/date/date')).toMatchObject({ status: 422, problem: 'missing-argument' });
    const headers = { 'content-type': 'application/json' };
    const answer = await ask(`${gateway.url}/func/oslist/list`, { method: 'POST', headers, body: '{"databasefile"' });
    expect(answer).toMatchObject({ status: 400, problem: 'malformed-body' });
    const coap = await client.request({
      uri: `${gateway.coap}/func/oslist/list`,
      method: 'POST',
      payload: utf8('{"d'),
      contentFormat: 50,
    });
    expect(dotted(coap.code)).toBe('4.00');
  });
  test.each([
    ['/func/none/list', {}, 404, 'no-such-library'],
    ['/func/oslist/none', {}, 404, 'no-such-method'],
    ['/func/oslist/DatabaseSync', {}, 404, 'no-such-method'],
    ['/func/math/add', { a: 1 }, 422, 'missing-argument'],
    ['/func/math/add', { a: 1, b: 2, c: 3 }, 422, 'unexpected-argument'],
    ['/func/math/add', { a: 'x', b: 2 }, 422, 'wrong-type'],
  ])('R6 %s with %j is an error of its own', async (path, body, status, problem) => {
    expect(await both(path, body)).toMatchObject({ status, problem });
  });
  test('R7 any value comes back: numbers, text, rows, nothing', async () => {
    const folder = join(gateway.folder, 'libraries', 'values');
    mkdirSync(folder);
    writeFileSync(
      join(folder, 'index.ts'),
      `export function number(): number { return 1.5; }
       export function text(): string { return 'ä'; }
       export function rows(): Iterable<object> { return [{ a: 1 }, { a: 2 }].values(); }
       export function bytes(): Uint8Array { return new Uint8Array([255]); }
       export function date(): Date { return new Date(0); }
       export function big(): bigint { return 2n ** 70n; }
       export function none(): null { return null; }`,
    );
    const values = {
      number: 1.5,
      text: 'ä',
      rows: [{ a: 1 }, { a: 2 }],
      bytes: '_w',
      date: '1970-01-01T00:00:00.000Z',
      big: String(2n ** 70n),
      none: null,
    };
    await vi.waitFor(async () => expect((await both('/func/values/number')).status).toBe(200), patient);
    for (const [name, value] of Object.entries(values))
      expect([name, (await both(`/func/values/${name}`)).json]).toEqual([name, value]);
    rmSync(folder, { recursive: true });
  });
  test('R8 GET /frmlist lists the libraries', async () => {
    expect((await ask(`${gateway.url}/frmlist`)).json).toEqual({ frameworks: ['date', 'math', 'oslist'] });
    const { payload } = await client.request({ uri: `${gateway.coap}/func`, method: 'GET', accept: 50 });
    expect(Object.keys(decodeJson(payload) as object)).toEqual(['date', 'math', 'oslist']);
  });
  test('R9 oslist.list and date.date are there, and files stay in their folder', async () => {
    expect((await both('/func/date/date', { what: 'date' })).json).toMatch(/^\d{4}-\d\d-\d\d$/);
    const { json } = await post(`${gateway.url}/func/date/date`, { what: 'clock' });
    expect(json).toMatch(/^\d\d:\d\d:\d\d$/);
    expect(await both('/func/oslist/list', { databasefile: '../index.ts' })).toMatchObject({
      status: 422,
      problem: 'invalid-argument',
    });
  });
  test('R10 its curl lines work as they stand, and each request is in the log', async () => {
    const seen: RequestAnswered[] = [];
    const listen = (event: unknown): void => void seen.push(event as RequestAnswered);
    channels.request.subscribe(listen);
    const rows = await curl(`curl -s -X POST "http://127.0.0.1:3419/func/oslist/list" \\
     -H "Content-Type: application/json" \\
     -d '{"databasefile":"os-list.db"}'`);
    const sum = await curl(`curl -s -X POST "http://127.0.0.1:3419/func/math/add" \\
     -H "Content-Type: application/json" \\
     -d '{"a":10,"b":20}'`);
    channels.request.unsubscribe(listen);
    expect((JSON.parse(rows) as unknown[]).length).toBeGreaterThan(1);
    expect(sum).toBe('30');
    expect(seen.map(({ method, target, code }) => [method, target, code])).toEqual([
      ['POST', 'oslist/list', '200'],
      ['POST', 'math/add', '200'],
    ]);
  });
});
