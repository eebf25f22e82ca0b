/**
 * Secrets at rest: AES-256-GCM under the key of the key file.
 *
 *     nonce (12, random) | ciphertext | tag (16)
 *
 * What a secret belongs to is associated data, so that it opens in its own row and nowhere else.
 */
import { createCipheriv, createDecipheriv, createSecretKey, randomBytes, type KeyObject } from 'node:crypto';
import { UsageError } from '../core/error.ts';

const algorithm = 'aes-256-gcm';
/** NIST SP 800-38D §8.2.2: random, for fewer than 2^32 secrets under one key. */
const nonceBytes = 12;
const tagBytes = 16;

export class SecretSeal {
  readonly #key: KeyObject;

  constructor(key: Uint8Array) {
    this.#key = createSecretKey(key);
  }

  seal(secret: Uint8Array, owner: string): Uint8Array {
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv(algorithm, this.#key, nonce, { authTagLength: tagBytes }).setAAD(Buffer.from(owner));
    return new Uint8Array(Buffer.concat([nonce, cipher.update(secret), cipher.final(), cipher.getAuthTag()]));
  }

  /** @throws UsageError 'sealed-secret' where it was sealed under another key, for another owner, or changed since */
  open(sealed: Uint8Array, owner: string): Uint8Array {
    try {
      const tagAt = sealed.length - tagBytes;
      const cipher = createDecipheriv(algorithm, this.#key, sealed.subarray(0, nonceBytes), { authTagLength: tagBytes })
        .setAAD(Buffer.from(owner))
        .setAuthTag(sealed.subarray(tagAt));
      return new Uint8Array(Buffer.concat([cipher.update(sealed.subarray(nonceBytes, tagAt)), cipher.final()]));
    } catch (cause) {
      throw new UsageError(
        'sealed-secret',
        `What is stored for ${owner} does not open with the key file: the row was changed, or the key file is another one. Enroll it again, or bring both back from one backup.`,
        { cause },
      );
    }
  }
}
