/** Jobs outlast the gateway, and are those of all its processes. Real processes, really killed. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { decodeCbor } from '../../src/cbor/decode.ts';
import { encodeCbor } from '../../src/cbor/encode.ts';
import { method } from '../../src/coap/codec/codes.ts';
import type { Message } from '../../src/coap/codec/message.ts';
import { findStrings, optionNumber, stringOption } from '../../src/coap/codec/options.ts';
import { seconds } from '../../src/core/duration.ts';
import { timeOfDay } from '../../src/core/time-of-day.ts';
import type { Value } from '../../src/core/value.ts';
import { decodeProblem } from '../../src/functions/problem-details.ts';
import { SqliteJobStore } from '../../src/store/sqlite/job-store.ts';
import { systemScheduler } from '../../src/transport/scheduler.ts';
import { GatewayProcess } from '../gateway/gateway-process.ts';
import { RawDevice } from '../gateway/raw-device.ts';
import { childrenOf, oneOfEach, probe } from '../processes/devices.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });
const patience = { timeout: 30_000, interval: 20 };

const library = `
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { context } from 'funcoap/library';
async function until(gate: string): Promise<string> {
  const { signal } = context();
  appendFileSync(gate + '.begun', 'x');
  while (!existsSync(gate)) {
    if (signal.aborted) { writeFileSync(gate + '.stopped', ''); return 'stopped'; }
    await sleep(5);
  }
  return 'done';
}
export async function change(gate: string): Promise<string> { appendFileSync('$MARKS', 'x'); return await until(gate); }
/** @safe */
export async function look(gate: string): Promise<string> { return await until(gate); }
/** @safe */
export function pid(): number { return process.pid; }
`;

const open = (gate: string): void => writeFileSync(gate, '');
const begun = (gate: string): Promise<unknown> => vi.waitUntil(() => existsSync(`${gate}.begun`), patience);

async function submit(device: RawDevice, name: string, args: Value): Promise<string> {
  const options = ['func', 'work', name].map((segment) => stringOption(optionNumber.uriPath, segment));
  const job = stringOption(optionNumber.uriQuery, '_job');
  const answer = await device.request(
    { code: method.POST, options: [...options, job], payload: encodeCbor(args) },
    20_000,
  );
  return findStrings(answer.options, optionNumber.locationPath)?.[1] ?? '';
}

const ask = (device: RawDevice, id: string, code: number = method.GET): Promise<Message> =>
  device.request({ code, options: ['j', id].map((segment) => stringOption(optionNumber.uriPath, segment)) }, 20_000);

const outcome = ({ code, payload }: Message): unknown =>
  code === 0x45 ? decodeCbor(payload) : decodeProblem(payload).name;

const ended = (device: RawDevice, id: string): Promise<unknown> =>
  vi.waitFor(async () => {
    const what = outcome(await ask(device, id));
    expect(what).not.toBe('job-pending');
    return what;
  }, patience);

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

async function started(home: string, processes = 1): Promise<{ gateway: GatewayProcess; device: RawDevice }> {
  const settings = [
    `processes=${processes}`,
    'jobs.running=2',
    'shutdown.grace=100ms',
    `data.folder=${join(home, 'data')}`,
  ];
  const gateway = await GatewayProcess.start({
    home,
    libraries: { 'work/index.ts': library, 'probe/index.ts': probe },
    settings,
  });
  const device = await RawDevice.open(gateway.port);
  closing.push(
    () => gateway.stop(),
    () => device.close(),
  );
  return { gateway, device };
}

function newHome(): string {
  const home = mkdtempSync(join(tmpdir(), 'funcoap-jobs-'));
  closing.push(() => rmSync(home, { recursive: true }));
  return home;
}

describe('after the gateway ended', () => {
  test.each(['SIGKILL', 'SIGTERM'] as const)(
    'by %s: results are there, what waited runs, what had effects does not run again, what is safe does',
    async (signal) => {
      const home = newHome();
      const gateOf = (name: string): string => join(home, name);
      const [ready, unsafe, safe, waiting] = ['ready', 'unsafe', 'safe', 'waiting'].map(gateOf) as [
        string,
        string,
        string,
        string,
      ];
      const first = await started(home);
      open(ready);
      const readyId = await submit(first.device, 'change', [ready]);
      expect(await ended(first.device, readyId)).toBe('done');
      const unsafeId = await submit(first.device, 'change', [unsafe]);
      const safeId = await submit(first.device, 'look', [safe]);
      await Promise.all([begun(unsafe), begun(safe)]);
      const waitingId = await submit(first.device, 'change', [waiting]);
      expect(existsSync(`${waiting}.begun`)).toBe(false);
      rmSync(`${safe}.begun`);
      first.gateway.signal(signal);
      await first.gateway.ended();

      const { gateway, device } = await started(home);
      for (const gate of [unsafe, safe, waiting]) open(gate);
      expect(outcome(await ask(device, readyId))).toBe('done');
      expect(await ended(device, unsafeId)).toBe('job-lost');
      expect(await ended(device, safeId)).toBe('done');
      expect(existsSync(`${safe}.begun`)).toBe(true);
      expect(await ended(device, waitingId)).toBe('done');
      expect(gateway.marks).toBe(3);
    },
  );
});

describe.runIf(process.platform === 'linux')('of two processes', () => {
  test('each finds and cancels every job, and takes over what the other has not begun', async () => {
    const home = newHome();
    const { gateway } = await started(home, 2);
    const devices = await oneOfEach(gateway.port, 2);
    closing.push(() => {
      for (const device of devices.values()) device.close();
    });
    const [one, other] = [...devices.values()] as [RawDevice, RawDevice];
    const gates = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => join(home, name));
    const ids: string[] = [];
    for (const gate of gates) ids.push(await submit(one, 'change', [gate]));
    // Two in each process: the second one looks as soon as it is asked for one.
    expect(outcome(await ask(other, ids[0] ?? ''))).toBe('job-pending');
    await Promise.all(gates.slice(0, 4).map(begun));
    for (const id of ids.slice(0, 4)) expect((await ask(other, id, method.DELETE)).code).toBe(0x42);
    await Promise.all(gates.slice(0, 4).map((gate) => vi.waitUntil(() => existsSync(`${gate}.stopped`), patience)));
    for (const gate of gates) open(gate);
    for (const id of ids.slice(4)) expect([await ended(one, id), await ended(other, id)]).toEqual(['done', 'done']);
  });

  test('what runs in one that is killed is lost, what it took and had not begun is not', async () => {
    const home = newHome();
    const { gateway, device } = await started(home, 2);
    const gates = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => join(home, name));
    const ids: string[] = [];
    for (const gate of gates) ids.push(await submit(device, 'change', [gate]));
    await begun(gates[0] ?? '');
    for (const child of childrenOf(gateway.pid)) process.kill(child, 'SIGKILL');
    for (const gate of gates) open(gate);
    const next = await vi.waitFor(async () => {
      const again = await RawDevice.open(gateway.port);
      await ask(again, ids[0] ?? '').catch((error: unknown) => {
        again.close();
        throw error;
      });
      return again;
    }, patience);
    closing.push(() => next.close());
    const outcomes: unknown[] = [];
    for (const id of ids) outcomes.push(await ended(next, id));
    expect(new Set(outcomes)).toEqual(new Set(['done', 'job-lost']));
    expect(outcomes[0]).toBe('job-lost');
    // One that was noted as running may not have begun by then; none begins twice.
    const timesOf = (gate: string): number => (existsSync(`${gate}.begun`) ? readFileSync(`${gate}.begun`).length : 0);
    for (const [index, gate] of gates.entries()) {
      if (outcomes[index] === 'done') expect(timesOf(gate)).toBe(1);
      else expect(timesOf(gate)).toBeLessThanOrEqual(1);
    }
  });
});

test('a process that begins is not taken for one that is gone by another that looks just then', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'funcoap-begins-'));
  const looking = SqliteJobStore.open(folder, systemScheduler);
  const told = Array.from({ length: 3 }, async (): Promise<unknown> => {
    const child = fork(new URL('begins-jobs.ts', import.meta.url), [folder, '300']);
    const [faults] = (await once(child, 'message')) as unknown[];
    return faults;
  });
  const over = new AbortController();
  const all = Promise.all(told).finally(() => over.abort());
  while (!over.signal.aborted) {
    await looking.sweep(timeOfDay(0), seconds(60));
    await new Promise(setImmediate);
  }
  await looking.close();
  rmSync(folder, { recursive: true });
  expect(await all).toEqual([[], [], []]);
});
