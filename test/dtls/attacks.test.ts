import { describe, expect, test } from 'vitest';
import { utf8 } from '../../src/core/bytes.ts';
import { minutes, seconds, type Instant } from '../../src/core/duration.ts';
import { cipherSuites } from '../../src/dtls/cipher-suites.ts';
import { encodeHandshake } from '../../src/dtls/handshake-message.ts';
import { encodeClientHello } from '../../src/dtls/messages/client-hello.ts';
import { decodeHelloVerifyRequest } from '../../src/dtls/messages/hello-verify-request.ts';
import { contentType, encodePlaintext } from '../../src/dtls/record.ts';
import { defaultDtlsLimits } from '../../src/dtls/options.ts';
import { replaced } from './bytes.ts';
import { endpointOf, Host, Link, psk, pskIdentity, pskServer, type InFlight } from './link.ts';
import { plainHello, Puppet } from './puppet.ts';

const now = 1000 as Instant;

describe('spoofed ClientHellos', () => {
  test('ten thousand leave no state, and get back less than they sent', { timeout: 60_000 }, () => {
    const server = new Host({ server: pskServer }, now);
    let [sent, got] = [0, 0];
    for (let i = 0; i < 10_000; i++) {
      const body = encodeClientHello({ ...plainHello, random: new Uint8Array(32).fill(i) });
      const bytes = encodePlaintext(
        contentType.handshake,
        0,
        i,
        encodeHandshake({ type: 'client_hello', sequence: 0, body }),
      );
      server.receive(bytes, endpointOf(`victim-${i}`, 'server'), now);
      sent += bytes.length;
      got += server.engine.takeOutput().reduce((sum, { bytes }) => sum + bytes.length, 0);
    }
    expect(got).toBeGreaterThan(0);
    expect(got).toBeLessThan(sent);
    expect(server.engine.counters()).toMatchObject({
      associations: 0,
      handshakes: 0,
      timers: 0,
      sessions: 0,
      reassemblyBytes: 0,
    });
  });

  test('are looked at only so often a second', () => {
    const limits = { ...defaultDtlsLimits, maxHellosPerSecond: 100 };
    const server = new Host({ server: pskServer, limits }, now);
    const body = encodeClientHello(plainHello);
    const bytes = encodePlaintext(22, 0, 0, encodeHandshake({ type: 'client_hello', sequence: 0, body }));
    const answered = (at: number): number => {
      for (let i = 0; i < 1000; i++) server.receive(bytes, endpointOf(`victim-${i}`, 'server'), at as Instant);
      return server.engine.takeOutput().length;
    };
    expect([answered(now), answered(now + 500), answered(now + 510), answered(now + 9000)]).toEqual([100, 50, 1, 100]);
  });

  test('are refused before anything is made of them, once enough were looked at lately, and nothing else is', () => {
    const limits = { ...defaultDtlsLimits, maxHellosPerSecond: 2 };
    const server = new Host({ server: pskServer, limits }, now);
    const body = encodeClientHello(plainHello);
    const hello = encodePlaintext(22, 0, 0, encodeHandshake({ type: 'client_hello', sequence: 0, body }));
    const refused = (bytes: Uint8Array, at: number): boolean => {
      const within = Uint8Array.of(9, 9, 9, ...bytes, 9);
      return server.engine.refuses(within, 3, bytes.length, at as Instant);
    };
    const take = (): void => server.receive(hello, endpointOf('somebody', 'server'), now);
    expect(refused(hello, now)).toBe(false);
    take();
    expect(refused(hello, now)).toBe(false);
    take();
    expect([refused(hello, now), refused(hello, now + 499), refused(hello, now + 500)]).toEqual([true, true, false]);
    const others = [
      encodePlaintext(22, 0, 0, encodeHandshake({ type: 'finished', sequence: 0, body })),
      encodePlaintext(22, 1, 0, hello.subarray(13)),
      encodePlaintext(23, 0, 0, hello.subarray(13)),
      hello.subarray(0, 13),
    ];
    take();
    expect(refused(hello, now)).toBe(true);
    expect(others.map((bytes) => refused(bytes, now))).toEqual([false, false, false, false]);
  });

  test('even the shortest there can be is longer than its answer', () => {
    const puppet = new Puppet();
    const shortest = encodeClientHello({ ...plainHello, extensions: new Map() });
    const bytes = encodePlaintext(
      contentType.handshake,
      0,
      0,
      encodeHandshake({ type: 'client_hello', sequence: 0, body: shortest }),
    );
    puppet.server.receive(bytes, endpointOf('a', 'server'), now);
    const [answer] = puppet.server.engine.takeOutput();
    expect([answer?.bytes.length, bytes.length]).toEqual([44, 67]);
  });
});

describe('a cookie', () => {
  /** What the server says to a ClientHello with the cookie that it gave to `plainHello`, after `change`. */
  function withCookie(change: (puppet: Puppet) => Partial<typeof plainHello>): string[] {
    const puppet = new Puppet();
    puppet.say('client_hello', encodeClientHello(plainHello));
    const cookie = decodeHelloVerifyRequest(puppet.messages.shift()?.body ?? new Uint8Array());
    puppet.say('client_hello', encodeClientHello({ ...plainHello, cookie, ...change(puppet) }));
    return puppet.messages.map(({ type }) => type);
  }
  test('is good for who it was given to', () => {
    expect(withCookie(() => ({}))).toEqual(['server_hello', 'server_hello_done']);
  });
  test.each([
    [
      'at another address',
      (puppet: Puppet) => {
        puppet.address = 'thief';
        return {};
      },
    ],
    ['with another random', () => ({ random: new Uint8Array(32) })],
    ['with other suites', () => ({ cipherSuites: [0x00a8] })],
    ['with another session', () => ({ sessionId: Uint8Array.of(1) })],
    ['changed', () => ({ cookie: new Uint8Array(16) })],
    ['cut', () => ({ cookie: new Uint8Array(15) })],
    [
      'after five minutes',
      (puppet: Puppet) => {
        puppet.now = (puppet.now + minutes(5)) as Instant;
        return {};
      },
    ],
  ] as const)('is worth nothing %s: another is given', (_, change) => {
    expect(withCookie(change)).toEqual(['hello_verify_request']);
  });
  test('is good across one change of the secret', () => {
    expect(
      withCookie((puppet) => {
        puppet.now = (Math.ceil(puppet.now / minutes(2)) * minutes(2)) as Instant;
        return {};
      }),
    ).toEqual(['server_hello', 'server_hello_done']);
  });
});

describe('handshakes under way', () => {
  const begun = (server: Host, address: string): Puppet => {
    const puppet = new Puppet(server);
    puppet.address = address;
    puppet.greet();
    return puppet;
  };
  test('are bounded: the oldest makes room', () => {
    const server = new Host({ server: pskServer, limits: { ...defaultDtlsLimits, maxHandshakes: 10 } }, now);
    for (let i = 0; i < 50; i++) begun(server, `slow-${i}`);
    expect(server.engine.counters()).toMatchObject({ handshakes: 10, timers: 10 });
  });
  test('begin only so often a second', () => {
    const server = new Host({ server: pskServer, limits: { ...defaultDtlsLimits, maxHandshakesPerSecond: 5 } }, now);
    for (let i = 0; i < 50; i++) begun(server, `eager-${i}`);
    expect(server.engine.counters().handshakes).toBe(5);
  });
  test('send their flight only so often, however often a ClientHello is repeated', () => {
    const puppet = new Puppet();
    puppet.greet();
    const [hello] = puppet.transcript;
    for (let i = 0; i < 500; i++) puppet.record(0, contentType.handshake, hello ?? new Uint8Array());
    expect(puppet.messages.filter(({ type }) => type === 'server_hello')).toHaveLength(64);
  });
  test('let only so many datagrams wait for their end', () => {
    const link = new Link();
    const endpoint = link.connect();
    for (let i = 0; i < 20; i++) link.say(endpoint, `${i}`);
    link.run();
    expect([link.server.received.length, link.client.engine.counters().unsent]).toEqual([8, 12]);
  });
  test('end when nothing more comes', () => {
    const link = new Link();
    begun(link.server, 'gone');
    link.advance(seconds(600));
    expect(link.server.engine.counters()).toMatchObject({ handshakes: 0, timers: 0, reassemblyBytes: 0 });
  });
  test('hold no more than one large message each, and are not held by fragments that lie', () => {
    const puppet = new Puppet();
    puppet.greet();
    // A ClientKeyExchange of 16 MB, of which one byte comes.
    puppet.record(0, contentType.handshake, Uint8Array.of(16, 0xff, 0xff, 0xff, 0, 2, 0, 0, 0, 0, 0, 1, 7));
    expect(puppet.alerts).toEqual(['illegal_parameter']);
    expect(puppet.server.engine.counters()).toMatchObject({ handshakes: 0, reassemblyBytes: 0 });
  });
});

describe('an association', () => {
  test('goes on while others begin handshakes at its address that they do not finish (RFC 6347 §4.2.8)', () => {
    const link = new Link();
    const endpoint = link.establish();
    for (let i = 0; i < 5; i++) {
      const puppet = new Puppet(link.server);
      puppet.address = 'client';
      puppet.greet({ ...plainHello, random: new Uint8Array(32).fill(i) });
    }
    link.say(endpoint, 'still here');
    link.run();
    expect(link.server.received.map(({ text }) => text)).toEqual(['still here']);
  });

  test('is replaced when its peer has begun anew and finished', () => {
    const link = new Link();
    link.establish();
    const endpoint = link.establish();
    link.say(endpoint, 'after a reboot');
    link.run();
    expect(link.server.received.map(({ text }) => text)).toEqual(['after a reboot']);
    expect(link.server.of('closed').map(({ reason }) => reason)).toEqual([{ kind: 'replaced' }]);
    expect(link.server.engine.counters().associations).toBe(1);
  });

  test('is not closed by an alert that is not protected, nor by any other record of epoch 0', () => {
    const link = new Link();
    const endpoint = link.establish();
    for (const [type, content] of [
      [contentType.alert, Uint8Array.of(2, 40)],
      [contentType.alert, Uint8Array.of(1, 0)],
      [contentType.changeCipherSpec, Uint8Array.of(1)],
      [contentType.handshake, encodeHandshake({ type: 'finished', sequence: 3, body: new Uint8Array(12) })],
      [contentType.applicationData, utf8('not me')],
    ] as const) {
      link.deliver({ to: 'server', from: 'client', bytes: encodePlaintext(type, 0, 77, content) });
    }
    link.say(endpoint, 'still here');
    link.run();
    expect(link.server.received.map(({ text }) => text)).toEqual(['still here']);
    expect(link.server.of('closed')).toEqual([]);
  });

  test('hears each record once, whole, and as it was sent', () => {
    const link = new Link();
    const endpoint = link.establish();
    const captured: InFlight[] = [];
    link.mangle = (datagram) => {
      captured.push(datagram);
      return [];
    };
    link.say(endpoint, 'transfer 100');
    link.run();
    const [sent] = captured;
    if (sent === undefined) throw new Error('nothing was sent');
    for (let length = 0; length < sent.bytes.length; length++)
      link.deliver({ ...sent, bytes: sent.bytes.subarray(0, length) });
    for (let at = 0; at < sent.bytes.length; at++) {
      link.deliver({ ...sent, bytes: sent.bytes.map((byte, i) => (i === at ? byte ^ 0x21 : byte)) });
    }
    expect(link.server.received).toEqual([]);
    for (let i = 0; i < 3; i++) link.deliver(sent);
    expect(link.server.received.map(({ text }) => text)).toEqual(['transfer 100']);
  });

  test('of the longest silence makes room, when there are too many', () => {
    const link = new Link({ server: { limits: { ...defaultDtlsLimits, maxAssociations: 3 } } });
    for (let i = 0; i < 5; i++) {
      link.clientAddress = `device-${i}`;
      link.establish();
      link.advance(seconds(1));
    }
    expect(link.server.engine.counters().associations).toBe(3);
    expect(link.server.of('closed').map(({ reason }) => reason.kind)).toEqual(['evicted', 'evicted']);
    // RFC 5246 §7.2.1: it is told, and need not find out by silence.
    const alerts = link.sent.filter(({ to, bytes }) => to === 'client' && bytes[0] === contentType.alert);
    expect(alerts.map(({ bytes }) => bytes[4])).toEqual([1, 1]);
  });
});

describe('what stays of a handshake', () => {
  test('is not the ClientHello, however large it was', () => {
    const link = new Link({ server: { connectionId: { length: 6, node: 1 } } });
    const puppet = new Puppet(link.server);
    const extensions = new Map([
      [23, new Uint8Array()],
      [54, Uint8Array.of(2, 7, 7)],
      [0xfafa, new Uint8Array(8000)],
    ]);
    puppet.greet({ ...plainHello, extensions });
    puppet.pskKeyExchange(pskIdentity);
    puppet.keys(psk);
    puppet.layer.protectWrites(
      puppet.protection('client'),
      (puppet.serverHello?.extensions.get(54) ?? utf8('?')).subarray(1),
    );
    puppet.changeCipherSpec();
    puppet.finished();
    const [established] = link.server.of('established');
    const { layer, clientRandom } = established?.endpoint.association ?? {};
    expect([...(layer?.peerCid ?? [])]).toEqual([7, 7]);
    expect([layer?.peerCid.buffer.byteLength, clientRandom]).toEqual([2, undefined]);
  });
  test('is no room for messages that nobody expects any more', () => {
    const puppet = new Puppet();
    puppet.greet();
    puppet.pskKeyExchange(pskIdentity);
    puppet.keys(psk);
    puppet.changeCipherSpec();
    puppet.finished();
    const association = puppet.server.of('established')[0]?.endpoint.association;
    // A first piece of a large message that is next, and of one after it.
    for (const ahead of [puppet.sequence, puppet.sequence + 1])
      puppet.record(1, contentType.handshake, Uint8Array.of(20, 0, 0x1f, 0xff, 0, ahead, 0, 0, 0, 0, 0, 1, 7));
    expect([association?.state, association?.channel]).toEqual(['established', undefined]);
    expect(puppet.server.engine.counters().reassemblyBytes).toBe(0);
  });
});

test('where there are no Connection IDs left, an association does without', { timeout: 60_000 }, () => {
  const limits = { ...defaultDtlsLimits, maxHandshakesPerSecond: 1000 };
  const cheapest = cipherSuites.filter(({ id }) => id === 0xc0a8);
  const link = new Link({ server: { connectionId: { length: 2, node: 9 }, limits, cipherSuites: cheapest } });
  for (let i = 0; i < 258; i++) {
    link.clientAddress = `device-${i}`;
    link.establish();
  }
  expect(link.server.engine.counters().associations).toBe(258);
});

describe('one in the middle', () => {
  test('cannot take away the suites that both prefer', () => {
    const link = new Link({ client: { cipherSuites }, server: { cipherSuites } });
    // All but TLS_PSK_WITH_AES_128_GCM_SHA256 become unknown ones, in every ClientHello.
    const offered = cipherSuites.filter(({ keyExchange }) => keyExchange !== 'ecdhe_ecdsa');
    const list = offered.flatMap(({ id }) => [id >> 8, id & 0xff]);
    const weaker = offered.flatMap(({ id }) => (id === 0x00a8 ? [0x00, 0xa8] : [0xfa, 0xfa]));
    link.mangle = (datagram) => [{ ...datagram, bytes: replaced(datagram.bytes, list, weaker) }];
    link.establish();
    expect([link.client.of('established'), link.server.of('established')]).toEqual([[], []]);
    expect(link.server.of('failed').map(({ alert }) => alert)).toContain('decrypt_error');
  });

  test('cannot take away the extended master secret', () => {
    const link = new Link({ server: { server: { ...pskServer, allowLegacyMasterSecret: true } } });
    link.mangle = (datagram) => [{ ...datagram, bytes: replaced(datagram.bytes, [0, 23, 0, 0], [0xfa, 0xfa, 0, 0]) }];
    link.establish();
    expect([link.client.of('established'), link.server.of('established')]).toEqual([[], []]);
    expect(link.client.of('failed').map(({ alert }) => alert)).toEqual(['handshake_failure']);
  });

  test('cannot change who the client is', () => {
    const link = new Link();
    link.mangle = (datagram) => [
      { ...datagram, bytes: replaced(datagram.bytes, [...utf8(pskIdentity)], [...utf8('device-9')]) },
    ];
    link.establish();
    expect(link.server.of('established')).toEqual([]);
  });
});

test('an unprotected alert ends a handshake that is under way, and nothing else', () => {
  const puppet = new Puppet();
  puppet.greet();
  puppet.record(0, contentType.alert, Uint8Array.of(2, 40));
  expect(puppet.server.engine.counters().handshakes).toBe(0);
});
