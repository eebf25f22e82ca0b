/** Faults that were published of other stacks from 2026 on, each done to this one. docs/security.md says of each what it was. */
import { describe, expect, test } from 'vitest';
import { concatBytes, emptyBytes, hex } from '../../src/core/bytes.ts';
import type { Datagram } from '../../src/core/datagram.ts';
import { FatalAlert } from '../../src/dtls/alert.ts';
import { cipherSuites } from '../../src/dtls/cipher-suites.ts';
import { decodeCertificate, encodeCertificate } from '../../src/dtls/messages/certificate.ts';
import { encodeClientHello } from '../../src/dtls/messages/client-hello.ts';
import { decodeHelloVerifyRequest } from '../../src/dtls/messages/hello-verify-request.ts';
import { defaultDtlsLimits } from '../../src/dtls/options.ts';
import { contentType, decodeRecords, encodePlaintext } from '../../src/dtls/record.ts';
import { Reassembly } from '../../src/dtls/reassembly.ts';
import { decodeFragments, encodeHandshake, handshakeTypes } from '../../src/dtls/handshake-message.ts';
import { certificateClient, certificateServer, certificateOf } from './certificates.ts';
import { endpointOf, Link, pskClient } from './link.ts';
import { plainHello } from './puppet.ts';

describe('nonces count and are not drawn (CVE-2026-26014, Pion)', () => {
  test.each(cipherSuites.filter(({ cipher }) => cipher.kind !== 'cbc'))('$name', (suite) => {
    const link = new Link({
      client: { cipherSuites: [suite] },
      server: { cipherSuites: [suite], server: certificateServer },
    });
    const endpoint = link.establish({ ...certificateClient, ...pskClient });
    for (let i = 0; i < 3; i++) link.say(endpoint, 'news');
    link.run();
    const records = link.sent.flatMap(({ bytes }) => decodeRecords(bytes, 0)).filter(({ epoch }) => epoch === 1);
    expect(records.length).toBeGreaterThan(4);
    for (const { sequence, fragment } of records)
      expect(hex(fragment.subarray(0, 8))).toBe(`0001${sequence.toString(16).padStart(12, '0')}`);
  });
});

describe('a Certificate whose lengths lie (CVE-2026-9267, tinyDTLS)', () => {
  test.each(['x509', 'raw_public_key'] as const)('%s: each of its bytes and each of its ends', (type) => {
    const body = encodeCertificate(
      type === 'x509' ? [certificateOf('device'), certificateOf('devices')] : [certificateOf('client')],
      type,
    );
    const whole = decodeCertificate(body, type).map(({ length }) => length);
    for (let end = 0; end < body.length; end++)
      expect(() => decodeCertificate(body.subarray(0, end), type)).toThrow(FatalAlert);
    // The lengths stand first: of the list, and of the first certificate.
    for (let at = 0; at < (type === 'x509' ? 6 : 3); at++)
      for (const change of [1, 0x80, 0xff]) {
        const lying = body.map((byte, i) => (i === at ? byte ^ change : byte));
        expect(() => decodeCertificate(lying, type)).toThrow(FatalAlert);
      }
    expect(decodeCertificate(body, type).map(({ length }) => length)).toEqual(whole);
  });
});

test('many ClientHellos at once from one address are one handshake, and end nobody else (CVE-2026-55950, Erlang)', () => {
  const limits = { ...defaultDtlsLimits, maxHandshakesPerSecond: 1000 };
  const link = new Link({ server: { limits } });
  const endpoint = link.establish();
  const from = endpointOf('hasty', 'server');
  const helloOf = (random: number, cookie: Uint8Array): Uint8Array => {
    const hello = { ...plainHello, random: new Uint8Array(32).fill(random), cookie };
    return encodePlaintext(
      contentType.handshake,
      0,
      random,
      encodeHandshake({ type: 'client_hello', sequence: cookie.length === 0 ? 0 : 1, body: encodeClientHello(hello) }),
    );
  };
  const batch = (cookies: readonly Uint8Array[]): Datagram[] =>
    cookies.map((cookie, i) => ({ bytes: helloOf(i, cookie), endpoint: from, multicast: false }));
  link.server.engine.receive(batch(Array.from({ length: 50 }, () => emptyBytes)), link.now);
  const cookies = link.server.engine.takeOutput().map(({ bytes }) => {
    const [request] = decodeFragments(decodeRecords(bytes, 0)[0]?.fragment ?? emptyBytes) ?? [];
    return decodeHelloVerifyRequest(request?.bytes ?? emptyBytes);
  });
  expect(cookies).toHaveLength(50);
  link.server.engine.receive(batch(cookies), link.now);
  expect(link.server.engine.counters()).toMatchObject({ associations: 1, handshakes: 1, timers: 1 });
  link.server.engine.takeOutput();
  link.say(endpoint, 'still here');
  link.run();
  expect(link.server.received.map(({ text }) => text)).toEqual(['still here']);
});

describe('fragments (CVE-2026-42009 and issue 1839, GnuTLS)', () => {
  const fragment = (type: number, sequence: number, length: number, offset: number, bytes: Uint8Array) => ({
    type,
    sequence,
    length,
    offset,
    bytes,
  });
  const certificate = handshakeTypes.certificate;
  test('of the same type and another number are of another message', () => {
    const reassembly = new Reassembly(1000, 0);
    expect(reassembly.add(fragment(certificate, 0, 100, 0, new Uint8Array(50).fill(1)))).toEqual([]);
    expect(reassembly.add(fragment(certificate, 1, 200, 50, new Uint8Array(150).fill(2)))).toEqual([]);
    const [first, ...more] = reassembly.add(fragment(certificate, 0, 100, 50, new Uint8Array(50).fill(3)));
    expect(more).toEqual([]);
    expect(first?.body).toEqual(concatBytes([new Uint8Array(50).fill(1), new Uint8Array(50).fill(3)]));
  });
  test('of the same number and another type are refused', () => {
    const reassembly = new Reassembly(1000, 0);
    reassembly.add(fragment(certificate, 0, 100, 0, new Uint8Array(50)));
    expect(() => reassembly.add(fragment(handshakeTypes.client_key_exchange, 0, 100, 50, new Uint8Array(50)))).toThrow(
      FatalAlert,
    );
  });
  test('that come over and over, in any order, are each message once', () => {
    const reassembly = new Reassembly(1000, 0);
    const came = [3, 1, 1, 3, 2, 2, 0, 0, 1, 3].flatMap((sequence) =>
      reassembly.add(fragment(certificate, sequence, 1, 0, Uint8Array.of(sequence))),
    );
    expect(came.map(({ sequence }) => sequence)).toEqual([0, 1, 2, 3]);
    expect(reassembly.bytes).toBe(0);
  });
});
