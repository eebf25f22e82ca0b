/** The same program over CoAP and over HTTP, against one gateway: the same results, the same errors. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../../src/client/sdk/connect.ts';
import { RemoteError } from '../../../src/client/sdk/errors.ts';
import type { RemoteFunction } from '../../../src/client/sdk/remote-function.ts';
import { milliseconds } from '../../../src/core/duration.ts';
import { startGateway, type TestGateway } from '../../http/gateway.ts';

const source = `
import { setTimeout as sleep } from 'node:timers/promises';
let runs = 0;
/** @pure */
export function big(text: string): string { return text.repeat(1000); }
/** @safe */
export function types(bytes: Uint8Array, when: Date, big: bigint): unknown[] { return [bytes, when, big]; }
/** @safe */
export function nothing(): void {}
/** @safe */
export async function slowly(): Promise<void> { await sleep(20_000); }
export function count(): number { return ++runs; }
export function fail(): void { throw new RangeError('no such luck'); }
`;

interface Libraries {
  readonly lib: Readonly<Record<'big' | 'types' | 'nothing' | 'slowly' | 'count' | 'fail' | 'bog', RemoteFunction>>;
}

let gateway: TestGateway;
beforeAll(async () => {
  // One thread: its functions count in one place.
  gateway = await startGateway({
    libraries: { 'lib/index.ts': source },
    more: { workers: { threads: 1 }, debug: { internals: true } },
  });
});
afterAll(async () => gateway.close());

describe.each(['coap', 'http'] as const)('over %s', (door) => {
  const open = async (): ReturnType<typeof connect<Libraries>> =>
    await connect<Libraries>(door === 'coap' ? gateway.coap : gateway.url);

  test('values arrive as they are', async () => {
    await using gw = await open();
    const when = new Date('2026-01-31T12:00:00Z');
    expect(await gw.lib.types(Uint8Array.of(1), when, 2n ** 65n)).toEqual([Uint8Array.of(1), when, 2n ** 65n]);
    expect(await gw.lib.nothing()).toBeUndefined();
    expect(await gw.lib.count()).toBeTypeOf('number');
  });

  test('a result is confirmed by its ETag', async () => {
    await using gw = await open();
    const first = await gw.lib.big('ab');
    expect(first).toHaveLength(2000);
    expect(await gw.lib.big('ab')).toBe(first);
  });

  test('errors have their code, class and message', async () => {
    await using gw = await open();
    const error: unknown = await gw.lib.fail().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RemoteError);
    expect(error).toMatchObject({
      code: 'function-failed',
      status: '5.00',
      thrown: { name: 'RangeError', message: 'no such luck' },
    });
    await expect(gw.lib.bog('x')).rejects.toMatchObject({ code: 'no-such-method' });
    await expect(gw.lib.big(1)).rejects.toMatchObject({ code: 'wrong-type', parameter: 'text' });
  });

  test('timeouts, signals, ping and close', async () => {
    const gw = await open();
    await expect(gw.lib.slowly.with({ timeout: milliseconds(100), retries: 0 })()).rejects.toMatchObject({
      code: 'request-timeout',
    });
    const signal = AbortSignal.abort();
    await expect(gw.lib.slowly.with({ signal })()).rejects.toMatchObject({ code: 'request-aborted' });
    expect(await gw.$ping()).toBeGreaterThan(0);
    const call = gw.lib.slowly();
    call.catch(() => {});
    await new Promise(setImmediate);
    await gw.$close();
    await expect(call).rejects.toMatchObject({ code: 'request-closed' });
    await expect(gw.lib.count()).rejects.toMatchObject({ code: 'client-closed' });
  });

  test('nobody there is said at once, and what is no gateway too', async () => {
    await expect(connect(`${door}://127.0.0.1:2`, { retries: 0 })).rejects.toMatchObject({
      code: 'request-unreachable',
    });
    await expect(connect(`${door}://127.0.0.1:9/func/x`)).rejects.toMatchObject({ code: 'bad-uri' });
  });
});

test('an executed call is one execution for both doors', async () => {
  await using coap = await connect<Libraries>(gateway.coap);
  await using http = await connect<Libraries>(gateway.url);
  const [first, second] = [await coap.lib.count(), await http.lib.count()];
  expect(Number(second) - Number(first)).toBe(1);
});
