import { createCipheriv } from 'node:crypto';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { hex } from '../../src/core/bytes.ts';
import { nodeCrypto } from '../../src/dtls/crypto.ts';
import { withNativeCcm } from '../../src/transport/native-ccm.ts';
import { findAddon } from '../../src/transport/native/compile.ts';

const crypto = await withNativeCcm(nodeCrypto);
const found = await findAddon();

test('where there is no addon, or it has no CCM, cryptography stays as it is', async () => {
  expect(await withNativeCcm(nodeCrypto, () => Promise.resolve({ missing: 'it is for Linux only' }))).toBe(nodeCrypto);
  if (found.missing !== undefined) return;
  const without = { ...found.addon, ccmSeal: undefined, ccmOpen: undefined };
  expect(await withNativeCcm(nodeCrypto, () => Promise.resolve({ addon: without as never, file: '' }))).toBe(
    nodeCrypto,
  );
});

describe('AES-CCM of the addon', () => {
  beforeEach(({ skip }) => {
    if (found.missing !== undefined) skip(`the addon cannot be had: ${found.missing}`);
  });

  const bytes = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length });

  test('is there, and is not what is composed', () => {
    expect(crypto).not.toBe(nodeCrypto);
  });

  test.each([8, 16] as const)('is the CCM of node:crypto, whatever was before, with a tag of %d', (tagLength) => {
    const record = fc.tuple(
      bytes(16),
      bytes(12),
      fc.uint8Array({ minLength: 1, maxLength: 288 }),
      fc.uint8Array({ maxLength: 400 }),
      fc.nat(500),
    );
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 3 }), (records) => {
        for (const [key, nonce, aad, plaintext, at] of records) {
          const cipher = createCipheriv('aes-128-ccm', key, nonce, { authTagLength: tagLength });
          cipher.setAAD(aad, { plaintextLength: plaintext.length });
          const wanted = Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
          const aead = crypto.aesCcm(key, tagLength);
          const into = new Uint8Array(3 + wanted.length + 3);
          aead.seal(nonce, aad, plaintext, into, 3);
          expect(hex(into)).toBe(`000000${wanted.toString('hex')}000000`);
          const sealed = new Uint8Array(wanted);
          expect(hex(aead.open(nonce, aad, sealed) ?? new Uint8Array(999))).toBe(hex(plaintext));
          const changed = sealed.map((byte, i) => (i === at % sealed.length ? byte ^ 1 : byte));
          expect(aead.open(nonce, aad, changed)).toBeUndefined();
          expect(aead.open(nonce, aad, sealed.subarray(0, -1))).toBeUndefined();
        }
      }),
    );
  });

  test.each([0, 1, 37])(
    'refuses any changed byte of %d, of its tag, nonce and additional data, and goes on',
    (length) => {
      const [nonce, aad] = [new Uint8Array(12).fill(7), new Uint8Array(13).fill(9)];
      const aead = crypto.aesCcm(new Uint8Array(16).fill(1), 8);
      const sealed = new Uint8Array(length + 8);
      aead.seal(nonce, aad, new Uint8Array(length).fill(3), sealed, 0);
      const changed = (from: Uint8Array, at: number): Uint8Array =>
        from.map((byte, i) => (i === at ? byte ^ 0x80 : byte));
      for (let at = 0; at < sealed.length; at++) expect(aead.open(nonce, aad, changed(sealed, at))).toBeUndefined();
      for (let at = 0; at < nonce.length; at++) expect(aead.open(changed(nonce, at), aad, sealed)).toBeUndefined();
      for (let at = 0; at < aad.length; at++) expect(aead.open(nonce, changed(aad, at), sealed)).toBeUndefined();
      for (let short = 0; short < 8; short++) expect(aead.open(nonce, aad, sealed.subarray(0, short))).toBeUndefined();
      expect(aead.open(nonce, aad, sealed)).toHaveLength(length);
    },
  );

  test('takes the longest record there is, and refuses what is longer', () => {
    const [nonce, aad] = [new Uint8Array(12), new Uint8Array(13)];
    const aead = crypto.aesCcm(new Uint8Array(16), 16);
    const longest = 16_384 + 2048;
    const sealed = new Uint8Array(longest + 16);
    aead.seal(nonce, aad, new Uint8Array(longest).fill(5), sealed, 0);
    expect(aead.open(nonce, aad, sealed)).toEqual(new Uint8Array(longest).fill(5));
    expect(aead.open(nonce, aad, new Uint8Array(longest + 17))).toBeUndefined();
    expect(() => aead.seal(nonce, aad, new Uint8Array(longest + 1), new Uint8Array(longest + 17), 0)).toThrow(
      'could not be encrypted',
    );
  });

  test('does nothing with bytes that are too few and lengths that are none', () => {
    if (found.missing !== undefined) return;
    const { ccmSeal, ccmOpen } = found.addon;
    const room = new Uint8Array(320 + 18_432 + 16);
    for (const call of [ccmSeal, ccmOpen]) {
      expect(call?.(room.subarray(1), 13, 10, 8)).toBe(false);
      expect(call?.(room, -1, 10, 8)).toBe(false);
      expect(call?.(room, 289, 10, 8)).toBe(false);
      expect(call?.(room, 13, -1, 8)).toBe(false);
      expect(call?.(room, 13, 18_433, 8)).toBe(false);
      expect(call?.(room, 13, 10, 9)).toBe(false);
      expect(call?.(new ArrayBuffer(99_999) as never, 13, 10, 8)).toBe(false);
    }
  });
});
