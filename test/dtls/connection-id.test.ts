import { describe, expect, test } from 'vitest';
import { emptyBytes, hex, utf8 } from '../../src/core/bytes.ts';
import { seconds } from '../../src/core/duration.ts';
import type { AssociationEndpoint } from '../../src/dtls/association.ts';
import { extensionTypes } from '../../src/dtls/messages/extensions.ts';
import { vector } from '../../src/dtls/presentation.ts';
import { contentType, decodeRecords, type RecordView } from '../../src/dtls/record.ts';
import type { DtlsOptions } from '../../src/dtls/options.ts';
import { reservedBlock } from '../../src/dtls/reservations.ts';
import { bytesOf } from './bytes.ts';
import { MemoryJournal } from './journal.ts';
import { Link, psk, pskIdentity, type InFlight } from './link.ts';
import { extension, plainHello, Puppet } from './puppet.ts';

const serverCid = { connectionId: { length: 6, node: 0x2a } };

function connected(options?: ConstructorParameters<typeof Link>[0]): {
  link: Link;
  endpoint: AssociationEndpoint;
} {
  const link = new Link(options ?? { server: serverCid });
  const endpoint = link.establish();
  expect(link.connected).toBe(true);
  return { link, endpoint };
}

const texts = (link: Link, by: 'client' | 'server'): string[] => link[by].received.map(({ text }) => text);
const lastTo = (link: Link, to: InFlight['to']): InFlight | undefined => link.sent.findLast((one) => one.to === to);
const recordOf = (datagram: InFlight | undefined, cidLength: number): RecordView | undefined =>
  decodeRecords(datagram?.bytes ?? new Uint8Array(), cidLength)[0];

describe('a Connection ID (RFC 9146)', () => {
  test('is in every protected record to the server, begins with the node, and hides the type', () => {
    const { link, endpoint } = connected();
    link.say(endpoint, 'hello');
    link.run();
    const record = recordOf(lastTo(link, 'server'), 6);
    expect(record?.type).toBe(25);
    expect(record?.cid).toHaveLength(6);
    expect(record?.cid[0]).toBe(0x2a);
  });

  test('is not in records to a client that wants none', () => {
    const { link, endpoint } = connected();
    link.say(endpoint, 'hello');
    link.run();
    link.say(link.server.received[0]?.endpoint ?? endpoint, 'back', link.server);
    link.run();
    expect(recordOf(lastTo(link, 'client'), 0)?.type).toBe(23);
    expect(texts(link, 'client')).toEqual(['back']);
  });

  test('goes both ways where both want one, of different lengths', () => {
    const { link, endpoint } = connected({ server: serverCid, client: { connectionId: { length: 3, node: 9 } } });
    link.say(endpoint, 'hello');
    link.run();
    link.say(link.server.received[0]?.endpoint ?? endpoint, 'back', link.server);
    link.run();
    expect(hex(recordOf(lastTo(link, 'client'), 3)?.cid ?? new Uint8Array())).toMatch(/^09....$/);
    expect([texts(link, 'server'), texts(link, 'client')]).toEqual([['hello'], ['back']]);
  });

  test('is not used where the server hands out none', () => {
    const { link, endpoint } = connected({});
    link.say(endpoint, 'hello');
    link.run();
    expect(recordOf(lastTo(link, 'server'), 6)?.type).toBe(23);
  });
});

describe('a peer whose address changes', () => {
  test('is the same association: it is answered where it is, and the application is told', () => {
    const { link, endpoint } = connected();
    link.say(endpoint, 'from here');
    link.run();
    link.clientAddress = 'elsewhere';
    link.say(endpoint, 'from there');
    link.run();
    const [first, second] = link.server.received;
    expect(second?.endpoint.key).toBe(first?.endpoint.key);
    expect(second?.endpoint.remote.address).toBe('elsewhere');
    expect(link.server.of('moved').map(({ from }) => from.address)).toEqual(['client']);
    expect(link.server.of('established')).toHaveLength(1);
    expect(link.server.engine.counters().associations).toBe(1);
  });

  test('counts as verified when the application says so', () => {
    const { link, endpoint } = connected();
    link.clientAddress = 'elsewhere';
    link.mangle = (datagram) => (datagram.to === 'client' ? [] : [datagram]);
    link.say(endpoint, 'from there');
    link.run();
    const moved = link.server.of('moved')[0]?.endpoint;
    if (moved === undefined) throw new Error('it did not move');
    link.server.engine.verify(moved, link.now);
    expect(moved.association.unverifiedAddress).toBe(false);
    expect(link.server.of('verified')).toHaveLength(1);
  });

  test('is not moved by a record that was replayed from elsewhere', () => {
    const { link, endpoint } = connected();
    link.say(endpoint, 'once');
    link.run();
    const captured = lastTo(link, 'server');
    if (captured === undefined) throw new Error('nothing was sent');
    link.deliver({ ...captured, from: 'attacker' });
    expect(texts(link, 'server')).toEqual(['once']);
    expect(link.server.of('moved')).toEqual([]);
  });

  test('is not moved by an older record that comes late from where it was before, but that is read', () => {
    const { link, endpoint } = connected();
    const held: InFlight[] = [];
    link.mangle = (datagram) => {
      held.push(datagram);
      return [];
    };
    link.say(endpoint, 'older');
    link.run();
    link.mangle = (datagram) => [datagram];
    link.clientAddress = 'elsewhere';
    link.say(endpoint, 'newer');
    link.run();
    for (const datagram of held) link.deliver(datagram);
    expect(texts(link, 'server')).toEqual(['newer', 'older']);
    expect(link.server.received[1]?.endpoint.remote.address).toBe('elsewhere');
    expect(link.server.of('moved')).toHaveLength(1);
  });

  test('is not moved by a record that is not authentic', () => {
    const { link, endpoint } = connected();
    link.mangle = () => [];
    link.say(endpoint, 'x');
    link.run();
    const sent = lastTo(link, 'server');
    if (sent === undefined) throw new Error('nothing was sent');
    link.deliver({
      ...sent,
      from: 'attacker',
      bytes: sent.bytes.map((byte, i) => (i === sent.bytes.length - 1 ? byte ^ 1 : byte)),
    });
    expect(link.server.of('moved')).toEqual([]);
    expect(texts(link, 'server')).toEqual([]);
  });

  test('is unknown without a Connection ID', () => {
    const { link, endpoint } = connected({});
    link.clientAddress = 'elsewhere';
    link.say(endpoint, 'lost');
    link.run();
    expect(texts(link, 'server')).toEqual([]);
    expect(link.server.engine.counters().droppedRecords).toBe(1);
  });

  test('that changes its port with every second datagram, finishes every exchange', () => {
    const { link, endpoint } = connected();
    for (let i = 0; i < 100; i++) {
      if (i % 2 === 0) link.clientAddress = `port-${i}`;
      link.say(endpoint, `question ${i}`);
      link.run();
      link.say(link.server.received.at(-1)?.endpoint ?? endpoint, `answer ${i}`, link.server);
      link.run();
    }
    expect(texts(link, 'client')).toEqual(Array.from({ length: 100 }, (_, i) => `answer ${i}`));
    expect(link.server.of('established')).toHaveLength(1);
  });
});

describe('return routability (RFC 9853)', () => {
  test('is checked where the peer was seen, and its answer from there verifies the address', () => {
    const { link, endpoint } = connected();
    link.clientAddress = 'elsewhere';
    link.say(endpoint, 'from there');
    link.run();
    expect(link.server.of('moved')).toHaveLength(1);
    expect(link.server.of('verified')).toHaveLength(1);
    expect(link.server.of('verified')[0]?.endpoint.association.unverifiedAddress).toBe(false);
  });

  test('without an answer the address stays unverified, and is asked for again after a second', () => {
    const { link, endpoint } = connected();
    link.clientAddress = 'elsewhere';
    link.mangle = (datagram) => (datagram.to === 'client' ? [] : [datagram]);
    const challenges = (): number => link.sent.filter(({ to }) => to === 'client').length;
    const before = challenges();
    for (let i = 0; i < 5; i++) {
      link.say(endpoint, `${i}`);
      link.run();
    }
    expect(challenges() - before).toBe(1);
    link.advance(seconds(1));
    link.say(endpoint, 'later');
    link.run();
    expect(challenges() - before).toBe(2);
    expect(link.server.of('verified')).toEqual([]);
    expect(link.server.of('moved')[0]?.endpoint.association.unverifiedAddress).toBe(true);
  });

  test('back where it was verified, a peer is verified', () => {
    const { link, endpoint } = connected();
    link.mangle = (datagram) => (datagram.to === 'client' ? [] : [datagram]);
    link.clientAddress = 'elsewhere';
    link.say(endpoint, 'there');
    link.run();
    link.clientAddress = 'client';
    link.say(endpoint, 'back');
    link.run();
    expect(link.server.of('moved')).toHaveLength(2);
    expect(link.server.of('moved')[1]?.endpoint.association.unverifiedAddress).toBe(false);
  });
});

describe('a peer that answers challenges as it likes', () => {
  const rrc = contentType.returnRoutabilityCheck;

  /** An association of a puppet that has negotiated Connection IDs and, or not, return routability. */
  function moved(
    extensions: readonly (readonly [number, Uint8Array])[],
    options: Partial<DtlsOptions> = {},
  ): {
    puppet: Puppet;
    endpoint: AssociationEndpoint;
  } {
    const puppet = new Puppet({ ...serverCid, ...options });
    puppet.greet({ ...plainHello, extensions: new Map([...plainHello.extensions, ...extensions]) });
    puppet.pskKeyExchange(pskIdentity);
    puppet.keys(psk);
    const cid = puppet.serverHello?.extensions.get(extension.connectionId)?.subarray(1) ?? emptyBytes;
    puppet.layer.protectWrites(puppet.protection('client'), cid);
    puppet.changeCipherSpec();
    puppet.finished();
    const endpoint = puppet.server.of('established')[0]?.endpoint;
    if (endpoint === undefined) throw new Error('it was not let in');
    puppet.address = 'elsewhere';
    puppet.record(1, contentType.applicationData, utf8('from there'));
    expect(endpoint.verified).toBe(false);
    return { puppet, endpoint };
  }
  const withBoth: [number, Uint8Array][] = [
    [extension.connectionId, vector(1)],
    [extensionTypes.return_routability_check, emptyBytes],
  ];
  const said = ({ plaintexts }: Puppet): string[] =>
    plaintexts.filter(({ type }) => type === rrc).map(({ content }) => hex(content));
  const cookieOf = (puppet: Puppet): string => said(puppet)[0]?.slice(2) ?? '';

  test('is verified by the cookie that it was sent, and by no other', () => {
    const { puppet, endpoint } = moved(withBoth);
    expect(said(puppet)).toEqual([expect.stringMatching(/^00[0-9a-f]{16}$/)]);
    const cookie = cookieOf(puppet);
    for (const wrong of [
      `01${'00'.repeat(8)}`,
      `00${cookie}`,
      `02${cookie}`,
      `03${cookie}`,
      `01${cookie}00`,
      `01${cookie.slice(2)}`,
    ])
      puppet.record(1, rrc, bytesOf(wrong));
    expect(endpoint.verified).toBe(false);
    puppet.record(1, rrc, bytesOf(`01${cookie}`));
    expect(endpoint.verified).toBe(true);
  });
  test('is not verified by an answer from another place than was asked', () => {
    const { puppet, endpoint } = moved(withBoth);
    puppet.address = 'third';
    puppet.record(1, rrc, bytesOf(`01${cookieOf(puppet)}`));
    expect(endpoint.verified).toBe(false);
    // Nor when it is back where it was asked, by what it said before: there it is asked anew.
    puppet.address = 'elsewhere';
    puppet.record(1, rrc, bytesOf(`01${cookieOf(puppet)}`));
    expect(endpoint.verified).toBe(false);
    puppet.record(1, rrc, bytesOf(`01${said(puppet).at(-1)?.slice(2)}`));
    expect(endpoint.verified).toBe(true);
  });
  test('nor by one that comes late and from elsewhere, and moves nothing itself', () => {
    const { puppet, endpoint } = moved(withBoth);
    const answer = bytesOf(`01${cookieOf(puppet)}`);
    const late = puppet.layer.seal(1, rrc, answer) ?? emptyBytes;
    puppet.record(1, contentType.applicationData, utf8('newer'));
    puppet.address = 'third';
    puppet.raw(late);
    expect([endpoint.verified, endpoint.remote.address]).toEqual([false, 'elsewhere']);
    puppet.address = 'elsewhere';
    puppet.record(1, rrc, answer);
    expect(endpoint.verified).toBe(true);
  });
  test('nor by one that comes late from where it was before, while there is no number to ask anew', () => {
    // No further numbers are granted.
    const { puppet, endpoint } = moved(withBoth, { journal: new MemoryJournal() });
    const late = puppet.layer.seal(1, rrc, bytesOf(`01${cookieOf(puppet)}`)) ?? emptyBytes;
    for (let sent = 0; sent < reservedBlock; sent++)
      puppet.server.engine.send([{ bytes: utf8('news'), endpoint, multicast: false }], puppet.now);
    puppet.address = 'third';
    puppet.record(1, contentType.applicationData, utf8('from there'));
    expect(said(puppet)).toHaveLength(1);
    puppet.address = 'elsewhere';
    puppet.raw(late);
    expect([endpoint.verified, endpoint.remote.address]).toEqual([false, 'third']);
  });
  test('gets one answer to each challenge of its own, where it asked from (RFC 9853 §5.4)', () => {
    const { puppet } = moved(withBoth);
    puppet.address = 'third';
    puppet.record(1, rrc, bytesOf('00 0102030405060708'));
    expect(said(puppet).filter((content) => content.startsWith('01'))).toEqual(['010102030405060708']);
  });
  test('neither asks nor answers where that was not negotiated (RFC 9853 §3)', () => {
    const { puppet, endpoint } = moved([[extension.connectionId, vector(1)]]);
    puppet.record(1, rrc, bytesOf('00 0102030405060708'));
    puppet.record(1, rrc, bytesOf('01 0102030405060708'));
    expect([said(puppet), endpoint.verified]).toEqual([[], false]);
  });
});
