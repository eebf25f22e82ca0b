/** Programs and a gateway in processes of their own: everything over coaps, and streams over a gateway that is killed. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connect, type ConnectOptions } from '../../src/client/sdk/connect.ts';
import type { Connection } from '../../src/client/sdk/connection-controls.ts';
import type { RemoteFunction, RemoteMethod } from '../../src/client/sdk/remote-function.ts';
import type { ObjectControls, RemoteClass } from '../../src/client/sdk/remote-object.ts';
import { utf8 } from '../../src/core/bytes.ts';
import type { Scheduler } from '../../src/core/clock.ts';
import { milliseconds, type Instant } from '../../src/core/duration.ts';
import { systemScheduler } from '../../src/transport/scheduler.ts';
import { ran } from '../cli/terminal.ts';
import { GatewayProcess } from '../gateway/gateway-process.ts';

const source = `
import { appendFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { context } from 'funcoap/library';
/** An item of a thousand characters now and then, which is fetched in blocks. @safe */
export async function* count(to: number): AsyncGenerator<{ i: number; who: string; more: string }> {
  appendFileSync('$MARKS', 'b');
  for (let i = 0; i < to; i++) {
    await setTimeout(2);
    yield { i, who: context().identity, more: i % 10 === 9 ? 'x'.repeat(2000) : '' };
  }
}
export async function build(name: string): Promise<string> { await setTimeout(300); return name + ' for ' + context().identity; }
export class Account {
  owner: string;
  #balance: number;
  constructor(owner: string, balance: number = 0) { this.owner = owner; this.#balance = balance; }
  get balance(): number { return this.#balance; }
  deposit(amount: number): number { return (this.#balance += amount); }
  close(): void { appendFileSync('$MARKS', 'c'); }
}
`;

interface Item {
  readonly i: number;
  readonly who: string;
  readonly more: string;
}

interface Account extends ObjectControls<{ readonly owner: string }> {
  readonly owner: Promise<string>;
  readonly balance: Promise<number>;
  readonly deposit: RemoteMethod<[amount: number], { readonly amount: number }, number>;
}

interface Libraries {
  readonly lib: {
    readonly count: RemoteFunction<[to: number], { readonly to: number }, AsyncIterable<Item>>;
    readonly build: RemoteFunction<[name: string], { readonly name: string }, string>;
    readonly Account: RemoteClass<[owner: string, balance?: number], { readonly owner: string }, Account>;
  };
}

let folder: string;
let gateway: GatewayProcess;
let credentials: ConnectOptions['credentials'];
/** Free ones at first, the same ones later. */
let ports: readonly [coap: number, coaps: number, http: number];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'funcoap-sdk-'));
  const { out } = await ran(['enroll', 'meter-7', '--json'], { workingFolder: folder });
  const { pskIdentity, key } = JSON.parse(out) as { readonly pskIdentity: string; readonly key: string };
  credentials = { preSharedKey: { identity: utf8(pskIdentity), key: utf8(key) } };
  ports = [0, 0, 0];
  await start();
});
afterEach(async () => {
  await gateway.stop();
  rmSync(folder, { recursive: true });
});

const doors = ['coap', 'coaps', 'http'] as const;
type DoorName = (typeof doors)[number];

async function start(): Promise<void> {
  const [coap, coaps, http] = ports;
  gateway = await GatewayProcess.start({
    home: folder,
    libraries: { 'lib/index.ts': source },
    settings: [
      `data.folder=${join(folder, 'data')}`,
      `coap.port=${coap}`,
      'coaps.listen=127.0.0.1',
      `coaps.port=${coaps}`,
      'http.listen=127.0.0.1',
      `http.port=${http}`,
    ],
  });
  const portOf = (door: DoorName): number => Number(new URL(uriOf(door).replace(/^\w+/, 'ws')).port);
  ports = [portOf('coap'), portOf('coaps'), portOf('http')];
}

function uriOf(door: DoorName): string {
  const uri = [...gateway.addresses, ...gateway.httpUrls].find((address) => address.startsWith(`${door}:`));
  if (uri === undefined) throw new Error(`nothing listens for ${door}`);
  return uri;
}

const open = (door: DoorName, options: ConnectOptions = {}): Promise<Connection<Libraries>> =>
  connect<Libraries>(uriOf(door), { ...options, ...(door === 'coaps' && { credentials }) });

/** Over CoAP a loop that waits asks for its items again after a minute of silence, which are six seconds here. */
const hurried: Scheduler = {
  now: () => (systemScheduler.now() * 10) as Instant,
  after: (span, action) => systemScheduler.after(milliseconds(span / 10), action),
};

const marks = (): string => readFileSync(join(folder, 'marks'), 'utf8');

describe('over coaps a program', () => {
  test('reads a stream to its end, every item as who it is', async () => {
    await using gw = await open('coaps');
    const items: Item[] = [];
    for await (const item of gw.lib.count(30)) items.push(item);
    expect(items.map(({ i }) => i)).toEqual(Array.from({ length: 30 }, (_, i) => i));
    expect(new Set(items.map(({ who }) => who))).toEqual(new Set(['meter-7']));
    expect(items.map(({ more }) => more.length).filter((length) => length > 0)).toEqual([2000, 2000, 2000]);
  });

  test("submits a job and waits for it; it is nobody else's", async () => {
    await using gw = await open('coaps');
    const job = await gw.lib.build.job('a report');
    expect(['queued', 'running']).toContain(await job.status());
    expect(await job.result()).toBe('a report for meter-7');
    expect(await job.status()).toBe('done');
    await using other = await open('coap');
    const seen = other.$job(job.uri.replace(uriOf('coaps'), uriOf('coap')));
    await expect(seen.status()).rejects.toMatchObject({ code: 'no-such-resource' });
    await job.cancel();
    await expect(job.status()).rejects.toMatchObject({ code: 'no-such-resource' });
  });

  test('makes an object, uses it and lets go of it', async () => {
    await using gw = await open('coaps');
    const account = await gw.lib.Account('Ada', 100);
    expect([await account.deposit(5), await account.balance]).toEqual([105, 105]);
    await account.$set('owner', 'Eve');
    expect(await account.owner).toBe('Eve');
    await using other = await open('coap');
    const seen = other.$object(account.$uri.replace(uriOf('coaps'), uriOf('coap')));
    await expect(seen).rejects.toMatchObject({ code: 'no-such-resource' });
    expect(marks()).toBe('');
    await account.$release();
    expect(marks()).toBe('c');
    await expect(account.balance).rejects.toMatchObject({ code: 'no-such-resource' });
  });
});

describe.each(doors)('over %s', (door) => {
  test('a batch makes an object and uses another; to others of another identity it is not there', async () => {
    await using gw = await open(door);
    await using account = await gw.lib.Account('Ada', 100);
    const [eve, sum, built, balance] = await gw.$batch((later) => {
      const ada = later.$object(account);
      return [later.lib.Account('Eve', 7), ada.deposit(5), later.lib.build('a report'), ada.balance];
    });
    expect([sum, built, balance, await eve.balance]).toEqual([105, expect.stringMatching(/^a report for /), 105, 7]);
    await eve.$release();
    if (door !== 'coaps') return;
    await using other = await open('coap');
    const seen = { $uri: account.$uri.replace(uriOf('coaps'), uriOf('coap')), $class: account.$class };
    const stolen = other.$batch((later) => later.$object(seen as Account).deposit(5));
    await expect(stolen).rejects.toMatchObject({ code: 'no-such-resource', batch: { index: 0 } });
  });

  test('a gateway that is killed and started again in the middle of a loop: it goes on in order, nothing twice', async () => {
    await using gw = await open(door, { scheduler: hurried });
    const numbers: number[] = [];
    for await (const { i } of gw.lib.count.with({ retries: 10, replay: true })(60)) {
      numbers.push(i);
      if (i !== 20 && i !== 40) continue;
      gateway.signal('SIGKILL');
      await gateway.ended();
      await start();
    }
    expect(numbers).toEqual(Array.from({ length: 60 }, (_, i) => i));
    // Each gateway has made the items once.
    expect(marks()).toBe('bbb');
  });
});
