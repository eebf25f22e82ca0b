/**
 * Stateless cookies (RFC 6347 §4.2.1): a keyed hash of the client's address and of what its second ClientHello must repeat.
 * The key changes with time and the one before it still counts, so nothing is kept for who does not come back.
 */
import { concatBytes, utf8 } from '../core/bytes.ts';
import { minutes, type Instant, type Milliseconds } from '../core/duration.ts';
import type { Crypto, Mac } from './primitives.ts';

/** 16 bytes leave a guess at 2^-127, and a HelloVerifyRequest smaller than any ClientHello. */
export const cookieLength = 16;
const rotation: Milliseconds = minutes(2);

export class CookieJar {
  readonly #crypto: Crypto;
  #window = -Infinity;
  #current: Mac;
  #previous: Mac;

  constructor(crypto: Crypto) {
    this.#crypto = crypto;
    this.#current = this.#newSecret();
    this.#previous = this.#current;
  }

  /** @param parameters what of its ClientHello a client must repeat */
  bake(endpointKey: string, parameters: Uint8Array, now: Instant): Uint8Array {
    this.#rotate(now);
    return this.#seal(this.#window, endpointKey, parameters);
  }

  accepts(cookie: Uint8Array, endpointKey: string, parameters: Uint8Array, now: Instant): boolean {
    if (cookie.length !== cookieLength) return false;
    this.#rotate(now);
    const isCurrent = ((cookie[0] ?? 0) & 1) === (this.#window & 1);
    const window = isCurrent ? this.#window : this.#window - 1;
    return this.#crypto.equal(cookie, this.#seal(window, endpointKey, parameters));
  }

  #rotate(now: Instant): void {
    const window = Math.floor(now / rotation);
    if (window <= this.#window) return;
    // After a longer silence the one before is as old as that: nobody waits for it.
    this.#previous = window === this.#window + 1 ? this.#current : this.#newSecret();
    this.#current = this.#newSecret();
    this.#window = window;
  }

  #newSecret(): Mac {
    return this.#crypto.hmacSha256(this.#crypto.randomBytes(32));
  }

  /** The last bit of its first byte says under which secret it was made, so that it is tried under one only. */
  #seal(window: number, endpointKey: string, parameters: Uint8Array): Uint8Array {
    const mac = window === this.#window ? this.#current : this.#previous;
    // The parameters say themselves where they end.
    const cookie = mac(concatBytes([parameters, utf8(endpointKey)])).slice(0, cookieLength);
    cookie[0] = ((cookie[0] ?? 0) & ~1) | (window & 1);
    return cookie;
  }
}
