/**
 * What the result cache asks of those above it, and what it gives them. The first two are, by structure, a function's
 * description and the result of a call: the cache does not know the folder they come from.
 */
import type { CacheState } from '../core/channels.ts';
import type { Instant, Milliseconds } from '../core/duration.ts';
import type { ReadCaller } from '../core/principal.ts';
import type { Value } from '../core/value.ts';

export interface Cacheable {
  readonly library: string;
  readonly method: string;
  /** Another version is another function: nothing is shared between them. */
  readonly version: string;
  /** Only pure functions are cached; any other is computed for each call. */
  readonly pure: boolean;
  /** 0: concurrent calls share one computation, later ones do not. */
  readonly maxAge: Milliseconds;
  readonly staleWhileRevalidate: Milliseconds;
  /** One entry for all callers although the function reads who calls. */
  readonly shared: boolean;
}

export interface Computed {
  /** Where there is `returned`, made from it: it is asked for only where its bytes do not do. */
  readonly value: Value;
  readonly returned?: ReturnedBytes | undefined;
  /** What of who calls the function looked at. */
  readonly readCaller: ReadCaller;
  /** Names under which the function's library may call it out of date. */
  readonly tags: readonly string[];
  readonly queued: Milliseconds;
  readonly ran: Milliseconds;
}

/** A value that is kept as bytes. */
export interface ReturnedBytes {
  readonly value: Value;
  /** Its deterministic CBOR, none where the function returned nothing; undefined where CBOR cannot carry it. */
  readonly cbor: Uint8Array | undefined;
  /** The memory that it takes. */
  readonly heldBytes: number;
}

/** A value in one Content-Format. */
export interface EncodedResult {
  readonly bytes: Uint8Array;
  /** Undefined where the function returned nothing: answer without payload and without Content-Format. */
  readonly format: number | undefined;
  /** 4 bytes; see etag.ts. */
  readonly etag: Uint8Array;
}

/** That a result is kept. Small and apart from it, so that who holds it does not hold the result. */
export interface Lease {
  /** It is not kept any more, or was never. */
  readonly over: boolean;
  /** It was given again: what is asked for is kept longer than what is not. */
  use(): void;
}

export interface CachedResult {
  readonly value: Value;
  readonly state: CacheState;
  readonly tags: readonly string[];
  /** Of the call that computed it where this one waited for that; 0 where it did not. */
  readonly queued: Milliseconds;
  readonly ran: Milliseconds;
  /** Whole seconds, rounded down: what Max-Age may say. 0 where it is not cached. */
  maxAgeLeft(now: Instant): Milliseconds;
  /** Before this, `maxAgeLeft` says what it says now. */
  maxAgeUntil(now: Instant): Instant;
  /** While it is not over and `maxAgeUntil` has not come, the same question has this very result. */
  readonly lease: Lease;
  /** Made when first asked for. Throws a `UsageError` as `encodeRepresentation` does. */
  representation(format: number): EncodedResult;
}

/** What is out of date: a library, one of its functions, or what its functions gave a tag. */
export interface CacheInvalidation {
  readonly library: string;
  readonly method?: string;
  readonly tag?: string;
}

export interface CacheCounters {
  readonly hits: number;
  readonly misses: number;
  readonly joined: number;
  readonly stale: number;
  /** Refreshes behind a stale answer that failed; the failure itself is reported by who computes. */
  readonly failedRefreshes: number;
  readonly revalidations: number;
  /** Payload bytes that 2.03 answers did not carry. */
  readonly bytesSaved: number;
  readonly entries: number;
  /** Estimated memory of the entries. */
  readonly bytes: number;
}
