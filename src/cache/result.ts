/** One result: the value, once, and its representations, each made when first asked for. */
import { decodeCbor } from '../cbor/decode.ts';
import { contentFormat } from '../cbor/content-format.ts';
import { encodeCbor } from '../cbor/encode.ts';
import type { DecodeLimits } from '../cbor/limits.ts';
import { encodeRepresentation, hasRepresentation } from '../cbor/representation.ts';
import type { CacheState } from '../core/channels.ts';
import { milliseconds, until, type Instant, type Milliseconds } from '../core/duration.ts';
import { FuncoapError } from '../core/error.ts';
import type { Value } from '../core/value.ts';
import type { CachedResult, Computed, EncodedResult, ReturnedBytes } from './cacheable.ts';
import { etagOf } from './etag.ts';
import { valueSize } from './value-size.ts';

/** An encoded representation beside its bytes. */
const encodedOverhead = 300;

/** The part of a result that all who share it share. */
export class Content {
  readonly tags: readonly string[];
  /** Told when a representation was added: the content takes more memory than before. */
  onGrow: (() => void) | undefined;
  readonly #source: Source;
  // A few formats at most are ever asked for: a list is faster than a Map.
  readonly #encoded: { readonly asked: number; readonly result: EncodedResult }[] = [];

  constructor(source: Source, tags: readonly string[]) {
    this.#source = source;
    this.tags = tags;
  }

  get value(): Value {
    return this.#source.value;
  }

  /** Estimated memory; undefined where the value is not plain data and so cannot be kept. */
  get bytes(): number | undefined {
    const { heldBytes } = this.#source;
    let size = heldBytes === undefined ? valueSize(this.#source.value) : encodedOverhead + heldBytes;
    if (size === undefined) return undefined;
    for (const { result } of this.#encoded)
      if (result.bytes !== this.#source.cbor) size += encodedOverhead + result.bytes.length;
    return size;
  }

  representation(format: number): EncodedResult {
    for (const { asked, result } of this.#encoded) if (asked === format) return result;
    const { cbor } = this.#source;
    // Bytes that are kept already are in the estimate already.
    const kept = cbor !== undefined && (format === contentFormat.cbor || cbor.length === 0);
    const result = kept ? encoded(cbor, cbor.length === 0 ? undefined : format) : this.#encode(format);
    this.#encoded.push({ asked: format, result });
    if (!kept) this.onGrow?.();
    return result;
  }

  #encode(format: number): EncodedResult {
    const { value } = this.#source;
    return encoded(encodeRepresentation(value, format), hasRepresentation(value) ? format : undefined);
  }
}

const encoded = (bytes: Uint8Array, format: number | undefined): EncodedResult => ({
  bytes,
  format,
  etag: etagOf(format, bytes),
});

/** A value, or the bytes that it can be made of. */
type Source = Partial<ReturnedBytes> & { readonly value: Value };

/** No limits: these are our own bytes. */
const trusted: DecodeLimits = {
  maxDepth: Infinity,
  maxItems: Infinity,
  maxBignumBytes: Infinity,
  maxKeyBytes: Infinity,
};

/**
 * The content that a computation gave. What is more than data (an iterator can be read once) is kept as
 * what it is carried as; where it cannot be carried at all, whoever asks for a representation learns why.
 */
export function contentOf(computed: Computed): Content {
  const { returned, tags } = computed;
  if (returned !== undefined) return new Content(returned, tags);
  const { value } = computed;
  if (valueSize(value) !== undefined) return new Content({ value }, tags);
  try {
    return new Content({ value: decodeCbor(encodeCbor(value), trusted) }, tags);
  } catch (error) {
    if (error instanceof FuncoapError) return new Content({ value }, tags);
    throw error;
  }
}

/** A content as one call got it. */
export class Result implements CachedResult {
  readonly state: CacheState;
  readonly queued: Milliseconds;
  readonly ran: Milliseconds;
  readonly #content: Content;
  readonly #freshUntil: Instant;

  constructor(content: Content, state: CacheState, freshUntil: Instant, queued: Milliseconds, ran: Milliseconds) {
    this.#content = content;
    this.state = state;
    this.#freshUntil = freshUntil;
    this.queued = queued;
    this.ran = ran;
  }

  get value(): Value {
    return this.#content.value;
  }

  get tags(): readonly string[] {
    return this.#content.tags;
  }

  maxAgeLeft(now: Instant): Milliseconds {
    return milliseconds(Math.floor(until(this.#freshUntil, now) / 1000) * 1000);
  }

  representation(format: number): EncodedResult {
    return this.#content.representation(format);
  }
}
