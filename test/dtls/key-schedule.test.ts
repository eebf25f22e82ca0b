import { describe, expect, test } from 'vitest';
import { hex } from '../../src/core/bytes.ts';
import { cipherSuiteOf } from '../../src/dtls/cipher-suites.ts';
import { nodeCrypto } from '../../src/dtls/crypto.ts';
import { keyBlock, masterSecret, prf, pskPremasterSecret, verifyData } from '../../src/dtls/key-schedule.ts';
import { bytesOf, spaced } from './bytes.ts';

const ascending = (length: number, from: number): Uint8Array => Uint8Array.from({ length }, (_, i) => from + i);

describe('PRF', () => {
  test('gives the published vector of P_SHA256 (the IETF TLS working group, "test vectors for TLS 1.2")', () => {
    const output = prf(
      nodeCrypto,
      bytesOf('9bbe436ba940f017b17652849a71db35'),
      'test label',
      bytesOf('a0ba9f936cda311827a6f796ffd5198c'),
      100,
    );
    expect(hex(output)).toBe(
      'e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a' +
        '6b301791e90d35c9c9a46b4e14baf9af0fa022f7077def17abfd3797c0564bab' +
        '4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff701' +
        '87347b66',
    );
  });
});

describe('premaster secrets', () => {
  test('of plain PSK have as many zeros as the key has bytes (RFC 4279 §2)', () => {
    expect(hex(pskPremasterSecret(bytesOf('aabbcc')))).toBe(spaced('0003 000000 0003 aabbcc'));
  });
  test('of ECDHE_PSK have the shared secret there (RFC 5489 §2)', () => {
    expect(hex(pskPremasterSecret(bytesOf('aabbcc'), bytesOf('0102')))).toBe(spaced('0002 0102 0003 aabbcc'));
  });
});

describe('master secret', () => {
  const premaster = ascending(20, 1);
  test('is bound to the randoms, client first (RFC 5246 §8.1)', () => {
    const [clientRandom, serverRandom] = [ascending(32, 0), ascending(32, 100)];
    expect(hex(masterSecret(nodeCrypto, premaster, { extended: false, clientRandom, serverRandom }))).toBe(
      hex(prf(nodeCrypto, premaster, 'master secret', Uint8Array.of(...clientRandom, ...serverRandom), 48)),
    );
  });
  test('extended, is bound to the handshake (RFC 7627 §4)', () => {
    const sessionHash = ascending(32, 7);
    expect(hex(masterSecret(nodeCrypto, premaster, { extended: true, sessionHash }))).toBe(
      hex(prf(nodeCrypto, premaster, 'extended master secret', sessionHash, 48)),
    );
  });
});

describe('key block', () => {
  const [master, clientRandom, serverRandom] = [ascending(48, 0), ascending(32, 0), ascending(32, 100)];
  const keys = (id: number): ReturnType<typeof keyBlock> => {
    const suite = cipherSuiteOf(id);
    if (suite === undefined) throw new Error('no such suite');
    return keyBlock(nodeCrypto, suite.cipher, master, clientRandom, serverRandom);
  };
  const block = (length: number): string =>
    hex(prf(nodeCrypto, master, 'key expansion', Uint8Array.of(...serverRandom, ...clientRandom), length));

  test('of AEAD has two keys and two salts (RFC 5246 §6.3)', () => {
    const { client, server } = keys(0xc0a8);
    expect([client.key, server.key, client.iv, server.iv].map(hex).join('')).toBe(block(40));
  });
  test('of CBC has two MAC keys first and no salts', () => {
    const { client, server } = keys(0xc037);
    expect([client.macKey, server.macKey, client.key, server.key].map(hex).join('')).toBe(block(96));
  });
});

test('verify_data tells client from server', () => {
  const hash = ascending(32, 0);
  const master = ascending(48, 0);
  expect(hex(verifyData(nodeCrypto, master, 'client', hash))).toBe(
    hex(prf(nodeCrypto, master, 'client finished', hash, 12)),
  );
  expect(hex(verifyData(nodeCrypto, master, 'server', hash))).toBe(
    hex(prf(nodeCrypto, master, 'server finished', hash, 12)),
  );
});
