/** P17, W6: streams are read with `for await`, over CoAP and over HTTP alike; pure functions are watched. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../../src/client/sdk/connect.ts';
import type { Connection } from '../../../src/client/sdk/connection-controls.ts';
import { ArgumentError, RemoteError } from '../../../src/client/sdk/errors.ts';
import type { RemoteFunction } from '../../../src/client/sdk/remote-function.ts';
import { seconds } from '../../../src/core/duration.ts';
import type { Value } from '../../../src/core/value.ts';
import { startGateway, type TestGateway } from '../../http/gateway.ts';

const library = `
import { appendFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { context, invalidate } from 'funcoap/library';
const note = (text: string) => appendFileSync(context().dataFolder + '/notes', text + '\\n');
/** @safe */
export function* count(to = 3): Generator<number> { for (let i = 0; i < to; i++) { note('made ' + i); yield i; } }
/** @safe */
export async function* later(to = 3): AsyncGenerator<{ i: number }> {
  try { for (let i = 0; i < to; i++) { await setTimeout(1); yield { i }; } } finally { note('later ended'); }
}
/** @safe */
export async function* silent(): AsyncGenerator<number> {
  note('silent begins');
  try { yield 1; await setTimeout(60_000, undefined, { signal: context().signal }); yield 2; } finally { note('silent ended'); }
}
/** @safe */
export function* fails(): Generator<number> { yield 1; throw new RangeError('no such luck'); }
/** @safe */
export function* kinds(): Generator<{ bytes: Uint8Array; when: Date; text: string }> {
  yield { bytes: Uint8Array.of(1, 2), when: new Date('2026-01-31T12:00:00Z'), text: 'x'.repeat(5000) };
}
/** @safe */
export function plain(): number { note('plain'); return 1; }
let price = 1;
/** @pure @maxAge 1h */
export function quote(): number { return price; }
export function change(to: number): void { price = to; invalidate({ method: 'quote' }); }
`;

interface Libraries {
  readonly gen: {
    readonly count: RemoteFunction<[to?: number], { readonly to?: number }, AsyncIterable<number>>;
    readonly later: RemoteFunction<[to?: number], { readonly to?: number }, AsyncIterable<{ readonly i: number }>>;
    readonly silent: RemoteFunction<[], Readonly<Record<string, never>>, AsyncIterable<number>>;
    readonly fails: RemoteFunction<[], Readonly<Record<string, never>>, AsyncIterable<number>>;
    readonly kinds: RemoteFunction<[], Readonly<Record<string, never>>, AsyncIterable<Value>>;
    readonly plain: RemoteFunction;
    readonly quote: RemoteFunction<[], Readonly<Record<string, never>>, number>;
    readonly change: RemoteFunction<[to: number], { readonly to: number }>;
  };
}

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway({
    libraries: { 'gen/index.ts': library, 'gen/data/notes': '' },
    more: { workers: { threads: 1 }, debug: { internals: true } },
  });
});
afterAll(async () => gateway.close());

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

const notes = (): string => readFileSync(join(gateway.folder, 'libraries/gen/data/notes'), 'utf8');
const patient = { timeout: 10_000, interval: 10 };

describe.each(['coap', 'http'] as const)('over %s', (door) => {
  const open = async (): Promise<Connection<Libraries>> =>
    await connect<Libraries>(door === 'coap' ? gateway.coap : gateway.url);

  test('items come in order, by position or by name, awaited or not, to their end', async () => {
    await using gw = await open();
    expect(await all(gw.gen.count(4))).toEqual([0, 1, 2, 3]);
    expect(await all(await gw.gen.count({ to: 2 }))).toEqual([0, 1]);
    expect(await all(gw.gen.later())).toEqual([{ i: 0 }, { i: 1 }, { i: 2 }]);
    expect(await all(gw.gen.count(0))).toEqual([]);
    expect(await all(gw.gen.count.with({ from: 7 })(9))).toEqual([7, 8]);
  });

  test('what is longer than a block comes whole, with bytes and dates as what they are', async () => {
    await using gw = await open();
    const when = new Date('2026-01-31T12:00:00Z');
    expect(await all(gw.gen.kinds())).toEqual([{ bytes: Uint8Array.of(1, 2), when, text: 'x'.repeat(5000) }]);
  });

  test('leaving the loop closes the generator at once', async () => {
    await using gw = await open();
    const before = notes().length;
    for await (const { i } of gw.gen.later(1_000_000)) if (i === 2) break;
    await expect.poll(() => notes().slice(before), patient).toBe('later ended\n');
  });

  test('so does a signal, also while nothing comes; the loop throws', async () => {
    await using gw = await open();
    const before = notes().length;
    const controller = new AbortController();
    const items: number[] = [];
    const read = async (): Promise<void> => {
      for await (const item of gw.gen.silent.with({ signal: controller.signal })()) {
        items.push(item);
        controller.abort();
      }
    };
    await expect(read()).rejects.toMatchObject({ code: 'request-aborted' });
    expect(items).toEqual([1]);
    await expect.poll(() => notes().slice(before), patient).toContain('silent ended\n');
    // Nor is it begun again, to be told that nobody wants it.
    for (let i = 0; i < 20; i++) await gw.$ping();
    expect(notes().slice(before)).toBe('silent begins\nsilent ended\n');
  });

  test('what the generator throws is thrown in the loop, behind its items', async () => {
    await using gw = await open();
    const items: number[] = [];
    const error: unknown = await (async () => {
      for await (const item of gw.gen.fails()) items.push(item);
      return undefined;
    })().catch((thrown: unknown) => thrown);
    expect(items).toEqual([1]);
    expect(error).toBeInstanceOf(RemoteError);
    expect(error).toMatchObject({
      code: 'function-failed',
      status: '5.00',
      target: 'gen/fails',
      thrown: { name: 'RangeError', message: 'no such luck' },
    });
  });

  test('arguments are checked before anything is sent; one result is no stream', async () => {
    await using gw = await open();
    const wrong = gw.gen.count.with({})('four' as unknown as number);
    await expect(all(wrong)).rejects.toBeInstanceOf(ArgumentError);
    const before = notes();
    await expect(all(gw.gen.plain())).rejects.toMatchObject({ code: 'not-iterable' });
    expect(notes()).toBe(before);
  });

  test('a pure function is watched: told at once, and when it is another', async () => {
    await using gw = await open();
    await gw.gen.change(1);
    const told: number[] = [];
    for await (const price of gw.gen.quote.watch()) {
      told.push(price);
      if (price === 8) break;
      await gw.gen.change(price === 1 ? 7 : 8);
    }
    expect(told).toEqual([1, 7, 8]);
    const often: number[] = [];
    for await (const price of gw.gen.quote.watch([], { pmin: seconds(0), pmax: seconds(1) })) {
      often.push(price);
      if (often.length === 2) break;
    }
    expect(often).toEqual([8, 8]);
    await expect(all(gw.gen.plain.watch())).rejects.toMatchObject({ code: 'not-observable' });
  });
});

test('a stream is asked for no more items than are wanted', async () => {
  await using gw = await connect<Libraries>(gateway.coap);
  const before = notes().length;
  const items = gw.gen.count(1000)[Symbol.asyncIterator]();
  await items.next();
  await items.next();
  // One is on its way while the last is looked at.
  await expect.poll(() => notes().slice(before), patient).toContain('made 2');
  for (let i = 0; i < 20; i++) await gw.$ping();
  expect(notes().slice(before)).toBe('made 0\nmade 1\nmade 2\n');
  await items.return?.();
});

test('a stream is no part of a batch', async () => {
  await using gw = await connect(gateway.coap);
  await expect(gw.$batch((later) => [later['gen']?.['count']?.(3)])).rejects.toBeInstanceOf(ArgumentError);
});
