import { describe, expect, test } from 'vitest';
import { cipherSuites } from '../../src/dtls/cipher-suites.ts';
import type { ClientCredentials } from '../../src/dtls/credentials.ts';
import {
  certificateClient,
  certificateServer,
  ownCertificate,
  ownRawKey,
  rawKeyClient,
  verifier,
} from './certificates.ts';
import { replaced } from './bytes.ts';
import { Link, pskClient, type Mangle } from './link.ts';

const certificateSuites = cipherSuites.filter(({ keyExchange }) => keyExchange === 'ecdhe_ecdsa');

const outcome = (link: Link): unknown => ({
  client: [
    ...link.client.of('established').map(({ result }) => result.identity),
    ...link.client.of('failed').map(({ alert }) => alert),
  ],
  server: [
    ...link.server.of('established').map(({ result }) => result.identity),
    ...link.server.of('failed').map(({ alert }) => alert),
  ],
});

describe.each(certificateSuites)('$name', (suite) => {
  test.each(['x25519', 'secp256r1'] as const)('with %s and certificates both ways', (group) => {
    const link = new Link({
      client: { cipherSuites: [suite], groups: [group, 'secp256r1'] },
      server: { server: certificateServer, groups: [group] },
    });
    const endpoint = link.establish(certificateClient);
    expect(outcome(link)).toEqual({
      client: [{ kind: 'x509', name: 'server' }],
      server: [{ kind: 'x509', name: 'client' }],
    });
    link.say(endpoint, 'hello');
    link.run();
    expect(link.server.received.map(({ text }) => text)).toEqual(['hello']);
  });
});

test('raw public keys both ways (RFC 7250)', () => {
  const link = new Link({ server: { server: certificateServer } });
  link.establish(rawKeyClient);
  expect(outcome(link)).toEqual({
    client: [{ kind: 'raw_public_key', name: 'server' }],
    server: [{ kind: 'raw_public_key', name: 'client' }],
  });
});

describe('refused', () => {
  const attempt = (client: ClientCredentials, server = certificateServer): unknown => {
    const link = new Link({ server: { server } });
    link.establish(client);
    return outcome(link);
  };
  test('a server that the client does not trust', () => {
    expect(attempt(certificateClient, { ...certificateServer, certificates: [ownCertificate('too-deep')] })).toEqual({
      client: ['unknown_ca'],
      server: ['unknown_ca'],
    });
  });
  test('a client that the server does not trust', () => {
    expect(attempt({ ...certificateClient, certificate: ownCertificate('stranger') })).toEqual({
      client: ['unknown_ca'],
      server: ['unknown_ca'],
    });
  });
  test('a raw key that is not known', () => {
    expect(attempt({ ...rawKeyClient, certificate: ownRawKey('stranger') })).toEqual({
      client: ['certificate_unknown'],
      server: ['certificate_unknown'],
    });
  });
  test('a server that shows one certificate and signs with another key', () => {
    const { signingKey } = ownCertificate('stranger');
    expect(
      attempt(certificateClient, { ...certificateServer, certificates: [{ ...ownCertificate('server'), signingKey }] }),
    ).toEqual({
      client: ['decrypt_error'],
      server: ['decrypt_error'],
    });
  });
  test('a client that has none where one is required', () => {
    const { serverCertificates } = certificateClient;
    expect(attempt(serverCertificates === undefined ? {} : { serverCertificates })).toEqual({
      client: ['handshake_failure'],
      server: ['handshake_failure'],
    });
  });
});

test('a certificate chain is sent whole', () => {
  const link = new Link({ server: { server: certificateServer } });
  link.establish({ ...certificateClient, certificate: ownCertificate('device', 'devices') });
  expect(outcome(link)).toMatchObject({ server: [{ kind: 'x509', name: 'device' }] });
});

test('a client without anything that the server takes is refused', () => {
  const link = new Link({ server: { server: { ...certificateServer, preSharedKey: () => undefined } } });
  link.establish({ serverCertificates: { types: ['x509'], verify: verifier('server', []) } });
  expect(link.server.of('established')).toEqual([]);
});

test('a client without a key and without trust is told so', () => {
  const link = new Link();
  link.connect({});
  expect(link.client.of('failed').map(({ alert }) => alert)).toEqual(['insufficient_security']);
});

describe('what a client does not take from a server', () => {
  /** Changes the bytes of ServerHello: suite at `from`, found behind the session ID. */
  const change =
    (edit: (body: Uint8Array) => void): Mangle =>
    (datagram) => {
      if (datagram.to !== 'client' || datagram.bytes[0] !== 22 || datagram.bytes[13] !== 2) return [datagram];
      const bytes = Uint8Array.from(datagram.bytes);
      edit(bytes.subarray(25));
      return [{ ...datagram, bytes }];
    };
  const suiteAt = (body: Uint8Array): number => 2 + 32 + 1 + (body[34] ?? 0);
  test.each([
    ['a version of before', (body: Uint8Array) => body.set([0xfe, 0xff], 0), 'protocol_version'],
    ['a suite that was not offered', (body: Uint8Array) => body.set([0xc0, 0xae], suiteAt(body)), 'illegal_parameter'],
    ['compression', (body: Uint8Array) => body.set([1], suiteAt(body) + 2), 'illegal_parameter'],
    [
      'an extension that was not sent',
      (body: Uint8Array) => body.set([0x12, 0x34], suiteAt(body) + 5),
      'unsupported_extension',
    ],
  ] as const)('%s', (_, edit, alert) => {
    const link = new Link();
    link.mangle = change(edit);
    link.establish(pskClient);
    expect(link.client.of('failed').map(({ alert }) => alert)).toEqual([alert]);
  });

  test('another suite than that of the session that it goes on with', () => {
    const link = new Link();
    link.establish();
    const session = link.client.of('established')[0]?.result.clientSession;
    link.mangle = change((body) => body.set([0x00, 0xa8], suiteAt(body)));
    link.establish(pskClient, session);
    expect(link.client.of('failed').map(({ alert }) => alert)).toEqual(['illegal_parameter']);
  });

  test('CBC without encrypt-then-MAC', () => {
    const only = cipherSuites.filter(({ cipher }) => cipher.kind === 'cbc');
    const link = new Link({ client: { cipherSuites: only }, server: { cipherSuites: only } });
    // Where the server says that it does so, it seems to say that it will send a ticket.
    const inHello = change((body) => body.set(replaced(body, [0, 22, 0, 0], [0, 35, 0, 0])));
    link.mangle = inHello;
    link.establish(pskClient);
    expect(link.client.of('failed').map(({ alert }) => alert)).toEqual(['handshake_failure']);
  });

  test('a type of certificate that was not offered', () => {
    const link = new Link({ server: { server: certificateServer } });
    link.mangle = change((body) => body.set(replaced(body, [0, 20, 0, 1, 2], [0, 20, 0, 1, 0])));
    link.establish(rawKeyClient);
    expect(link.client.of('failed').map(({ alert }) => alert)).toEqual(['illegal_parameter']);
  });

  test('X.509 where only raw public keys were offered, and the server says nothing of types (RFC 7250 §4.2)', () => {
    const link = new Link({ server: { server: certificateServer } });
    // It seems to say, instead, that it will send a ticket.
    link.mangle = change((body) => body.set(replaced(body, [0, 20, 0, 1, 2, 0, 28], [0, 35, 0, 1, 2, 0, 28])));
    link.establish(rawKeyClient);
    expect(link.client.of('failed').map(({ alert }) => alert)).toEqual(['unsupported_certificate']);
  });

  test('a group that was not offered', () => {
    const link = new Link({ client: { groups: ['x25519'] }, server: { server: certificateServer } });
    // One in the middle turns the group into the other, or the server does as if.
    link.mangle = (datagram) => [{ ...datagram, bytes: replaced(datagram.bytes, [0, 2, 0, 29], [0, 2, 0, 23]) }];
    link.establish(certificateClient);
    expect(link.client.of('failed').map(({ alert }) => alert)).toEqual(['illegal_parameter']);
  });

  test('cookies without end', () => {
    const link = new Link();
    // Every cookie is spoiled on its way back to the server.
    link.mangle = (datagram) => {
      if (datagram.to !== 'server' || datagram.bytes[13] !== 1) return [datagram];
      const bytes = Uint8Array.from(datagram.bytes);
      if (bytes[60] === 16) bytes[61] = (bytes[61] ?? 0) ^ 1;
      return [{ ...datagram, bytes }];
    };
    link.establish(pskClient);
    expect(link.client.of('failed').map(({ alert }) => alert)).toEqual(['handshake_failure']);
  });
});
