/**
 * Path validation (RFC 5280 §6) as far as devices use it: from a leaf over at most a few intermediates to a trusted authority,
 * with validity, basic constraints, key usage, extended key usage and revocation.
 *
 * Left out: name constraints and policies. A certificate with a critical extension that is not understood is refused, so
 * leaving them out is safe.
 */
import type { AlertDescription } from './alert.ts';
import { certificateUse, type CertificateUse } from './certificate-extensions.ts';
import type { Crypto, ParsedCertificate } from './primitives.ts';
import type { RevocationList } from './revocation-list.ts';
import { equalBytes } from '../core/bytes.ts';

export interface PathOptions {
  readonly crypto: Crypto;
  /** Of authorities, or of single peers that are trusted as they are. */
  readonly anchors: readonly ParsedCertificate[];
  readonly revocationLists: readonly RevocationList[];
  /** What the leaf must be good for. */
  readonly usage: 'client' | 'server';
  /** In milliseconds since 1970. */
  readonly nowMs: number;
  /** An IP address or DNS name that the leaf must name (RFC 6125 §6, by its alternative names only). */
  readonly host?: string;
}

export type PathResult =
  | { readonly accepted: true; readonly leaf: ParsedCertificate }
  | { readonly accepted: false; readonly alert: AlertDescription; readonly reason: string };

/** RFC 5280 §4.2.1.12 */
const usages = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' } as const;
const anyUsage = '2.5.29.37.0';

/**
 * What may hold a path together: nothing with MD5 or SHA-1, of which collisions can be made (RFC 9155, "SLOTH").
 * ECDSA with SHA-256, -384, -512; Ed25519; RSA PKCS #1 with SHA-256, -384, -512.
 */
const signatureAlgorithms: readonly string[] = [
  ...[2, 3, 4].map((last) => `1.2.840.10045.4.3.${last}`),
  '1.3.101.112',
  ...[11, 12, 13].map((last) => `1.2.840.113549.1.1.${last}`),
];

const refused = (alert: AlertDescription, reason: string): PathResult => ({ accepted: false, alert, reason });

/** @param chain in DER, the leaf first; the order of the others does not count. */
export function validatePath(chain: readonly Uint8Array[], options: PathOptions): PathResult {
  const parsed = chain.map((der) => options.crypto.parseCertificate(der));
  const [leaf, ...others] = parsed;
  if (leaf === undefined || parsed.includes(undefined))
    return refused('bad_certificate', 'A certificate cannot be read');
  const intermediates = others.filter((one) => one !== undefined);
  const fault = faultAbove(leaf, intermediates, 0, options);
  if (fault !== undefined) return fault;
  if (options.host !== undefined && !leaf.isFor(options.host)) {
    return refused('bad_certificate', `${leaf.subject} is not the certificate of ${options.host}`);
  }
  return { accepted: true, leaf };
}

/** What is wrong with a certificate or with any above it; undefined where a trusted one is reached. */
function faultAbove(
  certificate: ParsedCertificate,
  intermediates: readonly ParsedCertificate[],
  depth: number,
  options: PathOptions,
): PathResult | undefined {
  const { anchors } = options;
  const use = certificateUse(certificate.der);
  if (use === undefined) return refused('bad_certificate', `${certificate.subject} is not well-formed`);
  const fault = faultOf(certificate, use, depth, options);
  // RFC 5280 §6.1.1: an anchor is trusted as it is, but for how long it is good.
  if (fault !== undefined || anchors.some((anchor) => equalBytes(anchor.der, certificate.der))) return fault;
  if (!signatureAlgorithms.includes(use.signatureAlgorithm)) {
    return refused('bad_certificate', `${certificate.subject} is signed in a way that is too weak`);
  }
  const anchor = anchors.find((one) => certificate.issuedBy(one));
  const issuer = anchor ?? intermediates.find((one) => one !== certificate && certificate.issuedBy(one));
  if (issuer === undefined) return refused('unknown_ca', `No trusted authority has issued ${certificate.subject}`);
  if (isRevoked(use, issuer, options)) {
    return refused('certificate_revoked', `${certificate.subject} was revoked`);
  }
  // A circle of authorities would have no end.
  if (depth > intermediates.length) return refused('unknown_ca', 'The certificates lead to no trusted authority');
  return faultAbove(issuer, intermediates, depth + 1, options);
}

/** @param depth 0 for the leaf; how many certificates stand below. */
function faultOf(
  certificate: ParsedCertificate,
  use: CertificateUse,
  depth: number,
  { nowMs, usage }: PathOptions,
): PathResult | undefined {
  const { subject, notBeforeMs, notAfterMs, isCa } = certificate;
  // So written that a time that cannot be read, which is not a number, is refused.
  if (!(nowMs >= notBeforeMs)) return refused('certificate_expired', `${subject} is not valid yet`);
  if (!(nowMs <= notAfterMs)) return refused('certificate_expired', `${subject} has expired`);
  if (use.unknownCritical.length > 0) {
    return refused(
      'unsupported_certificate',
      `${subject} has a critical extension that is not understood: ${use.unknownCritical.join(', ')}`,
    );
  }
  const { extendedKeyUsage } = use;
  const fitting =
    extendedKeyUsage === undefined || [usages[usage], anyUsage].some((oid) => extendedKeyUsage.includes(oid));
  if (!fitting) return refused('unsupported_certificate', `${subject} is not meant for a ${usage}`);
  if (depth === 0) {
    return use.digitalSignature === false
      ? refused('unsupported_certificate', `The key of ${subject} is not meant to sign`)
      : undefined;
  }
  if (!isCa || use.keyCertSign === false) return refused('bad_certificate', `${subject} is no authority`);
  // Certificates of authorities below this one: all but the leaf.
  if (use.maxPathLength !== undefined && depth - 1 > use.maxPathLength) {
    return refused('bad_certificate', `There are more authorities below ${subject} than it allows`);
  }
  return undefined;
}

const isRevoked = (
  { serialNumber }: CertificateUse,
  issuer: ParsedCertificate,
  { revocationLists }: PathOptions,
): boolean => revocationLists.some((list) => list.serialNumbers.has(serialNumber) && list.signedBy(issuer));
