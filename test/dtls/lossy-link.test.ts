import { describe, expect, test } from 'vitest';
import { concatBytes } from '../../src/core/bytes.ts';
import { seconds } from '../../src/core/duration.ts';
import { cipherSuites } from '../../src/dtls/cipher-suites.ts';
import { defaultDtlsOptions } from '../../src/dtls/options.ts';
import { TicketKeys } from '../../src/dtls/ticket.ts';
import { nodeCrypto } from '../../src/dtls/crypto.ts';
import { decodeRecords } from '../../src/dtls/record.ts';
import { Chance } from '../fuzz/chance.ts';
import { certificateClient, certificateServer, rawKeyClient } from './certificates.ts';
import { Link, pskClient, type InFlight, type Mangle } from './link.ts';
import type { ClientSession } from '../../src/dtls/session.ts';

/** How the two come to know each other; `again` is a second handshake, which resumes the session of a first. */
const ways = [
  { name: 'PSK', credentials: pskClient, suite: 0xc0a8, small: 120 },
  { name: 'ECDHE-PSK', credentials: pskClient, suite: 0xd003, small: 120 },
  { name: 'certificates both ways', credentials: certificateClient, suite: 0xc0ae, small: 200 },
  { name: 'raw public keys both ways', credentials: rawKeyClient, suite: 0xc0ae, small: 200 },
  { name: 'a session ID', credentials: pskClient, suite: 0xc0a8, small: 120, again: 'id' },
  { name: 'a ticket', credentials: pskClient, suite: 0xc0a8, small: 120, again: 'ticket' },
  { name: 'a ticket for certificates', credentials: certificateClient, suite: 0xc0ae, small: 200, again: 'ticket' },
] as const;

interface Kind {
  readonly name: string;
  readonly way: (typeof ways)[number];
  readonly maxDatagramBytes: number;
  readonly withCids: boolean;
}

const kinds: readonly Kind[] = ways.flatMap((way) => [
  { name: way.name, way, maxDatagramBytes: 1232, withCids: false },
  { name: `${way.name} in datagrams of ${way.small} bytes`, way, maxDatagramBytes: way.small, withCids: false },
  { name: `${way.name}, with Connection IDs both ways`, way, maxDatagramBytes: 1232, withCids: true },
]);

/** Handshakes of a kind; the first of two that resume is over when the link is handed out. */
class KindLink extends Link {
  readonly #kind: Kind;
  readonly #session: ClientSession | undefined;
  /** What was sent before. */
  readonly before: number;

  constructor(kind: Kind) {
    const { way, maxDatagramBytes, withCids } = kind;
    const again = 'again' in way ? way.again : undefined;
    const options = {
      maxDatagramBytes,
      cipherSuites: cipherSuites.filter(({ id }) => id === way.suite),
      tickets: again === 'ticket' ? new TicketKeys(nodeCrypto, 3_600_000) : undefined,
    };
    super({
      client: { ...options, ...(withCids && { connectionId: { length: 3, node: 2 } }) },
      server: { ...options, server: certificateServer, ...(withCids && { connectionId: { length: 6, node: 1 } }) },
    });
    this.#kind = kind;
    if (again !== undefined) this.establish(way.credentials);
    this.#session = this.client.of('established')[0]?.result.clientSession;
    this.before = this.sent.length;
  }

  /** Handshake under `mangle`, then a message each way over a good link. */
  completes(mangle?: Mangle): void {
    const handshakes = this.#session === undefined ? 1 : 2;
    if (mangle !== undefined) this.mangle = mangle;
    const endpoint = this.connect(this.#kind.way.credentials, this.#session);
    this.run();
    if (this.client.of('established').length < handshakes || this.server.of('established').length < handshakes)
      this.advance(seconds(600));
    expect([...this.client.of('failed'), ...this.server.of('failed')]).toEqual([]);
    this.mangle = (datagram) => [datagram];
    this.say(endpoint, 'hello');
    this.run();
    this.say(this.server.received[0]?.endpoint ?? endpoint, 'hello back', this.server);
    this.run();
    expect(this.server.received.map(({ text }) => text)).toEqual(['hello']);
    expect(this.client.received.map(({ text }) => text)).toEqual(['hello back']);
    for (const host of [this.client, this.server]) {
      expect(host.of('established')).toHaveLength(handshakes);
      expect(host.of('established').at(-1)?.result).toMatchObject({
        resumed: handshakes === 2,
        suite: { id: this.#kind.way.suite },
      });
      expect(host.engine.counters()).toMatchObject({ associations: 1, handshakes: 0, timers: 0, reassemblyBytes: 0 });
    }
  }
}

describe.each(kinds)('a handshake with $name', (kind) => {
  const datagrams = ((): number => {
    const link = new KindLink(kind);
    link.completes();
    return link.sent.length - 2 - link.before;
  })();

  /** Does it to each datagram in its turn, one a handshake. */
  const each = (act: (index: number) => Mangle): void => {
    for (let index = 0; index < datagrams; index++) new KindLink(kind).completes(act(index));
  };
  /** Does it to the datagram of this number only. */
  const once = (index: number, act: Mangle): Mangle => {
    let count = 0;
    return (datagram) => (count++ === index ? act(datagram) : [datagram]);
  };

  test('keeps to the size of datagrams that it was given', () => {
    const link = new KindLink(kind);
    link.completes();
    // A ClientHello has to be whole: it is answered without state.
    const sizes = link.sent.filter(({ bytes }) => bytes[13] !== 1).map(({ bytes }) => bytes.length);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(kind.maxDatagramBytes);
  });
  test('completes without any one of its datagrams', () => each((index) => once(index, () => [])));
  test('completes with any one of its datagrams twice', () =>
    each((index) => once(index, (datagram) => [datagram, datagram])));
  test('completes with any one of its datagrams after the next', () =>
    each((index) => {
      const held: InFlight[] = [];
      let count = 0;
      return (datagram) => {
        if (count++ === index) {
          held.push(datagram);
          return [];
        }
        return [datagram, ...held.splice(0)];
      };
    }));
  test('completes without any one of its datagrams and without the next', () =>
    each((index) => {
      let count = 0;
      return (datagram) => (count >= index && count++ < index + 2 ? [] : (count++, [datagram]));
    }));
  test('completes with the records of each datagram in the other order', () => {
    let count = 0;
    new KindLink(kind).completes((datagram) => {
      // At first only: a link that always turns them round delivers no Finished after its change_cipher_spec.
      if (count++ > 5) return [datagram];
      const starts = recordsOf(datagram.bytes);
      return [{ ...datagram, bytes: concatBytes(starts.reverse()) }];
    });
  });
  test('completes with each record in a datagram of its own, the last first', () => {
    let count = 0;
    new KindLink(kind).completes((datagram) => {
      const apart = recordsOf(datagram.bytes).map((bytes) => ({ ...datagram, bytes }));
      return count++ > 5 ? apart : apart.reverse();
    });
  });
  test('completes over a link that loses 30 %, repeats 15 % and reorders', { timeout: 60_000 }, () => {
    const times = kind.maxDatagramBytes === 1232 && !('again' in kind.way) && !kind.withCids ? 100 : 8;
    for (let seed = 1; seed <= times; seed++) new KindLink(kind).completes(lossy(new Chance(seed)));
  });
});

function lossy(chance: Chance): Mangle {
  let held: InFlight[] = [];
  return (datagram) => {
    const out = chance.uniform() < 0.3 ? [] : chance.uniform() < 0.15 ? [datagram, datagram] : [datagram];
    if (chance.uniform() < 0.2) {
      held.push(...out);
      return [];
    }
    const late = held;
    held = [];
    return [...out, ...late];
  };
}

function recordsOf(datagram: Uint8Array): Uint8Array[] {
  const records: Uint8Array[] = [];
  let at = 0;
  for (const { fragment } of decodeRecords(datagram, 0)) {
    records.push(datagram.subarray(at, at + 13 + fragment.length));
    at += 13 + fragment.length;
  }
  // Records with a Connection ID come last, and one at a time.
  if (at < datagram.length) records.push(datagram.subarray(at));
  return records;
}

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
    const [, , kind] = ways.map((way) => ({ name: way.name, way, maxDatagramBytes: 1232, withCids: false }));
    if (kind === undefined) throw new Error('no kind with certificates');
    const link = new KindLink(kind);
    link.completes((datagram) => (datagram.bytes.length > 600 ? [] : [datagram]));
    expect(link.sent.some(({ bytes }) => bytes.length > 600)).toBe(true);
  });
});
