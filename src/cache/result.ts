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
import type { CachedResult, Computed, EncodedResult, Lease, ReturnedBytes } from './cacheable.ts';
import { entityTag, etagBytes } from './etag.ts';
import { valueSize } from './value-size.ts';

/** An encoded representation beside its bytes. */
const encodedOverhead = 300;

/** Where a content is kept: told when a representation was added, and it takes so many bytes more than before. */
export interface Keeper {
  grown(by: number): void;
}

/** The part of a result that all who share it share. */
export class Content {
  readonly tags: readonly string[];
  keeper: Keeper | undefined = undefined;
  readonly #source: Source;
  /** Nearly always the only one that is ever asked for. */
  #first: Representation | undefined = undefined;
  #others: Representation[] | undefined = undefined;

  constructor(source: Source, tags: readonly string[]) {
    this.#source = source;
    this.tags = tags;
  }

  /** The same made of nothing but its CBOR, none where the function returned nothing. */
  static ofCbor(cbor: Uint8Array): Content {
    return new Content(new CborSource(cbor), noTags);
  }

  get value(): Value {
    return this.#source.value;
  }

  /** Its CBOR, where that tells all of it. */
  get onlyCbor(): Uint8Array | undefined {
    const { cbor, heldBytes } = this.#source;
    return cbor !== undefined && heldBytes === cbor.length && this.tags.length === 0 ? cbor : undefined;
  }

  /** The entity-tag of its CBOR. */
  get tag(): number {
    return this.#made(contentFormat.cbor).tag;
  }

  /** Estimated memory; undefined where the value is not plain data and so cannot be kept. */
  get bytes(): number | undefined {
    const { heldBytes } = this.#source;
    let size = heldBytes === undefined ? valueSize(this.#source.value) : encodedOverhead + heldBytes;
    if (size === undefined) return undefined;
    for (const made of this.#representations())
      if (made.bytes !== this.#source.cbor) size += encodedOverhead + made.bytes.length;
    return size;
  }

  representation(format: number): EncodedResult {
    return this.#made(format);
  }

  #made(format: number): Representation {
    if (this.#first?.asked === format) return this.#first;
    const known = this.#others?.find(({ asked }) => asked === format);
    if (known !== undefined) return known;
    const { cbor } = this.#source;
    // Bytes that are kept already are in the estimate already.
    const kept = cbor !== undefined && (format === contentFormat.cbor || cbor.length === 0);
    const made = kept ? new Representation(format, cbor, cbor.length === 0 ? undefined : format) : this.#encode(format);
    if (this.#first === undefined) this.#first = made;
    else (this.#others ??= []).push(made);
    if (!kept) this.keeper?.grown(encodedOverhead + made.bytes.length);
    return made;
  }

  *#representations(): Generator<Representation> {
    if (this.#first !== undefined) yield this.#first;
    yield* this.#others ?? [];
  }

  #encode(format: number): Representation {
    const { value } = this.#source;
    const bytes = encodeRepresentation(value, format);
    return new Representation(format, bytes, hasRepresentation(value) ? format : undefined);
  }
}

class Representation implements EncodedResult {
  readonly asked: number;
  readonly bytes: Uint8Array;
  readonly format: number | undefined;
  readonly tag: number;

  constructor(asked: number, bytes: Uint8Array, format: number | undefined) {
    this.asked = asked;
    this.bytes = bytes;
    this.format = format;
    this.tag = entityTag(format, bytes);
  }

  get etag(): Uint8Array {
    return etagBytes(this.tag);
  }
}

/** A value, or the bytes that it can be made of. */
type Source = Partial<ReturnedBytes> & { readonly value: Value };

const noTags: readonly string[] = [];

/** No limits: these are our own bytes. */
const trusted: DecodeLimits = {
  maxDepth: Infinity,
  maxItems: Infinity,
  maxBignumBytes: Infinity,
  maxKeyBytes: Infinity,
};

class CborSource implements ReturnedBytes {
  readonly cbor: Uint8Array;

  constructor(cbor: Uint8Array) {
    this.cbor = cbor;
  }

  get heldBytes(): number {
    return this.cbor.length;
  }

  get value(): Value {
    return this.cbor.length === 0 ? undefined : decodeCbor(this.cbor, trusted);
  }
}

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

const noLease: Lease = Object.freeze({ over: true, use() {} });

/** A content as one call got it. */
export class Result implements CachedResult {
  readonly state: CacheState;
  readonly queued: Milliseconds;
  readonly ran: Milliseconds;
  readonly #content: Content;
  readonly #freshUntil: Instant;
  readonly lease: Lease;

  constructor(
    content: Content,
    state: CacheState,
    freshUntil: Instant,
    queued: Milliseconds,
    ran: Milliseconds,
    lease: Lease = noLease,
  ) {
    this.lease = lease;
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
    return maxAgeLeft(this.#freshUntil, now);
  }

  maxAgeUntil(now: Instant): Instant {
    return (this.#freshUntil - this.maxAgeLeft(now)) as Instant;
  }

  representation(format: number): EncodedResult {
    return this.#content.representation(format);
  }
}

export const maxAgeLeft = (freshUntil: Instant, now: Instant): Milliseconds =>
  milliseconds(Math.floor(until(freshUntil, now) / 1000) * 1000);
