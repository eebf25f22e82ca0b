/**
 * HelloVerifyRequest (RFC 6347 §4.2.1):
 *
 *     | server_version 2 | cookie <0..255> 1+ |
 */
import { concatBytes } from '../../core/bytes.ts';
import { Reader, uint, vector } from '../presentation.ts';
import { dtls10 } from '../record.ts';

/** The cookie. The version says nothing of the one that is negotiated. */
export function decodeHelloVerifyRequest(body: Uint8Array): Uint8Array {
  const reader = new Reader(body);
  reader.uint(2);
  const cookie = reader.vector(1);
  reader.end();
  return cookie;
}

/** RFC 6347 §4.2.1: DTLS 1.2 servers should say 1.0 here. */
export const encodeHelloVerifyRequest = (cookie: Uint8Array): Uint8Array =>
  concatBytes([uint(dtls10, 2), vector(1, cookie)]);
