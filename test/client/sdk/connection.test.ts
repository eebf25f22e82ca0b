/** W7: one connection for many calls at once, over a restart of the gateway, and over coaps. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { connect } from '../../../src/client/sdk/connect.ts';
import type { RemoteFunction } from '../../../src/client/sdk/remote-function.ts';
import { utf8 } from '../../../src/core/bytes.ts';
import { seconds } from '../../../src/core/duration.ts';
import { ran } from '../../cli/terminal.ts';
import { GatewayProcess } from '../../gateway/gateway-process.ts';
import { startGateway } from '../../http/gateway.ts';

const source = `
import { setTimeout as sleep } from 'node:timers/promises';
import { context } from 'funcoap/library';
/** @safe */
export function echo(value: unknown): unknown { return value; }
/** @safe */
export async function later(value: number): Promise<number> { await sleep(50 - value); return value; }
/** @safe */
export function whoAmI(): string { return context().identity; }
`;

interface Libraries {
  readonly lib: Readonly<Record<'echo' | 'later' | 'whoAmI', RemoteFunction>>;
}

test('W6, W7: many calls are under way at once, of synchronous and asynchronous functions', async () => {
  const gateway = await startGateway({ libraries: { 'lib/index.ts': source } });
  onTestFinished(async () => gateway.close());
  await using gw = await connect<Libraries>(gateway.coap);
  const numbers = Array.from({ length: 50 }, (_, n) => n);
  expect(await Promise.all(numbers.map(async (n) => await gw.lib.later(n)))).toEqual(numbers);
  expect(await Promise.all(numbers.map(async (n) => await gw.lib.echo(n)))).toEqual(numbers);
  expect(await gw.$ping()).toBeGreaterThan(0);
});

test('P14, W7: a gateway that was started again is called as before', async () => {
  const first = await startGateway({ libraries: { 'lib/index.ts': source } });
  const port = Number(new URL(first.coap).port);
  await using gw = await connect<Libraries>(first.coap, { timeout: seconds(20) });
  expect(await gw.lib.echo(1)).toBe(1);
  await first.close();
  const again = { coap: { listen: ['127.0.0.1'], port } };
  await expect(gw.lib.echo.with({ retries: 0 })(2)).rejects.toMatchObject({ code: 'request-unreachable' });
  // Asked while nobody is there: tried again until it is.
  const call = gw.lib.echo.with({ retries: 10 })(3);
  const second = await startGateway({ libraries: { 'lib/index.ts': source }, more: again });
  onTestFinished(async () => second.close());
  expect(await call).toBe(3);
});

test('over coaps an identity is called by its name; without one nothing is sent', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'funcoap-sdk-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const { out } = await ran(['enroll', 'meter-7', '--json'], { workingFolder: folder });
  const { pskIdentity, key } = JSON.parse(out) as { readonly pskIdentity: string; readonly key: string };
  const gateway = await GatewayProcess.start({
    libraries: { 'lib/index.ts': source },
    settings: [`data.folder=${join(folder, 'data')}`, 'coaps.listen=127.0.0.1', 'coaps.port=0'],
  });
  onTestFinished(async () => gateway.stop());
  const uri = gateway.securedUri ?? '';
  await expect(connect(uri)).rejects.toMatchObject({ code: 'no-credentials' });
  const credentialsWith = (secret: string): { preSharedKey: { identity: Uint8Array; key: Uint8Array } } => ({
    preSharedKey: { identity: utf8(pskIdentity), key: utf8(secret) },
  });
  await using gw = await connect<Libraries>(uri, { credentials: credentialsWith(key) });
  expect(await gw.lib.whoAmI()).toBe('meter-7');
  const wrong = connect(uri, { credentials: credentialsWith('another key'), timeout: seconds(3), retries: 0 });
  await expect(wrong).rejects.toMatchObject({ code: expect.stringMatching(/^request-(?:handshake|timeout)/) });
});
