/**
 * The entity-tag of a representation (RFC 7252 §5.10.6): the first 4 bytes of
 *
 *   SHA-256( Content-Format as 2 bytes, most significant first || representation )
 *
 * and for the answer that has no payload and no Content-Format, of SHA-256 over nothing. So equal results have equal
 * tags on every gateway and after every restart, and one value in two formats has two.
 */
import { createHash, hash } from 'node:crypto';

/** Longer ones are hashed where they are; shorter ones are copied behind their format, so that one call does it. */
const copiedBytes = 1024;
const input = new Uint8Array(2 + copiedBytes);

export const etagOf = (format: number | undefined, representation: Uint8Array): Uint8Array =>
  etagBytes(entityTag(format, representation));

/** The same as a signed 32-bit integer: what is kept for a long time is kept so, an array takes twenty times as much. */
export function entityTag(format: number | undefined, representation: Uint8Array): number {
  if (format === undefined) return tagIn(hash('sha256', input.subarray(0, 0), 'binary'));
  const { length } = representation;
  if (length > copiedBytes) {
    const long = createHash('sha256')
      .update(Uint8Array.of(format >> 8, format & 0xff))
      .update(representation);
    return long.digest().readInt32BE();
  }
  input[0] = format >> 8;
  input[1] = format & 0xff;
  input.set(representation, 2);
  // As text: a Buffer for the digest costs more than the hash.
  return tagIn(hash('sha256', input.subarray(0, 2 + length), 'binary'));
}

export const etagBytes = (tag: number): Uint8Array => Uint8Array.of(tag >> 24, tag >> 16, tag >> 8, tag);

const tagIn = (digest: string): number =>
  (digest.charCodeAt(0) << 24) | (digest.charCodeAt(1) << 16) | (digest.charCodeAt(2) << 8) | digest.charCodeAt(3);
