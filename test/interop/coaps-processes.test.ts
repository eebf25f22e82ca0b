/** A gateway of several processes over coaps: a device with a Connection ID stays with its process, wherever it sends from. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { dotted, method } from '../../src/coap/codec/codes.ts';
import { decodeMessage, isMalformed } from '../../src/coap/codec/rfc7252.ts';
import { ran } from '../cli/terminal.ts';
import { GatewayProcess } from '../gateway/gateway-process.ts';
import { missingAddon } from '../transport/native-addon.ts';
import { RestartDevice, type DeviceOptions } from './restart-device.ts';

const processes = 3;

let folder: string;
let gateway: GatewayProcess;
let options: DeviceOptions;
const devices: RestartDevice[] = [];

beforeEach(({ skip }) => {
  if (missingAddon !== undefined) skip(missingAddon);
});
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'funcoap-processes-'));
  const { out } = await ran(['enroll', 'fleet', '--json'], { workingFolder: folder });
  const { pskIdentity: identity, key } = JSON.parse(out) as { pskIdentity: string; key: string };
  gateway = await GatewayProcess.start({
    libraries: {},
    settings: [
      `processes=${processes}`,
      `data.folder=${join(folder, 'data')}`,
      'coaps.listen=127.0.0.1',
      'coaps.port=0',
    ],
  });
  options = { port: Number(new URL(gateway.securedUri ?? '').port), identity, key };
});
afterAll(async () => {
  for (const one of devices) one.close();
  await gateway.stop();
  rmSync(folder, { recursive: true });
});

/** What the device writes to: the first byte of the gateway's Connection ID (RFC 9146 §4). */
async function asked(one: RestartDevice): Promise<number> {
  const answer = decodeMessage(await one.ask(one.request(method.GET, ['func'])));
  expect(isMalformed(answer) ? answer : dotted(answer.code)).toBe('2.05');
  const [type, node] = [one.sent.at(-1)?.[0], one.sent.at(-1)?.[11]];
  expect(type).toBe(25);
  return node ?? 0;
}

test('a device with a Connection ID that changes its port with every request stays with its process, without a new handshake', async () => {
  const homes = new Map<RestartDevice, number>();
  for (let tries = 0; tries < 100 && new Set(homes.values()).size < processes; tries++) {
    const one = new RestartDevice(options);
    devices.push(one);
    await one.connect();
    homes.set(one, await asked(one));
  }
  expect(new Set(homes.values())).toEqual(new Set([1, 2, 3]));

  for (const [one, home] of homes) {
    const ports = new Set<number>();
    for (let turn = 0; turn < 20; turn++) {
      await one.move();
      ports.add(one.port);
      expect(await asked(one)).toBe(home);
    }
    // Of so many ports, the hash alone would give some to each process, which would not answer.
    expect(ports.size).toBeGreaterThan(15);
    expect([one.established, one.closed]).toEqual([1, 0]);
  }
});
