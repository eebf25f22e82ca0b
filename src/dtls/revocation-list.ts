/**
 * Certificate revocation lists (RFC 5280 §5): the serial numbers that an authority has taken back, signed by it.
 *
 * Left out: indirect and delta lists, and reasons: what is on the list is revoked. A list that is past its next update still
 * counts, since the certificates on it do not become good again.
 */
import { derElements, derSequence, derTags, oidOf, plainSerial } from './der.ts';
import type { ParsedCertificate } from './primitives.ts';

export interface RevocationList {
  /** As `plainSerial` writes them. */
  readonly serialNumbers: ReadonlySet<string>;
  signedBy(authority: ParsedCertificate): boolean;
}

const ecdsaWithSha256 = '1.2.840.10045.4.3.2';

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
  const entries = revoked === undefined ? [] : derElements(revoked.value);
  // Half a list is none: what is missing from it would be good again.
  if (entries === undefined) return undefined;
  const serialNumbers = new Set<string>();
  for (const entry of entries) {
    const [serial] = derElements(entry.value) ?? [];
    if (serial?.tag !== derTags.integer) return undefined;
    serialNumbers.add(plainSerial(serial.value));
  }
  const signed = tbs.whole;
  const signatureBytes = signature.value.subarray(1);
  return { serialNumbers, signedBy: (authority) => authority.publicKey.verify(signed, signatureBytes) };
}
