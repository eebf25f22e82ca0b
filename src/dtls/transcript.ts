/**
 * All handshake messages of both sides in order, each as if it had been sent unfragmented (RFC 6347 §4.2.6), but for the first
 * ClientHello and the HelloVerifyRequest. Kept as bytes: a signature covers them and not a hash of them.
 */
import { concatBytes } from '../core/bytes.ts';
import { encodeHandshake, type HandshakeMessage } from './handshake-message.ts';
import type { Crypto } from './primitives.ts';

export class Transcript {
  readonly #crypto: Crypto;
  readonly #messages: Uint8Array[] = [];

  constructor(crypto: Crypto) {
    this.#crypto = crypto;
  }

  add(message: HandshakeMessage): void {
    this.#messages.push(encodeHandshake(message));
  }

  /** A cookie is asked for: what was said so far does not count. */
  clear(): void {
    this.#messages.length = 0;
  }

  bytes(): Uint8Array {
    return concatBytes(this.#messages);
  }

  hash(): Uint8Array {
    return this.#crypto.sha256(this.bytes());
  }
}
