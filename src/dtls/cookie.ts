/**
 * Stateless cookies (RFC 6347 §4.2.1): a keyed hash of the client's address and of what its second ClientHello must repeat.
 * The key changes with time and the one before it still counts, so nothing is kept for who does not come back.
 */
import { concatBytes, utf8 } from '../core/bytes.ts';
import { minutes, type Instant, type Milliseconds } from '../core/duration.ts';
import { cookieParameters, type ClientHello } from './messages/client-hello.ts';
import type { Crypto, Mac } from './primitives.ts';
import { vector } from './presentation.ts';

/** 16 bytes leave a guess at 2^-128, and a HelloVerifyRequest smaller than any ClientHello. */
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

  bake(endpointKey: string, hello: ClientHello, now: Instant): Uint8Array {
    this.#rotate(now);
    return seal(this.#current, endpointKey, hello);
  }

  accepts(endpointKey: string, hello: ClientHello, now: Instant): boolean {
    if (hello.cookie.length !== cookieLength) return false;
    this.#rotate(now);
    return [this.#current, this.#previous].some((mac) =>
      this.#crypto.equal(hello.cookie, seal(mac, endpointKey, hello)),
    );
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
}

const seal = (mac: Mac, endpointKey: string, hello: ClientHello): Uint8Array =>
  mac(concatBytes([vector(2, utf8(endpointKey)), cookieParameters(hello)])).subarray(0, cookieLength);
