/** Every handshake message byte by byte, read and written. */
import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { emptyBytes, hex } from '../../src/core/bytes.ts';
import { decodeAlert, encodeAlert, FatalAlert } from '../../src/dtls/alert.ts';
import { decodeCertificate, encodeCertificate } from '../../src/dtls/messages/certificate.ts';
import { decodeCertificateRequest, encodeCertificateRequest } from '../../src/dtls/messages/certificate-request.ts';
import { decodeCertificateVerify, encodeCertificateVerify } from '../../src/dtls/messages/certificate-verify.ts';
import { cookieParameters, decodeClientHello, encodeClientHello } from '../../src/dtls/messages/client-hello.ts';
import { decodeClientKeyExchange, encodeClientKeyExchange } from '../../src/dtls/messages/client-key-exchange.ts';
import {
  connectionIdOf,
  maxFragmentLength,
  offeredCertificateTypes,
  offeredGroups,
  recordSizeLimit,
  takesEcdsaSha256,
} from '../../src/dtls/messages/extensions.ts';
import { decodeHelloVerifyRequest, encodeHelloVerifyRequest } from '../../src/dtls/messages/hello-verify-request.ts';
import { decodeNewSessionTicket, encodeNewSessionTicket } from '../../src/dtls/messages/new-session-ticket.ts';
import { decodeServerHello, encodeServerHello } from '../../src/dtls/messages/server-hello.ts';
import { decodeServerKeyExchange, encodeServerKeyExchange } from '../../src/dtls/messages/server-key-exchange.ts';
import { decodePathMessage, encodePathMessage } from '../../src/dtls/return-routability.ts';
import { bytesOf } from './bytes.ts';

const random = '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f';
const point = `04${'11'.repeat(32)}${'22'.repeat(32)}`;

/** What decoding says of every shorter piece, and of the whole with one byte more. */
function alertsOf(decode: (body: Uint8Array) => unknown, bytes: Uint8Array): Set<string> {
  const alerts = new Set<string>();
  for (const piece of [...bytes.keys()].map((length) => bytes.subarray(0, length)).concat(Uint8Array.of(...bytes, 0))) {
    try {
      decode(piece);
      alerts.add(`${piece.length} bytes taken`);
    } catch (error) {
      if (!(error instanceof FatalAlert)) throw error;
      alerts.add(error.description);
    }
  }
  return alerts;
}

describe('ClientHello', () => {
  const bytes = bytesOf(
    'fefd' + // client_version
      random +
      '02 aabb' + // session_id
      '03 c0ffee' + // cookie
      '0004 c0a8 00ff' + // cipher_suites
      '01 00' + // compression_methods
      '001b' + // extensions
      '0017 0000' + // extended_master_secret
      '000a 0006 0004 001d 0017' + // supported_groups: x25519, secp256r1
      '0036 0004 03 010203' + // connection_id
      'ff01 0001 00', // renegotiation_info
  );
  const hello = decodeClientHello(bytes);

  test('is read', () => {
    expect({ ...hello, extensions: [...hello.extensions.keys()] }).toMatchObject({
      version: 0xfefd,
      cipherSuites: [0xc0a8, 0x00ff],
      extensions: [23, 10, 54, 0xff01],
    });
    expect([hello.random, hello.sessionId, hello.cookie, hello.compressionMethods].map(hex)).toEqual([
      random,
      'aabb',
      'c0ffee',
      '00',
    ]);
    expect(offeredGroups(hello.extensions)).toEqual(['x25519', 'secp256r1']);
    expect(hex(connectionIdOf(hello.extensions) ?? emptyBytes)).toBe('010203');
  });
  test('is written', () => expect(hex(encodeClientHello(hello))).toBe(hex(bytes)));
  test('binds its cookie to all that must be the same again, and to nothing else (RFC 6347 §4.2.1)', () => {
    expect(hex(cookieParameters(bytes))).toBe(hex(bytesOf(`fefd ${random} 02aabb 0004c0a800ff 0100`)));
  });
  test('without extensions ends before them', () => {
    const short = bytesOf(`fefd ${random} 00 00 0002c0a8 0100`);
    expect(decodeClientHello(short).extensions.size).toBe(0);
    expect(hex(encodeClientHello(decodeClientHello(short)))).toBe(hex(short));
    expect(alertsOf(decodeClientHello, short)).toEqual(new Set(['decode_error']));
  });
  test('with an extension twice is none', () => {
    const twice = bytesOf(`fefd ${random} 00 00 0002c0a8 0100 0008 00170000 00170000`);
    expect(() => decodeClientHello(twice)).toThrow('stands there twice');
  });
  test('with a session_id of 33 bytes is none', () => {
    expect(() => decodeClientHello(bytesOf(`fefd ${random} 21 ${'aa'.repeat(33)} 00 0002c0a8 0100`))).toThrow(
      FatalAlert,
    );
  });
});

describe('extensions', () => {
  const of = (type: number, data: string): Map<number, Uint8Array> => new Map([[type, bytesOf(data)]]);
  test('signature_algorithms: ecdsa with SHA-256 must be among them, where they are named', () => {
    expect(takesEcdsaSha256(of(13, '0004 0401 0403'))).toBe(true);
    expect(takesEcdsaSha256(of(13, '0002 0401'))).toBe(false);
    expect(takesEcdsaSha256(new Map())).toBe(true);
  });
  test('server_certificate_type: raw public key and X.509, others are skipped', () => {
    expect(offeredCertificateTypes(of(20, '03 02 01 00'), 'server_certificate_type')).toEqual([
      'raw_public_key',
      'x509',
    ]);
    expect(offeredCertificateTypes(new Map(), 'server_certificate_type')).toEqual(['x509']);
  });
  test('max_fragment_length: 512, 1024, 2048, 4096', () => {
    expect([1, 2, 3, 4].map(maxFragmentLength)).toEqual([512, 1024, 2048, 4096]);
    expect(() => maxFragmentLength(0)).toThrow(FatalAlert);
  });
  test('record_size_limit: at least 64', () => {
    expect(recordSizeLimit(of(28, '0040'))).toBe(64);
    expect(() => recordSizeLimit(of(28, '003f'))).toThrow(FatalAlert);
    expect(() => recordSizeLimit(of(28, '004000'))).toThrow(FatalAlert);
  });
});

describe('HelloVerifyRequest', () => {
  const bytes = bytesOf('feff 04 c0ffee00');
  test('is read', () => expect(hex(decodeHelloVerifyRequest(bytes))).toBe('c0ffee00'));
  test('is written', () => expect(hex(encodeHelloVerifyRequest(bytesOf('c0ffee00')))).toBe(hex(bytes)));
  test('ends where it ends', () =>
    expect(alertsOf(decodeHelloVerifyRequest, bytes)).toEqual(new Set(['decode_error'])));
});

describe('ServerHello', () => {
  const bytes = bytesOf(
    'fefd' + // server_version
      random +
      '02 aabb' + // session_id
      'c0a8' + // cipher_suite
      '00' + // compression_method
      '0004 0017 0000', // extensions
  );
  const hello = decodeServerHello(bytes);
  test('is read', () => {
    expect([hex(hello.random), hex(hello.sessionId), hello.cipherSuite, [...hello.extensions.keys()]]).toEqual([
      random,
      'aabb',
      0xc0a8,
      [23],
    ]);
  });
  test('is written', () => expect(hex(encodeServerHello(hello))).toBe(hex(bytes)));
  test('of another version is refused', () => {
    expect(() => decodeServerHello(bytesOf(`feff ${random} 00 c0a8 00`))).toThrow('does not speak DTLS 1.2');
  });
  test('with compression is refused', () => {
    expect(() => decodeServerHello(bytesOf(`fefd ${random} 00 c0a8 01`))).toThrow('compress');
  });
});

describe('Certificate', () => {
  const chain = bytesOf('00000b 000003 aabbcc 000002 ddee');
  test('is a chain', () => {
    expect(decodeCertificate(chain, 'x509').map(hex)).toEqual(['aabbcc', 'ddee']);
    expect(hex(encodeCertificate([bytesOf('aabbcc'), bytesOf('ddee')], 'x509'))).toBe(hex(chain));
    expect(alertsOf((body) => decodeCertificate(body, 'x509'), chain)).toEqual(new Set(['decode_error']));
  });
  test('or empty', () => {
    expect(decodeCertificate(bytesOf('000000'), 'x509')).toEqual([]);
    expect(hex(encodeCertificate([], 'x509'))).toBe('000000');
  });
  test('or a raw public key (RFC 7250 §3)', () => {
    expect(decodeCertificate(bytesOf('000003 aabbcc'), 'raw_public_key').map(hex)).toEqual(['aabbcc']);
    expect(hex(encodeCertificate([bytesOf('aabbcc')], 'raw_public_key'))).toBe('000003aabbcc');
    expect(decodeCertificate(bytesOf('000000'), 'raw_public_key')).toEqual([]);
  });
  test('but no chain without end, and none with nothing in it', () => {
    const long = Array.from({ length: 7 }, () => bytesOf('aa'));
    expect(() => decodeCertificate(encodeCertificate(long, 'x509'), 'x509')).toThrow('too long');
    expect(() => decodeCertificate(bytesOf('000003 000000'), 'x509')).toThrow(FatalAlert);
  });
});

describe('ServerKeyExchange', () => {
  test('of PSK is a hint', () => {
    const bytes = bytesOf('0002 aabb');
    const message = decodeServerKeyExchange(bytes, 'psk');
    expect([hex(message.pskIdentityHint), message.params]).toEqual(['aabb', undefined]);
    expect(hex(encodeServerKeyExchange(message, 'psk'))).toBe(hex(bytes));
  });
  test('of ECDHE_PSK is a hint and a key', () => {
    const bytes = bytesOf(`0000 03 001d 20 ${random}`);
    const message = decodeServerKeyExchange(bytes, 'ecdhe_psk');
    expect([message.params?.group, hex(message.params?.publicKey ?? emptyBytes)]).toEqual(['x25519', random]);
    expect(hex(encodeServerKeyExchange(message, 'ecdhe_psk'))).toBe(hex(bytes));
    expect(alertsOf((body) => decodeServerKeyExchange(body, 'ecdhe_psk'), bytes)).toEqual(new Set(['decode_error']));
  });
  test('of ECDHE_ECDSA is a key and a signature', () => {
    const bytes = bytesOf(`03 0017 41 ${point} 0403 0003 aabbcc`);
    const message = decodeServerKeyExchange(bytes, 'ecdhe_ecdsa');
    expect([message.params?.group, hex(message.signature ?? emptyBytes)]).toEqual(['secp256r1', 'aabbcc']);
    expect(hex(encodeServerKeyExchange(message, 'ecdhe_ecdsa'))).toBe(hex(bytes));
  });
  test.each([
    ['a curve without a name', `01 0017 41 ${point} 0403 0000`],
    ['a group that was not offered', `03 0018 41 ${point} 0403 0000`],
    ['a signature with SHA-1', `03 0017 41 ${point} 0203 0000`],
  ])('with %s is refused', (_, text) => {
    expect(() => decodeServerKeyExchange(bytesOf(text), 'ecdhe_ecdsa')).toThrow(FatalAlert);
  });
});

describe('CertificateRequest', () => {
  const bytes = bytesOf(
    '01 40' + // ecdsa_sign
      '0002 0403' + // SHA-256 with ECDSA
      '0000', // certificate_authorities
  );
  test('is written', () => expect(hex(encodeCertificateRequest())).toBe(hex(bytes)));
  test('is read: whether this end can sign so', () => {
    expect(decodeCertificateRequest(bytes)).toBe(true);
    expect(decodeCertificateRequest(bytesOf('02 0140 0004 0401 0403 0004 0002 3000'))).toBe(true);
    expect(decodeCertificateRequest(bytesOf('01 01 0002 0403 0000'))).toBe(false);
    expect(decodeCertificateRequest(bytesOf('01 40 0002 0401 0000'))).toBe(false);
  });
  test('ends where it ends', () =>
    expect(alertsOf(decodeCertificateRequest, bytes)).toEqual(new Set(['decode_error'])));
});

describe('ClientKeyExchange', () => {
  test.each([
    ['psk', '0003 aabbcc', 'aabbcc', ''],
    ['ecdhe_psk', '0003 aabbcc 02 0102', 'aabbcc', '0102'],
    ['ecdhe_ecdsa', '02 0102', '', '0102'],
  ] as const)('of %s', (keyExchange, text, identity, key) => {
    const message = decodeClientKeyExchange(bytesOf(text), keyExchange);
    expect([hex(message.pskIdentity), hex(message.publicKey)]).toEqual([identity, key]);
    expect(hex(encodeClientKeyExchange(message, keyExchange))).toBe(hex(bytesOf(text)));
    expect(alertsOf((body) => decodeClientKeyExchange(body, keyExchange), bytesOf(text))).toEqual(
      new Set(['decode_error']),
    );
  });
});

describe('CertificateVerify', () => {
  const bytes = bytesOf('0403 0002 aabb');
  test('is read', () => expect(hex(decodeCertificateVerify(bytes))).toBe('aabb'));
  test('is written', () => expect(hex(encodeCertificateVerify(bytesOf('aabb')))).toBe(hex(bytes)));
  test('with another algorithm is refused', () => {
    expect(() => decodeCertificateVerify(bytesOf('0401 0002 aabb'))).toThrow('was not asked for');
  });
});

describe('NewSessionTicket', () => {
  const bytes = bytesOf('00015180 0003 aabbcc');
  test('is read', () => {
    const { lifetimeSeconds, ticket } = decodeNewSessionTicket(bytes);
    expect([lifetimeSeconds, hex(ticket)]).toEqual([86_400, 'aabbcc']);
  });
  test('is written', () => {
    expect(hex(encodeNewSessionTicket({ lifetimeSeconds: 86_400, ticket: bytesOf('aabbcc') }))).toBe(hex(bytes));
  });
  test('ends where it ends', () => expect(alertsOf(decodeNewSessionTicket, bytes)).toEqual(new Set(['decode_error'])));
});

describe('alerts', () => {
  test('are two bytes', () => {
    expect(hex(encodeAlert('fatal', 'decrypt_error'))).toBe('0233');
    expect(decodeAlert(bytesOf('0100'))).toEqual({ level: 'warning', description: 'close_notify' });
    expect(decodeAlert(bytesOf('02ff'))).toEqual({ level: 'fatal', description: undefined });
    expect([decodeAlert(bytesOf('02')), decodeAlert(bytesOf('022800'))]).toEqual([undefined, undefined]);
  });
});

describe('path messages (RFC 9853 §4)', () => {
  test('are a type and a cookie', () => {
    const bytes = bytesOf('00 0102030405060708');
    expect(decodePathMessage(bytes)?.type).toBe('path_challenge');
    expect(hex(encodePathMessage({ type: 'path_response', cookie: bytes.subarray(1) }))).toBe(
      hex(bytesOf('01 0102030405060708')),
    );
  });
  test('of other types, and of other lengths, are ignored', () => {
    expect(
      ['02 0102030405060708', '09 0102030405060708', '00 01020304050607', ''].map((text) =>
        decodePathMessage(bytesOf(text)),
      ),
    ).toEqual(Array.from({ length: 4 }, () => undefined));
  });
});

test('no bytes make any of them fail in another way than with an alert', () => {
  const decoders: readonly ((body: Uint8Array) => unknown)[] = [
    decodeClientHello,
    decodeServerHello,
    decodeHelloVerifyRequest,
    (body) => decodeCertificate(body, 'x509'),
    (body) => decodeServerKeyExchange(body, 'ecdhe_ecdsa'),
    (body) => decodeServerKeyExchange(body, 'ecdhe_psk'),
    decodeCertificateRequest,
    (body) => decodeClientKeyExchange(body, 'ecdhe_psk'),
    decodeCertificateVerify,
    decodeNewSessionTicket,
  ];
  fc.assert(
    fc.property(fc.constantFrom(...decoders), fc.uint8Array({ maxLength: 120 }), (decode, body) => {
      try {
        decode(body);
      } catch (error) {
        expect(error).toBeInstanceOf(FatalAlert);
      }
    }),
  );
});
