/**
 * CertificateRequest (RFC 5246 §7.4.4):
 *
 *     | certificate_types <1..> 1+ | supported_signature_algorithms <2..> 2+ | certificate_authorities <0..> 2+ |
 */
import { concatBytes } from '../../core/bytes.ts';
import { Reader, uint16s, vector } from '../presentation.ts';
import { ecdsaSha256 } from './extensions.ts';

/** RFC 8422 §5.5 */
const ecdsaSign = 64;

/** True where the client can sign with what it asks for. Names of authorities are not looked at: a device has one certificate. */
export function decodeCertificateRequest(body: Uint8Array): boolean {
  const reader = new Reader(body);
  const types = reader.vector(1, 1);
  const algorithms = reader.uint16s(2, 2);
  reader.vector(2);
  reader.end();
  return types.includes(ecdsaSign) && algorithms.includes(ecdsaSha256);
}

/** No authorities are named: it keeps the flight short. */
export const encodeCertificateRequest = (): Uint8Array =>
  concatBytes([vector(1, Uint8Array.of(ecdsaSign)), vector(2, uint16s([ecdsaSha256])), vector(2)]);
