/** What Linux drops of the ClientHellos that come to a socket of the native transport, and that nothing else is. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { concatBytes, hex } from '../../src/core/bytes.ts';
import type { Datagram, DatagramReceiver, HelloShares } from '../../src/core/datagram.ts';
import { nodeCrypto } from '../../src/dtls/crypto.ts';
import { HelloListener } from '../../src/dtls/hello-listener.ts';
import type { RecordView } from '../../src/dtls/record.ts';
import type { Instant } from '../../src/core/duration.ts';
import { openUdpBatch } from '../../src/transport/udp-batch.ts';
import type { UdpAddon } from '../../src/transport/native/addon.ts';
import type { UdpTransport } from '../../src/transport/udp.ts';
import { endpointOf } from '../dtls/link.ts';
import { eventually } from './eventually.ts';
import { addon, missingAddon } from './native-addon.ts';

/** What stands behind the cookie does not count. `said`: the length of the session ID, where it is a lie. */
function hello({ type = 22, epoch = 0, message = 1, sessionId = 0, cookie = 0, said = -1 } = {}): Uint8Array {
  return Uint8Array.of(
    // content type, version, epoch, sequence number, length
    ...[type, 0xfe, 0xfd, epoch >> 8, epoch & 255, 0, 0, 0, 0, 0, 0, 0, 60],
    // msg_type, length, message_seq, fragment_offset, fragment_length
    ...[message, 0, 0, 48, 0, 0, 0, 0, 0, 0, 0, 48],
    // client_version, random, session_id, cookie
    ...[0xfe, 0xfd, ...new Uint8Array(32).fill(16), said < 0 ? sessionId : said, ...new Uint8Array(sessionId).fill(16)],
    ...[cookie, ...new Uint8Array(cookie)],
  );
}

const sockets: UdpTransport[] = [];

async function open(receiver: DatagramReceiver, address: string, over = addon): Promise<UdpTransport> {
  if (over === undefined) throw new RangeError('no addon');
  const transport = await openUdpBatch(over, { listen: [address], port: 0 }, receiver);
  sockets.push(transport);
  return transport;
}

class Pair {
  readonly #arrived: Uint8Array[] = [];
  readonly #device: UdpTransport;
  readonly server: UdpTransport;
  #turn = 0;

  private constructor(device: UdpTransport, server: UdpTransport, arrived: Uint8Array[]) {
    this.#device = device;
    this.server = server;
    this.#arrived = arrived;
  }

  static async open(listen = '127.0.0.1', to = listen): Promise<Pair> {
    const arrived: Uint8Array[] = [];
    const receive = (batch: readonly Datagram[]): void => {
      arrived.push(...batch.map(({ bytes }) => bytes));
    };
    const server = await open({ receive, sendFailed: () => undefined }, listen);
    const device = await open({ receive: () => undefined, sendFailed: () => undefined }, to);
    return new Pair(device, server, arrived);
  }

  /** Those of them that arrive: loopback keeps the order, so that the end is marked by one more. */
  async through(datagrams: readonly Uint8Array[]): Promise<Uint8Array[]> {
    const { address, port } = this.#device.addresses[0] ?? { address: '', port: 0 };
    expect(port).not.toBe(0);
    const endpoint = this.#device.endpoint({ address, port: this.server.addresses[0]?.port ?? 0 });
    const passed: Uint8Array[] = [];
    for (let at = 0; at < datagrams.length; at += 100) {
      const last = Uint8Array.of(0, ++this.#turn >> 8, this.#turn & 255);
      const batch = [...datagrams.slice(at, at + 100), last];
      this.#device.send(batch.map((bytes) => ({ bytes, endpoint, multicast: false })));
      await eventually(() => hex(this.#arrived.at(-1) ?? last.subarray(1)) === hex(last));
      passed.push(...this.#arrived.splice(0).slice(0, -1));
    }
    return passed;
  }
}

const none: HelloShares = { fresh: 0, returning: 0 };
const withCookie: HelloShares = { fresh: 0, returning: 1 };
const everybody: HelloShares = { fresh: 1, returning: 1 };

beforeEach(({ skip }) => {
  if (missingAddon !== undefined) skip(missingAddon);
});
afterEach(async () => {
  await Promise.all(sockets.splice(0).map((transport) => transport.close()));
});

describe.each([
  ['127.0.0.1', '127.0.0.1'],
  ['::1', '::1'],
  ['0.0.0.0', '127.0.0.1'],
  ['::', '::1'],
])('a socket on %s that is to hand over no ClientHellos without a cookie', (listen, to) => {
  test('gets those with one of our length, and whatever else comes, byte for byte', async () => {
    const pair = await Pair.open(listen, to);
    pair.server.admit?.(withCookie);
    const lengths = Array.from({ length: 33 }, (_, length) => length);
    const returning = lengths.map((sessionId) => hello({ sessionId, cookie: 16 }));
    const fresh = lengths.flatMap((sessionId) => [0, 1, 15, 17, 255].map((cookie) => hello({ sessionId, cookie })));
    const others = [
      ...[20, 21, 23, 25, 0, 255].map((type) => hello({ type })),
      ...[1, 0x100, 0xffff].map((epoch) => hello({ epoch })),
      ...[0, 2, 3, 11, 16, 20, 255].map((message) => hello({ message })),
      // Less than a header and the first byte of a message.
      ...Array.from({ length: 14 }, (_, length) => hello().subarray(0, length)),
      new Uint8Array(60_000).fill(22),
    ];
    const mixed = [...fresh, ...returning, ...others, ...fresh];
    expect((await pair.through(mixed)).map(hex)).toEqual([...returning, ...others].map(hex));
  });
});

describe('a socket that is to hand over a share of the ClientHellos', () => {
  test('counts one that is cut off, or lies about its session ID, as without a cookie', async () => {
    const pair = await Pair.open();
    pair.server.admit?.(withCookie);
    const whole = hello({ sessionId: 4, cookie: 16 });
    const cookieAt = 13 + 12 + 34 + 1 + 4;
    const cut = Array.from({ length: whole.length - 14 }, (_, length) => whole.subarray(0, 14 + length));
    const lying = [whole.length - cookieAt + 4, 100, 196, 197, 198, 255].map((said) =>
      hello({ sessionId: 4, cookie: 16, said }),
    );
    const passed = await pair.through([...cut, ...lying]);
    expect(passed.map(({ length }) => length)).toEqual(
      cut.map(({ length }) => length).filter((length) => length > cookieAt),
    );
    // None of them is lost where ClientHellos without a cookie are wanted, and only those with one where they are not.
    pair.server.admit?.({ fresh: 1, returning: 0 });
    expect(await pair.through([...cut, ...lying, hello()])).toHaveLength(cut.length - passed.length + lying.length + 1);
  });

  test('hands over all as soon as all are wanted', async () => {
    const pair = await Pair.open();
    const both = [hello(), hello({ cookie: 16 })];
    pair.server.admit?.(none);
    expect(await pair.through(both)).toHaveLength(0);
    pair.server.admit?.(everybody);
    expect(await pair.through(both)).toHaveLength(2);
    // Again, though there is nothing to take away.
    pair.server.admit?.(everybody);
    expect(await pair.through(both)).toHaveLength(2);
    expect(pair.server.counters.socketErrors).toBe(0);
  });

  test('goes on, and says so, where Linux takes no program', async () => {
    if (addon === undefined) throw new RangeError('no addon');
    const refusing: UdpAddon = Object.create(addon, { admitHellos: { value: () => -1 } });
    const transport = await open({ receive: () => undefined, sendFailed: () => undefined }, '127.0.0.1', refusing);
    transport.admit?.(withCookie);
    expect(transport.counters.socketErrors).toBe(1);
  });

  test('casts a die for each of them', async () => {
    const pair = await Pair.open();
    pair.server.admit?.({ fresh: 0.5, returning: 0.1 });
    const kinds = [hello(), hello({ cookie: 16 }), hello({ message: 2 })];
    const sent = Array.from({ length: 3000 }, (_, i) => kinds[i % 3] ?? hello());
    const passed = await pair.through(sent);
    const [fresh = 0, returning = 0, others = 0] = kinds.map(
      (kind) => passed.filter((one) => hex(one) === hex(kind)).length,
    );
    // Eight standard deviations.
    expect(Math.abs(fresh - 500)).toBeLessThan(127);
    expect(Math.abs(returning - 100)).toBeLessThan(76);
    expect(others).toBe(1000);
  });

  test('divides them as DTLS does', async () => {
    const listener = (): HelloListener => new HelloListener(nodeCrypto, 1);
    const now = 1000 as Instant;
    const taken = (record: RecordView): HelloListener => {
      const one = listener();
      one.receive(record, endpointOf('device', 'server'), now);
      return one;
    };
    const recordOf = (fragment: Uint8Array): RecordView => ({
      type: 22,
      epoch: 0,
      sequence: 0,
      cid: new Uint8Array(),
      fragment,
    });
    const spent = {
      fresh: taken(recordOf(hello().subarray(13))),
      returning: taken(recordOf(hello({ cookie: 16 }).subarray(13))),
    };
    const byte = fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 16, 22, 32));
    const mutated = fc
      .record({
        from: fc.record({ sessionId: fc.nat(40), cookie: fc.constantFrom(0, 16, 16, 17) }).map(hello),
        at: fc.array(fc.tuple(fc.oneof(fc.nat(80), fc.constantFrom(0, 3, 4, 13, 59, 60)), byte), { maxLength: 3 }),
        end: fc.option(fc.nat(120)),
      })
      .map(({ from, at, end }) => {
        const bytes = Uint8Array.from(from);
        for (const [where, value] of at) if (where < bytes.length) bytes[where] = value;
        return bytes.subarray(0, end ?? undefined);
      });
    const anything = fc.oneof(
      mutated,
      mutated.map((bytes) => concatBytes([bytes, bytes])),
      fc.uint8Array({ maxLength: 100 }),
    );
    const datagrams = fc.sample(anything, 2000);
    const pair = await Pair.open();
    for (const [kind, other] of [
      ['fresh', 'returning'],
      ['returning', 'fresh'],
    ] as const) {
      pair.server.admit?.({ ...none, [other]: 1 });
      const kept = datagrams.filter((bytes) => !spent[kind].refuses(bytes, 0, bytes.length, now));
      expect(kept.length).toBeGreaterThan(100);
      expect(kept.length).toBeLessThan(1900);
      expect((await pair.through(datagrams)).map(hex)).toEqual(kept.map(hex));
    }
  });
});
