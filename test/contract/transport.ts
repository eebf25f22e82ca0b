/** What every transport promises, whatever it runs over (src/core/datagram.ts). */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Datagram, DatagramReceiver, DatagramTransport, Endpoint, SendFailure } from '../../src/core/datagram.ts';
import { UsageError } from '../../src/core/error.ts';

export interface TransportSubject {
  readonly name: string;
  /** Why it cannot be tested here; undefined where it can. */
  readonly missing: string | undefined;
  readonly address: string;
  /** An address of the other IP version. */
  readonly foreign: string;
  /** On `address`; port 0 is any. */
  open(port: number, receiver: DatagramReceiver): Promise<DatagramTransport>;
  /** Lets the network work until `done`; fails when that takes too long. */
  until(done: () => boolean): Promise<void>;
}

class Recorder implements DatagramReceiver {
  readonly batches: (readonly Datagram[])[] = [];
  readonly failures: SendFailure[] = [];
  receive(batch: readonly Datagram[]): void {
    this.batches.push(batch);
  }
  sendFailed(failure: SendFailure): void {
    this.failures.push(failure);
  }
  get datagrams(): Datagram[] {
    return this.batches.flat();
  }
}

interface Peer extends Recorder {
  readonly transport: DatagramTransport;
}

const bytesOf = (...bytes: number[]): Uint8Array => Uint8Array.from(bytes);
const outgoing = (endpoint: Endpoint, bytes: Uint8Array): Datagram => ({ bytes, endpoint, multicast: false });

export function transportContract(subject: TransportSubject): void {
  describe(`a transport over ${subject.name}`, () => {
    const opened: DatagramTransport[] = [];
    const open = async (): Promise<Peer> => {
      const recorder = new Recorder();
      const transport = await subject.open(0, recorder);
      opened.push(transport);
      return Object.assign(recorder, { transport });
    };
    const portOf = (peer: Peer): number => peer.transport.addresses[0]?.port ?? 0;
    const to = (from: Peer, peer: Peer): Endpoint =>
      from.transport.endpoint({ address: subject.address, port: portOf(peer) });
    beforeEach(({ skip }) => {
      if (subject.missing !== undefined) skip(subject.missing);
    });

    afterEach(async () => {
      await Promise.all(opened.splice(0).map((transport) => transport.close()));
    });

    test('delivers the bytes with the addresses of both ends', async () => {
      const [a, b] = [await open(), await open()];
      a.transport.send([outgoing(to(a, b), bytesOf(1, 2, 3))]);
      await subject.until(() => b.datagrams.length === 1);
      const [got] = b.datagrams;
      expect(got?.bytes).toEqual(bytesOf(1, 2, 3));
      expect(got?.endpoint.remote).toEqual({ address: subject.address, port: portOf(a) });
      expect(got?.endpoint.local).toEqual({ address: subject.address, port: portOf(b) });
      expect(got?.multicast).toBe(false);
      expect(got?.endpoint.loopback).toBe(true);
    });

    test("hands over plain byte arrays that are nobody else's", async () => {
      const [a, b] = [await open(), await open()];
      a.transport.send([outgoing(to(a, b), bytesOf(1, 2, 3))]);
      await subject.until(() => b.datagrams.length === 1);
      expect(Object.getPrototypeOf(b.datagrams[0]?.bytes)).toBe(Uint8Array.prototype);
    });

    test('returns a reply to the sender, from the address that was asked', async () => {
      const [a, b] = [await open(), await open()];
      a.transport.send([outgoing(to(a, b), bytesOf(1))]);
      await subject.until(() => b.datagrams.length === 1);
      b.transport.send(b.datagrams.map(({ endpoint }) => outgoing(endpoint, bytesOf(2))));
      await subject.until(() => a.datagrams.length === 1);
      expect(a.datagrams[0]?.endpoint).toBe(to(a, b));
    });

    test('knows a peer by one key and one object, and two ports of a machine as two peers', async () => {
      const [a, b, c] = [await open(), await open(), await open()];
      for (const peer of [a, c, a]) peer.transport.send([outgoing(to(peer, b), bytesOf(1))]);
      await subject.until(() => b.datagrams.length === 3);
      const endpoints = b.datagrams.map(({ endpoint }) => endpoint);
      expect(new Set(endpoints).size).toBe(2);
      expect(new Set(endpoints.map(({ key }) => key)).size).toBe(2);
      expect(endpoints).toContain(to(b, a));
      expect(to(b, a).key).not.toBe(to(a, b).key);
    });

    test('delivers an empty datagram and one of 65,507 bytes as they are', async () => {
      const [a, b] = [await open(), await open()];
      const large = new Uint8Array(65_507).fill(7);
      a.transport.send([outgoing(to(a, b), bytesOf()), outgoing(to(a, b), large)]);
      await subject.until(() => b.datagrams.length === 2);
      expect(b.datagrams.map(({ bytes }) => bytes.length)).toEqual([0, 65_507]);
      expect(b.datagrams[1]?.bytes).toEqual(large);
    });

    test('reports one that is too long and sends the rest of its batch', async () => {
      const [a, b] = [await open(), await open()];
      const endpoint = to(a, b);
      a.transport.send([outgoing(endpoint, new Uint8Array(66_000)), outgoing(endpoint, bytesOf(1))]);
      await subject.until(() => b.datagrams.length === 1 && a.failures.length === 1);
      expect(a.failures).toEqual([{ endpoint, code: 'EMSGSIZE' }]);
    });

    test('reports what is meant for port 0', async () => {
      const a = await open();
      const endpoint = a.transport.endpoint({ address: subject.address, port: 0 });
      a.transport.send([outgoing(endpoint, bytesOf(1))]);
      await subject.until(() => a.failures.length === 1);
      expect(a.failures).toEqual([{ endpoint, code: 'EINVAL' }]);
    });

    test('hands over in batches what came at once, none lost, each sender in order', async () => {
      const [a, b] = [await open(), await open()];
      const endpoint = to(a, b);
      a.transport.send(Array.from({ length: 200 }, (_, i) => outgoing(endpoint, bytesOf(i))));
      await subject.until(() => b.datagrams.length === 200);
      expect(b.datagrams.map(({ bytes }) => bytes[0])).toEqual(Array.from({ length: 200 }, (_, i) => i));
      expect(b.batches.length).toBeLessThan(100);
    });

    test('has no endpoint for the other IP version, and says so', async () => {
      const a = await open();
      expect(() => a.transport.endpoint({ address: subject.foreign, port: 5683 })).toThrow(UsageError);
      expect(() => a.transport.endpoint({ address: 'example.com', port: 5683 })).toThrow(/not an IP address/);
    });

    test('refuses a port that is taken', async () => {
      const a = await open();
      await expect(subject.open(portOf(a), new Recorder())).rejects.toThrow(/Cannot listen on .*choose another port/i);
    });

    test('delivers and sends nothing once it is closed', async () => {
      const [a, b, c] = [await open(), await open(), await open()];
      const [aToB, cToB] = [to(a, b), to(c, b)];
      b.transport.send([outgoing(to(b, a), bytesOf(1))]);
      await a.transport.close();
      await a.transport.close();
      a.transport.send([outgoing(aToB, bytesOf(2))]);
      c.transport.send([outgoing(cToB, bytesOf(3))]);
      await subject.until(() => b.datagrams.length > 0);
      expect(b.datagrams.map(({ bytes }) => bytes[0])).toEqual([3]);
      expect(a.datagrams).toEqual([]);
    });
  });
}
