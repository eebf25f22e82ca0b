import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { channels, type TransportNotice } from '../../src/core/channels.ts';
import type { Datagram, DatagramReceiver, SendFailure } from '../../src/core/datagram.ts';
import { after, seconds, type Instant } from '../../src/core/duration.ts';
import type { Interfaces } from '../../src/transport/local-addresses.ts';
import { ManualScheduler } from '../../src/transport/manual-scheduler.ts';
import { openUdpClient } from '../../src/transport/udp-client.ts';
import { openListener, type ListenerOptions } from '../../src/transport/listener.ts';
import type { UdpTransport } from '../../src/transport/udp.ts';
import { eventually } from './eventually.ts';
import { missingAddon } from './native-addon.ts';

const linux = process.platform === 'linux';
const onlyLinux = 'only Linux has all of 127.0.0.0/8 without being told';

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

const interfacesOf = (...addresses: string[]): Interfaces => ({
  lo: addresses.map((address) => ({ address, cidr: `${address}/8`, internal: true })),
});

describe.each(['dgram', 'native'] as const)('UDP over %s', (kind) => {
  const opened: UdpTransport[] = [];
  const notices: TransportNotice[] = [];
  const noticed = (notice: unknown): void => {
    notices.push(notice as TransportNotice);
  };
  const open = async (options: Partial<ListenerOptions>): Promise<Seen & { transport: UdpTransport }> => {
    const seen = new Seen();
    const transport = await openListener({ transport: kind, port: 0, ...options }, seen);
    opened.push(transport);
    return Object.assign(seen, { transport });
  };
  const client = async (): Promise<Seen & { transport: UdpTransport }> => {
    const seen = new Seen();
    const transport = await openUdpClient({}, seen);
    opened.push(transport);
    return Object.assign(seen, { transport });
  };
  const addressesOf = ({ transport }: { transport: UdpTransport }): string[] =>
    transport.addresses.map(({ address }) => address);

  beforeEach(({ skip }) => {
    if (kind === 'native' && missingAddon !== undefined) skip(missingAddon);
    channels.transport.subscribe(noticed);
  });
  afterEach(async () => {
    channels.transport.unsubscribe(noticed);
    notices.length = 0;
    await Promise.all(opened.splice(0).map((transport) => transport.close()));
  });

  test('listens on one port on all its addresses', async ({ skip }) => {
    if (!linux) skip(onlyLinux);
    const { transport } = await open({ listen: ['127.0.0.1', '127.0.0.2', '127.0.0.1', '::ffff:127.0.0.3'] });
    expect(transport.addresses.map(({ address }) => address)).toEqual(['127.0.0.1', '127.0.0.2', '127.0.0.3']);
    expect(new Set(transport.addresses.map(({ port }) => port)).size).toBe(1);
  });

  test('answers from the address that was asked', async ({ skip }) => {
    if (!linux) skip(onlyLinux);
    const server = await open({ listen: ['0.0.0.0'], interfaces: () => interfacesOf('127.0.0.1', '127.0.0.2') });
    const device = await client();
    const port = server.transport.addresses[0]?.port ?? 0;
    for (const address of ['127.0.0.2', '127.0.0.1'])
      device.transport.send([
        { bytes: Uint8Array.of(1), endpoint: device.transport.endpoint({ address, port }), multicast: false },
      ]);
    await eventually(() => server.datagrams.length === 2);
    server.transport.send(server.datagrams);
    await eventually(() => device.datagrams.length === 2);
    expect(device.datagrams.map(({ endpoint }) => endpoint.remote.address).toSorted()).toEqual([
      '127.0.0.1',
      '127.0.0.2',
    ]);
  });

  test('follows the addresses of the machine where it listens on all of them', async ({ skip }) => {
    if (!linux) skip(onlyLinux);
    let interfaces = interfacesOf('127.0.0.1', '127.0.0.2');
    const scheduler = new ManualScheduler();
    const server = await open({ listen: ['0.0.0.0'], interfaces: () => interfaces, scheduler });
    const port = server.transport.addresses[0]?.port;
    const gone = server.transport.endpoint({ address: '127.0.0.2', port: 9 });
    interfaces = interfacesOf('127.0.0.1', '127.0.0.3');
    scheduler.moveTo(after(scheduler.now(), seconds(5)));
    await eventually(() => addressesOf(server).join(' ') === '127.0.0.1 127.0.0.3');
    expect(server.transport.addresses.every((address) => address.port === port)).toBe(true);
    server.transport.send([{ bytes: Uint8Array.of(1), endpoint: gone, multicast: false }]);
    expect(server.failures).toEqual([{ endpoint: gone, code: 'EADDRNOTAVAIL' }]);
    interfaces = interfacesOf('127.0.0.1');
    await eventually(() => scheduler.nextDeadline() !== undefined);
    scheduler.moveTo(scheduler.nextDeadline() ?? (0 as Instant));
    await eventually(() => addressesOf(server).join(' ') === '127.0.0.1');
  });

  test('keeps its addresses while the system does not say which there are', async ({ skip }) => {
    if (!linux) skip(onlyLinux);
    let interfaces: Interfaces | undefined = interfacesOf('127.0.0.1', '127.0.0.2');
    const server = await open({ listen: ['0.0.0.0'], interfaces: () => interfaces });
    interfaces = undefined;
    await server.transport.refresh();
    expect(addressesOf(server)).toEqual(['127.0.0.1', '127.0.0.2']);
  });

  test('goes on without an address that cannot be bound, and warns once', async () => {
    const scheduler = new ManualScheduler();
    const server = await open({ listen: ['127.0.0.1', '203.0.113.77'], scheduler });
    scheduler.moveTo(after(scheduler.now(), seconds(3600)));
    await server.transport.refresh();
    expect(addressesOf(server)).toEqual(['127.0.0.1']);
    expect(notices.map(({ kind, message }) => [kind, message])).toEqual([
      ['socket-error', expect.stringMatching(/Cannot listen on UDP 203\.0\.113\.77:\d+: no interface .* has/)],
    ]);
  });

  test('says what to do when nothing can be bound', async () => {
    const server = await open({ listen: ['127.0.0.1'] });
    const port = server.transport.addresses[0]?.port ?? 0;
    await expect(openListener({ transport: kind, listen: ['127.0.0.1'], port }, new Seen())).rejects.toMatchObject({
      family: 'usage',
      code: 'cannot-listen',
      message: expect.stringMatching(/another program has this port.*ss -ulpn.*choose another port/),
    });
    await expect(openListener({ transport: kind, listen: ['203.0.113.77'], port: 0 }, new Seen())).rejects.toThrow(
      /ip address/,
    );
    await expect(
      openListener({ transport: kind, listen: ['0.0.0.0'], port: 0, interfaces: () => ({}) }, new Seen()),
    ).rejects.toThrow(/No interface has an address/);
    await expect(openListener({ transport: kind, listen: ['localhost'], port: 0 }, new Seen())).rejects.toThrow(
      /not an IP address/,
    );
    await expect(openListener({ transport: kind, groups: ['192.0.2.1'], port: 0 }, new Seen())).rejects.toThrow(
      /not a multicast group/,
    );
  });

  test('says how to raise a receive buffer that the system keeps small', async () => {
    await open({ listen: ['127.0.0.1'], receiveBufferBytes: 2 ** 30 });
    expect(notices.map(({ kind }) => kind)).toEqual(['receive-buffer']);
    expect(notices[0]?.message).toMatch(/is \d+ bytes instead of 1073741824: .*sysctl -w [\w.]+=1073741824/);
  });

  test('counts and reports what cannot be sent, without telling an operator of each', async () => {
    const server = await open({ listen: ['127.0.0.1'] });
    const endpoint = server.transport.endpoint({ address: '127.0.0.1', port: 9 });
    const long = { bytes: new Uint8Array(66_000), endpoint, multicast: false };
    server.transport.send([long, long, long]);
    await eventually(() => server.failures.length === 3);
    expect(server.transport.counters).toMatchObject({ sent: 3, sendFailed: 3 });
    expect(notices).toEqual([
      { kind: 'send-failed', message: 'A datagram to 127.0.0.1:9 could not be sent: EMSGSIZE.' },
    ]);
  });

  test('a client is told of a closed port', async ({ skip }) => {
    if (!linux) skip('other systems need not tell');
    const server = await open({ listen: ['127.0.0.1'] });
    const device = await client();
    const endpoint = device.transport.endpoint(server.transport.addresses[0] ?? { address: '127.0.0.1', port: 0 });
    await server.transport.close();
    device.transport.send([{ bytes: Uint8Array.of(1), endpoint, multicast: false }]);
    await eventually(() => device.failures.length > 0);
    expect(device.failures).toEqual([{ endpoint, code: 'ECONNREFUSED' }]);
  });

  test('a client reaches more peers than it has sockets for', async () => {
    const peers = await Promise.all(Array.from({ length: 70 }, async () => await open({ listen: ['127.0.0.1'] })));
    const device = await client();
    const batch = peers.map(({ transport }) => ({
      bytes: Uint8Array.of(1),
      endpoint: device.transport.endpoint(transport.addresses[0] ?? { address: '127.0.0.1', port: 0 }),
      multicast: false,
    }));
    device.transport.send(batch);
    await eventually(() => peers.every(({ datagrams }) => datagrams.length === 1));
    for (const { transport, datagrams } of peers) transport.send(datagrams);
    await eventually(() => device.datagrams.length === 70);
    expect(new Set(device.datagrams.map(({ endpoint }) => endpoint))).toEqual(
      new Set(batch.map(({ endpoint }) => endpoint)),
    );
  });

  test('bounds what waits to be sent, and reports the rest', async () => {
    const server = await open({ listen: ['127.0.0.1'] });
    const device = await client();
    const endpoint = device.transport.endpoint(server.transport.addresses[0] ?? { address: '127.0.0.1', port: 0 });
    const batch = Array.from({ length: 20_000 }, () => ({ bytes: Uint8Array.of(1), endpoint, multicast: false }));
    device.transport.send(batch);
    expect(device.failures.length).toBe(20_000 - device.transport.counters.sent);
    expect(device.failures[0]).toEqual({ endpoint, code: 'ENOBUFS' });
    await eventually(() => server.datagrams.length > 0);
    device.transport.send(batch.slice(0, 1));
    expect(device.failures.length).toBe(20_000 - 16_384);
  });

  test('shares a port with those that share it too, and each peer is of one of them', async ({ skip }) => {
    if (!linux) skip('only Linux divides the peers of a port');
    const first = await open({ listen: ['127.0.0.1'], reusePort: true });
    const { port = 0 } = first.transport.addresses[0] ?? {};
    const second = await open({ listen: ['127.0.0.1'], port, reusePort: true });
    await expect(open({ listen: ['127.0.0.1'], port })).rejects.toMatchObject({ code: 'cannot-listen' });
    for (let i = 0; i < 40; i++) {
      const device = await client();
      const endpoint = device.transport.endpoint({ address: '127.0.0.1', port });
      const batch = [1, 2, 3].map(() => ({ bytes: Uint8Array.of(i), endpoint, multicast: false }));
      device.transport.send(batch);
    }
    const all = (): Datagram[] => [...first.datagrams, ...second.datagrams];
    await eventually(() => all().length === 120);
    for (const { datagrams } of [first, second]) {
      expect(datagrams.length).toBeGreaterThan(0);
      expect(datagrams.length % 3).toBe(0);
    }
  });

  test('loses none of a burst of a thousand datagrams', async ({ skip }) => {
    const server = await open({ listen: ['127.0.0.1'] });
    if (notices.some(({ kind }) => kind === 'receive-buffer'))
      skip('this system does not grant a receive buffer of 4 MiB (net.core.rmem_max)');
    const device = await client();
    const endpoint = device.transport.endpoint(server.transport.addresses[0] ?? { address: '127.0.0.1', port: 0 });
    const burst = Array.from({ length: 1000 }, () => ({ bytes: new Uint8Array(64), endpoint, multicast: false }));
    device.transport.send(burst);
    await eventually(() => server.datagrams.length === 1000);
  });

  test('speaks as a client from a port of its own, to both IP versions where there are both', async () => {
    const server = await open({ listen: ['127.0.0.1'] });
    const device = await client();
    const [address = { address: '127.0.0.1', port: 0 }] = server.transport.addresses;
    const endpoint = device.transport.endpoint({ ...address, address: '::ffff:127.0.0.1' });
    device.transport.send([{ bytes: Uint8Array.of(1), endpoint, multicast: false }]);
    await eventually(() => server.datagrams.length === 1);
    server.transport.send(server.datagrams);
    await eventually(() => device.datagrams.length === 1);
    expect(device.datagrams[0]?.endpoint).toBe(endpoint);
    expect(endpoint.loopback).toBe(true);
    expect(device.transport.endpoint({ address: '192.0.2.1', port: 5683 }).loopback).toBe(false);
  });
});
