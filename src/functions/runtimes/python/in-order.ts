/**
 * Value -> CBOR (RFC 8949) with the members of maps in their own order, which Python's dicts keep: the deterministic form of
 * cbor/encode.ts sorts them. undefined stays undefined. Values are trees of a bounded depth: decoded, or bound from such.
 */
import { InternalError } from '../../../core/error.ts';
import { ObjectReference } from '../../../core/object-reference.ts';
import type { Value } from '../../../core/value.ts';
import { referenceTag } from '../../../cbor/reference-tag.ts';
import { CborWriter } from '../../../cbor/writer.ts';

const writer: CborWriter = new CborWriter();

/**
 * In UTF-8 less than 65,536 bytes: what is longer the compiled cbor2 reads in pieces. In 5.6.0 and 5.6.1 it writes beyond its memory
 * then, up to 5.8.0 it lets go of none of it (CVE-2024-26134, CVE-2025-64076).
 */
const longestPlainText = 21_845;

export interface InOrder {
  readonly bytes: Uint8Array;
  /** Every decoder makes the same of it: no dates, no objects, nothing undefined, no long texts, and all keys are text. */
  readonly isPlain: boolean;
}

export function encodeInOrder(value: Value): InOrder {
  try {
    const encoder = new InOrderEncoder(writer);
    encoder.item(value);
    return { bytes: writer.take(), isPlain: encoder.isPlain };
  } finally {
    writer.reset();
  }
}

class InOrderEncoder {
  readonly #out: CborWriter;
  isPlain = true;

  constructor(out: CborWriter) {
    this.#out = out;
  }

  item(value: Value): void {
    if (value === undefined || (typeof value === 'string' && value.length > longestPlainText)) this.isPlain = false;
    if (this.#out.scalar(value)) return;
    if (typeof value !== 'object')
      throw new InternalError('not-a-value', `A ${typeof value} is not a value that a function can be given.`);
    this.#object(value);
  }

  #object(value: NonNullable<Value> & object): void {
    if (value instanceof Uint8Array) {
      this.#out.bytes(value);
    } else if (Array.isArray(value)) {
      this.#out.head(4, value.length);
      for (const item of value as readonly Value[]) this.item(item);
    } else if (value instanceof ObjectReference || value instanceof Date || value instanceof Map) {
      this.isPlain = false;
      this.#special(value);
    } else {
      const members = Object.entries(value as Readonly<Record<string, Value>>);
      this.#out.head(5, members.length);
      for (const [name, member] of members) {
        // Without its halves of characters it may be the name of another.
        if (name.length > longestPlainText || !name.isWellFormed()) this.isPlain = false;
        this.#out.text(name);
        this.item(member);
      }
    }
  }

  #special(value: ObjectReference | Date | ReadonlyMap<Value, Value>): void {
    if (value instanceof ObjectReference) {
      this.#out.head(6, referenceTag);
      this.#out.text(value.path);
    } else if (value instanceof Date) {
      // RFC 8949 §3.4.2: seconds since the epoch.
      this.#out.head(6, 1);
      this.#out.number(value.getTime() / 1000);
    } else {
      this.#out.head(5, value.size);
      for (const [key, member] of value) {
        this.item(key);
        this.item(member);
      }
    }
  }
}
