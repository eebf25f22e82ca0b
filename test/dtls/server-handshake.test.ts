import { describe, expect, test } from 'vitest';
import { emptyBytes, hex, utf8 } from '../../src/core/bytes.ts';
import { cipherSuites } from '../../src/dtls/cipher-suites.ts';
import { nodeCrypto, signingKey } from '../../src/dtls/crypto.ts';
import { keyBlock, masterSecret, recordProtection } from '../../src/dtls/key-schedule.ts';
import { encodeCertificate } from '../../src/dtls/messages/certificate.ts';
import { encodeCertificateVerify } from '../../src/dtls/messages/certificate-verify.ts';
import { encodeClientHello } from '../../src/dtls/messages/client-hello.ts';
import { encodeClientKeyExchange } from '../../src/dtls/messages/client-key-exchange.ts';
import { decodeServerKeyExchange } from '../../src/dtls/messages/server-key-exchange.ts';
import { contentType } from '../../src/dtls/record.ts';
import { vector } from '../../src/dtls/presentation.ts';
import { TicketKeys } from '../../src/dtls/ticket.ts';
import { certificateOf, certificateServer, pkiFile } from './certificates.ts';
import { psk, pskIdentity, pskServer } from './link.ts';
import { extension, plainHello, Puppet } from './puppet.ts';
import { bytesOf } from './bytes.ts';

const withExtensions = (...entries: readonly (readonly [number, Uint8Array])[]): typeof plainHello => ({
  ...plainHello,
  extensions: new Map([[extension.extendedMasterSecret, emptyBytes], ...entries]),
});

/** Up to the ClientKeyExchange, with keys. */
function keyed(puppet = new Puppet()): Puppet {
  puppet.greet();
  puppet.pskKeyExchange(pskIdentity);
  puppet.keys(psk);
  return puppet;
}

describe('an honest puppet', () => {
  test('gets in', () => {
    const puppet = keyed();
    puppet.changeCipherSpec();
    puppet.finished();
    expect(puppet.established).toBe(true);
    expect(puppet.alerts).toEqual([]);
    expect(puppet.messages.map(({ type }) => type)).toEqual(['server_hello', 'server_hello_done', 'finished']);
  });

  test('gets numbers that go on from its ClientHello, since the server has not counted (RFC 6347 §4.2.2)', () => {
    const puppet = new Puppet();
    puppet.greet();
    expect(puppet.messages.map(({ sequence }) => sequence)).toEqual([1, 2]);
  });
});

describe('a ClientHello is refused', () => {
  test.each([
    ['of DTLS 1.0', { ...plainHello, version: 0xfeff }, 'protocol_version'],
    ['without null compression', { ...plainHello, compressionMethods: Uint8Array.of(1) }, 'illegal_parameter'],
    ['without a suite that is spoken here', { ...plainHello, cipherSuites: [0x002f] }, 'handshake_failure'],
    ['without extended master secret', { ...plainHello, extensions: new Map() }, 'handshake_failure'],
    [
      'that renegotiates (RFC 5746 §3.6)',
      withExtensions([extension.renegotiationInfo, vector(1, Uint8Array.of(1))]),
      'handshake_failure',
    ],
    ['with a maximum fragment length that there is not', withExtensions([1, Uint8Array.of(5)]), 'illegal_parameter'],
    ['with a record size limit below 64', withExtensions([28, Uint8Array.of(0, 63)]), 'illegal_parameter'],
    [
      'with a certificate suite where there is no certificate',
      { ...plainHello, cipherSuites: [0xc0ae] },
      'handshake_failure',
    ],
    [
      'with ECC and without uncompressed points (RFC 8422 §5.1.2)',
      { ...withExtensions([10, bytesOf('0002 0017')], [11, bytesOf('01 01')]), cipherSuites: [0xd001] },
      'illegal_parameter',
    ],
    ['with data where an extension has none', withExtensions([23, Uint8Array.of(0)]), 'decode_error'],
    ['with a Connection ID that lies about its length', withExtensions([54, bytesOf('02 aa')]), 'decode_error'],
    ['with a session ticket and suites of nothing', { ...plainHello, cipherSuites: [0x00ff] }, 'handshake_failure'],
    ['with CBC and without encrypt-then-MAC', { ...plainHello, cipherSuites: [0xc037] }, 'handshake_failure'],
  ] as const)('%s', (_, hello, alert) => {
    const puppet = new Puppet({ cipherSuites });
    puppet.greet(hello);
    expect(puppet.alerts).toEqual([alert]);
    expect(puppet.server.engine.counters()).toMatchObject({ handshakes: 0, timers: 0 });
  });

  test('and one that cannot be read is not answered at all', () => {
    const puppet = new Puppet();
    puppet.say('client_hello', encodeClientHello(plainHello).subarray(0, 45));
    puppet.say('client_hello', Uint8Array.of(...encodeClientHello(plainHello), 0));
    expect([puppet.messages, puppet.alerts]).toEqual([[], []]);
  });
});

describe('the ServerHello answers what was asked', () => {
  const answered = (hello: typeof plainHello, options = {}): Record<string, string> => {
    const puppet = new Puppet({ cipherSuites, ...options });
    puppet.greet(hello);
    return Object.fromEntries([...(puppet.serverHello?.extensions ?? [])].map(([type, data]) => [type, hex(data)]));
  };
  test.each([
    ['extended master secret', plainHello, { 23: '' }],
    [
      'the signal of RFC 5746 among the suites',
      { ...plainHello, cipherSuites: [0xc0a8, 0x00ff] },
      { 23: '', 65281: '00' },
    ],
    ['renegotiation_info', withExtensions([extension.renegotiationInfo, vector(1)]), { 23: '', 65281: '00' }],
    ['a maximum fragment length', withExtensions([1, Uint8Array.of(1)]), { 1: '01', 23: '' }],
    [
      'a record size limit, which comes before the former',
      withExtensions([1, Uint8Array.of(1)], [28, Uint8Array.of(1, 0)]),
      { 23: '', 28: '4000' },
    ],
    [
      'encrypt-then-MAC with CBC',
      { ...withExtensions([22, emptyBytes], [10, bytesOf('0002 001d')]), cipherSuites: [0xc037] },
      { 22: '', 23: '' },
    ],
    ['encrypt-then-MAC without CBC is not (RFC 7366 §3)', withExtensions([22, emptyBytes]), { 23: '' }],
    ['something unknown is not', withExtensions([0x1234, bytesOf('01')]), { 23: '' }],
  ])('%s', (_, hello, extensions) => {
    expect(answered(hello)).toEqual(extensions);
  });
  test('a Connection ID where the server hands them out, with return routability', () => {
    const cid = answered(withExtensions([54, vector(1)], [61, emptyBytes]), { connectionId: { length: 5, node: 3 } });
    expect(cid[54]).toMatch(/^0503[0-9a-f]{8}$/);
    expect(cid[61]).toBe('');
    expect(answered(withExtensions([54, vector(1)]))).toEqual({ 23: '', 54: '00' });
    expect(answered(withExtensions([61, emptyBytes]))).toEqual({ 23: '' });
  });
});

describe('a client without extended master secret', () => {
  const legacy = { ...plainHello, extensions: new Map<number, Uint8Array>() };
  const server = { ...pskServer, allowLegacyMasterSecret: true };
  const attempt = (identity: string): Puppet => {
    const puppet = new Puppet({ server });
    puppet.greet(legacy);
    puppet.pskKeyExchange(identity);
    puppet.keys(psk, false);
    puppet.changeCipherSpec();
    puppet.finished();
    return puppet;
  };
  test('gets in where its identity is marked for it, and its session is not resumed', () => {
    const puppet = attempt('old-device');
    expect(puppet.server.of('established')[0]?.result).toMatchObject({
      extendedMasterSecret: false,
      sessionId: emptyBytes,
    });
    expect(puppet.server.engine.counters().sessions).toBe(0);
  });
  test('gets no ticket either', () => {
    const tickets = new TicketKeys(nodeCrypto, 3_600_000);
    const answered = (hello: typeof plainHello): boolean => {
      const puppet = new Puppet({ server, tickets });
      puppet.greet(hello);
      return puppet.serverHello?.extensions.has(35) === true;
    };
    expect(answered(withExtensions([35, emptyBytes]))).toBe(true);
    expect(answered({ ...legacy, extensions: new Map([[35, emptyBytes]]) })).toBe(false);
  });
  test('gets in with a pre-shared key only: an identity by certificate is never marked', () => {
    const puppet = new Puppet({ server: { ...certificateServer, allowLegacyMasterSecret: true } });
    const extensions = new Map([
      [10, bytesOf('0004 001d 0017')],
      [13, bytesOf('0002 0403')],
    ]);
    puppet.greet({ ...plainHello, cipherSuites: [0xc0ae], extensions });
    expect(puppet.alerts).toEqual(['handshake_failure']);
  });
  test('is told that its key is wrong where it is not, as if the identity were unknown', () => {
    const [known, unknown] = [attempt(pskIdentity), attempt('nobody')];
    expect(known.established).toBe(false);
    expect(known.alerts).toEqual(['decrypt_error']);
    expect(unknown.alerts).toEqual(known.alerts);
  });
});

describe('nobody gets in', () => {
  test('with a wrong Finished', () => {
    const puppet = keyed();
    puppet.changeCipherSpec();
    puppet.finished(new Uint8Array(12));
    expect([puppet.established, puppet.alerts]).toEqual([false, ['decrypt_error']]);
  });
  test('with an empty Finished', () => {
    const puppet = keyed();
    puppet.changeCipherSpec();
    puppet.finished(emptyBytes);
    expect([puppet.established, puppet.alerts]).toEqual([false, ['decrypt_error']]);
  });
  test('without a change_cipher_spec', () => {
    const puppet = keyed();
    puppet.finished();
    expect([puppet.established, puppet.messages.length]).toEqual([false, 2]);
  });
  test('with a Finished that is not protected', () => {
    const puppet = keyed();
    puppet.changeCipherSpec();
    puppet.say('finished', new Uint8Array(12), 0);
    expect(puppet.established).toBe(false);
  });
  test('with a ClientKeyExchange that is protected', () => {
    const puppet = new Puppet();
    puppet.greet();
    puppet.keys(psk);
    puppet.say('client_key_exchange', vector(2, utf8(pskIdentity)), 1);
    expect([puppet.established, puppet.messages.length]).toEqual([false, 2]);
  });
  test('by a change_cipher_spec that comes before the keys, with keys that anybody can make (CVE-2014-0224)', () => {
    const puppet = new Puppet();
    puppet.greet();
    puppet.changeCipherSpec();
    const { client } = keyBlock(
      nodeCrypto,
      puppet.suite.cipher,
      emptyBytes,
      puppet.hello.random,
      puppet.serverHello?.random ?? emptyBytes,
    );
    puppet.layer.protectWrites(recordProtection(nodeCrypto, puppet.suite.cipher, client), emptyBytes);
    puppet.finished(new Uint8Array(12));
    puppet.record(1, contentType.applicationData, utf8('let me in'));
    expect([puppet.established, puppet.server.received]).toEqual([false, []]);
  });
  test('with messages out of turn', () => {
    const puppet = new Puppet();
    puppet.greet();
    puppet.say('certificate_verify', emptyBytes);
    expect([puppet.established, puppet.alerts]).toEqual([false, ['unexpected_message']]);
  });
  test('with two ClientKeyExchanges', () => {
    const puppet = keyed();
    puppet.pskKeyExchange(pskIdentity);
    expect([puppet.established, puppet.alerts]).toEqual([false, ['unexpected_message']]);
  });
  test('and says nothing before its Finished', () => {
    const puppet = keyed();
    puppet.changeCipherSpec();
    puppet.record(1, contentType.applicationData, utf8('early'));
    expect(puppet.server.received).toEqual([]);
  });
  test('with the key of nobody: an empty one', () => {
    const puppet = new Puppet();
    puppet.greet();
    puppet.pskKeyExchange('nobody');
    puppet.keys(emptyBytes);
    puppet.changeCipherSpec();
    puppet.finished();
    expect([puppet.established, puppet.alerts]).toEqual([false, ['decrypt_error']]);
  });
});

describe('a client certificate', () => {
  const certificateHello = {
    ...withExtensions([10, bytesOf('0004 001d 0017')], [13, bytesOf('0002 0403')], [11, bytesOf('01 00')]),
    cipherSuites: [0xc0ae],
  };

  /** Shows the certificate `shown`, proves it with the key `signer`, or not at all. */
  function attempt(shown: string | undefined, signer: string | undefined, required = true): Puppet {
    const wanted = certificateServer.clientCertificates;
    if (wanted === undefined) throw new Error('no client certificates');
    const puppet = new Puppet({ server: { ...certificateServer, clientCertificates: { ...wanted, required } } });
    puppet.greet(certificateHello);
    puppet.say('certificate', encodeCertificate(shown === undefined ? [] : [certificateOf(shown)], 'x509'));
    const exchange = puppet.messages.find(({ type }) => type === 'server_key_exchange');
    const params = decodeServerKeyExchange(exchange?.body ?? emptyBytes, 'ecdhe_ecdsa').params;
    if (params === undefined || puppet.server.of('failed').length > 0) return puppet;
    const share = nodeCrypto.keyShare(params.group);
    puppet.say(
      'client_key_exchange',
      encodeClientKeyExchange({ pskIdentity: emptyBytes, publicKey: share.publicKey }, 'ecdhe_ecdsa'),
    );
    puppet.master = masterSecret(nodeCrypto, share.agree(params.publicKey) ?? emptyBytes, {
      extended: true,
      sessionHash: puppet.hash,
    });
    puppet.layer.protectWrites(puppet.protection('client'), emptyBytes);
    puppet.layer.protectReads(puppet.protection('server'), emptyBytes);
    if (signer !== undefined) {
      const transcript = Buffer.concat(puppet.transcript);
      puppet.say('certificate_verify', encodeCertificateVerify(signingKey(pkiFile(`${signer}.key`)).sign(transcript)));
    }
    puppet.changeCipherSpec();
    puppet.finished();
    return puppet;
  }

  test('that is proven gets in', () => {
    const puppet = attempt('client', 'client');
    expect(puppet.server.of('established')[0]?.result.identity).toEqual({ kind: 'x509', name: 'client' });
  });
  test('without a CertificateVerify does not', () => {
    const puppet = attempt('client', undefined);
    expect([puppet.established, puppet.server.of('failed').length]).toEqual([false, 0]);
  });
  test('proven with another key does not', () => {
    const puppet = attempt('client', 'stranger');
    expect([puppet.established, puppet.alerts]).toEqual([false, ['decrypt_error']]);
  });
  test.each([
    ['of another authority', 'stranger', 'unknown_ca'],
    ['of a server', 'server', 'unsupported_certificate'],
  ])('%s is refused', (_, name, alert) => {
    const puppet = attempt(name, name);
    expect([puppet.established, puppet.alerts]).toEqual([false, [alert]]);
  });
  test('that is required and not shown is refused', () => {
    expect(attempt(undefined, undefined).alerts).toEqual(['handshake_failure']);
  });
  test('that is not required and not shown leaves the client without a name', () => {
    const puppet = attempt(undefined, undefined, false);
    expect(puppet.server.of('established')[0]?.result.identity).toEqual({ kind: 'anonymous', name: '' });
  });
  test('that was not shown cannot be proven', () => {
    const puppet = attempt(undefined, 'client', false);
    expect([puppet.established, puppet.alerts]).toEqual([false, ['unexpected_message']]);
  });
});

test('a maximum fragment length holds for both ends (RFC 6066 §4)', () => {
  const puppet = new Puppet();
  puppet.greet(withExtensions([1, Uint8Array.of(1)]));
  puppet.pskKeyExchange(pskIdentity);
  puppet.keys(psk);
  puppet.changeCipherSpec();
  puppet.finished();
  puppet.record(1, contentType.applicationData, new Uint8Array(513).fill(0x61));
  puppet.record(1, contentType.applicationData, new Uint8Array(512).fill(0x62));
  expect(puppet.server.received.map(({ text }) => text)).toEqual(['b'.repeat(512)]);
  const endpoint = puppet.server.received[0]?.endpoint;
  if (endpoint === undefined) throw new Error('nothing came');
  const send = (length: number): void =>
    puppet.server.engine.send([{ bytes: new Uint8Array(length), endpoint, multicast: false }], puppet.now);
  send(513);
  expect(puppet.server.engine.takeOutput()).toEqual([]);
  send(512);
  expect(puppet.server.engine.takeOutput()).toHaveLength(1);
  expect(puppet.server.engine.counters().unsent).toBe(1);
});

test('a renegotiation is refused, and the association goes on (RFC 5746 §4.5 allows it)', () => {
  const puppet = keyed();
  puppet.changeCipherSpec();
  puppet.finished();
  puppet.say('client_hello', encodeClientHello(plainHello), 1);
  expect(puppet.alerts).toEqual(['no_renegotiation']);
  puppet.record(1, contentType.applicationData, utf8('still here'));
  expect(puppet.server.received.map(({ text }) => text)).toEqual(['still here']);
});
