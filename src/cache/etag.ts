/**
 * The entity-tag of a representation (RFC 7252 §5.10.6): the first 4 bytes of
 *
 *   SHA-256( Content-Format as 2 bytes, most significant first || representation )
 *
 * and for the answer that has no payload and no Content-Format, of SHA-256 over nothing. So equal results have equal
 * tags on every gateway and after every restart, and one value in two formats has two.
 */
import { createHash } from 'node:crypto';

const etagBytes = 4;

export function etagOf(format: number | undefined, representation: Uint8Array): Uint8Array {
  const hash = createHash('sha256');
  if (format !== undefined) hash.update(Uint8Array.of(format >> 8, format & 0xff)).update(representation);
  return new Uint8Array(hash.digest().subarray(0, etagBytes));
}
