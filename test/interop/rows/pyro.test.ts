/** What users of Pyro can do, the rows that take processes: certificates, and a gateway that was away. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect, type RemoteFunction } from '../../../src/index.ts';
import { GatewayProcess } from '../../gateway/gateway-process.ts';
import { RunningGateway } from '../coaps/running-gateway.ts';

let gateway: RunningGateway;
beforeAll(async () => {
  gateway = await RunningGateway.start();
});
afterAll(async () => gateway.stop());

test.each([
  ['a pre-shared key', 'meter', ''],
  ['a certificate of its own', 'gate', ' --x509'],
  ['a raw public key', 'lamp', ' --rpk'],
])('P23: %s proves who calls, and the gateway to the caller', async (_what, name, flag) => {
  const printed = await gateway.enroll(name, flag);
  expect(await gateway.funcoap(gateway.line(printed, '/func/who/am'))).toBe(`${name}\n`);
});

test('P14: a connection goes on when the gateway was away', async () => {
  const libraries = {
    'sum/index.ts': '/** @safe */ export function add(a: number, b: number): number { return a + b; }',
  };
  const first = await GatewayProcess.start({ libraries });
  await using gw = await connect<{ readonly sum: { readonly add: RemoteFunction } }>(first.uri);
  expect(await gw.sum.add(1, 2)).toBe(3);
  await first.stop();
  await expect(gw.sum.add.with({ retries: 0 })(2, 2)).rejects.toMatchObject({ code: 'request-unreachable' });
  const second = await GatewayProcess.start({ libraries, settings: [`coap.port=${first.port}`] });
  expect(await gw.sum.add(2, 2)).toBe(4);
  await second.stop();
});
