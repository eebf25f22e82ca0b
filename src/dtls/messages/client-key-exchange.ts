/**
 * ClientKeyExchange, which depends on the key exchange:
 *
 *     PSK            | psk_identity <0..> 2+ |                        RFC 4279 §2
 *     ECDHE_PSK      | psk_identity <0..> 2+ | point <1..> 1+ |        RFC 5489 §2
 *     ECDHE_ECDSA    | point <1..> 1+ |                               RFC 8422 §5.7
 */
import { concatBytes, emptyBytes } from '../../core/bytes.ts';
import type { KeyExchange } from '../cipher-suites.ts';
import { Reader, vector } from '../presentation.ts';

export interface ClientKeyExchange {
  readonly pskIdentity: Uint8Array;
  readonly publicKey: Uint8Array;
}

export function decodeClientKeyExchange(body: Uint8Array, keyExchange: KeyExchange): ClientKeyExchange {
  const reader = new Reader(body);
  const pskIdentity = keyExchange === 'ecdhe_ecdsa' ? emptyBytes : reader.vector(2);
  const publicKey = keyExchange === 'psk' ? emptyBytes : reader.vector(1, 1);
  reader.end();
  return { pskIdentity, publicKey };
}

export const encodeClientKeyExchange = (message: ClientKeyExchange, keyExchange: KeyExchange): Uint8Array =>
  concatBytes([
    keyExchange === 'ecdhe_ecdsa' ? emptyBytes : vector(2, message.pskIdentity),
    keyExchange === 'psk' ? emptyBytes : vector(1, message.publicKey),
  ]);
