/**
 * Faults that were published of other stacks, each done to this one. docs/security.md says of each what it was; those that another
 * test of this folder shows are named there.
 */

import { describe, expect, test } from 'vitest';
import { concatBytes, emptyBytes, hex, utf8 } from '../../src/core/bytes.ts';
import type { Instant } from '../../src/core/duration.ts';
import { Association } from '../../src/dtls/association.ts';
import { cipherSuites } from '../../src/dtls/cipher-suites.ts';
import { nodeCrypto } from '../../src/dtls/crypto.ts';
import { keepEarly } from '../../src/dtls/early-record.ts';
import { encodeFragment, encodeHandshake, handshakeTypes } from '../../src/dtls/handshake-message.ts';
import { encodeClientHello, type ClientHello } from '../../src/dtls/messages/client-hello.ts';
import { decodeServerKeyExchange } from '../../src/dtls/messages/server-key-exchange.ts';
import { vector } from '../../src/dtls/presentation.ts';
import { contentType, decodeRecords, encodePlaintext } from '../../src/dtls/record.ts';
import { RecordLayer } from '../../src/dtls/record-layer.ts';
import { TicketKeys } from '../../src/dtls/ticket.ts';
import { bytesOf } from './bytes.ts';
import { endpointOf, Link, psk, pskClient, pskIdentity, pskServer } from './link.ts';
import { extension, plainHello, Puppet } from './puppet.ts';

const heartbeat = 24;
/** Where other programs have the machine. */
const slow = { timeout: 60_000 } as const;

const greeted = (hello: ClientHello = plainHello): Puppet => {
  const puppet = new Puppet({ cipherSuites });
  puppet.greet(hello);
  return puppet;
};
const keyed = (hello?: ClientHello): Puppet => {
  const puppet = greeted(hello);
  puppet.pskKeyExchange(pskIdentity);
  puppet.keys(psk);
  return puppet;
};
const admitted = (hello?: ClientHello): Puppet => {
  const puppet = keyed(hello);
  puppet.changeCipherSpec();
  puppet.finished();
  if (!puppet.established) throw new Error('it was not let in');
  return puppet;
};
const nothing = { associations: 0, handshakes: 0, timers: 0, reassemblyBytes: 0 };
/** The handshake is still there and can be finished. */
const goesOn = (puppet: Puppet): void => {
  puppet.pskKeyExchange(pskIdentity);
  puppet.keys(psk);
  puppet.changeCipherSpec();
  puppet.finished();
  expect(puppet.established).toBe(true);
};

describe('before there is any handshake', () => {
  test.each([
    ['a change_cipher_spec (CVE-2017-7243)', encodePlaintext(contentType.changeCipherSpec, 0, 0, Uint8Array.of(1))],
    ['a heartbeat that lies about its length (CVE-2014-0160)', encodePlaintext(heartbeat, 0, 0, bytesOf('01 4000'))],
    ['a ClientHello in epoch 1 (CVE-2021-42141)', helloRecord(1, encodeClientHello(plainHello))],
    [
      'a ClientHello of suites of an odd length (CVE-2021-42143)',
      helloRecord(0, bytesOf(`fefd ${'11'.repeat(32)} 00 00 0003 c0a8c0 01 00`)),
    ],
    [
      'a ClientHello in pieces, the first of which could be a whole one (CVE-2014-3511)',
      encodePlaintext(22, 0, 0, encodeFragment(handshakeTypes.client_hello, 0, encodeClientHello(plainHello), 0, 42)),
    ],
    ['application data (CVE-2019-20786)', encodePlaintext(contentType.applicationData, 0, 0, utf8('me'))],
    ['an empty record', encodePlaintext(contentType.handshake, 0, 0, emptyBytes)],
  ])('%s is nothing, leaves nothing and gets nothing', (_, bytes) => {
    const puppet = new Puppet();
    puppet.raw(bytes);
    expect([puppet.messages, puppet.alerts]).toEqual([[], []]);
    expect(puppet.server.engine.counters()).toMatchObject({ ...nothing, droppedRecords: 1 });
  });

  test('a ClientHello with a cookie, cut at each of its bytes, is nothing (CVE-2022-35409)', () => {
    const hello = encodeClientHello({ ...plainHello, cookie: new Uint8Array(16) });
    for (let length = 0; length < hello.length; length++) {
      const puppet = new Puppet();
      puppet.raw(helloRecord(0, hello.subarray(0, length)));
      const whole = length === hello.length - 6; // its extensions left out
      expect(puppet.messages.length).toBe(whole ? 1 : 0);
    }
  });
});

function helloRecord(epoch: number, body: Uint8Array): Uint8Array {
  return encodePlaintext(contentType.handshake, epoch, 0, encodeHandshake({ type: 'client_hello', sequence: 0, body }));
}

describe('in a handshake', () => {
  test('records of a far epoch, or far in their epoch, move nothing (CVE-2021-42142, CVE-2016-2181)', () => {
    const puppet = keyed();
    for (const [epoch, sequence] of [
      [0xffff, 0],
      [2, 2 ** 48 - 1],
    ] as const)
      puppet.raw(encodePlaintext(contentType.applicationData, epoch, sequence, new Uint8Array(40)));
    puppet.changeCipherSpec();
    puppet.raw(encodePlaintext(contentType.applicationData, 1, 2 ** 48 - 1, new Uint8Array(40)));
    puppet.finished();
    expect(puppet.established).toBe(true);
  });

  test(
    'ten thousand records that come before their keys take room for three (CVE-2015-0206, CVE-2009-1377)',
    slow,
    () => {
      const peer = endpointOf('a', 'server');
      const association = new Association('1', 'server', peer, new RecordLayer(), emptyBytes, 0 as Instant);
      const puppet = greeted();
      for (let i = 0; i < 10_000; i++) {
        const bytes = encodePlaintext(contentType.applicationData, 1, i, new Uint8Array(i % 600));
        for (const record of decodeRecords(bytes, 0)) keepEarly(association, record, peer);
        puppet.raw(bytes);
      }
      expect(association.early).toHaveLength(3);
      goesOn(puppet);
    },
  );
  test('a large record that comes before its keys is dropped', () => {
    const peer = endpointOf('a', 'server');
    const association = new Association('1', 'server', peer, new RecordLayer(), emptyBytes, 0 as Instant);
    const record = { type: 23, epoch: 1, sequence: 1, cid: emptyBytes };
    expect(keepEarly(association, { ...record, fragment: new Uint8Array(513) }, peer)).toBe(false);
    expect(keepEarly(association, { ...record, fragment: new Uint8Array(512) }, peer)).toBe(true);
    expect(keepEarly(association, { ...record, epoch: 2, fragment: new Uint8Array(40) }, peer)).toBe(false);
  });

  test('ten thousand change_cipher_specs are as good as one (CVE-2020-12457)', slow, () => {
    const puppet = greeted();
    for (let i = 0; i < 10_000; i++) puppet.changeCipherSpec();
    expect([puppet.alerts, puppet.plaintexts]).toEqual([[], []]);
    goesOn(puppet);
  });

  test('a change_cipher_spec with anything in it but 1 is none', () => {
    for (const content of ['', '00', '02', '0101'].map(bytesOf)) {
      const puppet = keyed();
      puppet.record(0, contentType.changeCipherSpec, content);
      puppet.finished();
      expect(puppet.established).toBe(false);
    }
  });

  test('a thousand empty fragments end nothing and loop nowhere (CVE-2022-29190)', () => {
    const puppet = greeted();
    const empty = encodeFragment(handshakeTypes.client_key_exchange, 99, new Uint8Array(0), 0, 0);
    puppet.record(0, contentType.handshake, concatBytes(Array.from({ length: 1000 }, () => empty)));
    goesOn(puppet);
  });

  test('a thousand HelloRequests of a server are no recursion, and no answer (CVE-2014-0221)', () => {
    const link = new Link();
    link.connect();
    const sent = link.client.engine.takeOutput().length;
    const requests = Array.from({ length: 1000 }, (_, sequence) =>
      encodeHandshake({ type: 'hello_request', sequence, body: emptyBytes }),
    );
    link.deliver({ to: 'client', from: 'server', bytes: encodePlaintext(22, 0, 0, concatBytes(requests)) });
    expect([sent, link.client.engine.takeOutput().length, link.client.of('failed')]).toEqual([1, 0, []]);
  });

  test('warnings are no answer and no end (CVE-2020-24659)', () => {
    const puppet = greeted();
    for (const description of [10, 41, 90, 100, 112, 255])
      puppet.record(0, contentType.alert, Uint8Array.of(1, description));
    expect(puppet.alerts).toEqual([]);
    goesOn(puppet);
  });

  test('a message across the change of keys is not taken together (CVE-2023-6937)', () => {
    const puppet = keyed();
    puppet.changeCipherSpec();
    const finished = encodeHandshake({ type: 'finished', sequence: puppet.sequence, body: new Uint8Array(12) });
    puppet.record(0, contentType.handshake, finished.subarray(0, 24));
    puppet.finished();
    expect(puppet.established).toBe(true);
  });

  test('a PSK identity of four thousand bytes is one that nobody has (CVE-2019-11873)', () => {
    const puppet = greeted();
    puppet.pskKeyExchange('x'.repeat(4000));
    puppet.keys(psk);
    puppet.changeCipherSpec();
    puppet.finished();
    expect([puppet.established, puppet.alerts]).toEqual([false, ['decrypt_error']]);
  });

  test('one suite a thousand times over, also in a resumption, is that suite (CVE-2022-39173)', () => {
    const cipherSuites = new Array<number>(1000).fill(0xc0a8);
    const first = admitted({ ...plainHello, cipherSuites });
    const puppet = new Puppet(first.server);
    puppet.address = 'another';
    puppet.greet({ ...plainHello, cipherSuites, sessionId: first.serverHello?.sessionId ?? emptyBytes });
    expect(puppet.messages.map(({ type }) => type)).toEqual(['server_hello']);
    expect(hex(puppet.serverHello?.sessionId ?? emptyBytes)).toBe(hex(first.serverHello?.sessionId ?? emptyBytes));
  });

  test('a Connection ID of 255 bytes is answered with all of it (CVE-2022-46393)', () => {
    const cid = new Uint8Array(255).fill(0xcc);
    const puppet = keyed({ ...plainHello, extensions: new Map([...plainHello.extensions, [54, vector(1, cid)]]) });
    puppet.changeCipherSpec();
    puppet.finished();
    const association = puppet.server.of('established')[0]?.endpoint.association;
    expect(hex(association?.layer.peerCid ?? emptyBytes)).toBe(hex(cid));
  });

  test(
    'two hundred that fail leave nothing behind, and none after them is refused (CVE-2022-39368, CVE-2020-27222)',
    slow,
    () => {
      const first = new Puppet();
      for (let i = 0; i < 200; i++) {
        const puppet = new Puppet(first.server);
        puppet.now = (1000 + i * 10) as Instant;
        puppet.address = `client-${i}`;
        puppet.greet({ ...plainHello, cipherSuites: i % 2 === 0 ? [0xc0ae] : [0xc0a8] });
        if (i % 2 === 1) puppet.say('certificate', bytesOf('000000'));
        expect(puppet.alerts).toHaveLength(1);
      }
      expect(first.server.engine.counters()).toMatchObject(nothing);
      first.now = 20_000 as Instant;
      first.greet();
      goesOn(first);
    },
  );
});

describe('after a handshake', () => {
  test('a heartbeat gets no answer (CVE-2014-0160)', () => {
    const puppet = admitted();
    const before = puppet.plaintexts.length;
    puppet.record(1, heartbeat, bytesOf('01 4000'));
    expect([puppet.plaintexts.length - before, puppet.server.engine.counters().droppedRecords]).toEqual([0, 1]);
  });

  test('a fatal alert ends its session too, a close_notify is answered and does not (RFC 5246 §7.2.1, §7.2.2)', () => {
    const after = (...alert: readonly number[]): unknown => {
      const puppet = admitted();
      puppet.record(1, contentType.alert, Uint8Array.from(alert));
      const { associations, sessions } = puppet.server.engine.counters();
      return [associations, sessions, puppet.alerts];
    };
    expect(after(2, 80)).toEqual([0, 0, []]);
    expect(after(1, 0)).toEqual([0, 1, ['close_notify']]);
    expect(after(1, 90)).toEqual([1, 1, []]);
    expect(after(2, 80, 0)).toEqual([1, 1, []]);
  });

  test('nothing that is not protected is believed (CVE-2021-42146)', () => {
    const puppet = admitted();
    for (const type of [20, 21, 22, 23, 27])
      puppet.raw(encodePlaintext(type, 0, 5, type === contentType.alert ? Uint8Array.of(2, 40) : Uint8Array.of(1)));
    puppet.record(1, contentType.applicationData, utf8('still here'));
    expect(puppet.server.received.map(({ text }) => text)).toEqual(['still here']);
  });

  test('a change_cipher_spec under the keys changes nothing, and counts as dropped', () => {
    const puppet = admitted();
    puppet.record(1, contentType.changeCipherSpec, Uint8Array.of(1));
    expect(puppet.server.engine.counters().droppedRecords).toBe(1);
    puppet.record(1, contentType.applicationData, utf8('still here'));
    expect(puppet.server.received.map(({ text }) => text)).toEqual(['still here']);
  });

  test('a renegotiation with a ClientHello that is cut is refused like any (tinyDTLS issue 272, CVE-2021-3449)', () => {
    const puppet = admitted();
    puppet.record(1, contentType.handshake, encodeHandshake({ type: 'client_hello', sequence: 9, body: emptyBytes }));
    expect(puppet.alerts).toEqual(['no_renegotiation']);
    puppet.record(1, contentType.handshake, bytesOf('01'));
    puppet.record(1, contentType.applicationData, utf8('still here'));
    expect(puppet.server.received.map(({ text }) => text)).toEqual(['still here']);
  });
});

describe('what is random', () => {
  const hellos = Array.from({ length: 4 }, () =>
    greeted({
      ...plainHello,
      cipherSuites: [0xd001],
      extensions: new Map([
        [extension.extendedMasterSecret, emptyBytes],
        [10, bytesOf('0002 001d')],
      ]),
    }),
  );
  const all = (of: (puppet: Puppet) => Uint8Array | undefined): Set<string> =>
    new Set(hellos.map((one) => hex(of(one) ?? emptyBytes)));
  test('is another each time: hellos, session IDs, ephemeral keys (CVE-2020-11501, CVE-2021-34430, CVE-2020-1968)', () => {
    const share = ({ messages }: Puppet): Uint8Array | undefined => {
      const body = messages.find(({ type }) => type === 'server_key_exchange')?.body;
      return decodeServerKeyExchange(body ?? emptyBytes, 'ecdhe_psk').params?.publicKey;
    };
    for (const values of [
      all(({ serverHello }) => serverHello?.random),
      all(({ serverHello }) => serverHello?.sessionId),
      all(share),
    ]) {
      expect(values.size).toBe(4);
      for (const value of values) expect(value).toMatch(/^(?!0+$)[0-9a-f]{64}$/);
    }
  });
  test('the key of tickets too, from the first on (CVE-2020-13777)', () => {
    const session = {
      cipherSuite: 1,
      masterSecret: new Uint8Array(48),
      identity: { kind: 'psk', name: 'x' },
      createdMs: 0,
    } as const;
    const ticket = new TicketKeys(nodeCrypto, 1000).seal(session, 0);
    const zeros = { find: () => new Uint8Array(16), keep: (_: number, key: Uint8Array) => key };
    expect(new TicketKeys(nodeCrypto, 1000, zeros).open(ticket, 0)).toBeUndefined();
  });
});

test('an identity revoked while its session sleeps is not resumed by it (CVE-2025-68121)', () => {
  let revoked = false;
  const link = new Link({ server: { server: { ...pskServer, mayResume: () => !revoked } } });
  link.establish();
  const session = link.client.of('established')[0]?.result.clientSession;
  revoked = true;
  link.establish(pskClient, session);
  expect(link.server.of('established').map(({ result }) => result.resumed)).toEqual([false, false]);
});
