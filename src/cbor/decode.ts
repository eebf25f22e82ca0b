/**
 * CBOR from a peer -> Value (RFC 8949) in one pass, strict about validity and liberal about form. Heads, numbers and strings:
 * reader.ts; tags: decode-tags.ts.
 *
 * Refused: what is not well-formed (Appendix C), invalid UTF-8, tags and simple values that are not known, duplicate keys, and
 * what asks for more than the limits. Longer arguments than needed and indefinite lengths are accepted (§4.1 asks for
 * them of encoders only). It stops at the first fault and names its byte.
 *
 * Integers from 2^53 are bigint, whichever way they are written. A map whose keys are all text is a plain
 * object (`__proto__` is a key like any other, an own property), any other a Map. Keys that are the same
 * value here (5 and 5.0, two encodings of 5) are duplicates (§5.6.1).
 */
import { concatBytes, textOf } from '../core/bytes.ts';
import type { Value } from '../core/value.ts';
import { findRepeated, type CompoundKey } from './compound-key.ts';
import { checkTagContent, fromTag, type OwnTag } from './decode-tags.ts';
import { defaultDecodeLimits, type DecodeLimits } from './limits.ts';
import { malformedCbor } from './malformed.ts';
import { CborReader } from './reader.ts';

const major = { uint: 0, nint: 1, bytes: 2, text: 3, array: 4, map: 5, tag: 6, simple: 7 } as const;
const majorNames = [
  'an integer',
  'an integer',
  'a byte string',
  'a text string',
  'an array',
  'a map',
  'a tag',
  'a simple value',
];
const indefinite = 31;
/** So many are compared one by one faster than they are looked up. */
const fewNames = 8;

/** Where an item may stand or the end of its container; no value is this. */
const breakStop: unique symbol = Symbol('break');

/**
 * The value of exactly one CBOR item.
 * Throws a `PeerError` (`malformed-body`) whose message names the byte at fault.
 */
export function decodeCbor(bytes: Uint8Array, limits: DecodeLimits = defaultDecodeLimits, ownTag?: OwnTag): Value {
  const decoder = new Decoder(bytes, limits, ownTag);
  const value = decoder.item(0);
  decoder.end();
  return value;
}

/**
 * The values of a CBOR sequence (RFC 8742): items one behind the other, or none.
 * Throws as `decodeCbor` does.
 */
export function decodeCborSequence(bytes: Uint8Array, limits: DecodeLimits = defaultDecodeLimits): Value[] {
  const decoder = new Decoder(bytes, limits, undefined);
  const values: Value[] = [];
  while (!decoder.isAtEnd) values.push(decoder.item(0));
  return values;
}

/** Items, made of what the reader reads. */
class Decoder {
  #items = 0;
  #keyBytes = 0;
  readonly #input: CborReader;
  readonly #limits: DecodeLimits;
  readonly #ownTag: OwnTag | undefined;

  constructor(bytes: Uint8Array, limits: DecodeLimits, ownTag: OwnTag | undefined) {
    this.#input = new CborReader(bytes);
    this.#limits = limits;
    this.#ownTag = ownTag;
  }

  get isAtEnd(): boolean {
    return this.#input.left === 0;
  }

  end(): void {
    const { left } = this.#input;
    if (left > 0)
      throw malformedCbor(`the item ends here but ${left} more bytes follow; send exactly one item`, this.#input.at);
  }

  item(depth: number): Value {
    const start = this.#input.at;
    const value = this.#itemOrBreak(depth);
    if (value === breakStop) throw malformedCbor('a "break" stands where an item should', start);
    return value;
  }

  #itemOrBreak(depth: number): Value | typeof breakStop {
    const start = this.#input.at;
    const initial = this.#input.bytes[start];
    if (initial === undefined) throw malformedCbor('the input ends where an item should begin', start);
    if (++this.#items > this.#limits.maxItems)
      throw malformedCbor(`it has more than ${this.#limits.maxItems} items; send less at a time`, start);
    this.#input.at = start + 1;
    const additional = initial & 0x1f;
    if (additional === indefinite) return this.#indefinite(initial >> 5, start, depth);
    switch (initial >> 5) {
      case major.uint:
        return this.#input.integer(additional, start, false);
      case major.nint:
        return this.#input.integer(additional, start, true);
      case major.bytes: {
        const from = this.#input.string(additional, start);
        return new Uint8Array(this.#input.bytes.subarray(from, this.#input.at));
      }
      case major.text:
        return this.#input.text(this.#input.string(additional, start), start);
      case major.array:
        return this.#array(this.#input.argument(additional, start), start, depth);
      case major.map:
        return this.#map(this.#input.argument(additional, start), start, depth);
      case major.tag:
        return this.#tag(this.#input.argument(additional, start), start, depth);
      default:
        return this.#input.simple(additional, start);
    }
  }

  #array(count: number, start: number, depth: number): Value[] {
    this.#enter(depth, start);
    this.#announce(count, 1, start);
    const items: Value[] = [];
    for (let i = 0; i < count; i++) items.push(this.item(depth + 1));
    return items;
  }

  #map(count: number, start: number, depth: number): Value {
    this.#enter(depth, start);
    this.#announce(count, 2, start);
    return this.#members(count, depth);
  }

  /** A count that the rest of the input cannot hold is refused before anything is done for it. */
  #announce(count: number, itemsEach: number, start: number): void {
    const left = this.#input.left;
    if (count * itemsEach > left)
      throw malformedCbor(`${count * itemsEach} items are announced but only ${left} bytes follow`, start);
  }

  #enter(depth: number, start: number): void {
    if (depth >= this.#limits.maxDepth)
      throw malformedCbor(`it is nested deeper than ${this.#limits.maxDepth} levels; send flatter data`, start);
  }

  /** An object, as long as all keys are text. */
  #members(count: number, depth: number): Value {
    const members: Record<string, Value> = {};
    const names: string[] = [];
    for (let i = 0; i < count; i++) {
      const start = this.#input.at;
      const key = count === Infinity ? this.#itemOrBreak(depth + 1) : this.item(depth + 1);
      if (key === breakStop) break;
      if (typeof key !== 'string') return this.#mixed(count - i, depth, members, names, key, start);
      if (i < fewNames ? names.includes(key) : Object.hasOwn(members, key))
        throw malformedCbor('a map has the same key twice', start);
      names.push(key);
      const member = this.item(depth + 1);
      // Assigned, it would be the prototype.
      if (key === '__proto__')
        Object.defineProperty(members, key, { value: member, writable: true, enumerable: true, configurable: true });
      else members[key] = member;
    }
    return members;
  }

  /** The rest of a map of which members have been read, and one key that is no text. */
  #mixed(
    count: number,
    depth: number,
    members: Readonly<Record<string, Value>>,
    names: readonly string[],
    first: Value,
    firstAt: number,
  ): Value {
    // An object has its members in another order where names are digits.
    const map = new Map<Value, Value>(names.map((name) => [name, members[name]]));
    const compound: CompoundKey[] = [];
    let key: Value | typeof breakStop = first;
    let start = firstAt;
    for (let left = count; ;) {
      if (map.has(key)) throw malformedCbor('a map has the same key twice', start);
      if (this.#isCompound(start)) compound.push({ key, start, bytes: this.#input.at - start });
      map.set(key, this.item(depth + 1));
      if (--left === 0) break;
      start = this.#input.at;
      key = count === Infinity ? this.#itemOrBreak(depth + 1) : this.item(depth + 1);
      if (key === breakStop) break;
    }
    this.#checkCompound(compound);
    return map;
  }

  #isCompound(start: number): boolean {
    const type = (this.#input.bytes[start] ?? 0) >> 5;
    return type === major.bytes || type === major.array || type === major.map || type === major.tag;
  }

  /** Those are compared by what they mean, which costs time: so they are bounded. */
  #checkCompound(keys: readonly CompoundKey[]): void {
    if (keys.length < 2) return;
    for (const { bytes } of keys) this.#keyBytes += bytes;
    const { maxKeyBytes } = this.#limits;
    if (this.#keyBytes > maxKeyBytes) {
      throw malformedCbor(
        `map keys that are neither numbers nor texts take more than ${maxKeyBytes} bytes; use others`,
        this.#input.at,
      );
    }
    const repeated = findRepeated(keys);
    if (repeated !== undefined) throw malformedCbor('a map has the same key twice', repeated.start);
  }

  #indefinite(type: number, start: number, depth: number): Value | typeof breakStop {
    switch (type) {
      case major.bytes:
        return concatBytes(this.#chunks(type));
      case major.text:
        return textOf(concatBytes(this.#chunks(type))) ?? '';
      case major.array:
        this.#enter(depth, start);
        return this.#rows(depth);
      case major.map:
        this.#enter(depth, start);
        return this.#members(Infinity, depth);
      case major.simple:
        return breakStop;
      default:
        throw malformedCbor(`${majorNames[type] ?? 'this'} cannot have an indefinite length`, start);
    }
  }

  #rows(depth: number): Value[] {
    const items: Value[] = [];
    for (;;) {
      const item = this.#itemOrBreak(depth + 1);
      if (item === breakStop) return items;
      items.push(item);
    }
  }

  /** RFC 8949 §3.2.3: definite strings of the same type; for text, each is UTF-8 on its own. */
  #chunks(type: number): readonly Uint8Array[] {
    const chunks: Uint8Array[] = [];
    for (;;) {
      const start = this.#input.at;
      const initial = this.#input.bytes[start];
      if (initial !== undefined && initial !== 0xff && (initial >> 5 !== type || (initial & 0x1f) === indefinite))
        throw malformedCbor(`a chunk of ${majorNames[type] ?? 'this'} must itself be one, of definite length`, start);
      if (this.#itemOrBreak(0) === breakStop) return chunks;
      const additional = (initial ?? 0) & 0x1f;
      const head = additional < 24 ? 1 : 1 + (1 << (additional - 24));
      chunks.push(this.#input.bytes.subarray(start + head, this.#input.at));
    }
  }

  #tag(tag: number, start: number, depth: number): Value {
    this.#enter(depth, start);
    if (this.#ownTag?.tag === tag) return this.#ownTag.value(this.item(depth + 1), start);
    const first = this.#input.at;
    const initial = this.#input.bytes[first];
    checkTagContent(tag, initial, start);
    const content = this.item(depth + 1);
    if ((tag === 2 || tag === 3) && this.#input.at - first > this.#limits.maxBignumBytes + 9)
      throw malformedCbor(`a bignum is longer than ${this.#limits.maxBignumBytes} bytes`, start);
    return fromTag(tag, content, first);
  }
}
