/**
 * Certificate revocation lists (RFC 5280 §5): the serial numbers that an authority has taken back, signed by it.
 *
 * Left out: indirect and delta lists, and reasons: what is on the list is revoked. A list that is past its next update still
 * counts, since the certificates on it do not become good again.
 */
import { hex } from '../core/bytes.ts';
import { derElements, derSequence, derTags, oidOf } from './der.ts';
import type { ParsedCertificate } from './primitives.ts';

export interface RevocationList {
  /** Lower-case hexadecimal without leading zeros. */
  readonly serialNumbers: ReadonlySet<string>;
  signedBy(authority: ParsedCertificate): boolean;
}

const ecdsaWithSha256 = '1.2.840.10045.4.3.2';

export const plainSerial = (serial: string): string => serial.toLowerCase().replace(/^0+(?=.)/, '');

/** Undefined where the bytes are no list that can be read. */
export function parseRevocationList(der: Uint8Array): RevocationList | undefined {
  const [tbs, algorithm, signature] = derSequence(der) ?? [];
  if (tbs === undefined || algorithm === undefined || signature?.tag !== derTags.bitString) return undefined;
  const [algorithmId] = derElements(algorithm.value) ?? [];
  if (algorithmId === undefined || oidOf(algorithmId.value) !== ecdsaWithSha256) return undefined;
  const fields = derElements(tbs.value);
  if (fields === undefined) return undefined;
  // Optional version; then signature, issuer, thisUpdate; then optional nextUpdate and revokedCertificates.
  const rest = fields.slice(fields[0]?.tag === derTags.integer ? 4 : 3);
  const revoked = rest.find(({ tag }) => tag === derTags.sequence);
  const serialNumbers = new Set<string>();
  for (const entry of revoked === undefined ? [] : (derElements(revoked.value) ?? [])) {
    const [serial] = derElements(entry.value) ?? [];
    if (serial?.tag !== derTags.integer) return undefined;
    serialNumbers.add(plainSerial(hex(serial.value)));
  }
  const signed = tbs.whole;
  const signatureBytes = signature.value.subarray(1);
  return { serialNumbers, signedBy: (authority) => authority.publicKey.verify(signed, signatureBytes) };
}
