/** A flood of ClientHellos against the running gateway, over a real kernel: what it drops, and who comes in meanwhile. Linux, with the native transport. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { seconds, milliseconds } from '../../../src/core/duration.ts';
import { utf8 } from '../../../src/core/bytes.ts';
import { nodeCrypto } from '../../../src/dtls/crypto.ts';
import { defaultDtlsLimits, defaultDtlsOptions } from '../../../src/dtls/options.ts';
import { holdSocket } from '../../../src/transport/batch-socket.ts';
import { systemScheduler } from '../../../src/transport/scheduler.ts';
import { openSecured, type SecuredTransport } from '../../../src/transport/secured-transport.ts';
import { openUdp } from '../../../src/transport/udp.ts';
import { openUdpBatch } from '../../../src/transport/udp-batch.ts';
import { buildPrograms, type Programs } from '../../bench/build.ts';
import { addon, missingAddon } from '../../transport/native-addon.ts';
import { RunningGateway } from './running-gateway.ts';
import { patience } from '../../patience.ts';

/** Datagrams that Linux has dropped at the socket of this port. */
function droppedAt(port: number): number {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const line = readFileSync('/proc/net/udp', 'utf8')
    .split('\n')
    .map((one) => one.trim().split(/\s+/))
    .find((fields) => fields[1] === local);
  return Number(line?.at(-1));
}

beforeEach(({ skip }) => {
  if (missingAddon !== undefined) skip(missingAddon);
});

describe('in a flood of three times the ClientHellos that are looked at', () => {
  const flooded = 3 * defaultDtlsLimits.maxHellosPerSecond;
  const lastsSeconds = 10;
  let programs: Programs;
  let gateway: RunningGateway;
  const devices: SecuredTransport[] = [];
  beforeAll(async () => {
    programs = buildPrograms();
    gateway = await RunningGateway.start({ authority: false });
    await gateway.enroll('lamp', ' --psk');
  });
  afterEach(async () => {
    await Promise.all(devices.splice(0).map((device) => device.close()));
  });
  afterAll(async () => {
    await gateway.stop();
    programs[Symbol.dispose]();
  });

  /** A device is in. It comes again faster than RFC 6347 §4.2.4.1 has it, so that the test does not take minutes. */
  async function comesIn(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const device = await openSecured(
      {
        dtls: {
          ...defaultDtlsOptions,
          retransmission: { initial: milliseconds(150), longest: milliseconds(300), attempts: 60 },
          crypto: nodeCrypto,
          wallClock: () => Date.now(),
        },
        client: { preSharedKey: { identity: utf8('lamp'), key: utf8(gateway.keyOf('lamp')) } },
        scheduler: systemScheduler,
        admit: () => true,
        onEvent: (event) => {
          if (event.type === 'established') resolve(undefined);
          if (event.type === 'failed') reject(new Error(event.reason));
        },
        open: (receiver) => openUdp({ listen: ['127.0.0.1'], port: 0 }, receiver),
      },
      { receive: () => undefined, sendFailed: () => undefined },
    );
    devices.push(device);
    device.endpoint({ address: '127.0.0.1', port: gateway.port });
    await promise;
  }

  test('Linux drops what is too many, twenty new devices come in, and afterwards everything is as before', async () => {
    const args = ['hello', String(gateway.port), String(flooded), String(lastsSeconds)];
    const flood = spawn(programs.floodGenerator, args, { stdio: 'ignore' });
    const over = once(flood, 'exit');
    await vi.waitFor(() => expect(droppedAt(gateway.port)).toBeGreaterThan(flooded / 10), { timeout: 5000 });
    await Promise.all(Array.from({ length: 20 }, comesIn));
    expect(flood.exitCode).toBe(null);
    expect(await over).toEqual([0, null]);
    // Of all but the first second's, most that are too many.
    expect(droppedAt(gateway.port)).toBeGreaterThan((lastsSeconds - 2) * flooded * 0.5);
    await delay(seconds(1));
    const dropped = droppedAt(gateway.port);
    await Promise.all(Array.from({ length: 20 }, comesIn));
    expect(droppedAt(gateway.port)).toBe(dropped);
  });
});

describe('a socket that a process has left in the middle of a flood', () => {
  test('hands over all ClientHellos to the one that adopts it', async () => {
    if (addon === undefined) throw new RangeError('no addon');
    const bind = { address: '127.0.0.1', port: 0, receiveBufferBytes: 65_536, reusePort: true };
    const descriptor = holdSocket(addon, bind);
    // Left with the socket, as a gateway is by its supervisor.
    const adopting = `
      import { openUdpBatch } from ${JSON.stringify(import.meta.resolve('../../../src/transport/udp-batch.ts'))};
      import { addon } from ${JSON.stringify(import.meta.resolve('../../transport/native-addon.ts'))};
      const ignored = () => undefined;
      const options = { listen: ['127.0.0.1'], held: new Map([['127.0.0.1', 3]]) };
      const transport = await openUdpBatch(addon, options, { receive: () => process.send('heard'), sendFailed: ignored });
      transport.admit({ fresh: 0, returning: 0 });
      process.send(transport.addresses[0].port);`;
    const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', adopting], {
      stdio: ['ignore', 'inherit', 'inherit', descriptor, 'ipc'],
    });
    const [port] = (await once(child, 'message')) as [number];
    const ignored = { receive: () => undefined, sendFailed: () => undefined };
    const device = await openUdp({ listen: ['127.0.0.1'], port: 0 }, ignored);
    const hello = Uint8Array.of(22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1);
    const say = (): void =>
      device.send([{ bytes: hello, endpoint: device.endpoint({ address: '127.0.0.1', port }), multicast: false }]);
    say();
    await vi.waitFor(() => expect(droppedAt(port)).toBe(1), patience);
    child.kill('SIGKILL');
    await once(child, 'exit');
    let heard = 0;
    const receiver = {
      receive: (batch: readonly unknown[]) => void (heard += batch.length),
      sendFailed: () => undefined,
    };
    const options = { listen: ['127.0.0.1'], held: new Map([['127.0.0.1', descriptor]]) };
    const server = await openUdpBatch(addon, options, receiver);
    say();
    await vi.waitFor(() => expect(heard).toBe(1), patience);
    await Promise.all([server.close(), device.close()]);
  });
});
