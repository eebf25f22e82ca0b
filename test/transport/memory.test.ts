import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Datagram, DatagramReceiver, DatagramTransport, SendFailure } from '../../src/core/datagram.ts';
import { milliseconds } from '../../src/core/duration.ts';
import { MemoryNetwork, type Link } from '../../src/transport/memory.ts';

/** mulberry32 */
const seeded = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
};

class Seen implements DatagramReceiver {
  readonly datagrams: Datagram[] = [];
  readonly times: number[] = [];
  readonly failures: SendFailure[] = [];
  readonly network: MemoryNetwork;
  constructor(network: MemoryNetwork) {
    this.network = network;
  }
  receive(batch: readonly Datagram[]): void {
    for (const datagram of batch) {
      this.datagrams.push(datagram);
      this.times.push(this.network.scheduler.now());
    }
  }
  sendFailed(failure: SendFailure): void {
    this.failures.push(failure);
  }
}

function pair(link: Partial<Link>, seed = 1) {
  const network = new MemoryNetwork({ random: seeded(seed), link });
  const [seenA, seenB] = [new Seen(network), new Seen(network)];
  const a = network.open({ address: '192.0.2.1', port: 1000 }, seenA);
  const b = network.open({ address: '192.0.2.2', port: 5683, groups: ['224.0.1.187'] }, seenB);
  return { network, a, b, seenA, seenB };
}

const send = (from: DatagramTransport, address: string, ...bytes: number[]): void => {
  const endpoint = from.endpoint({ address, port: 5683 });
  from.send(bytes.map((byte) => ({ bytes: Uint8Array.of(byte), endpoint, multicast: false })));
};
const first = ({ bytes }: Datagram): number | undefined => bytes[0];
const hundred = Array.from({ length: 100 }, (_, i) => i);

describe('the network in memory', () => {
  test('delivers at the very instant the delay says', () => {
    const { network, a, seenB } = pair({ delay: milliseconds(25) });
    send(a, '192.0.2.2', 1);
    network.advance(milliseconds(24));
    expect(seenB.datagrams).toEqual([]);
    network.advance(milliseconds(10));
    expect(seenB.times).toEqual([25]);
    expect(network.scheduler.now()).toBe(34);
  });

  test('loses and duplicates about as often as it is told to', () => {
    const { network, a, seenB } = pair({ loss: 0.2, duplication: 0.3, reordering: 0.2 });
    for (let i = 0; i < 20; i++) {
      send(a, '192.0.2.2', ...hundred);
      network.advance(milliseconds(100));
    }
    const expected = 2000 * 0.8 * 1.3;
    expect(Math.abs(seenB.datagrams.length - expected)).toBeLessThan(expected * 0.05);
  });

  test('reorders what it holds back', () => {
    const { network, a, seenB } = pair({ reordering: 0.2 });
    send(a, '192.0.2.2', ...hundred);
    network.advance(milliseconds(100));
    const got = seenB.datagrams.map((datagram) => first(datagram) ?? -1);
    expect(got).not.toEqual(hundred);
    expect(got.toSorted((x, y) => x - y)).toEqual(hundred);
  });

  test('keeps the order where it is not told otherwise', () => {
    const { network, a, seenB } = pair({ loss: 0.3 });
    send(a, '192.0.2.2', ...hundred);
    network.advance(milliseconds(1));
    const got = seenB.datagrams.map((datagram) => first(datagram) ?? -1);
    expect(got).toEqual(got.toSorted((x, y) => x - y));
    expect(got.length).toBeLessThan(100);
  });

  test('does the same again with the same random numbers', () => {
    const run = (seed: number): string => {
      const { network, a, seenB } = pair(
        { loss: 0.2, jitter: milliseconds(20), duplication: 0.2, reordering: 0.2 },
        seed,
      );
      send(a, '192.0.2.2', ...hundred);
      network.advance(milliseconds(500));
      return JSON.stringify([seenB.times, seenB.datagrams.map(first)]);
    };
    const again = fc.property(fc.integer(), (seed) => {
      expect(run(seed)).toBe(run(seed));
    });
    fc.assert(again, { numRuns: 20 });
    expect(run(1)).not.toBe(run(2));
  });

  test('has links of their own, one for each direction', () => {
    const { network, a, b, seenA, seenB } = pair({});
    network.link('192.0.2.1', '192.0.2.2', { loss: 1 });
    send(a, '192.0.2.2', 1);
    b.send([{ bytes: Uint8Array.of(2), endpoint: b.endpoint({ address: '192.0.2.1', port: 1000 }), multicast: false }]);
    network.advance(milliseconds(10));
    expect(seenB.datagrams).toEqual([]);
    expect(seenA.datagrams.map(first)).toEqual([2]);
  });

  test('gives a copy, so that nobody changes what has been sent', () => {
    const { network, a, seenB } = pair({});
    const bytes = Uint8Array.of(1);
    a.send([{ bytes, endpoint: a.endpoint({ address: '192.0.2.2', port: 5683 }), multicast: false }]);
    bytes[0] = 9;
    network.advance(milliseconds(1));
    expect(seenB.datagrams.map(first)).toEqual([1]);
  });

  test('delivers to the members of a group, flagged, with an endpoint to answer from', () => {
    const { network, a, b, seenA, seenB } = pair({});
    send(a, '224.0.1.187', 7);
    network.advance(milliseconds(1));
    const [got] = seenB.datagrams;
    expect(got?.multicast).toBe(true);
    expect(got?.endpoint.local).toEqual({ address: '192.0.2.2', port: 5683 });
    if (got !== undefined) b.send([{ ...got, multicast: false }]);
    network.advance(milliseconds(1));
    expect(seenA.datagrams[0]?.endpoint.remote.address).toBe('192.0.2.2');
    expect(seenA.datagrams[0]?.multicast).toBe(false);
  });

  test('reports what no address takes and what is longer than the MTU', () => {
    const { network, a, seenA } = pair({ mtuBytes: 100 });
    send(a, '192.0.2.77', 1);
    const endpoint = a.endpoint({ address: '192.0.2.2', port: 5683 });
    a.send([{ bytes: new Uint8Array(101), endpoint, multicast: false }]);
    network.advance(milliseconds(1));
    expect(seenA.failures.map(({ code }) => code)).toEqual(['EHOSTUNREACH', 'EMSGSIZE']);
  });

  test('says so when two ends answer each other without any delay', () => {
    const network = new MemoryNetwork({ random: seeded(1), link: { delay: milliseconds(0) } });
    const transports: DatagramTransport[] = [];
    const echo = (index: number): DatagramReceiver => ({
      receive: (batch) => transports[index]?.send(batch),
      sendFailed: () => undefined,
    });
    transports.push(network.open({ address: '192.0.2.1', port: 1 }, echo(0)));
    transports.push(network.open({ address: '192.0.2.2', port: 5683 }, echo(1)));
    const [a] = transports;
    if (a !== undefined) send(a, '192.0.2.2', 1);
    expect(() => network.advance(milliseconds(1))).toThrow(/give the links a delay/);
  });
});
