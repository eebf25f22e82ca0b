/** Jobs over CoAP and HTTP, in a gateway of this process. Functions wait for files of the test's, so nothing depends on time. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { decodeCbor } from '../../src/cbor/decode.ts';
import { encodeCbor } from '../../src/cbor/encode.ts';
import { openCoapClient, type CoapClient } from '../../src/client/coap-client.ts';
import type { CoapRequest, CoapResponse } from '../../src/client/coap-request.ts';
import { dotted } from '../../src/coap/codec/codes.ts';
import { findOption, findStrings, optionNumber } from '../../src/coap/codec/options.ts';
import { channels, type FunctionFailed, type OngoingChanged, type RequestAnswered } from '../../src/core/channels.ts';
import { decodeProblem } from '../../src/functions/problem-details.ts';
import { ask, post, startGateway, type TestGateway } from '../http/gateway.ts';

const libraries = {
  'work/index.ts': `
    import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
    import { setTimeout as sleep } from 'node:timers/promises';
    import { context } from 'funcoap/library';
    /** Ends when there is a file \`gate\`; \`gate\`.begun, .late and .stopped: it runs, for long, and was told to stop. */
    export async function wait(gate: string, answer: string = 'done'): Promise<string> {
      appendFileSync(gate + '.begun', 'x');
      const { signal } = context();
      const started = Date.now();
      while (!existsSync(gate)) {
        if (Date.now() - started > 100) writeFileSync(gate + '.late', '');
        if (signal.aborted) { writeFileSync(gate + '.stopped', ''); return 'stopped'; }
        await sleep(5);
      }
      return answer;
    }
    export function nothing(): void {}
    export function fail(): never { throw new TypeError('no such luck'); }
    export async function who(): Promise<string> { return context().identity + ' ' + context().correlationId; }
    /** @pure
     * @maxAge 240
     * @timeLimit 60 */
    export function add(a: number, b: number = 1): number { return a + b; }
    /** @timeLimit 0.2 */ export async function forever(): Promise<void> { await new Promise(() => {}); }
    /** @safe */ export function* count(): Generator<number> { yield 1; }
    export function rows(count: number): number[] { return Array.from({ length: count }, (_, i) => i); }`,
};

let gateway: TestGateway;
let client: CoapClient;
let gates = 0;
const gate = (): string => join(gateway.folder, `gate-${gates++}`);
const open = (path: string): void => writeFileSync(path, '');

beforeAll(async () => {
  const jobs = { running: 2, perIdentity: 6, timeLimit: '1m' };
  gateway = await startGateway({ libraries, more: { jobs, workers: { timeLimit: '50ms' } } });
  client = await openCoapClient({});
});
afterEach(async () => {
  const list = decodeCbor((await coap('/j')).payload) as { id: string }[];
  for (const { id } of list) await remove(`/j/${id}`);
});
afterAll(async () => {
  await client.close();
  await gateway.close();
});

const coap = (path: string, request: Partial<CoapRequest> = {}): Promise<CoapResponse> =>
  client.request({ uri: gateway.coap + path, method: 'GET', ...request });
const submit = async (name: string, args?: unknown): Promise<CoapResponse> =>
  await coap(`/func/work/${name}?_job`, {
    method: 'POST',
    ...(args !== undefined && { payload: encodeCbor(args as never), contentFormat: 60 }),
  });
const pathOf = ({ options }: CoapResponse): string =>
  `/${(findStrings(options, optionNumber.locationPath) ?? []).join('/')}`;
const ended = async (path: string): Promise<CoapResponse> =>
  await vi.waitUntil(
    async () => {
      const answer = await coap(path);
      return dotted(answer.code) === '5.03' ? undefined : answer;
    },
    { timeout: 10_000, interval: 10 },
  );
const begun = (path: string): Promise<unknown> => vi.waitUntil(() => existsSync(`${path}.begun`), { timeout: 10_000 });
const remove = async (path: string): Promise<void> => void (await coap(path, { method: 'DELETE' }));

test('a job is taken at once, is pending while it runs longer than a call may, and then is its result', async () => {
  const file = gate();
  const taken = await submit('wait', { gate: file });
  expect([dotted(taken.code), taken.maxAge]).toEqual(['2.01', 1]);
  const path = pathOf(taken);
  expect(path).toMatch(/^\/j\/[\w-]{8}$/);
  await begun(file);
  const pending = await coap(path);
  expect([dotted(pending.code), decodeProblem(pending.payload).name, pending.maxAge]).toEqual([
    '5.03',
    'job-pending',
    1,
  ]);
  await vi.waitUntil(() => existsSync(`${file}.late`), { timeout: 10_000 });
  expect(dotted((await coap(path)).code)).toBe('5.03');
  open(file);
  const answer = await ended(path);
  expect([dotted(answer.code), answer.contentFormat, answer.maxAge, decodeCbor(answer.payload)]).toEqual([
    '2.05',
    60,
    0,
    'done',
  ]);
  const current = await coap(path, { etag: answer.etag });
  expect([dotted(current.code), current.payload.length]).toEqual(['2.03', 0]);
  expect(decodeCbor((await coap(path, { accept: 60 })).payload)).toBe('done');
  expect(new TextDecoder().decode((await coap(path, { accept: 50 })).payload)).toBe('"done"');
  expect([...(await coap(path, { accept: 63 })).payload]).toEqual([...encodeCbor('done')]);
  expect(dotted((await coap(path, { accept: 40 })).code)).toBe('4.06');
  await remove(path);
  expect(dotted((await coap(path)).code)).toBe('4.04');
});

test('arguments, access and method are checked before it is taken', async () => {
  const codes = [
    await submit('wait', {}),
    await submit('add', { a: 'x' }),
    await submit('no-such'),
    await submit('count'),
    await coap('/func/work/add?_job&a=1'),
    await coap('/func/work/add?_job', { method: 'POST', payload: new Uint8Array([0xff]), contentFormat: 60 }),
    await coap('/func/work/add?_job', { method: 'POST', payload: encodeCbor([1]), contentFormat: 60, accept: 40 }),
  ].map(({ code }) => dotted(code));
  expect(codes).toEqual(['4.22', '4.22', '4.04', '4.00', '4.00', '4.00', '4.06']);
  expect(decodeCbor((await coap('/j')).payload)).toEqual([]);
});

test('an observer sees an empty sequence, then the sequence of the result', async () => {
  const file = gate();
  const path = pathOf(await submit('wait', { gate: file, answer: 'seen' }));
  const seen: string[] = [];
  for await (const state of client.observe({ uri: gateway.coap + path, method: 'GET' })) {
    seen.push(`${dotted(state.code)} ${state.contentFormat} ${new TextDecoder().decode(state.payload.subarray(1))}`);
    if (seen.length === 1) open(file);
    else break;
  }
  expect(seen).toEqual(['2.05 63 ', '2.05 63 seen']);
  await remove(path);
});

test('an observer of a job that fails gets its error, without Observe, and that is the end', async () => {
  const file = gate();
  const waiting = [gate(), gate()];
  const busy = [];
  for (const other of waiting) busy.push(pathOf(await submit('wait', { gate: other })));
  const path = pathOf(await submit('fail'));
  const states = client.observe({ uri: gateway.coap + path, method: 'GET' });
  expect(dotted((await states.next()).value?.code ?? 0)).toBe('2.05');
  for (const other of waiting) open(other);
  const last = (await states.next()).value;
  expect(last && [dotted(last.code), findOption(last.options, optionNumber.observe)]).toEqual(['5.00', undefined]);
  expect((await states.next()).done).toBe(true);
  expect(existsSync(file)).toBe(false);
});

test('a removed job stops: its function hears of it, and one that waits never runs', async () => {
  const files = [gate(), gate(), gate()];
  const paths = [];
  for (const file of files) paths.push(pathOf(await submit('wait', { gate: file })));
  const [first = '', , third = ''] = files;
  await begun(first);
  await begun(files[1] ?? '');
  const states = client.observe({ uri: gateway.coap + (paths[2] ?? ''), method: 'GET' });
  await states.next();
  expect(dotted((await coap(paths[2] ?? '', { method: 'DELETE' })).code)).toBe('2.02');
  expect(dotted((await states.next()).value?.code ?? 0)).toBe('4.04');
  await remove(paths[0] ?? '');
  await vi.waitUntil(() => existsSync(`${first}.stopped`), { timeout: 10_000 });
  open(files[1] ?? '');
  await ended(paths[1] ?? '');
  await remove(paths[1] ?? '');
  expect(existsSync(`${third}.begun`)).toBe(false);
  expect(decodeCbor((await coap('/j')).payload)).toEqual([]);
});

test('a cached result is a job that has ended, a function that returns nothing has one too', async () => {
  await coap('/func/work/add?a=20&b=22');
  const known = await submit('add', [20, 22]);
  expect([dotted(known.code), known.maxAge]).toEqual(['2.01', 0]);
  expect(decodeCbor((await coap(pathOf(known))).payload)).toBe(42);
  const nothing = pathOf(await submit('nothing'));
  const answer = await ended(nothing);
  expect([dotted(answer.code), answer.contentFormat, answer.payload.length]).toEqual(['2.05', undefined, 0]);
  expect([...(await coap(nothing, { accept: 63 })).payload]).toEqual([0xf6]);
});

test('a failure is told to the operator once and to whoever asks, a long result comes in blocks', async () => {
  const told: FunctionFailed[] = [];
  const listen = (event: unknown): void => void told.push(event as FunctionFailed);
  channels.functionFailed.subscribe(listen);
  const failed = pathOf(await submit('fail'));
  const late = pathOf(await submit('forever'));
  const problems = [];
  for (const path of [failed, failed, late]) problems.push(decodeProblem((await ended(path)).payload).name);
  channels.functionFailed.unsubscribe(listen);
  expect(problems).toEqual(['function-failed', 'function-failed', 'time-limit']);
  expect(told.map(({ target, problem }) => `${target} ${problem}`).toSorted()).toEqual([
    'work/fail function-failed',
    'work/forever time-limit',
  ]);
  const rows = pathOf(await submit('rows', [2000]));
  expect((decodeCbor((await ended(rows)).payload) as number[]).length).toBe(2000);
});

test('logs and metrics are told what was taken, what ran, what it ended with, and what was refused', async () => {
  const told: string[] = [];
  const listen = (event: unknown): void => {
    const { kind, state, target, identity, problem } = event as OngoingChanged;
    if (target.startsWith('work/')) told.push([kind, state, target, identity, problem ?? '-'].join(' '));
  };
  const heard = async (...lines: readonly string[]): Promise<void> => {
    await vi.waitFor(() => expect(told).toEqual(lines.map((line) => `job ${line}`)), { timeout: 10_000 });
    told.length = 0;
  };
  channels.ongoing.subscribe(listen);
  await ended(pathOf(await submit('nothing')));
  await heard('opened work/nothing local -', 'started work/nothing local -', 'ended work/nothing local -');
  await ended(pathOf(await submit('fail')));
  await heard('opened work/fail local -', 'started work/fail local -', 'ended work/fail local function-failed');
  const file = gate();
  const running = pathOf(await submit('wait', { gate: file }));
  await begun(file);
  await remove(running);
  await heard('opened work/wait local -', 'started work/wait local -', 'ended work/wait local cancelled');
  await coap('/func/work/add?a=30&b=12');
  await submit('add', [30, 12]);
  await heard('opened work/add local -', 'ended work/add local -');
  const taken: string[] = [];
  while (taken.length < 6) {
    const answer = await submit('wait', { gate: file });
    if (dotted(answer.code) !== '2.01') break;
    taken.push(pathOf(answer));
  }
  channels.ongoing.unsubscribe(listen);
  expect(told.at(-1)).toBe('job refused work/wait local rate-exceeded');
  open(file);
});

test('one identity has so many jobs and no more; the list shows them', async () => {
  const file = gate();
  const paths: string[] = [];
  for (let i = 0; i < 6; i++) paths.push(pathOf(await submit('wait', { gate: file })));
  const refused = await submit('wait', { gate: file });
  expect([dotted(refused.code), decodeProblem(refused.payload).name]).toEqual(['4.29', 'rate-exceeded']);
  expect(refused.maxAge).toBeGreaterThan(0);
  await begun(file);
  const list = decodeCbor((await coap('/j')).payload) as { id: string; function: string; state: string }[];
  expect(list.map(({ id }) => `/j/${id}`)).toEqual(paths);
  expect(list[5]).toMatchObject({ function: 'work/wait', state: 'queued', created: expect.any(Date) as Date });
  open(file);
  for (const path of paths) expect(decodeCbor((await ended(path)).payload)).toBe('done');
});

test('over HTTP: 202 with Location, 202 while it is pending, then the result; DELETE; ids are in no log', async () => {
  const targets: string[] = [];
  const listen = (event: unknown): void => void targets.push((event as RequestAnswered).target);
  channels.request.subscribe(listen);
  const file = gate();
  const prefer = { prefer: 'respond-async, wait=1' };
  const taken = await post(`${gateway.url}/func/work/wait`, { gate: file }, prefer);
  const location = String(taken.headers.location);
  expect([taken.status, taken.headers['preference-applied'], taken.headers['retry-after']]).toEqual([
    202,
    'respond-async',
    '1',
  ]);
  expect(location).toMatch(/^\/j\/[\w-]{8}$/);
  const pending = await ask(gateway.url + location);
  expect([pending.status, pending.headers['retry-after'], pending.text]).toEqual([202, '1', '']);
  expect(dotted((await coap(location)).code)).toBe('5.03');
  open(file);
  await ended(location);
  expect(await ask(gateway.url + location)).toMatchObject({ status: 200, json: 'done' });
  expect(await ask(`${gateway.url}/j`)).toMatchObject({ json: [{ function: 'work/wait', state: 'done' }] });
  expect((await ask(gateway.url + location, { method: 'DELETE' })).status).toBe(204);
  expect(await ask(gateway.url + location)).toMatchObject({ status: 404, problem: 'no-such-resource' });
  const failing = await post(`${gateway.url}/func/work/fail?_job`, []);
  await ended(String(failing.headers.location));
  expect(await ask(gateway.url + String(failing.headers.location))).toMatchObject({
    status: 500,
    problem: 'function-failed',
  });
  expect((await post(`${gateway.url}/func/work/add`, { a: 'x' }, prefer)).status).toBe(422);
  expect((await post(`${gateway.url}/func/work/nothing?%5fjob`, [])).status).toBe(202);
  channels.request.unsubscribe(listen);
  expect(targets.filter((target) => target.includes(location.slice(3)))).toEqual([]);
  expect(targets).toContain('j');
});
