/** The gateway is killed, or stopped, and started again: what devices over coaps notice of it, which is next to nothing. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ran } from '../cli/terminal.ts';
import { GatewayProcess } from '../gateway/gateway-process.ts';
import { missingAddon } from '../transport/native-addon.ts';
import { missingPrograms } from './coaps/running-gateway.ts';
import { Program } from './dtls/endpoint.ts';
import { RestartDevice, type DeviceOptions } from './restart-device.ts';

const libraries = {
  'count/index.ts': `import { appendFileSync } from 'node:fs';
    /** Has a side effect: a line for each run. */
    export function run(what: string): string { appendFileSync('$MARKS', what + '\\n'); return what; }
    /** Never returns in time. */
    export async function slowly(what: string): Promise<string> {
      appendFileSync('$MARKS', what + '\\n');
      await new Promise((resolve) => setTimeout(resolve, 60_000));
      return what;
    }`,
};
const run = ['func', 'count', 'run'];

let folder: string;
let port: number;
let gateway: GatewayProcess;
let devices: RestartDevice[];
let device: DeviceOptions;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'funcoap-restart-'));
  mkdirSync(join(folder, 'home'));
  devices = [];
  port = 0;
  const { code, out } = await ran(['enroll', 'fleet', '--json'], { workingFolder: folder });
  expect(code).toBe(0);
  gateway = await start();
  port = Number(new URL(gateway.securedUri ?? '').port);
  const { pskIdentity: identity, key } = JSON.parse(out) as { pskIdentity: string; key: string };
  device = { port, identity, key };
});
afterEach(async () => {
  for (const one of devices) one.close();
  await gateway.stop();
  rmSync(folder, { recursive: true });
});

const start = (...more: readonly string[]): Promise<GatewayProcess> =>
  GatewayProcess.start({
    libraries,
    home: join(folder, 'home'),
    settings: [
      `data.folder=${join(folder, 'data')}`,
      'coaps.listen=127.0.0.1',
      `coaps.port=${port}`,
      'metrics.enabled=true',
      'metrics.port=0',
      'log.level=debug',
      // Answers travel in the ACK, however busy the machine is.
      'profile.piggybackWindow=60s',
      'rate.perSecond=0',
      ...more,
    ],
  });

async function killAndRestart(...more: readonly string[]): Promise<void> {
  gateway.signal('SIGKILL');
  await gateway.ended();
  gateway = await start(...more);
}

async function stopAndRestart(): Promise<void> {
  await gateway.stop();
  gateway = await start();
}

async function connected(): Promise<RestartDevice> {
  const one = new RestartDevice(device);
  devices.push(one);
  await one.connect();
  return one;
}

/** What was run, and how often. */
function runs(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const line of readFileSync(join(folder, 'home', 'marks'), 'utf8').split('\n')) {
    if (line !== '') counts.set(line, (counts.get(line) ?? 0) + 1);
  }
  return counts;
}

async function figure(name: string): Promise<number> {
  const page = await (await fetch(`${gateway.metricsUrl}`)).text();
  return Number(new RegExp(`^funcoap_dtls_${name} (\\d+)$`, 'm').exec(page)?.[1]);
}

/** The states of associations that the gateway has logged since it started. */
const states = (): { state: string; peer: string }[] =>
  gateway.log
    .filter(({ event }) => event === 'association')
    .map(({ state, peer }) => ({ state: String(state), peer: String(peer) }));

/** Sends datagrams from an address of its own, and returns what comes back. */
async function replay(datagrams: readonly Uint8Array[]): Promise<Uint8Array[]> {
  const attacker = createSocket('udp4').bind(0, '127.0.0.1');
  await once(attacker, 'listening');
  const answers: Uint8Array[] = [];
  attacker.on('message', (bytes) => answers.push(new Uint8Array(bytes)));
  for (const [at, bytes] of datagrams.entries()) {
    attacker.send(bytes, port, '127.0.0.1');
    // So that none is lost in a buffer: what is lost shows nothing.
    if (at % 50 === 49) await delay(5);
  }
  await delay(500);
  attacker.close();
  return answers;
}

const codeOf = (ack: Uint8Array): string => `${(ack[1] ?? 0) >> 5}.${String((ack[1] ?? 0) & 31).padStart(2, '0')}`;
/** Handshakes that the device sends are no records of the association. */
const protectedOf = ({ sent }: RestartDevice): Uint8Array[] => sent.filter((bytes) => bytes[0] === 25);

test(
  '1,000 devices go on after SIGKILL in mid-traffic, each from another port: no handshake, no nonce twice, nothing run twice, and replays do nothing',
  { timeout: 180_000 },
  async () => {
    for (let count = 0; count < 1000; count++) {
      const one = new RestartDevice(device);
      devices.push(one);
    }
    // Slower than the limit of handshakes, so that none has to try again.
    const queue = [...devices];
    const connect = async (): Promise<void> => {
      for (let one = queue.pop(); one !== undefined; one = queue.pop()) await one.connect();
    };
    await Promise.all(Array.from({ length: 8 }, connect));
    const idle = devices.filter((_, at) => at % 2 === 0);
    const busy = devices.filter((_, at) => at % 2 === 1);
    await inTurns(devices, async (one, at) => {
      expect(codeOf(await one.ask(one.call(run, `first ${at}`)))).toBe('2.04');
    });
    await delay(50);

    // Each of the busy ones has a call under way, at whatever point, when the gateway is killed.
    const calls = busy.map((one, at) => one.call(run, `second ${at}`));
    busy.forEach((one, at) => one.say(calls[at] ?? new Uint8Array(0)));
    await delay(40);
    const captured = idle.flatMap(protectedOf);
    const capturedBusy = busy.flatMap(protectedOf);
    await killAndRestart();
    expect(await figure('restored_total')).toBe(1000);

    const before = runs();
    expect(await replay(captured)).toEqual([]);
    expect(runs()).toEqual(before);
    expect(states()).toEqual([]);

    for (const one of devices) await one.move();
    await inTurns(busy, async (one, at) => {
      expect(codeOf(await one.ask(calls[at] ?? new Uint8Array(0)))).toMatch(/2\.04|5\.03/);
    });
    await inTurns(devices, async (one, at) => {
      expect(codeOf(await one.ask(one.call(run, `third ${at}`)))).toBe('2.04');
    });
    const after = runs();
    expect(await replay([...captured, ...capturedBusy])).toEqual([]);
    expect(runs()).toEqual(after);
    // Devices still show that they receive where they are; what is replayed would move them to where it comes from.
    const places = new Set(devices.map((one) => `127.0.0.1:${one.port}`));
    expect(states().filter(({ peer }) => !places.has(peer))).toEqual([]);
    expect(states().filter(({ state }) => state === 'moved')).toHaveLength(1000);

    expect([...after].filter(([, times]) => times > 1)).toEqual([]);
    expect([...after.keys()].filter((what) => what.startsWith('first')).length).toBe(1000);
    expect([...after.keys()].filter((what) => what.startsWith('third')).length).toBe(1000);
    expect([await figure('established_total'), await figure('associations')]).toEqual([0, 1000]);
    for (const { numbers, established, closed } of devices) {
      expect(numbers.length).toBeGreaterThan(2);
      expect(new Set(numbers).size).toBe(numbers.length);
      expect([established, closed]).toEqual([1, 0]);
    }
  },
);

describe('a retransmission across the restart', () => {
  test('gets the same bytes again, where the answer was known', async () => {
    const one = await connected();
    const call = one.call(run, 'once');
    const answer = await one.ask(call);
    await delay(50);
    await killAndRestart();
    expect(await one.ask(call)).toEqual(answer);
    await stopAndRestart();
    expect(await one.ask(call)).toEqual(answer);
    expect(runs()).toEqual(new Map([['once', 1]]));
  });

  test('gets 5.03 where nobody can tell what came of it, and again the same', async () => {
    const one = await connected();
    const call = one.call(['func', 'count', 'slowly'], 'begun');
    one.say(call);
    await vi.waitFor(() => expect(runs().size).toBe(1), 5000);
    await killAndRestart();
    const refusal = await one.ask(call);
    expect(codeOf(refusal)).toBe('5.03');
    expect(await one.ask(call)).toEqual(refusal);
    expect(runs()).toEqual(new Map([['begun', 1]]));
  });
});

test('a device that moves after the restart is answered there, and moved when it has shown that it receives there', async () => {
  const one = await connected();
  const home = one.port;
  await one.ask(one.call(run, 'at home'));
  await killAndRestart();
  await one.move();
  expect(codeOf(await one.ask(one.call(run, 'away')))).toBe('2.04');
  const away = `127.0.0.1:${one.port}`;
  expect(away).not.toBe(`127.0.0.1:${home}`);
  // Return routability (RFC 9853).
  await vi.waitFor(
    () =>
      expect(states()).toEqual([
        { state: 'moved', peer: away },
        { state: 'verified', peer: away },
      ]),
    5000,
  );
  await delay(50);
  await killAndRestart();
  await one.ask(one.call(run, 'still away'));
  expect(states()).toEqual([]);
});

test('after a stop in order devices go on too, and are not told that it was over', async () => {
  const one = await connected();
  await one.ask(one.call(run, 'before'));
  await stopAndRestart();
  expect(codeOf(await one.ask(one.call(run, 'after')))).toBe('2.04');
  expect([one.established, one.closed, await figure('restored_total')]).toEqual([1, 0, 1]);
  expect(new Set(one.numbers).size).toBe(one.numbers.length);
});

test('a session resumes by its ticket after the restart', async () => {
  const one = await connected();
  expect(one.session?.ticket.length).toBeGreaterThan(0);
  await killAndRestart();
  await one.connect(one.session);
  expect(one.resumed).toBe(true);
});

test('a session resumes by its ID after the restart, with OpenSSL', async ({ skip }) => {
  const missing = missingPrograms('openssl', 'openssl');
  if (missing !== undefined) skip(missing);
  const handshake = async (...args: readonly string[]): Promise<string> => {
    const where = ['-dtls1_2', '-no_ticket', '-connect', `127.0.0.1:${port}`];
    const psk = ['-psk_identity', device.identity, '-psk', Buffer.from(device.key).toString('hex')];
    const client = new Program(
      'openssl',
      's_client',
      ...where,
      ...psk,
      '-cipher',
      'PSK-AES128-CCM8:@SECLEVEL=0',
      ...args,
    );
    await client.prints(/Extended master secret: yes/);
    await client.end();
    return client.printed;
  };
  const file = join(folder, 'session');
  expect(await handshake('-sess_out', file)).toMatch(/^New, /m);
  // Nothing waits until a session is written.
  await delay(500);
  await killAndRestart();
  expect(await handshake('-sess_in', file)).toMatch(/^Reused, /m);
  await stopAndRestart();
  expect(await handshake('-sess_in', file)).toMatch(/^Reused, /m);
  expect(await figure('established_total')).toBe(1);
});

test('who was revoked while the gateway was down has to stay out', async () => {
  const one = await connected();
  await one.ask(one.call(run, 'before'));
  gateway.signal('SIGKILL');
  await gateway.ended();
  expect((await ran(['identities', 'revoke', 'fleet'], { workingFolder: folder })).code).toBe(0);
  gateway = await start();
  await expect(one.ask(one.call(run, 'after'), 2000)).rejects.toThrow('no answer');
  expect([runs().get('after'), await figure('restored_total')]).toEqual([undefined, 0]);
});

test('of one identity no more go on than it may have now, its oldest are told that it is over', async () => {
  const all = [await connected(), await connected(), await connected()];
  for (const one of all) await one.ask(one.call(run, 'before'));
  await killAndRestart('coaps.sessionsPerIdentity=1');
  await vi.waitFor(() => expect(all.map(({ closed }) => closed)).toEqual([1, 1, 0]), 5000);
  const [, , newest] = all;
  expect(codeOf((await newest?.ask(newest.call(run, 'after'))) ?? new Uint8Array(2))).toBe('2.04');
});

test('a second gateway on the same data folder is refused in one sentence', async () => {
  await expect(start('coaps.port=0')).rejects.toThrow(`Another gateway (process ${gateway.pid}) uses the data folder`);
});

test('of several processes one is killed: its devices go on where they are, in the one that takes its place', async () => {
  await gateway.stop();
  gateway = await start('processes=2');
  const all = await Promise.all(Array.from({ length: 6 }, connected));
  await Promise.all(all.map((one, at) => one.ask(one.call(run, `first ${at}`))));
  await delay(50);
  const [child] = readFileSync(`/proc/${gateway.pid}/task/${gateway.pid}/children`, 'utf8').trim().split(' ');
  process.kill(Number(child), 'SIGKILL');

  await Promise.all(all.map((one, at) => one.ask(one.call(run, `second ${at}`))));
  expect(all.map(({ established }) => established)).toEqual(all.map(() => 1));
  for (const { numbers } of all) expect(new Set(numbers).size).toBe(numbers.length);
});

test('with another number of processes, what belongs to those that are gone is removed, and the rest goes on', async () => {
  await gateway.stop();
  const parts = (): string[] => {
    const names = readdirSync(join(folder, 'data', 'associations')).filter((name) => !name.endsWith('.lock'));
    return [...new Set(names.flatMap((name) => /^\d+/.exec(name) ?? []))].toSorted();
  };
  expect(parts()).toEqual(['0']);
  gateway = await start('processes=3');
  const all = await Promise.all(Array.from({ length: 9 }, connected));
  await Promise.all(all.map((one, at) => one.ask(one.call(run, `three ${at}`))));
  expect(parts()).toEqual(['1', '2', '3']);
  await gateway.stop();
  gateway = await start('processes=2');
  expect(parts()).toEqual(['1', '2']);
  // With the native transport a Connection ID names its process, however many there are (RFC 9146).
  if (missingAddon !== undefined) return;
  const kept = all.filter(({ sent }) => (sent.at(-1)?.[11] ?? 0) <= 2);
  await Promise.all(kept.map((one, at) => one.ask(one.call(run, `two ${at}`))));
  expect(kept.map(({ established }) => established)).toEqual(kept.map(() => 1));
});

test('while it cannot be written, requests with side effects get 5.03, and the log says what to do', async () => {
  const one = await connected();
  // In the way of the first file of the log.
  mkdirSync(join(folder, 'data', 'associations', '0.requests.1'));
  const call = one.call(run, 'never');
  expect(codeOf(await one.ask(call))).toBe('5.03');
  expect(runs().size).toBe(0);
  const said = (): unknown[] => gateway.log.filter(({ event }) => event === 'associations').map(({ msg }) => msg);
  await vi.waitFor(() => expect(said()).toEqual([expect.stringContaining('Make room, or mend the disk')]), 5000);
  rmSync(join(folder, 'data', 'associations', '0.requests.1'), { recursive: true });
  await vi.waitFor(async () => expect(codeOf(await one.ask(one.call(run, 'now')))).toBe('2.04'), {
    timeout: 5000,
    interval: 200,
  });
});

test('a damaged log of requests: all sessions are forgotten in one sentence, and the gateway starts', async () => {
  const one = await connected();
  await one.ask(one.call(run, 'before'));
  await one.ask(one.call(run, 'before too'));
  gateway.signal('SIGKILL');
  await gateway.ended();
  const path = join(folder, 'data', 'associations', '0.requests.1');
  const content = readFileSync(path);
  content[70] = (content[70] ?? 0) ^ 1;
  writeFileSync(path, content, { flag: 'r+' });
  gateway = await start();
  expect(await figure('restored_total')).toBe(0);
  expect(gateway.log.filter(({ event }) => event === 'associations')).toMatchObject([
    { msg: expect.stringContaining('the log of their requests is damaged') },
  ]);
});

/** As many at a time as a gateway on a busy machine takes without losing any. */
async function inTurns<T>(all: readonly T[], act: (one: T, at: number) => Promise<void>): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    for (let at = next++; at < all.length; at = next++) {
      const one = all[at];
      if (one !== undefined) await act(one, at);
    }
  };
  await Promise.all(Array.from({ length: 64 }, work));
}
