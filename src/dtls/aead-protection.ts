/**
 * Records under AEAD: AES-GCM (RFC 5288), AES-CCM and CCM_8 (RFC 6655).
 *
 *     fragment   | explicit nonce 8 | ciphertext | tag 8 or 16 |
 *     nonce      | salt 4, from the key block | explicit nonce 8 |
 *
 * The explicit nonce is epoch and sequence number (RFC 6655 §3): no number is used twice, so no nonce is.
 */
import { Slab } from '../core/slab.ts';
import type { Aead } from './primitives.ts';
import { writeUint } from './presentation.ts';
import { contentType, headerLength, writeHeader, type RecordView } from './record.ts';
import {
  authenticatedHeader,
  unwrapInner,
  wrapInner,
  type RecordContent,
  type RecordProtection,
} from './record-protection.ts';

/** Records are short and leave soon: one array for many of them. */
const slab = new Slab(65_536);
const saltLength = 4;
const explicitLength = 8;

/** For one call after the other: nobody keeps it. */
const nonce = new Uint8Array(saltLength + explicitLength);

export class AeadProtection implements RecordProtection {
  readonly overhead: number;
  readonly #aead: Aead;
  /** As a number of 32 bits, with a sign: an array of four bytes takes 200, and a larger number an object of its own. */
  readonly #salt: number;

  constructor(aead: Aead, salt: Uint8Array) {
    this.overhead = explicitLength + aead.tagLength;
    this.#aead = aead;
    this.#salt = salt.reduce((number, byte) => (number << 8) | byte, 0);
  }

  seal(type: number, epoch: number, sequence: number, cid: Uint8Array, content: Uint8Array): Uint8Array {
    const withCid = cid.length > 0;
    const plaintext = withCid ? wrapInner(type, content) : content;
    const outerType = withCid ? contentType.connectionId : type;
    const fragmentLength = plaintext.length + this.overhead;
    const record = slab.take(headerLength + cid.length + fragmentLength);
    const at = writeHeader(record, outerType, epoch, sequence, cid, fragmentLength);

    writeUint(nonce, 0, this.#salt, saltLength);
    writeUint(nonce, saltLength, epoch, 2);
    writeUint(nonce, saltLength + 2, sequence, 6);
    for (let i = 0; i < explicitLength; i++) record[at + i] = nonce[saltLength + i] ?? 0;

    const aad = authenticatedHeader(outerType, epoch, sequence, cid, plaintext.length);
    this.#aead.seal(nonce, aad, plaintext, record, at + explicitLength);
    return record;
  }

  open({ type, epoch, sequence, cid, fragment }: RecordView): RecordContent | undefined {
    const length = fragment.length - this.overhead;
    if (length < 0) return undefined;
    writeUint(nonce, 0, this.#salt, saltLength);
    // The peer may make it another way than from the sequence number.
    for (let i = 0; i < explicitLength; i++) nonce[saltLength + i] = fragment[i] ?? 0;
    const aad = authenticatedHeader(type, epoch, sequence, cid, length);
    const plaintext = this.#aead.open(nonce, aad, fragment.subarray(explicitLength));
    if (plaintext === undefined) return undefined;
    return type === contentType.connectionId ? unwrapInner(plaintext) : { type, content: plaintext };
  }
}
