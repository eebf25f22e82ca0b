/** What users of easyrpc can do, row by row. A secret that is not the right one is in test/interop/rows. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { connect, type Connection, type RemoteFunction } from '../../src/index.ts';
import { ask, startGateway, type TestGateway } from '../http/gateway.ts';

const kinds = `
import { setTimeout as sleep } from 'node:timers/promises';
/** @safe */ export function plain(count: number): number[] { return Array.from({ length: count }, (_, at) => at); }
/** @safe */ export async function awaited(count: number): Promise<number[]> { await sleep(1); return plain(count); }
/** @safe */ export function echo(value: unknown): unknown { return value; }
export function fail(): void { throw new RangeError('out of range'); }
`;
const log = `
const lines: string[] = [];
export function write(line: string): void { lines.push(line); }
/** @safe */ export function read(): string[] { return lines; }
`;

const vault = '/** @safe */ export function open(): string { return "sesame"; }';

/** No test is about how busy the machine is. */
const patient = { timeout: 30_000, interval: 50 };

type Functions<Name extends string> = Readonly<Record<Name, RemoteFunction>>;
interface Libraries {
  readonly kinds: Functions<'plain' | 'awaited' | 'echo' | 'fail'>;
  readonly log: Functions<'write' | 'read'>;
  readonly dropped: Functions<'now'>;
}

let gateway: TestGateway;
let gw: Connection<Libraries>;
beforeAll(async () => {
  const libraries = { 'kinds/index.ts': kinds, 'log/index.ts': log, 'vault/index.ts': vault };
  const access = [{ identity: 'local', functions: ['kinds/*', 'log/*', 'dropped/*'] }];
  gateway = await startGateway({ libraries, more: { access, debug: { internals: true } } });
  gw = await connect<Libraries>(gateway.coap);
});
afterAll(async () => {
  await gw.$close();
  await gateway.close();
});

test('W1-2: several libraries in one gateway, each for whom a rule names', async () => {
  expect(Object.keys(gw)).toEqual(['kinds', 'log']);
  expect((await ask(`${gateway.url}/frmlist`)).json).toEqual({ frameworks: ['kinds', 'log'] });
  expect((await ask(`${gateway.url}/func/vault/open`)).status).toBe(403);
  expect((await ask(`${gateway.url}/func/kinds/plain?count=2`)).json).toEqual([0, 1]);
});

test('W4-5: functions are found at connect and as they come, explained, and checked before they are sent', async () => {
  expect(await gw.kinds.plain.help()).toBe('plain(count: number): number[]');
  await expect(gw.kinds.plain('three')).rejects.toMatchObject({ code: 'wrong-type', parameter: 'count' });
  await expect(gw.kinds.plain(1, 2)).rejects.toMatchObject({ code: 'too-many-arguments' });
  const folder = join(gateway.folder, 'libraries', 'dropped');
  mkdirSync(folder);
  writeFileSync(join(folder, 'index.ts'), 'export function now(): string { return "it is"; }');
  await vi.waitFor(async () => expect(await gw.dropped.now()).toBe('it is'), patient);
  rmSync(folder, { recursive: true });
});

test.each(['plain', 'awaited'] as const)('W6: a function may be %s', async (name) => {
  expect(await gw.kinds[name](3)).toEqual([0, 1, 2]);
});

test('W7: many calls share a connection, and a ping has its answer among them', async () => {
  const calls = Array.from({ length: 200 }, async (_, at) => await gw.kinds.echo(at));
  expect(await gw.$ping()).toBeGreaterThan(0);
  expect(await Promise.all(calls)).toEqual(Array.from({ length: 200 }, (_, at) => at));
});

test('W9: values of any size and shape, there and back', async () => {
  let nested: object = { value: 'deep' };
  for (let depth = 0; depth < 24; depth++) nested = depth % 2 === 0 ? [nested] : { nested };
  const value = { text: 'x'.repeat(50_000), rows: Array.from({ length: 1000 }, (_, id) => ({ id })), nested };
  expect(await gw.kinds.echo([value])).toEqual([value]);
});

test('W12: a call that is not waited for runs, and an error comes back', async () => {
  await gw.log.write.with({ oneway: true })('no answer, please');
  await vi.waitFor(
    async () => expect(await gw.log.read.with({ fresh: true })()).toEqual(['no answer, please']),
    patient,
  );
  await expect(gw.kinds.fail()).rejects.toMatchObject({ thrown: { name: 'RangeError', message: 'out of range' } });
});
