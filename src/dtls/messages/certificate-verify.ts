/**
 * CertificateVerify (RFC 5246 §7.4.8): a signature over all messages before it.
 *
 *     | SignatureAndHashAlgorithm 2 | signature <0..> 2+ |
 */
import { concatBytes } from '../../core/bytes.ts';
import { FatalAlert } from '../alert.ts';
import { Reader, uint, vector } from '../presentation.ts';
import { ecdsaSha256 } from './extensions.ts';

export function decodeCertificateVerify(body: Uint8Array): Uint8Array {
  const reader = new Reader(body);
  if (reader.uint(2) !== ecdsaSha256) {
    throw new FatalAlert('illegal_parameter', 'The client signs in a way that was not asked for');
  }
  const signature = reader.vector(2);
  reader.end();
  return signature;
}

export const encodeCertificateVerify = (signature: Uint8Array): Uint8Array =>
  concatBytes([uint(ecdsaSha256, 2), vector(2, signature)]);
