/**
 * ClientHello (RFC 5246 §7.4.1.2, RFC 6347 §4.2.1):
 *
 *     | client_version 2 | random 32 | session_id <0..32> 1+ | cookie <0..255> 1+ |
 *     | cipher_suites <2..> 2+ | compression_methods <1..> 1+ | extensions <0..> 2+ |
 */
import { concatBytes } from '../../core/bytes.ts';
import { FatalAlert } from '../alert.ts';
import { Reader, uint, uint16s, vector } from '../presentation.ts';
import { dtls12 } from '../record.ts';
import { decodeExtensions, encodeExtensions, type Extensions } from './extensions.ts';

export interface ClientHello {
  readonly version: number;
  readonly random: Uint8Array;
  readonly sessionId: Uint8Array;
  readonly cookie: Uint8Array;
  readonly cipherSuites: readonly number[];
  readonly compressionMethods: Uint8Array;
  readonly extensions: Extensions;
}

export const nullCompression: Uint8Array = Uint8Array.of(0);
export const maxSessionIdLength = 32;

export function decodeClientHello(body: Uint8Array): ClientHello {
  const reader = new Reader(body);
  const hello = {
    version: reader.uint(2),
    random: reader.bytes(32),
    sessionId: reader.vector(1),
    cookie: reader.vector(1),
    cipherSuites: reader.uint16s(2, 2),
    compressionMethods: reader.vector(1, 1),
    extensions: decodeExtensions(reader),
  };
  reader.end();
  if (hello.sessionId.length > maxSessionIdLength) throw new FatalAlert('decode_error', 'A session_id is too long');
  return hello;
}

export const encodeClientHello = (hello: ClientHello): Uint8Array =>
  concatBytes([
    uint(hello.version, 2),
    hello.random,
    vector(1, hello.sessionId),
    vector(1, hello.cookie),
    vector(2, uint16s(hello.cipherSuites)),
    vector(1, hello.compressionMethods),
    encodeExtensions(hello.extensions),
  ]);

/** RFC 6347 §4.2.1: what the second ClientHello must repeat, so what a cookie is bound to: all before the extensions, but the cookie. */
export function cookieParameters(body: Uint8Array): Uint8Array {
  const reader = new Reader(body);
  reader.bytes(2 + 32);
  reader.vector(1);
  const before = body.length - reader.remaining;
  reader.vector(1);
  const behind = body.length - reader.remaining;
  reader.vector(2);
  reader.vector(1);
  return concatBytes([body.subarray(0, before), body.subarray(behind, body.length - reader.remaining)]);
}

/** Versions count down: 1.2 or later is at most {254, 253}. */
export const offersDtls12 = ({ version }: ClientHello): boolean => version >> 8 === dtls12 >> 8 && version <= dtls12;
