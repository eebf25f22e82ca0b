/**
 * ServerKeyExchange, which depends on the key exchange:
 *
 *     PSK            | psk_identity_hint <0..> 2+ |                                                   RFC 4279 §2
 *     ECDHE_PSK      | psk_identity_hint <0..> 2+ | ServerECDHParams |                                RFC 5489 §2
 *     ECDHE_ECDSA    | ServerECDHParams | SignatureAndHashAlgorithm 2 | signature <0..> 2+ |           RFC 8422 §5.4
 *
 *     ServerECDHParams   | curve_type 1 = named_curve 3 | named_curve 2 | point <1..> 1+ |
 */
import { concatBytes, emptyBytes } from '../../core/bytes.ts';
import { FatalAlert } from '../alert.ts';
import type { KeyExchange } from '../cipher-suites.ts';
import { Reader, uint, vector } from '../presentation.ts';
import type { NamedGroup } from '../primitives.ts';
import { ecdsaSha256, namedGroups } from './extensions.ts';

export interface EcdhParams {
  readonly group: NamedGroup;
  readonly publicKey: Uint8Array;
}

export interface ServerKeyExchange {
  /** Empty where there is none. */
  readonly pskIdentityHint: Uint8Array;
  readonly params: EcdhParams | undefined;
  readonly signature: Uint8Array | undefined;
}

const namedCurve = 3;

export const encodeEcdhParams = ({ group, publicKey }: EcdhParams): Uint8Array =>
  concatBytes([Uint8Array.of(namedCurve), uint(namedGroups[group], 2), vector(1, publicKey)]);

function decodeEcdhParams(reader: Reader): EcdhParams {
  if (reader.uint(1) !== namedCurve)
    throw new FatalAlert('handshake_failure', 'The server uses a curve without a name');
  const number = reader.uint(2);
  const group = (Object.keys(namedGroups) as NamedGroup[]).find((name) => namedGroups[name] === number);
  if (group === undefined)
    throw new FatalAlert('illegal_parameter', `The server uses group ${number}, which was not offered`);
  return { group, publicKey: reader.vector(1, 1) };
}

export function decodeServerKeyExchange(body: Uint8Array, keyExchange: KeyExchange): ServerKeyExchange {
  const reader = new Reader(body);
  const pskIdentityHint = keyExchange === 'ecdhe_ecdsa' ? emptyBytes : reader.vector(2);
  const params = keyExchange === 'psk' ? undefined : decodeEcdhParams(reader);
  let signature: Uint8Array | undefined;
  if (keyExchange === 'ecdhe_ecdsa') {
    if (reader.uint(2) !== ecdsaSha256)
      throw new FatalAlert('illegal_parameter', 'The server signs in a way that was not offered');
    signature = reader.vector(2);
  }
  reader.end();
  return { pskIdentityHint, params, signature };
}

export function encodeServerKeyExchange(message: ServerKeyExchange, keyExchange: KeyExchange): Uint8Array {
  const { pskIdentityHint, params, signature } = message;
  return concatBytes([
    keyExchange === 'ecdhe_ecdsa' ? emptyBytes : vector(2, pskIdentityHint),
    params === undefined ? emptyBytes : encodeEcdhParams(params),
    signature === undefined ? emptyBytes : concatBytes([uint(ecdsaSha256, 2), vector(2, signature)]),
  ]);
}
