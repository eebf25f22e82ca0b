/** P18: calls whose results are fetched later, over CoAP and over HTTP alike; they outlast the program that made them. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { connect } from '../../../src/client/sdk/connect.ts';
import type { Connection } from '../../../src/client/sdk/connection-controls.ts';
import { ArgumentError, RemoteError } from '../../../src/client/sdk/errors.ts';
import type { RemoteFunction } from '../../../src/client/sdk/remote-function.ts';
import { startGateway, type TestGateway } from '../../http/gateway.ts';

const library = `
import { setTimeout } from 'node:timers/promises';
import { context } from 'funcoap/library';
const waiting = new Map<string, () => void>();
const stopped: string[] = [];
export async function build(name: string, size = 1): Promise<string> {
  const { signal } = context();
  await new Promise<void>((resolve, reject) => {
    waiting.set(name, resolve);
    signal.addEventListener('abort', () => { stopped.push(name); reject(signal.reason); });
  });
  return name.repeat(size);
}
export async function finish(name: string): Promise<void> {
  while (!waiting.has(name)) await setTimeout(5);
  waiting.get(name)?.();
}
/** @safe */
export function stoppedOnes(): string[] { return stopped; }
export function fail(): void { throw new RangeError('no such luck'); }
export function nothing(): void {}
/** @safe */
export function* items(): Generator<number> { yield 1; }
`;

interface Libraries {
  readonly work: {
    readonly build: RemoteFunction<
      [name: string, size?: number],
      { readonly name: string; readonly size?: number },
      string
    >;
    readonly finish: RemoteFunction<[name: string], { readonly name: string }>;
    readonly stoppedOnes: RemoteFunction<[], Readonly<Record<string, never>>, readonly string[]>;
    readonly fail: RemoteFunction;
    readonly nothing: RemoteFunction;
    readonly items: RemoteFunction;
  };
}

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway({
    libraries: { 'work/index.ts': library },
    more: { workers: { threads: 1 }, debug: { internals: true } },
  });
});
afterAll(async () => gateway.close());
const patient = { timeout: 10_000, interval: 10 };

describe.each(['coap', 'http'] as const)('over %s', (door) => {
  const open = async (): Promise<Connection<Libraries>> =>
    await connect<Libraries>(door === 'coap' ? gateway.coap : gateway.url);

  test('a job gives its result when it is there, however long that takes', async () => {
    await using gw = await open();
    const job = await gw.work.build.job(door, 2);
    expect(job.uri).toMatch(/^(?:coap|http):\/\/127\.0\.0\.1:\d+\/j\/[\w-]{8}$/);
    const result = job.result();
    await expect.poll(async () => await job.status(), patient).toBe('running');
    await gw.work.finish(door);
    expect(await result).toBe(door + door);
    expect(await job.status()).toBe('done');
    expect(await job.result()).toBe(door + door);
  });

  test('another connection has it again by its URI, or its path; what is no job of this gateway is refused', async () => {
    const before = await open();
    const { uri } = await before.work.build.job({ name: `again ${door}` });
    await before.$close();
    await using gw = await open();
    await gw.work.finish(`again ${door}`);
    expect(await gw.$job<string>(uri).result()).toBe(`again ${door}`);
    expect(await gw.$job<string>(new URL(uri).pathname).result()).toBe(`again ${door}`);
    for (const wrong of ['coap://192.0.2.1/j/abcdefgh', '/o/abcdefgh', '/j/../func'])
      expect(() => gw.$job(wrong)).toThrow(expect.objectContaining({ code: 'bad-uri' }));
  });

  test('what the function throws is thrown by result; nothing is undefined', async () => {
    await using gw = await open();
    const failed = await gw.work.fail.job();
    const error: unknown = await failed.result().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RemoteError);
    expect(error).toMatchObject({ code: 'function-failed', status: '5.00', thrown: { name: 'RangeError' } });
    expect(await failed.status()).toBe('failed');
    expect(await (await gw.work.nothing.job()).result()).toBe(undefined);
  });

  test('a job is cancelled: its function is told, and it is gone', async () => {
    await using gw = await open();
    const name = `cancel ${door}`;
    // A thread that gets no processor for 100 ms ends before it has been told.
    const job = await vi.waitFor(async () => {
      const one = await gw.work.build.job(name);
      await expect.poll(async () => await one.status(), patient).toBe('running');
      await one.cancel();
      const told = async (): Promise<unknown> => await gw.work.stoppedOnes.with({ fresh: true })();
      await expect.poll(told, { timeout: 1000, interval: 10 }).toContain(name);
      return one;
    }, patient);
    await expect(job.result()).rejects.toMatchObject({ status: '4.04' });
    await expect(job.status()).rejects.toMatchObject({ status: '4.04' });
    await expect(job.cancel()).rejects.toMatchObject({ status: '4.04' });
  });

  test('waiting for it can be given up, and the job goes on', async () => {
    await using gw = await open();
    const name = `left ${door}`;
    const job = await gw.work.build.job(name);
    await expect(job.result({ signal: AbortSignal.timeout(50) })).rejects.toMatchObject({ code: 'request-aborted' });
    await gw.work.finish(name);
    expect(await job.result()).toBe(name);
  });

  test('arguments are checked before anything is sent; a stream is no job', async () => {
    await using gw = await open();
    await expect(gw.work.build.job(7 as unknown as string)).rejects.toBeInstanceOf(ArgumentError);
    await expect(gw.work.items.job()).rejects.toBeInstanceOf(ArgumentError);
  });
});
