/** What is the native transport's own; what it shares with the portable one is in udp.test.ts and the contract. */
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { hex } from '../../src/core/bytes.ts';
import type { Datagram, DatagramReceiver, SendFailure } from '../../src/core/datagram.ts';
import { normaliseAddress } from '../../src/transport/address.ts';
import { addressText, addressWords } from '../../src/transport/address-words.ts';
import { divideByConnectionId, holdSocket } from '../../src/transport/batch-socket.ts';
import { openUdpBatch } from '../../src/transport/udp-batch.ts';
import type { UdpOptions, UdpTransport } from '../../src/transport/udp.ts';
import type { UdpAddon } from '../../src/transport/native/addon.ts';
import { buildAddon, faultyKernel, loadAddon } from './build-addon.ts';
import { eventually } from './eventually.ts';
import { addon, missingAddon } from './native-addon.ts';

class Seen implements DatagramReceiver {
  readonly datagrams: Datagram[] = [];
  readonly failures: SendFailure[] = [];
  receive(batch: readonly Datagram[]): void {
    this.datagrams.push(...batch);
  }
  sendFailed(failure: SendFailure): void {
    this.failures.push(failure);
  }
}

type Peer = Seen & { transport: UdpTransport };
const opened: UdpTransport[] = [];

async function open(over: UdpAddon | undefined, options: Partial<UdpOptions> = {}): Promise<Peer> {
  if (over === undefined) throw new RangeError('no addon');
  const seen = new Seen();
  const transport = await openUdpBatch(over, { listen: ['127.0.0.1'], port: 0, ...options }, seen);
  opened.push(transport);
  return Object.assign(seen, { transport });
}

const loopback = { address: '127.0.0.1', port: 0 };
const toward = (from: Peer, to: Peer, address?: string): Datagram['endpoint'] => {
  const [remote = loopback] = to.transport.addresses;
  return from.transport.endpoint({ ...remote, address: address ?? remote.address });
};
const numbered = (endpoint: Datagram['endpoint'], count: number): Datagram[] =>
  Array.from({ length: count }, (_, i) => ({ bytes: Uint8Array.of(i >> 8, i & 255), endpoint, multicast: false }));
const numbers = ({ datagrams }: Seen): number[] =>
  datagrams.map(({ bytes }) => ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0));

beforeEach(({ skip }) => {
  if (missingAddon !== undefined) skip(missingAddon);
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((transport) => transport.close()));
});

describe('the native transport', () => {
  test('answers from an address of no interface that was asked through a wildcard', async () => {
    const server = await open(addon, { listen: ['0.0.0.0'] });
    const device = await open(addon);
    device.transport.send(numbered(toward(device, server, '127.0.0.77'), 1));
    await eventually(() => server.datagrams.length === 1);
    expect(server.datagrams[0]?.endpoint.local.address).toBe('127.0.0.77');
    server.transport.send(server.datagrams);
    await eventually(() => device.datagrams.length === 1);
    expect(device.datagrams[0]?.endpoint.remote.address).toBe('127.0.0.77');
  });

  test('adopts a socket that is held for it, with what came before', async () => {
    if (addon === undefined) throw new RangeError('no addon');
    const port = (await open(addon)).transport.addresses[0]?.port ?? 0;
    await opened.pop()?.close();
    const bind = { address: '127.0.0.1', port, receiveBufferBytes: 65_536, reusePort: true };
    const held = new Map([['127.0.0.1', holdSocket(addon, bind)]]);
    const device = await open(addon);
    device.transport.send(numbered(device.transport.endpoint({ address: '127.0.0.1', port }), 3));
    const server = await open(addon, { held });
    expect(server.transport.addresses).toEqual([{ address: '127.0.0.1', port }]);
    await eventually(() => server.datagrams.length === 3);
    server.transport.send(server.datagrams);
    await eventually(() => device.datagrams.length === 3);
  });

  test.each(['127.0.0.1', '::1'])(
    'of sockets that share a port on %s each gets the DTLS records whose Connection ID has its number, wherever they come from',
    async (address) => {
      const native = addon;
      if (native === undefined) throw new RangeError('no addon');
      const port = (await open(native, { listen: [address] })).transport.addresses[0]?.port ?? 0;
      await opened.pop()?.close();
      const bind = { address, port, receiveBufferBytes: 65_536, reusePort: true };
      const descriptors = [1, 2, 3].map(() => holdSocket(native, bind));
      divideByConnectionId(native, descriptors[0] ?? -1);
      const servers: Peer[] = [];
      for (const descriptor of descriptors)
        servers.push(await open(addon, { listen: [address], held: new Map([[address, descriptor]]) }));
      // RFC 9146 §4: type, version, epoch, sequence number, Connection ID.
      const record = (type: number, node: number): Uint8Array =>
        Uint8Array.of(type, 254, 253, 0, 1, 0, 0, 0, 0, 0, 9, node, 7);
      const named = [1, 2, 3].map((node) => record(25, node));
      const others = [record(25, 0), record(25, 4), record(23, 1), record(25, 1).subarray(0, 11), Uint8Array.of(25)];
      for (let count = 0; count < 12; count++) {
        const device = await open(addon, { listen: [address] });
        const endpoint = device.transport.endpoint({ address, port });
        device.transport.send([...named, ...others].map((bytes) => ({ bytes, endpoint, multicast: false })));
      }
      const arrivedAt = (bytes: Uint8Array): number[] =>
        servers.flatMap(({ datagrams }, at) =>
          datagrams.filter((one) => hex(one.bytes) === hex(bytes)).map(() => at + 1),
        );
      await eventually(() => [...named, ...others].every((bytes) => arrivedAt(bytes).length === 12));
      for (const [at, bytes] of named.entries()) expect(new Set(arrivedAt(bytes))).toEqual(new Set([at + 1]));
      // Where the hash of the addresses says: of twelve peers, not all with one.
      for (const bytes of others) expect(new Set(arrivedAt(bytes)).size).toBeGreaterThan(1);
    },
  );

  test('refuses to adopt what is no UDP socket of that IP version', async () => {
    const held = new Map([['127.0.0.1', openSync('/dev/null', 'r')]]);
    await expect(open(addon, { held })).rejects.toMatchObject({ code: 'cannot-listen' });
    closeSync(held.get('127.0.0.1') ?? -1);
  });

  test('hands over bytes that stay as they are, of any length', async () => {
    const [a, b] = [await open(addon), await open(addon)];
    const endpoint = toward(a, b);
    const batch = Array.from({ length: 300 }, (_, i) => ({
      bytes: new Uint8Array((i * 37) % 1500).fill(i),
      endpoint,
      multicast: false,
    }));
    for (let i = 0; i < 300; i += 50) {
      a.transport.send(batch.slice(i, i + 50));
      await eventually(() => b.datagrams.length === i + 50);
    }
    expect(b.datagrams.map(({ bytes }) => bytes)).toEqual(batch.map(({ bytes }) => bytes));
  });

  test('keeps no more than 4 KiB alive for a datagram of up to 1 KiB that is kept', async () => {
    const [a, b] = [await open(addon), await open(addon)];
    const endpoint = toward(a, b);
    a.transport.send(
      [65, 500, 1024, 1025, 30_000].map((length) => ({ bytes: new Uint8Array(length), endpoint, multicast: false })),
    );
    await eventually(() => b.datagrams.length === 5);
    expect(b.datagrams.map(({ bytes }) => bytes.buffer.byteLength)).toEqual([4096, 4096, 4096, 1025, 30_000]);
  });

  test('sends to an endpoint that is a copy, and as another transport made it', async () => {
    const [a, b] = [await open(addon), await open(addon)];
    const { key, remote, local } = toward(a, b);
    a.transport.send(numbered({ key, remote, local, loopback: true }, 3));
    await eventually(() => b.datagrams.length === 3);
    expect(numbers(b)).toEqual([0, 1, 2]);
  });

  test('may be sent to again by whoever is told of a failure', async () => {
    const [a, b] = [await open(addon), await open(addon)];
    const endpoint = toward(a, b);
    a.sendFailed = () => a.transport.send(numbered(endpoint, 1));
    const long = { bytes: new Uint8Array(65_520), endpoint, multicast: false };
    a.transport.send([...numbered(endpoint, 2), long, ...numbered(endpoint, 2)]);
    await eventually(() => b.datagrams.length === 5);
    expect(numbers(b).toSorted((one, other) => one - other)).toEqual([0, 0, 0, 1, 1]);
  });

  test('may be closed by whoever it hands datagrams to', async () => {
    const [a, b] = [await open(addon), await open(addon)];
    let batches = 0;
    b.receive = () => {
      batches++;
      void b.transport.close();
    };
    a.transport.send(numbered(toward(a, b), 200));
    await eventually(() => batches === 1);
    const c = await open(addon);
    c.transport.send(numbered(toward(c, a), 1));
    await eventually(() => a.datagrams.length === 1);
    expect(batches).toBe(1);
  });
});

describe('over a kernel that is never quite ready', () => {
  const folder = mkdtempSync(join(tmpdir(), 'funcoap-faulty-'));
  let faulty: UdpAddon | undefined;
  beforeAll(() => {
    if (missingAddon !== undefined) return;
    buildAddon(join(folder, 'faulty.node'), faultyKernel);
    faulty = loadAddon(join(folder, 'faulty.node'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('nothing is lost, and all is in order', async () => {
    const [a, b] = [await open(faulty), await open(addon)];
    const batch = numbered(toward(a, b), 5000);
    for (let i = 0; i < 5000; i += 500) {
      a.transport.send(batch.slice(i, i + 500));
      await eventually(() => b.datagrams.length === i + 500);
    }
    expect(numbers(b)).toEqual(batch.map((_, i) => i));
    expect(a.failures).toEqual([]);
  });

  test('what waits is bounded, the rest is reported, and closing forgets it', async () => {
    const [a, b] = [await open(faulty), await open(addon)];
    const endpoint = toward(a, b);
    for (let i = 0; i < 10; i++) a.transport.send(numbered(endpoint, 40_000));
    expect(a.failures.length).toBeGreaterThan(300_000 - 16_384);
    expect(new Set(a.failures.map(({ code }) => code))).toEqual(new Set(['ENOBUFS']));
    await a.transport.close();
    a.transport.send(numbered(endpoint, 1));
    expect(a.transport.counters.sent).toBe(400_000);
  });
});

describe('addresses as words', () => {
  test('become the same text again', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
        const address = normaliseAddress(text);
        const family = address.includes(':') ? 'IPv6' : 'IPv4';
        expect(addressText(addressWords(address), 0, family)).toBe(address);
      }),
    );
    expect([...addressWords('fe80::1%eth0')]).toEqual([0xfe800000 | 0, 0, 0, 1]);
    expect([...addressWords('192.0.2.1')]).toEqual([0, 0, 0, 0xc0000201 | 0]);
  });
});
