import { describe, expect, test } from 'vitest';
import { concatBytes } from '../../src/core/bytes.ts';
import { seconds } from '../../src/core/duration.ts';
import { cipherSuites } from '../../src/dtls/cipher-suites.ts';
import { defaultDtlsOptions } from '../../src/dtls/options.ts';
import { TicketKeys } from '../../src/dtls/ticket.ts';
import { nodeCrypto } from '../../src/dtls/crypto.ts';
import { decodeRecords } from '../../src/dtls/record.ts';
import { Chance } from '../fuzz/chance.ts';
import { certificateClient, certificateServer } from './certificates.ts';
import { Link, pskClient, type InFlight, type Mangle } from './link.ts';
import type { ClientCredentials } from '../../src/dtls/credentials.ts';

/** Both kinds of handshake, whole and in small pieces. */
const kinds = [
  { name: 'PSK', credentials: pskClient, maxDatagramBytes: 1232 },
  { name: 'PSK in datagrams of 120 bytes', credentials: pskClient, maxDatagramBytes: 120 },
  { name: 'certificates', credentials: certificateClient, maxDatagramBytes: 1232 },
  { name: 'certificates in datagrams of 200 bytes', credentials: certificateClient, maxDatagramBytes: 200 },
] as const;

function linkFor(maxDatagramBytes: number): Link {
  const options = { maxDatagramBytes, tickets: new TicketKeys(nodeCrypto, 3_600_000) };
  return new Link({ client: options, server: { ...options, server: certificateServer, cipherSuites } });
}

/** Handshake under `mangle`, then a message each way over a good link. */
function completes(link: Link, credentials: ClientCredentials): void {
  const endpoint = link.establish(credentials);
  expect(link.client.of('failed')).toEqual([]);
  expect(link.connected).toBe(true);
  link.mangle = (datagram) => [datagram];
  link.say(endpoint, 'hello');
  link.run();
  link.say(link.server.received[0]?.endpoint ?? endpoint, 'hello back', link.server);
  link.run();
  expect(link.server.received.map(({ text }) => text)).toEqual(['hello']);
  expect(link.client.received.map(({ text }) => text)).toEqual(['hello back']);
  expect(link.server.of('established')).toHaveLength(1);
  expect(link.client.of('established')).toHaveLength(1);
  expect([link.client.engine.counters(), link.server.engine.counters()]).toMatchObject([
    { handshakes: 0, timers: 0, reassemblyBytes: 0 },
    { handshakes: 0, timers: 0, reassemblyBytes: 0 },
  ]);
}

describe.each(kinds)('a handshake with $name', ({ credentials, maxDatagramBytes }) => {
  const datagrams = ((): number => {
    const link = linkFor(maxDatagramBytes);
    completes(link, credentials);
    return link.sent.length - 2;
  })();
  const each = Array.from({ length: datagrams }, (_, index) => index);

  /** Does it to the datagram of this number only. */
  const once = (index: number, act: Mangle): Mangle => {
    let count = 0;
    return (datagram) => (count++ === index ? act(datagram) : [datagram]);
  };

  test('keeps to the size of datagrams that it was given', () => {
    const link = linkFor(maxDatagramBytes);
    completes(link, credentials);
    // A ClientHello has to be whole: it is answered without state.
    const sizes = link.sent.filter(({ bytes }) => bytes[13] !== 1).map(({ bytes }) => bytes.length);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(maxDatagramBytes);
  });
  test.each(each)('completes without its datagram %d', (index) => {
    const link = linkFor(maxDatagramBytes);
    link.mangle = once(index, () => []);
    completes(link, credentials);
  });
  test.each(each)('completes with its datagram %d twice', (index) => {
    const link = linkFor(maxDatagramBytes);
    link.mangle = once(index, (datagram) => [datagram, datagram]);
    completes(link, credentials);
  });
  test.each(each)('completes with its datagram %d late', (index) => {
    const link = linkFor(maxDatagramBytes);
    const held: InFlight[] = [];
    let count = 0;
    link.mangle = (datagram) => {
      if (count++ === index) {
        held.push(datagram);
        return [];
      }
      return [datagram, ...held.splice(0)];
    };
    completes(link, credentials);
  });
  test('completes with the records of each datagram in the other order', () => {
    const link = linkFor(maxDatagramBytes);
    let count = 0;
    link.mangle = (datagram) => {
      // At first only: a link that always turns them round delivers no Finished after its change_cipher_spec.
      if (count++ > 5) return [datagram];
      const starts = recordsOf(datagram.bytes);
      return [{ ...datagram, bytes: concatBytes(starts.reverse()) }];
    };
    completes(link, credentials);
  });
  test('completes with each record in a datagram of its own, the last first', () => {
    const link = linkFor(maxDatagramBytes);
    let count = 0;
    link.mangle = (datagram) => {
      const apart = recordsOf(datagram.bytes).map((bytes) => ({ ...datagram, bytes }));
      return count++ > 5 ? apart : apart.reverse();
    };
    completes(link, credentials);
  });
});

function recordsOf(datagram: Uint8Array): Uint8Array[] {
  const records: Uint8Array[] = [];
  let at = 0;
  for (const { fragment } of decodeRecords(datagram, 0)) {
    records.push(datagram.subarray(at, at + 13 + fragment.length));
    at += 13 + fragment.length;
  }
  return records;
}

describe('a link that loses 30 %, repeats 15 % and reorders', () => {
  test.each(kinds)(
    'completes 100 of 100 handshakes with $name',
    { timeout: 60_000 },
    ({ credentials, maxDatagramBytes }) => {
      for (let seed = 1; seed <= 100; seed++) {
        const chance = new Chance(seed);
        const link = linkFor(maxDatagramBytes);
        let held: InFlight[] = [];
        link.mangle = (datagram) => {
          const out = chance.uniform() < 0.3 ? [] : chance.uniform() < 0.15 ? [datagram, datagram] : [datagram];
          if (chance.uniform() < 0.2) {
            held.push(...out);
            return [];
          }
          const late = held;
          held = [];
          return [...out, ...late];
        };
        completes(link, credentials);
      }
    },
  );
});

describe('nobody there', () => {
  test('the flight is repeated with doubled waits, and then the handshake is given up', () => {
    const link = new Link();
    link.mangle = () => [];
    link.connect();
    link.run();
    const at: number[] = [];
    const start = link.now;
    const { attempts, initial } = defaultDtlsOptions.retransmission;
    for (let tries = 0; tries < 600 && link.client.of('failed').length === 0; tries++) {
      const before = link.sent.length;
      link.advance(seconds(1));
      if (link.sent.length > before) at.push((link.now - start) / initial);
    }
    expect(at).toEqual([1, 3, 7, 15, 31, 63, 123, 183, 243, 303, 363]);
    expect(link.sent).toHaveLength(attempts);
    expect(link.client.engine.counters()).toMatchObject({ handshakes: 0, timers: 0 });
  });

  test('datagrams become small when large ones seem not to arrive (RFC 6347 §4.1.1.1)', () => {
    const link = linkFor(1232);
    link.mangle = (datagram) => (datagram.bytes.length > 600 ? [] : [datagram]);
    completes(link, certificateClient);
    expect(link.sent.some(({ bytes }) => bytes.length > 600)).toBe(true);
  });
});
