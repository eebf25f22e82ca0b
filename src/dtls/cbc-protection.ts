/**
 * Records under AES-CBC and HMAC-SHA-256 with encrypt-then-MAC (RFC 7366 §3).
 *
 *     fragment   | IV 16 | ciphertext of content, padding and its length | MAC 32 |
 *
 * Left out: MAC-then-encrypt (RFC 5246 §6.2.3.2). Its padding oracles have to be closed by code that takes the same time for
 * every record, which JavaScript cannot promise; a peer that does not offer encrypt_then_mac gets another suite.
 */
import type { Crypto, Mac } from './primitives.ts';
import { contentType, headerLength, writeHeader, type RecordView } from './record.ts';
import {
  authenticatedHeader,
  unwrapInner,
  wrapInner,
  type RecordContent,
  type RecordProtection,
  type WriteKeys,
} from './record-protection.ts';
import { concatBytes } from '../core/bytes.ts';

const block = 16;
const macLength = 32;

export class CbcProtection implements RecordProtection {
  readonly overhead: number = block + block + macLength;
  readonly #crypto: Crypto;
  readonly #key: Uint8Array;
  readonly #authenticate: Mac;

  constructor(crypto: Crypto, keys: WriteKeys) {
    this.#crypto = crypto;
    this.#key = keys.key;
    this.#authenticate = crypto.hmacSha256(keys.macKey);
  }

  seal(type: number, epoch: number, sequence: number, cid: Uint8Array, content: Uint8Array): Uint8Array {
    const withCid = cid.length > 0;
    const plaintext = withCid ? wrapInner(type, content) : content;
    const outerType = withCid ? contentType.connectionId : type;
    // Padding and the byte with its length (RFC 5246 §6.2.3.2), all of the same value.
    const padding = block - (plaintext.length % block);
    const padded = new Uint8Array(plaintext.length + padding).fill(padding - 1);
    padded.set(plaintext);

    const iv = this.#crypto.randomBytes(block);
    const encrypted = concatBytes([iv, this.#crypto.aesCbcEncrypt(this.#key, iv, padded)]);
    const record = new Uint8Array(headerLength + cid.length + encrypted.length + macLength);
    const at = writeHeader(record, outerType, epoch, sequence, cid, encrypted.length + macLength);
    record.set(encrypted, at);
    record.set(this.#mac(outerType, epoch, sequence, cid, encrypted), at + encrypted.length);
    return record;
  }

  open({ type, epoch, sequence, cid, fragment }: RecordView): RecordContent | undefined {
    const length = fragment.length - macLength;
    if (length < 2 * block || length % block !== 0) return undefined;
    const encrypted = fragment.subarray(0, length);
    const mac = this.#mac(type, epoch, sequence, cid, encrypted);
    if (!this.#crypto.equal(mac, fragment.subarray(length))) return undefined;

    const padded = this.#crypto.aesCbcDecrypt(this.#key, encrypted.subarray(0, block), encrypted.subarray(block));
    const padding = padded[padded.length - 1] ?? 0;
    const end = padded.length - padding - 1;
    if (end < 0 || padded.subarray(end).some((byte) => byte !== padding)) return undefined;
    const plaintext = padded.subarray(0, end);
    return type === contentType.connectionId ? unwrapInner(plaintext) : { type, content: plaintext };
  }

  /** The length in its header does not count the MAC itself. */
  #mac(type: number, epoch: number, sequence: number, cid: Uint8Array, encrypted: Uint8Array): Uint8Array {
    const header = authenticatedHeader(type, epoch, sequence, cid, encrypted.length);
    return this.#authenticate(concatBytes([header, encrypted]));
  }
}
