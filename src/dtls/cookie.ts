/**
 * Stateless cookies (RFC 6347 §4.2.1): a keyed hash of the client's address and of what its second ClientHello must repeat.
 * The key changes with time and the one before it still counts, so nothing is kept for who does not come back.
 */
import { concatBytes, utf8 } from '../core/bytes.ts';
import { minutes, type Instant, type Milliseconds } from '../core/duration.ts';
import { cookieParameters, type ClientHello } from './messages/client-hello.ts';
import type { Crypto } from './primitives.ts';
import { vector } from './presentation.ts';

/** 16 bytes leave a guess at 2^-128, and a HelloVerifyRequest smaller than any ClientHello. */
const cookieLength = 16;
const rotation: Milliseconds = minutes(2);

export class CookieJar {
  readonly #crypto: Crypto;
  #window = -Infinity;
  #secret: Uint8Array;
  #previous: Uint8Array;

  constructor(crypto: Crypto) {
    this.#crypto = crypto;
    this.#secret = crypto.randomBytes(32);
    this.#previous = this.#secret;
  }

  bake(endpointKey: string, hello: ClientHello, now: Instant): Uint8Array {
    this.#rotate(now);
    return this.#seal(this.#secret, endpointKey, hello);
  }

  accepts(endpointKey: string, hello: ClientHello, now: Instant): boolean {
    if (hello.cookie.length !== cookieLength) return false;
    this.#rotate(now);
    return [this.#secret, this.#previous].some((secret) =>
      this.#crypto.equal(hello.cookie, this.#seal(secret, endpointKey, hello)),
    );
  }

  #rotate(now: Instant): void {
    const window = Math.floor(now / rotation);
    if (window <= this.#window) return;
    // After a longer silence the one before is as old as that: nobody waits for it.
    this.#previous = window === this.#window + 1 ? this.#secret : this.#crypto.randomBytes(32);
    this.#secret = this.#crypto.randomBytes(32);
    this.#window = window;
  }

  #seal(secret: Uint8Array, endpointKey: string, hello: ClientHello): Uint8Array {
    const input = concatBytes([vector(2, utf8(endpointKey)), cookieParameters(hello)]);
    return this.#crypto.hmacSha256(secret, input).subarray(0, cookieLength);
  }
}
