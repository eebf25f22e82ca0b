/**
 * What a program notices when its gateway is killed, started again, stopped or deaf, or when it is not let in any more: real
 * processes over each door. Functions note on a file that they began; their items are another's in each run.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { connect, type ConnectOptions } from '../../src/client/sdk/connect.ts';
import type { Connection } from '../../src/client/sdk/connection-controls.ts';
import type { RemoteFunction } from '../../src/client/sdk/remote-function.ts';
import type { RemoteClass } from '../../src/client/sdk/remote-object.ts';
import { utf8 } from '../../src/core/bytes.ts';
import type { Scheduler } from '../../src/core/clock.ts';
import { milliseconds, type Instant } from '../../src/core/duration.ts';
import { systemScheduler } from '../../src/transport/scheduler.ts';
import { ran } from '../cli/terminal.ts';
import { GatewayProcess } from '../gateway/gateway-process.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const source = `
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { context } from 'funcoap/library';
/** @safe */
export async function* ticks(every: number): AsyncGenerator<{ run: number; i: number; of: string }> {
  appendFileSync('$MARKS', 't');
  for (let i = 0; ; i++) {
    yield { run: process.pid, i, of: edition };
    await setTimeout(every, undefined, { signal: context().signal });
  }
}
/** @pure @maxAge 1h */
export function price(): string { return process.env['PRICE'] ?? String(process.pid); }
/** @safe */
export async function gated(gate: string): Promise<string> {
  appendFileSync('$MARKS', 'g');
  while (!existsSync(gate)) await setTimeout(10);
  return readFileSync(gate, 'utf8');
}
export async function act(): Promise<void> { appendFileSync('$MARKS', 'a'); await setTimeout(60_000); }
const edition = 'first';
/** @safe */
export function version(): string { return edition; }
export class Account { owner: string; constructor(owner: string) { this.owner = owner; } }
`;

interface Tick {
  readonly run: number;
  readonly i: number;
  readonly of: string;
}

interface Libraries {
  readonly lib: {
    readonly ticks: RemoteFunction<[every: number], { readonly every: number }, AsyncIterable<Tick>>;
    readonly price: RemoteFunction<[], Readonly<Record<string, never>>, string>;
    readonly gated: RemoteFunction<[gate: string], { readonly gate: string }, string>;
    readonly act: RemoteFunction;
    readonly version: RemoteFunction<[], Readonly<Record<string, never>>, string>;
    readonly Account: RemoteClass<[owner: string], { readonly owner: string }, { readonly owner: Promise<string> }>;
  };
}

const doors = ['coap', 'coaps', 'http'] as const;
type DoorName = (typeof doors)[number];

/** Who is enrolled, for each test to copy: that takes two commands. */
let enrolled: { readonly data: string; readonly credentials: ConnectOptions['credentials']; readonly token: string };

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'funcoap-lost-'));
  const funcoap = async (...args: string[]): Promise<string> => (await ran(args, { workingFolder: folder })).out;
  const { pskIdentity, key } = JSON.parse(await funcoap('enroll', 'meter-7', '--json')) as Record<string, string>;
  enrolled = {
    data: join(folder, 'data'),
    credentials: { preSharedKey: { identity: utf8(pskIdentity ?? ''), key: utf8(key ?? '') } },
    token: (await funcoap('token', 'meter-7')).trim(),
  };
});
afterAll(() => rmSync(join(enrolled.data, '..'), { recursive: true }));

/** Ten times as fast: fifteen seconds of silence are one and a half, and what is lost for twenty is lost for two. */
const hurried: Scheduler = {
  now: () => (systemScheduler.now() * 10) as Instant,
  after: (span, action) => systemScheduler.after(milliseconds(span / 10), action),
};

/** One gateway after the other at the same place. */
class Site {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'funcoap-lost-'));
  readonly data: string = join(this.folder, 'data');
  gateway: GatewayProcess | undefined;
  /** Free ones at first, the same ones later. */
  #ports: Readonly<Record<DoorName, number>> = { coap: 0, coaps: 0, http: 0 };

  constructor() {
    cpSync(enrolled.data, this.data, { recursive: true });
  }

  async start(): Promise<void> {
    const ports = this.#ports;
    this.gateway = await GatewayProcess.start({
      home: this.folder,
      libraries: { 'lib/index.ts': source },
      settings: [
        `data.folder=${this.data}`,
        `coap.port=${ports.coap}`,
        'coaps.listen=127.0.0.1',
        `coaps.port=${ports.coaps}`,
        'http.listen=127.0.0.1',
        `http.port=${ports.http}`,
        'objects.lease=1s',
        'shutdown.grace=200ms',
      ],
    });
    const portOf = (door: DoorName): number => Number(new URL(this.uriOf(door).replace(/^\w+/, 'ws')).port);
    this.#ports = { coap: portOf('coap'), coaps: portOf('coaps'), http: portOf('http') };
  }

  uriOf(door: DoorName): string {
    const { addresses = [], httpUrls = [] } = this.gateway ?? {};
    const uri = [...addresses, ...httpUrls].find((address) => address.startsWith(`${door}:`));
    if (uri === undefined) throw new Error(`nothing listens for ${door}`);
    return uri;
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.gateway?.signal(signal);
    await this.gateway?.ended();
  }

  /** It reads nothing, and its sockets fill. */
  deafen(span: number): void {
    const { gateway } = this;
    gateway?.signal('SIGSTOP');
    void delay(span).then(() => gateway?.signal('SIGCONT'));
  }

  async open(door: DoorName, options: ConnectOptions = {}): Promise<Connection<Libraries>> {
    return await connect<Libraries>(this.uriOf(door), {
      scheduler: hurried,
      ...(door === 'coaps' && { credentials: enrolled.credentials }),
      ...(door === 'http' && { token: enrolled.token }),
      ...options,
    });
  }

  edit(): void {
    this.gateway?.write({ 'lib/index.ts': source.replace("'first'", "'second'") });
  }

  get marks(): string {
    return readFileSync(join(this.folder, 'marks'), 'utf8');
  }

  async began(letter: string, times = 1): Promise<void> {
    await vi.waitFor(() => expect(this.marks.split(letter)).toHaveLength(times + 1), { timeout: 20_000 });
  }

  async close(): Promise<void> {
    this.gateway?.signal('SIGCONT');
    await this.gateway?.stop();
    rmSync(this.folder, { recursive: true });
  }
}

/** Each at a site of its own: most of the time they all wait. */
const lost = test.extend<{ readonly site: Site }>({
  site: async ({ onTestFinished }, use) => {
    const site = new Site();
    onTestFinished(async () => await site.close());
    await site.start();
    await use(site);
  },
});

/** The next of a loop, or what it throws, and how many seconds that took. */
async function outcome<T>(next: Promise<T>): Promise<{ readonly given: unknown; readonly took: number }> {
  const started = performance.now();
  const given: unknown = await next.catch((error: unknown) => error);
  return { given, took: (performance.now() - started) / 1000 };
}

describe.concurrent.each(doors)('over %s', (door) => {
  describe('a stream in which nothing comes', () => {
    lost('of a gateway that is killed is an error within seconds that says so', async ({ site }) => {
      await using gw = await site.open(door);
      const ticks = gw.lib.ticks(3_600_000)[Symbol.asyncIterator]();
      await ticks.next();
      const next = ticks.next();
      next.catch(() => undefined);
      await site.kill();
      const { given, took } = await outcome(next);
      expect(given).toMatchObject({ code: 'request-unreachable', message: expect.stringContaining('nothing listens') });
      expect(took).toBeLessThan(6);
    });

    lost('of a gateway that is stopped is an error too', async ({ site }) => {
      await using gw = await site.open(door);
      const ticks = gw.lib.ticks(3_600_000)[Symbol.asyncIterator]();
      await ticks.next();
      const next = ticks.next();
      next.catch(() => undefined);
      await site.kill('SIGTERM');
      expect((await outcome(next)).given).toMatchObject({ code: 'request-unreachable' });
    });

    lost(
      'of a gateway that was killed and started again is lost, which is said, and its function does not run again',
      async ({ site }) => {
        await using gw = await site.open(door, { retries: 5 });
        const ticks = gw.lib.ticks(3_600_000)[Symbol.asyncIterator]();
        await ticks.next();
        const next = ticks.next();
        next.catch(() => undefined);
        await site.kill();
        await site.start();
        const { given, took } = await outcome(next);
        expect(given).toMatchObject({ code: 'stream-lost', status: '4.12', target: 'lib/ticks' });
        expect(took).toBeLessThan(3);
        expect(site.marks).toBe('t');
      },
    );
  });

  lost(
    'a gateway that is deaf for twenty seconds loses no item and repeats none, and nothing is begun anew',
    async ({ site }) => {
      await using gw = await site.open(door);
      const numbers: number[] = [];
      for await (const { i } of gw.lib.ticks(20)) {
        numbers.push(i);
        if (i === 10) {
          site.deafen(2000);
        }
        if (i === 30) break;
      }
      expect(numbers).toEqual(Array.from({ length: 31 }, (_, i) => i));
      expect(site.marks).toBe('t');
    },
  );

  lost('a result is watched on over a restart', async ({ site }) => {
    await using gw = await site.open(door, { retries: 5 });
    const prices = gw.lib.price.watch()[Symbol.asyncIterator]();
    const { value: before } = await prices.next();
    const next = prices.next();
    next.catch(() => undefined);
    await site.kill();
    await site.start();
    const { given } = await outcome(next);
    expect(given).toMatchObject({ done: false });
    expect((given as IteratorResult<string>).value).not.toBe(before);
    await prices.return?.();
  });

  lost('a job is waited for over a restart that takes a while', async ({ site }) => {
    await using gw = await site.open(door);
    const gate = join(site.folder, 'gate');
    const job = await gw.lib.gated.job(gate);
    const result = job.result();
    result.catch(() => undefined);
    await site.began('g');
    await site.kill();
    // More than `retries` would bridge.
    await delay(1500);
    await site.start();
    await site.began('g', 2);
    writeFileSync(gate, 'the result');
    expect((await outcome(result)).given).toBe('the result');
  });

  lost('of a library that is edited a stream is lost, which is said; with `replay` it goes on', async ({ site }) => {
    await using gw = await site.open(door, { retries: 5 });
    const read = async (ticks: AsyncIterable<Tick>): Promise<number[]> => {
      const numbers: number[] = [];
      for await (const { i, of } of ticks) {
        numbers.push(i);
        if (i === 0) site.edit();
        if (of === 'second') break;
      }
      return numbers;
    };
    const [given, replayed] = await Promise.all([
      outcome(read(gw.lib.ticks(200))),
      read(gw.lib.ticks.with({ replay: true })(150)),
    ]);
    expect(given.given).toMatchObject({ code: 'stream-lost', target: 'lib/ticks' });
    expect(replayed).toEqual(Array.from(replayed, (_, i) => i));
    expect(replayed.length).toBeGreaterThan(10);
    expect(await gw.lib.version()).toBe('second');
  });

  lost('a batch is made again if all of its calls are safe, and not otherwise', async ({ site }) => {
    await using gw = await site.open(door, { retries: 9 });
    const gate = join(site.folder, 'gate');
    const safe = gw.$batch((later) => [later.lib.gated(gate), later.lib.version()]);
    const unsafe = gw.$batch((later) => [later.lib.version(), later.lib.act()]);
    for (const batch of [safe, unsafe]) batch.catch(() => undefined);
    await site.began('g');
    await site.began('a');
    await site.kill();
    const { given } = await outcome(unsafe);
    expect(given).toMatchObject({ code: door === 'http' ? 'request-reset' : 'request-unreachable' });
    await site.start();
    await site.began('g', 2);
    writeFileSync(gate, 'the result');
    expect(await safe).toEqual(['the result', 'first']);
    expect(site.marks.split('').sort().join('')).toBe('agg');
  });

  lost('a call that may have had effects is not made again', async ({ site }) => {
    await using gw = await site.open(door, { retries: 5 });
    const call = gw.lib.act();
    call.catch(() => undefined);
    await site.began('a');
    await site.kill();
    const { given, took } = await outcome(call);
    expect(given).toMatchObject({ code: door === 'http' ? 'request-reset' : 'request-unreachable' });
    expect(took).toBeLessThan(5);
    await site.start();
    expect(await gw.lib.price()).toMatch(/^\d+$/);
    expect(site.marks).toBe('a');
  });
});

describe.concurrent('a gateway that was killed before it had written the association is silent over it', () => {
  /** As after a kill in the milliseconds between the two, or when its machine was switched off. */
  const killAndForget = async (site: Site): Promise<void> => {
    await site.kill();
    rmSync(join(site.data, 'associations'), { recursive: true });
    await site.start();
  };

  lost('a safe call is made again over another one', async ({ site }) => {
    await using gw = await site.open('coaps');
    await gw.lib.version();
    await killAndForget(site);
    const { given, took } = await outcome(Promise.resolve(gw.lib.price()));
    expect(given).toMatch(/^\d+$/);
    // MAX_TRANSMIT_WAIT (RFC 7252 §4.8.2)
    expect(took).toBeGreaterThan(6);
  });

  lost('a call that may have effects is not; the next call is answered at once', async ({ site }) => {
    await using gw = await site.open('coaps');
    await gw.lib.act.describe();
    await killAndForget(site);
    expect((await outcome(Promise.resolve(gw.lib.act()))).given).toMatchObject({ code: 'request-timeout' });
    expect(site.marks).toBe('');
    const { given, took } = await outcome(Promise.resolve(gw.lib.price()));
    expect(given).toMatch(/^\d+$/);
    expect(took).toBeLessThan(5);
  });
});

lost.concurrent('the lease of an object that ends in the middle of a loop ends the loop', async ({ site }) => {
  await using gw = await site.open('coap');
  const account = await gw.lib.Account('Ada');
  const loop = async (): Promise<void> => {
    for (let pause = 0; ; pause += 800) {
      expect(await account.owner).toBe('Ada');
      await delay(pause);
    }
  };
  await expect(loop()).rejects.toMatchObject({ code: 'no-such-resource', status: '4.04' });
});

lost.concurrent('an object of the gateway before is gone, and that is said', async ({ site }) => {
  await using gw = await site.open('coap', { retries: 5 });
  const account = await gw.lib.Account('Ada');
  await site.kill();
  await site.start();
  await expect(Promise.resolve(account.owner)).rejects.toMatchObject({ code: 'no-such-resource', status: '4.04' });
});

lost.concurrent.for([
  ['coaps', 'request-handshake'],
  ['http', 'identity-needed'],
] as const)('who is revoked in the middle of a loop is told so over %s', async ([door, code], { site }) => {
  await using gw = await site.open(door, { retries: 1 });
  const ticks = gw.lib.ticks(3_600_000)[Symbol.asyncIterator]();
  await ticks.next();
  const next = ticks.next();
  next.catch(() => undefined);
  await ran(['identities', 'revoke', 'meter-7'], { workingFolder: site.folder });
  expect((await outcome(next)).given).toMatchObject({ code });
});
