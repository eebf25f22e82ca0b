/** Requests per peer, by a token bucket each: more than its rate is 4.29 (RFC 8516). */
import type { Endpoint } from '../core/datagram.ts';
import { seconds, type Instant, type Milliseconds } from '../core/duration.ts';
import { GenerationalMap } from '../core/generational-map.ts';

export interface Rate {
  /** Requests per second; 0 is no limit. */
  readonly perSecond: number;
  /** Requests that may come at once. */
  readonly burst: number;
}

export interface RateLimitOptions extends Rate {
  /** Whether peers on this machine are limited too. */
  readonly loopback: boolean;
  /** Peers whose rate is remembered. */
  readonly maxPeers: number;
}

interface Bucket {
  tokens: number;
  at: Instant;
}

export class RateLimit {
  readonly #options: RateLimitOptions;
  readonly #buckets: GenerationalMap<string, Bucket>;

  constructor(options: RateLimitOptions) {
    this.#options = options;
    this.#buckets = new GenerationalMap({ maxEntries: options.maxPeers });
  }

  /**
   * Undefined when the request may pass, else how long the peer should wait.
   * @param own the rate of this very caller, which then counts on loopback too; an identity has one over all its associations
   */
  take(endpoint: Endpoint, now: Instant, own?: Rate): Milliseconds | undefined {
    const { perSecond, burst } = own ?? this.#options;
    const isExempt = own === undefined && endpoint.loopback && !this.#options.loopback;
    if (perSecond === 0 || isExempt) return undefined;
    const { key, principal } = endpoint;
    const whose = own === undefined || principal === undefined ? key : `identity ${principal.name}`;
    const bucket = this.#buckets.get(whose) ?? { tokens: burst, at: now };
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) / 1000) * perSecond);
    bucket.at = now;
    this.#buckets.set(whose, bucket);
    if (bucket.tokens < 1) return seconds((1 - bucket.tokens) / perSecond);
    bucket.tokens--;
    return undefined;
  }
}
