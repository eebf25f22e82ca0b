/** A gateway of several processes is one gateway: for its peers, in its log and in its metrics. Real processes. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { method } from '../../src/coap/codec/codes.ts';
import { messageType } from '../../src/coap/codec/message.ts';
import { optionNumber, stringOption } from '../../src/coap/codec/options.ts';
import { funcoap } from '../cli/process.ts';
import { GatewayProcess } from '../gateway/gateway-process.ts';
import { RawDevice } from '../gateway/raw-device.ts';
import { missingAddon } from '../transport/native-addon.ts';
import { childrenOf, fetched, fetchOf, isRunning, oneOfEach, postOf, probe } from '../processes/devices.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });
const patience = { timeout: 20_000, interval: 20 };
const linux = process.platform === 'linux';

const library = (greeting: string): string => `
/** @pure @maxAge 240 */
export function greet(): string { return '${greeting}'; }
`;

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'funcoap-processes-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

describe.runIf(linux)('a gateway of two processes', () => {
  let gateway: GatewayProcess;
  /** One device of each process, by process id. */
  let devices = new Map<number, RawDevice>();

  beforeAll(async () => {
    gateway = await GatewayProcess.start({
      libraries: { 'probe/index.ts': probe, 'words/index.ts': library('hello') },
      settings: ['processes=2', 'metrics.enabled=true', 'metrics.port=0'],
    });
    devices = await oneOfEach(gateway.port, 2);
  });
  afterAll(async () => {
    for (const device of devices.values()) device.close();
    await gateway.stop();
  });

  const scrape = async (): Promise<(series: string) => number> => {
    const text = await (await fetch(gateway.metricsUrl ?? '')).text();
    return (series) => {
      const line = text.split('\n').find((one) => one.startsWith(`${series} `));
      return line === undefined ? Number.NaN : Number(line.slice(series.length + 1));
    };
  };

  test('divides its peers among them, and keeps each with one', async () => {
    expect(new Set(devices.keys())).toEqual(new Set(childrenOf(gateway.pid)));
    for (const [pid, device] of devices)
      for (let i = 0; i < 10; i++) expect(await fetched(device, 'probe', 'pid')).toBe(pid);
  });

  test('says once what all of them do, and of each line of one which it is', async () => {
    const loaded = gateway.log.filter(({ event }) => event === 'library');
    const said = loaded.map(({ library, state }) => `${String(library)} ${String(state)}`);
    expect(said).toHaveLength(2);
    expect(new Set(said)).toEqual(new Set(['probe loaded', 'words loaded']));
    await vi.waitFor(() => {
      const numbers = gateway.log.filter(({ event }) => event === 'request').map((line) => line['process']);
      expect(new Set(numbers)).toEqual(new Set([1, 2]));
    }, patience);
  });

  test('mixes no line of its log with another, however fast they come', async () => {
    const load = Array.from({ length: 40 }, async () => {
      const device = await RawDevice.open(gateway.port);
      for (let i = 0; i < 10; i++) await device.request(fetchOf('words', 'greet'), 20_000);
      device.close();
    });
    await Promise.all(load);
    // Whatever begins like a line is parsed as one.
    const lines = (): unknown[] => gateway.log.filter(({ target }) => target === 'words/greet');
    await vi.waitFor(() => expect(lines()).toHaveLength(400), patience);
  });

  test('counts as one, and shows what each has done', async () => {
    const series = 'funcoap_requests_total{method="POST",code="2.04",target="probe/mark"}';
    const before = (await scrape())(series) || 0;
    for (const device of devices.values()) for (let i = 0; i < 3; i++) await device.request(postOf('probe', 'mark'));
    const value = await scrape();
    expect(value(series) - before).toBe(6);
    const each = [1, 2].map((number) => value(`funcoap_process_requests_total{process="${number}"}`));
    expect(Math.min(...each)).toBeGreaterThan(0);
    expect(each.reduce((sum, n) => sum + n)).toBe(value('funcoap_request_seconds_count'));
    expect(value('funcoap_process_memory_bytes{process="2"}')).toBeGreaterThan(10_000_000);
    expect(value('funcoap_engine_peers')).toBeGreaterThanOrEqual(42);
    expect(await (await fetch(new URL('/healthz', gateway.metricsUrl))).text()).toBe('ok\n');
  });

  test('forgets a result everywhere when a library of one process says that it is out of date', async () => {
    const [first, second] = [...devices.values()];
    if (first === undefined || second === undefined) throw new RangeError('two devices are needed');
    const known = await Promise.all([fetched(first, 'probe', 'marks'), fetched(second, 'probe', 'marks')]);
    expect(known).toEqual([gateway.marks, gateway.marks]);
    await second.request(postOf('probe', 'mark'));
    // Nobody has said so: both still have what they had.
    expect(await Promise.all([fetched(first, 'probe', 'marks'), fetched(second, 'probe', 'marks')])).toEqual(known);
    await first.request(postOf('probe', 'markAndTell'));
    expect(await fetched(first, 'probe', 'marks')).toBe(gateway.marks);
    await vi.waitFor(async () => expect(await fetched(second, 'probe', 'marks')).toBe(gateway.marks), patience);
  });

  test('serves an edited library from every process, and says so once', async () => {
    for (const device of devices.values()) expect(await fetched(device, 'words', 'greet')).toBe('hello');
    const lines = (target: string): unknown[] =>
      gateway.log.filter(({ event, library }) => event === target && library === 'words');
    const before = lines('library').length;
    gateway.write({ 'words/index.ts': `${library('good day')}console.log('here')` });
    for (const device of devices.values())
      await vi.waitFor(async () => expect(await fetched(device, 'words', 'greet')).toBe('good day'), patience);
    // Every process prints it by itself, before it says that it has loaded.
    await vi.waitFor(() => expect(lines('printed').length).toBeGreaterThanOrEqual(2), patience);
    await vi.waitFor(() => expect(lines('library')).toHaveLength(before + 1), patience);
  });

  test('gives a new function one compact id in all of them, at once and without complaint', async () => {
    const names = Array.from({ length: 6 }, (_, i) => `added${String(i).padStart(2, '0')}`);
    gateway.write(Object.fromEntries(names.map((name) => [`${name}/index.ts`, library(name)])));
    const byId = async (device: RawDevice, id: number): Promise<string> => {
      const options = ['f', String(id), '0'].map((segment) => stringOption(optionNumber.uriPath, segment));
      const { payload } = await device.request({ code: method.FETCH, options }, 20_000);
      return Buffer.from(payload).toString();
    };
    for (const device of devices.values())
      for (const name of names)
        await vi.waitFor(async () => expect(await fetched(device, name, 'greet')).toBe(name), patience);
    const [first, second] = [...devices.values()];
    if (first === undefined || second === undefined) throw new RangeError('two devices are needed');
    const answers: string[] = [];
    // The library with the id 0 is `probe`, whose first function says where it runs.
    for (let id = 1; id < 8; id++) {
      answers.push(await byId(first, id));
      expect(await byId(second, id)).toBe(answers.at(-1));
    }
    for (const name of names) expect(answers).toContainEqual(expect.stringContaining(name));
    expect(gateway.log.filter(({ state }) => state === 'unlocked')).toEqual([]);
  });

  test('is not joined by another gateway on its port', async () => {
    const { port } = gateway;
    const data = newFolder();
    const args = [
      'serve',
      '--listen',
      '127.0.0.1',
      '--port',
      String(port),
      '--libraries',
      gateway.folder,
      '--data',
      data,
    ];
    for (const more of [
      ['--processes', '2'],
      ['--processes', '1'],
    ]) {
      const { code, err } = await funcoap([...args, ...more], gateway.folder);
      expect(err).toContain(`Cannot listen on UDP 127.0.0.1:${port}: another program has this port.`);
      expect(code).toBe(2);
    }
  });

  test.skipIf(missingAddon !== undefined)(
    'replaces a process that ends: its peers wait for the next one, those of the others notice nothing',
    async () => {
      const counted = (await scrape())('funcoap_request_seconds_count');
      const [[pid, own] = [], [otherPid, other] = []] = [...devices];
      if (pid === undefined || own === undefined || other === undefined) throw new RangeError('two devices are needed');
      const marks = { ...postOf('probe', 'mark'), messageId: 0x7001, token: Uint8Array.of(7) };
      other.send(marks);
      const answer = await other.nextBytes(20_000);
      const before = gateway.marks;

      process.kill(pid, 'SIGKILL');
      // Once, and not again: it waits in the socket.
      const waiting = fetched(own, 'probe', 'pid');
      expect(await fetched(other, 'probe', 'pid')).toBe(otherPid);
      expect(own.received).toEqual([]);
      const successor = Number(await waiting);
      expect(new Set(childrenOf(gateway.pid))).toEqual(new Set([otherPid, successor]));

      // A duplicate is still known as one where it belongs.
      other.send(marks);
      expect(await other.nextBytes(20_000)).toEqual(answer);
      expect(gateway.marks).toBe(before);
      expect(await fetched(own, 'probe', 'pid')).toBe(successor);
      const number = gateway.log.findLast(({ event }) => event === 'process')?.['process'];
      const value = await scrape();
      expect(value(`funcoap_process_starts_total{process="${String(number)}"}`)).toBe(2);
      expect(value('funcoap_request_seconds_count')).toBe(counted + 4);
      const lines = gateway.log.filter(({ event }) => event === 'process').map(({ msg }) => msg);
      expect(lines).toEqual([
        expect.stringMatching(/^a gateway process ended by SIGKILL; what its peers send waits until it is replaced/),
        'a new gateway process serves',
      ]);
    },
  );
});

describe.runIf(linux)('several processes', () => {
  async function start(...settings: string[]): Promise<GatewayProcess> {
    const libraries = { 'probe/index.ts': probe };
    const gateway = await GatewayProcess.start({ libraries, settings: ['processes=2', ...settings] });
    onTestFinished(() => gateway.stop());
    return gateway;
  }

  async function open({ port }: GatewayProcess): Promise<RawDevice> {
    const device = await RawDevice.open(port);
    onTestFinished(() => device.close());
    return device;
  }

  test('over the portable transport: the others answer the peers of one that ended, until it is replaced', async () => {
    const gateway = await start('coap.transport=dgram');
    const devices = await Promise.all(Array.from({ length: 16 }, () => open(gateway)));
    const served = await Promise.all(devices.map((device) => fetched(device, 'probe', 'pid')));
    const [pid, otherPid] = childrenOf(gateway.pid);
    expect(new Set(served)).toEqual(new Set([pid, otherPid]));
    process.kill(pid ?? 0, 'SIGKILL');
    const later = await Promise.all(
      devices.map((device) =>
        // As a device does that gets no answer; the kernel takes the socket away when the last thread has ended.
        vi.waitFor(async () => fetched(device, 'probe', 'pid', 300), patience),
      ),
    );
    expect(later).not.toContain(pid);
    expect(later.filter((by, at) => by === otherPid && served[at] === pid).length).toBeGreaterThan(0);
    await vi.waitFor(() => expect(JSON.stringify(gateway.log)).toContain('a new gateway process serves'), patience);
    const again = await oneOfEach(gateway.port, 2);
    expect(new Set(again.keys())).toEqual(new Set(childrenOf(gateway.pid)));
    for (const device of again.values()) device.close();
  });

  test.each(['SIGTERM', 'SIGINT'] as const)('stop on %s with what is under way, and leave nothing', async (signal) => {
    const gateway = await start('shutdown.grace=100ms');
    const device = await open(gateway);
    const answer = device.request({ ...fetchOf('probe', 'wait'), type: messageType.NON }, 20_000);
    await vi.waitFor(() => expect(gateway.marks).toBe(1), patience);
    const children = childrenOf(gateway.pid);
    // A terminal and a service manager tell everybody.
    for (const pid of children) process.kill(pid, signal);
    gateway.signal(signal);
    expect((await answer).code).toBe(0xa3); // 5.03
    expect(await gateway.ended()).toEqual({ code: 0, signal: null });
    expect(children.map(isRunning)).toEqual([false, false]);
    expect(gateway.log.filter(({ event }) => event === 'stopping')).toHaveLength(1);
  });

  test('end at once at a second signal', async () => {
    const gateway = await start('shutdown.grace=60s');
    const device = await open(gateway);
    device.send({ ...fetchOf('probe', 'wait'), type: messageType.NON, token: Uint8Array.of(1) });
    await vi.waitFor(() => expect(gateway.marks).toBe(1), patience);
    const children = childrenOf(gateway.pid);
    gateway.signal('SIGTERM');
    await vi.waitFor(() => expect(JSON.stringify(gateway.log)).toContain('stopping'), patience);
    // One that comes within 300 ms is the same signal, said twice.
    await vi.waitFor(() => {
      gateway.signal('SIGTERM');
      expect(gateway.running).toBe(false);
    }, patience);
    expect(await gateway.ended()).toEqual({ code: 143, signal: null });
    await vi.waitFor(() => expect(children.map(isRunning)).toEqual([false, false]), patience);
  });

  test('of which one hangs: it holds up neither the metrics nor the end, and the exit code tells', async () => {
    const gateway = await start('shutdown.grace=100ms', 'metrics.enabled=true', 'metrics.port=0');
    gateway.write({ 'stuck/index.ts': '/** @safe @inline */ export function hang(): void { for (;;); }' });
    const devices = await oneOfEach(gateway.port, 2);
    const [first, second] = [...devices.values()];
    if (first === undefined || second === undefined) throw new RangeError('two devices are needed');
    expect(await fetched(second, 'stuck', 'nothing')).toBeDefined();
    first.send({ ...fetchOf('stuck', 'hang'), type: messageType.NON, token: Uint8Array.of(1) });
    await fetched(second, 'probe', 'pid');
    const text = await (await fetch(gateway.metricsUrl ?? '')).text();
    expect(text).toMatch(/^funcoap_requests_total\{method="FETCH",code="2\.05",target="probe\/pid"\} \d/m);
    gateway.signal('SIGTERM');
    expect(await gateway.ended()).toEqual({ code: 1, signal: null });
    expect(gateway.errors).toContain('a gateway process did not stop in time and is killed');
    for (const device of devices.values()) device.close();
  });

  test('end with a supervisor that is killed', async () => {
    const gateway = await start();
    const children = childrenOf(gateway.pid);
    expect(children).toHaveLength(2);
    gateway.signal('SIGKILL');
    await vi.waitFor(() => expect(children.map(isRunning)).toEqual([false, false]), patience);
  });

  test('that end soon after every start end the gateway, with exit code 1 and the reason', async () => {
    const gateway = await start();
    gateway.write({ 'fatal/index.ts': `process.kill(process.pid, 'SIGKILL'); export function f(): void {}` });
    expect(await gateway.ended()).toEqual({ code: 1, signal: null });
    expect(gateway.errors).toMatch(
      /Gateway process [12] ends soon after every start, the last time by SIGKILL: the gateway stops\./,
    );
    // Six starts of both processes, one after the other, take their time on a busy machine.
  }, 240_000);

  test('of which one cannot start are none, and the reason is the one that a single one would give', async () => {
    const { code, err } = await funcoap(
      ['serve', '--processes', '2', '--port', '0', '--listen', '127.0.0.1', '--libraries', '/nowhere'],
      newFolder(),
    );
    expect(err).toBe('funcoap: There is no folder /nowhere; create it, or say where the libraries lie.\n');
    expect(code).toBe(2);
  });
});

test('elsewhere than on Linux --processes is refused with what to do', async ({ skip }) => {
  if (linux) skip('this is Linux');
  const { code, err } = await funcoap(['serve', '--processes', '2'], '.');
  expect(err).toMatch(/^funcoap: processes is 2, but only Linux/);
  expect(code).toBe(2);
});

test("one process is nobody's child, and does not number its lines", async ({ skip }) => {
  if (!linux) skip('/proc is of Linux');
  const gateway = await GatewayProcess.start({ libraries: { 'probe/index.ts': probe }, settings: ['processes=1'] });
  const device = await RawDevice.open(gateway.port);
  expect(childrenOf(gateway.pid)).toEqual([]);
  expect(await fetched(device, 'probe', 'pid')).toBe(gateway.pid);
  expect(JSON.stringify(gateway.log)).not.toContain('"process"');
  device.close();
  await gateway.stop();
});
