import { describe, expect, test } from 'vitest';
import { encodeAlert } from '../../src/dtls/alert.ts';
import { cipherSuites, type CipherSuite } from '../../src/dtls/cipher-suites.ts';
import type { ServerCredentials } from '../../src/dtls/credentials.ts';
import { nodeCrypto } from '../../src/dtls/crypto.ts';
import { decodeFragments } from '../../src/dtls/handshake-message.ts';
import { decodeServerHello } from '../../src/dtls/messages/server-hello.ts';
import { contentType, decodeRecords } from '../../src/dtls/record.ts';
import type { Session, ClientSession } from '../../src/dtls/session.ts';
import { TicketKeys, type TicketKeyKeeper } from '../../src/dtls/ticket.ts';
import { certificateClient, certificateServer } from './certificates.ts';
import { replaced } from './bytes.ts';
import { Link, pskClient, pskServer } from './link.ts';

const hour = 3_600_000;

/** A first handshake, and what the client keeps of it. */
function sessionOf(link: Link, credentials = pskClient): ClientSession {
  link.establish(credentials);
  const session = link.client.of('established').at(-1)?.result.clientSession;
  if (session === undefined) throw new Error('the server offers no session');
  return session;
}

const resumed = (link: Link): (boolean | undefined)[] => [
  link.client.of('established').at(-1)?.result.resumed,
  link.server.of('established').at(-1)?.result.resumed,
];

describe.each([
  ['by session ID', false],
  ['by ticket', true],
])('%s', (_, withTickets) => {
  const options = (server: ServerCredentials = pskServer): ConstructorParameters<typeof Link>[0] => ({
    server: { server, ...(withTickets && { tickets: new TicketKeys(nodeCrypto, 24 * hour) }) },
  });

  test('a session goes on with the same identity, in half as many messages', () => {
    const link = new Link(options());
    const session = sessionOf(link);
    const full = link.sent.length;
    link.establish(pskClient, session);
    expect(resumed(link)).toEqual([true, true]);
    expect(link.server.of('established').at(-1)?.result.identity).toEqual({ kind: 'psk', name: 'lamp' });
    expect(link.sent.length - full).toBe(5); // ClientHello, cookie, ClientHello, ServerHello with Finished, Finished
    expect(link.server.engine.counters().sessions).toBe(withTickets ? 0 : 1);
  });

  test('data goes both ways afterwards', () => {
    const link = new Link(options());
    const endpoint = link.establish(pskClient, sessionOf(link));
    link.say(endpoint, 'again');
    link.run();
    link.say(link.server.received[0]?.endpoint ?? endpoint, 'welcome', link.server);
    link.run();
    expect(link.client.received.map(({ text }) => text)).toEqual(['welcome']);
  });

  test('a certificate need not be shown again', () => {
    const link = new Link(options(certificateServer));
    const session = sessionOf(link, certificateClient);
    link.establish(certificateClient, session);
    expect(resumed(link)).toEqual([true, true]);
    expect(link.server.of('established').at(-1)?.result.identity).toEqual({ kind: 'x509', name: 'client' });
  });

  test('an identity that was revoked since begins anew', () => {
    let revoked = false;
    const link = new Link(options({ ...pskServer, mayResume: () => !revoked }));
    const session = sessionOf(link);
    revoked = true;
    link.establish(pskClient, session);
    expect(resumed(link)).toEqual([false, false]);
  });

  test('a session that is unknown, or too old, is a full handshake', () => {
    const link = new Link(options());
    const session = sessionOf(link);
    const other = new Link({ server: { tickets: new TicketKeys(nodeCrypto, hour) } });
    other.establish(pskClient, session);
    expect(resumed(other)).toEqual([false, false]);
  });

  test('a session is good for a day from its full handshake on, and resuming makes it no younger', () => {
    let nowMs = 1_800_000_000_000;
    const link = new Link({ server: { ...options()?.server, wallClock: () => nowMs } });
    const session = sessionOf(link);
    nowMs += 24 * hour - 1;
    link.establish(pskClient, session);
    expect(resumed(link)).toEqual([true, true]);
    nowMs += 1;
    link.establish(pskClient, session);
    expect(resumed(link)).toEqual([false, false]);
  });

  test('with CBC, a client that does not offer encrypt-then-MAC again begins anew (RFC 7366 §3)', () => {
    const only = (id: number): CipherSuite[] => cipherSuites.filter((suite) => suite.id === id);
    const both = { cipherSuites: [...only(0xc037), ...only(0x00a8)] };
    const link = new Link({ client: both, server: { ...options()?.server, ...both } });
    const session = sessionOf(link);
    expect(session.session.cipherSuite).toBe(0xc037);
    link.mangle = (datagram) => [
      datagram.bytes[13] === 1
        ? { ...datagram, bytes: replaced(datagram.bytes, [0, 22, 0, 0], [0xfa, 0xfa, 0, 0]) }
        : datagram,
    ];
    link.connect(pskClient, session);
    link.run();
    const answer =
      link.sent.findLast(({ to, bytes }) => to === 'client' && bytes[0] === 22 && bytes[13] === 2)?.bytes ??
      new Uint8Array();
    const [message] = decodeFragments(decodeRecords(answer, 0)[0]?.fragment ?? answer) ?? [];
    const { cipherSuite, extensions } = decodeServerHello(message?.bytes ?? answer);
    expect([cipherSuite, extensions.has(22)]).toEqual([0x00a8, false]);
  });

  test('a ClientHello that takes the extended master secret away ends the handshake (RFC 7627 §5.3)', () => {
    const server = { ...pskServer, allowLegacyMasterSecret: true };
    const link = new Link(options(server));
    const session = sessionOf(link);
    link.mangle = (datagram) => [{ ...datagram, bytes: replaced(datagram.bytes, [0, 23, 0, 0], [0xfa, 0xfa, 0, 0]) }];
    link.connect(pskClient, session);
    link.run();
    expect(link.server.of('failed').map(({ reason }) => reason)).toEqual([
      'A session with extended master secret cannot go on without',
    ]);
  });

  test('a session with a suite that the client does not offer any more is a full handshake', () => {
    const link = new Link(options());
    const session = sessionOf(link);
    const other = new Link({ client: { cipherSuites: cipherSuites.filter(({ id }) => id === 0x00a8) } });
    Object.defineProperty(other, 'server', { value: link.server });
    other.establish(pskClient, session);
    expect(resumed(other)).toEqual([false, false]);
  });

  test('each flight may be lost', () => {
    for (let lost = 0; lost < 5; lost++) {
      const link = new Link(options());
      const session = sessionOf(link);
      let count = 0;
      link.mangle = (datagram) => (count++ === lost ? [] : [datagram]);
      const endpoint = link.establish(pskClient, session);
      link.say(endpoint, 'here');
      link.run();
      link.advance(60_000 as Parameters<Link['advance']>[0]);
      expect(link.server.of('established').filter(({ result }) => result.resumed)).toHaveLength(1);
      expect(link.client.of('established').filter(({ result }) => result.resumed)).toHaveLength(1);
    }
  });
});

test('who resumes by a ticket ends no session of another by its ID', () => {
  const victim = Uint8Array.from({ length: 32 }, (_, i) => i);
  const server = { tickets: new TicketKeys(nodeCrypto, 24 * hour) };
  const first = new Link({ server });
  const session = sessionOf(first);
  first.server.engine.restoreSession(victim, session.session);
  const ids: Uint8Array[] = [];
  const randomBytes = (length: number): Uint8Array =>
    (length === 32 ? ids.shift() : undefined) ?? nodeCrypto.randomBytes(length);
  const link = new Link({ client: { crypto: { ...nodeCrypto, randomBytes } } });
  Object.defineProperty(link, 'server', { value: first.server });
  // The random of the ClientHello, and then the ID beside the ticket.
  ids.push(new Uint8Array(32), victim);
  const { layer } = link.establish(pskClient, session).association;
  expect(resumed(link)).toEqual([true, true]);
  const alert = layer.seal(1, contentType.alert, encodeAlert('fatal', 'internal_error'));
  link.deliver({ bytes: alert ?? new Uint8Array(), to: 'server', from: 'client' });
  expect(link.server.of('closed').at(-1)?.reason).toEqual({ kind: 'by-peer', alert: 'internal_error' });
  expect(link.server.engine.counters().sessions).toBe(1);
});

describe('the keys of tickets', () => {
  const session: Session = {
    cipherSuite: 0xc0a8,
    masterSecret: new Uint8Array(48).fill(5),
    identity: { kind: 'psk', name: 'lamp' },
    createdMs: 1000 * hour,
  };
  const at = (hours: number): number => 1000 * hour + hours * hour;

  test('open what they sealed, in the next process too', () => {
    const kept = new Map<number, Uint8Array>();
    const keeper: TicketKeyKeeper = {
      find: (period) => kept.get(period),
      keep: (period, key) => {
        if (!kept.has(period)) kept.set(period, key);
        return kept.get(period) ?? key;
      },
    };
    const keys = new TicketKeys(nodeCrypto, 24 * hour, keeper);
    const ticket = keys.seal(session, at(0));
    expect(keys.open(ticket, at(1))).toEqual(session);
    expect(new TicketKeys(nodeCrypto, 24 * hour, keeper).open(ticket, at(1))).toEqual(session);
    expect(new TicketKeys(nodeCrypto, 24 * hour).open(ticket, at(1))).toBeUndefined();
    // Two that begin at once agree: the first that keeps a key of this period wins.
    const late = new TicketKeys(nodeCrypto, 24 * hour, { ...keeper, find: () => undefined });
    expect(keys.open(late.seal(session, at(0)), at(1))).toEqual(session);
  });
  test('change, and those before still open as long as their tickets are good', () => {
    const keys = new TicketKeys(nodeCrypto, 24 * hour);
    const first = keys.seal({ ...session, createdMs: at(11) }, at(11));
    const second = keys.seal({ ...session, createdMs: at(30) }, at(30));
    expect([...second.subarray(0, 4)]).not.toEqual([...first.subarray(0, 4)]);
    expect(keys.open(first, at(34))).toBeDefined();
    expect(keys.open(first, at(35))).toBeUndefined();
  });
  test('open nothing that was changed', () => {
    const keys = new TicketKeys(nodeCrypto, 24 * hour);
    const ticket = keys.seal(session, at(0));
    for (let at2 = 0; at2 < ticket.length; at2++) {
      expect(
        keys.open(
          ticket.map((byte, i) => (i === at2 ? byte ^ 1 : byte)),
          at(0),
        ),
      ).toBeUndefined();
      expect(keys.open(ticket.subarray(0, at2), at(0))).toBeUndefined();
    }
  });
});
