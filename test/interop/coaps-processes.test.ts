/** A gateway of several processes over coaps: a device with a Connection ID stays with its process, wherever it sends from. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { decodeCbor } from '../../src/cbor/decode.ts';
import { decodeMessage, isMalformed } from '../../src/coap/codec/rfc7252.ts';
import { ran } from '../cli/terminal.ts';
import { GatewayProcess } from '../gateway/gateway-process.ts';
import { missingAddon } from '../transport/native-addon.ts';
import { RestartDevice, type DeviceOptions } from './restart-device.ts';

const processes = 3;
const libraries = {
  'probe/index.ts': `export function pid(what: string): string { return process.pid + ' ' + what; }`,
};

let folder: string;
let gateway: GatewayProcess;
let options: DeviceOptions;
const devices: RestartDevice[] = [];

beforeEach(({ skip }) => {
  if (missingAddon !== undefined) skip(missingAddon);
});
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'funcoap-processes-'));
  mkdirSync(join(folder, 'home'));
  const { out } = await ran(['enroll', 'fleet', '--json'], { workingFolder: folder });
  const { pskIdentity: identity, key } = JSON.parse(out) as { pskIdentity: string; key: string };
  gateway = await GatewayProcess.start({
    libraries,
    home: join(folder, 'home'),
    settings: [
      `processes=${processes}`,
      `data.folder=${join(folder, 'data')}`,
      // Two addresses: each is divided among the processes.
      'coaps.listen=127.0.0.1,::1',
      'coaps.port=0',
      // Answers travel in the ACK, however busy the machine is.
      'profile.piggybackWindow=60s',
    ],
  });
  options = { port: Number(new URL(gateway.securedUri ?? '').port), identity, key };
});
afterAll(async () => {
  for (const one of devices) one.close();
  await gateway.stop();
  rmSync(folder, { recursive: true });
});

/** The process that has answered. */
async function askedOf(one: RestartDevice, what: string): Promise<string> {
  const answer = decodeMessage(await one.ask(one.call(['func', 'probe', 'pid'], what)));
  const [pid = '', echoed] = isMalformed(answer) ? [] : String(decodeCbor(answer.payload)).split(' ');
  expect(echoed).toBe(what);
  return pid;
}

test('a device with a Connection ID that changes its port with every datagram is with one process, without a new handshake', async () => {
  const homes = new Map<RestartDevice, string>();
  for (let tries = 0; tries < 100 && new Set(homes.values()).size < processes; tries++) {
    const one = new RestartDevice(options);
    devices.push(one);
    await one.connect();
    homes.set(one, await askedOf(one, 'home'));
  }
  expect(new Set(homes.values()).size).toBe(processes);

  for (const [one, home] of homes) {
    const ports = new Set<number>();
    for (let turn = 0; turn < 20; turn++) {
      await one.move();
      ports.add(one.port);
      expect(await askedOf(one, `turn-${turn}`)).toBe(home);
    }
    // Of twenty ports, the hash alone would give some to each process.
    expect(ports.size).toBeGreaterThan(15);
    expect([one.established, one.closed]).toEqual([1, 0]);
  }
});
