import { createCipheriv, createHash, createHmac, generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { hex } from '../../src/core/bytes.ts';
import { nodeCrypto } from '../../src/dtls/crypto.ts';
import { bytesOf } from './bytes.ts';

const bytes = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length });

describe('AES-CCM composed of ECB and CBC', () => {
  test.each([8, 16] as const)('is the CCM of OpenSSL, record after record, with a tag of %d', (tagLength) => {
    fc.assert(
      fc.property(
        bytes(16),
        fc.array(
          fc.tuple(bytes(12), fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.uint8Array({ maxLength: 100 })),
          { minLength: 1, maxLength: 4 },
        ),
        (key, records) => {
          const aead = nodeCrypto.aesCcm(key, tagLength);
          for (const [nonce, aad, plaintext] of records) {
            const cipher = createCipheriv('aes-128-ccm', key, nonce, { authTagLength: tagLength });
            cipher.setAAD(aad, { plaintextLength: plaintext.length });
            const wanted = Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
            const sealed = new Uint8Array(plaintext.length + tagLength);
            aead.seal(nonce, aad, plaintext, sealed, 0);
            expect(hex(sealed)).toBe(wanted.toString('hex'));
            expect(hex(aead.open(nonce, aad, sealed) ?? new Uint8Array(999))).toBe(hex(plaintext));
          }
        },
      ),
    );
  });
});

describe('SHA-256', () => {
  test('and HMAC of it are those of OpenSSL, with keys of any length, use after use', () => {
    const data = fc.uint8Array({ maxLength: 200 });
    fc.assert(
      fc.property(data, fc.array(data, { minLength: 1, maxLength: 3 }), (key, texts) => {
        const mac = nodeCrypto.hmacSha256(key);
        for (const text of texts) {
          expect(hex(mac(text))).toBe(createHmac('sha256', key).update(text).digest('hex'));
          expect(hex(nodeCrypto.sha256(text))).toBe(createHash('sha256').update(text).digest('hex'));
        }
      }),
    );
  });
});

describe('published vectors', () => {
  test('of CCM with nonces of 12 bytes and tags of 8: NIST SP 800-38C, example 3', () => {
    const aead = nodeCrypto.aesCcm(bytesOf('404142434445464748494a4b4c4d4e4f'), 8);
    const sealed = new Uint8Array(32);
    const nonce = bytesOf('101112131415161718191a1b');
    const aad = bytesOf('000102030405060708090a0b0c0d0e0f10111213');
    aead.seal(nonce, aad, bytesOf('202122232425262728292a2b2c2d2e2f3031323334353637'), sealed, 0);
    expect(hex(sealed)).toBe('e3b201a9f5b71a7a9b1ceaeccd97e70b6176aad9a4428aa5484392fbc1b09951');
  });
  test('of GCM: McGrew and Viega, test case 4', () => {
    const aead = nodeCrypto.aesGcm(bytesOf('feffe9928665731c6d6a8f9467308308'));
    const plaintext = bytesOf(
      'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72' +
        '1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39',
    );
    const sealed = new Uint8Array(76);
    aead.seal(
      bytesOf('cafebabefacedbaddecaf888'),
      bytesOf('feedfacedeadbeeffeedfacedeadbeefabaddad2'),
      plaintext,
      sealed,
      0,
    );
    expect(hex(sealed)).toBe(
      '42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e' +
        '21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e0915bc94fbc3221a5db94fae95ae7121a47',
    );
  });
});

describe.each([
  ['CCM_8', (): ReturnType<typeof nodeCrypto.aesGcm> => nodeCrypto.aesCcm(new Uint8Array(16), 8)],
  ['CCM', (): ReturnType<typeof nodeCrypto.aesGcm> => nodeCrypto.aesCcm(new Uint8Array(16), 16)],
  ['GCM', (): ReturnType<typeof nodeCrypto.aesGcm> => nodeCrypto.aesGcm(new Uint8Array(16))],
])('%s', (_, make) => {
  const nonce = new Uint8Array(12).fill(7);
  const aad = new Uint8Array(13).fill(9);
  const plaintext = new Uint8Array(37).fill(3);
  const aead = make();
  const sealed = new Uint8Array(plaintext.length + aead.tagLength);
  aead.seal(nonce, aad, plaintext, sealed, 0);

  test('opens what it sealed', () => {
    expect(hex(aead.open(nonce, aad, sealed) ?? new Uint8Array())).toBe(hex(plaintext));
  });
  test('refuses any changed byte of ciphertext, tag, nonce or additional data, and goes on', () => {
    const changed = (from: Uint8Array, at: number): Uint8Array => from.map((byte, i) => (i === at ? byte ^ 1 : byte));
    for (let at = 0; at < sealed.length; at++) expect(aead.open(nonce, aad, changed(sealed, at))).toBeUndefined();
    for (let at = 0; at < nonce.length; at++) expect(aead.open(changed(nonce, at), aad, sealed)).toBeUndefined();
    for (let at = 0; at < aad.length; at++) expect(aead.open(nonce, changed(aad, at), sealed)).toBeUndefined();
    expect(aead.open(nonce, aad, sealed)).toBeDefined();
  });
  test('refuses what is shorter than a tag', () => {
    for (let length = 0; length < aead.tagLength; length++)
      expect(aead.open(nonce, aad, sealed.subarray(0, length))).toBeUndefined();
  });
});

describe('key agreement', () => {
  test.each(['x25519', 'secp256r1'] as const)('%s gives both sides one secret', (group) => {
    const [a, b] = [nodeCrypto.keyShare(group), nodeCrypto.keyShare(group)];
    const secret = a.agree(b.publicKey);
    expect(secret).toHaveLength(32);
    expect(hex(b.agree(a.publicKey) ?? new Uint8Array())).toBe(hex(secret ?? new Uint8Array()));
  });
  test('refuses a point that is not on the curve, a compressed one, and the zero of X25519 (RFC 8422 §5.11)', () => {
    const p256 = nodeCrypto.keyShare('secp256r1');
    expect(p256.agree(Uint8Array.of(4, ...new Uint8Array(64).fill(1)))).toBeUndefined();
    const { publicKey } = nodeCrypto.keyShare('secp256r1');
    expect(p256.agree(publicKey)).toBeDefined();
    expect(p256.agree(Uint8Array.of(2 + ((publicKey[64] ?? 0) & 1), ...publicKey.subarray(1, 33)))).toBeUndefined();
    expect(p256.agree(Uint8Array.of(6 + ((publicKey[64] ?? 0) & 1), ...publicKey.subarray(1)))).toBeUndefined();
    const x25519 = nodeCrypto.keyShare('x25519');
    expect(x25519.agree(new Uint8Array(32))).toBeUndefined();
    for (const length of [0, 31, 33]) expect(x25519.agree(new Uint8Array(length).fill(9))).toBeUndefined();
  });
  test.each([
    ['0', '00'.repeat(32)],
    ['1', `01${'00'.repeat(31)}`],
    ['of order 8', 'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800'],
    ['of order 8, the other', '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157'],
    ['p - 1', `ec${'ff'.repeat(30)}7f`],
    ['p', `ed${'ff'.repeat(30)}7f`],
    ['p + 1', `ee${'ff'.repeat(30)}7f`],
  ])('refuses a point of small order on Curve25519: %s (RFC 7748 §6.1, §7)', (_, point) => {
    expect(nodeCrypto.keyShare('x25519').agree(bytesOf(point))).toBeUndefined();
  });
  test('refuses the point at infinity, and coordinates beyond the field', () => {
    const p256 = nodeCrypto.keyShare('secp256r1');
    const beyond = 'ffffffff00000001000000000000000000000000ffffffffffffffffffffffff';
    for (const point of ['00', `04${'00'.repeat(64)}`, `04${beyond}${'00'.repeat(32)}`, `04${'ff'.repeat(64)}`])
      expect(p256.agree(bytesOf(point))).toBeUndefined();
  });
});

test('what is no key and no certificate is told, not thrown', () => {
  expect(nodeCrypto.verifyingKey(bytesOf('30 03 02 01 00'))).toBeUndefined();
  expect(nodeCrypto.parseCertificate(bytesOf('30 03 02 01 00'))).toBeUndefined();
});

describe('a public key that does not sign with ECDSA', () => {
  test.each(['ed25519', 'x25519'] as const)('verifies nothing, and throws nothing: %s', (type) => {
    const { publicKey } = generateKeyPairSync(type as 'ed25519');
    const key = nodeCrypto.verifyingKey(new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })));
    expect(key?.isP256).toBe(false);
    expect(key?.verify(new Uint8Array(3), new Uint8Array(64))).toBe(false);
  });
});

test('a signature that is no DER verifies nothing', () => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = nodeCrypto.verifyingKey(new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })));
  for (const signature of ['', '00', '30', '3006020100020100', '30060201000201'].map(bytesOf))
    expect(key?.verify(new Uint8Array(3), signature)).toBe(false);
});
