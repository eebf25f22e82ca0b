/**
 * ServerHello (RFC 5246 §7.4.1.3):
 *
 *     | server_version 2 | random 32 | session_id <0..32> 1+ | cipher_suite 2 | compression_method 1 | extensions <0..> 2+ |
 */
import { concatBytes } from '../../core/bytes.ts';
import { FatalAlert } from '../alert.ts';
import { Reader, uint, vector } from '../presentation.ts';
import { dtls12 } from '../record.ts';
import { maxSessionIdLength } from './client-hello.ts';
import { decodeExtensions, encodeExtensions, type Extensions } from './extensions.ts';

export interface ServerHello {
  readonly random: Uint8Array;
  readonly sessionId: Uint8Array;
  readonly cipherSuite: number;
  readonly extensions: Extensions;
}

export function decodeServerHello(body: Uint8Array): ServerHello {
  const reader = new Reader(body);
  if (reader.uint(2) !== dtls12) throw new FatalAlert('protocol_version', 'The server does not speak DTLS 1.2');
  const random = reader.bytes(32);
  const sessionId = reader.vector(1);
  if (sessionId.length > maxSessionIdLength) throw new FatalAlert('decode_error', 'A session_id is too long');
  const cipherSuite = reader.uint(2);
  if (reader.uint(1) !== 0) throw new FatalAlert('illegal_parameter', 'The server chose to compress');
  const extensions = decodeExtensions(reader);
  reader.end();
  return { random, sessionId, cipherSuite, extensions };
}

export const encodeServerHello = (hello: ServerHello): Uint8Array =>
  concatBytes([
    uint(dtls12, 2),
    hello.random,
    vector(1, hello.sessionId),
    uint(hello.cipherSuite, 2),
    Uint8Array.of(0),
    encodeExtensions(hello.extensions),
  ]);
