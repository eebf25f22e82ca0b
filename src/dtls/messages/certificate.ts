/**
 * Certificate: a chain, the sender's own first (RFC 5246 §7.4.2), or a raw public key (RFC 7250 §3).
 *
 *     X.509            | certificate_list <0..> 3+ |  of  | ASN.1Cert <1..> 3+ |
 *     RawPublicKey     | ASN.1_subjectPublicKeyInfo <1..> 3+ |
 */
import { FatalAlert } from '../alert.ts';
import { Reader, vector } from '../presentation.ts';
import type { CertificateType } from './extensions.ts';

/** A chain or a key in DER; empty where the sender has none. */
export type CertificatePayload = readonly Uint8Array[];

/** No RFC's number: a root, two intermediates and what signs devices are four. */
const maxChain = 6;

export function decodeCertificate(body: Uint8Array, type: CertificateType): CertificatePayload {
  const reader = new Reader(body);
  const list = reader.vector(3);
  reader.end();
  if (type === 'raw_public_key') return list.length === 0 ? [] : [list];
  const chain: Uint8Array[] = [];
  const certificates = new Reader(list);
  while (certificates.remaining > 0) chain.push(certificates.vector(3, 1));
  if (chain.length > maxChain) throw new FatalAlert('bad_certificate', 'The chain of certificates is too long');
  return chain;
}

export const encodeCertificate = (payload: CertificatePayload, type: CertificateType): Uint8Array =>
  type === 'raw_public_key' ? vector(3, ...payload) : vector(3, ...payload.map((der) => vector(3, der)));
