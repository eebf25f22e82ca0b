/** A result of the cache, as one call gets it: a view of its bytes, and no more unless more is asked for. */
import { contentFormat } from '../cbor/content-format.ts';
import { milliseconds, type Instant, type Milliseconds } from '../core/duration.ts';
import type { Value } from '../core/value.ts';
import type { CachedResult, EncodedResult, Lease } from './cacheable.ts';
import { etagBytes } from './etag.ts';
import { maxAgeLeft, type Content } from './result.ts';

/** Where it is kept. */
export interface Shelf {
  /** Whether the row has not been given away since. */
  holds(row: number, generation: number): boolean;
  /** It was asked for. */
  touch(row: number): void;
  /** The result as an object, for who wants more of it than its CBOR. */
  contentOf(row: number, generation: number, cbor: Uint8Array): Content;
}

/** That a row holds what it held. */
export class RowLease implements Lease {
  readonly #shelf: Shelf;
  readonly #row: number;
  readonly #generation: number;

  constructor(shelf: Shelf, row: number, generation: number) {
    this.#shelf = shelf;
    this.#row = row;
    this.#generation = generation;
  }

  get over(): boolean {
    return !this.#shelf.holds(this.#row, this.#generation);
  }

  use(): void {
    if (!this.over) this.#shelf.touch(this.#row);
  }
}

const noTags: readonly string[] = [];

export class KeptResult implements CachedResult, EncodedResult {
  readonly state = 'hit';
  readonly tags: readonly string[] = noTags;
  readonly queued: Milliseconds = milliseconds(0);
  readonly ran: Milliseconds = milliseconds(0);
  /** Its CBOR; none where the function returned nothing. */
  readonly bytes: Uint8Array;
  readonly #tag: number;
  readonly #freshUntil: Instant;
  readonly #shelf: Shelf;
  readonly #row: number;
  readonly #generation: number;

  constructor(bytes: Uint8Array, tag: number, freshUntil: Instant, shelf: Shelf, row: number, generation: number) {
    this.bytes = bytes;
    this.#tag = tag;
    this.#freshUntil = freshUntil;
    this.#shelf = shelf;
    this.#row = row;
    this.#generation = generation;
  }

  get format(): number | undefined {
    return this.bytes.length === 0 ? undefined : contentFormat.cbor;
  }

  get etag(): Uint8Array {
    return etagBytes(this.#tag);
  }

  get lease(): Lease {
    return new RowLease(this.#shelf, this.#row, this.#generation);
  }

  get value(): Value {
    return this.#content.value;
  }

  maxAgeLeft(now: Instant): Milliseconds {
    return maxAgeLeft(this.#freshUntil, now);
  }

  maxAgeUntil(now: Instant): Instant {
    return (this.#freshUntil - this.maxAgeLeft(now)) as Instant;
  }

  representation(format: number): EncodedResult {
    return format === contentFormat.cbor || this.bytes.length === 0 ? this : this.#content.representation(format);
  }

  get #content(): Content {
    return this.#shelf.contentOf(this.#row, this.#generation, this.bytes);
  }
}
