/**
 * Well-formedness of CBOR (RFC 8949 Appendix C) and the validity that needs no values: UTF-8, types of
 * tag content, known tags and simple values. It reads every byte once, builds nothing, and
 * stops at the first fault, so that what runs after it may trust lengths and nesting.
 *
 *   initial byte   7 6 5 | 4 3 2 1 0        major 0 uint   1 nint   2 bytes  3 text
 *                  major | additional             4 array  5 map    6 tag    7 simple, float, break
 *   additional     0-23 the argument itself · 24, 25, 26, 27: in the next 1, 2, 4, 8 bytes · 31: indefinite
 *
 * Longer arguments than needed and indefinite lengths are accepted (RFC 8949 §4.1 asks for them of
 * encoders only). Duplicate keys are found here only where keys are not numbers or texts; the rest
 * is left to the decoder, which has the values.
 */
import { textOf } from '../core/bytes.ts';
import { PeerError } from '../core/error.ts';
import type { DecodeLimits } from './limits.ts';

/** What the decoder wants to know of bytes that are well-formed. */
export interface Scanned {
  /** Every key of every map is a text string. */
  readonly textKeysOnly: boolean;
}

/** A span of the input that holds one map key; `end` is the byte after it. */
export interface KeySpan {
  readonly start: number;
  readonly end: number;
}

/** Says which of the keys, none of them a plain number or text, repeats an earlier one. */
export type FindDuplicate = (keys: readonly KeySpan[]) => KeySpan | undefined;

export function malformedCbor(why: string, at: number): PeerError {
  return new PeerError('malformed-body', `The CBOR body is refused at byte ${at}: ${why}.`);
}

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
const breakStop = -1;
const indefinite = 31;

/** Throws a `PeerError` (`malformed-body`) that names the byte where the input stops being one valid item. */
export function scanCbor(bytes: Uint8Array, limits: DecodeLimits, findDuplicate: FindDuplicate): Scanned {
  const scanner = new Scanner(bytes, limits, findDuplicate);
  scanner.item(0, false);
  if (scanner.at < bytes.length) {
    throw malformedCbor(
      `the item ends here but ${bytes.length - scanner.at} more bytes follow; send exactly one item`,
      scanner.at,
    );
  }
  return { textKeysOnly: scanner.textKeysOnly };
}

class Scanner {
  at = 0;
  textKeysOnly = true;
  readonly #bytes: Uint8Array;
  readonly #limits: DecodeLimits;
  readonly #findDuplicate: FindDuplicate;
  #items = 0;
  #keyBytes = 0;

  constructor(bytes: Uint8Array, limits: DecodeLimits, findDuplicate: FindDuplicate) {
    this.#bytes = bytes;
    this.#limits = limits;
    this.#findDuplicate = findDuplicate;
  }

  /** Reads one item and returns its major type, or `breakStop` where that may stand. */
  item(depth: number, breakable: boolean): number {
    const start = this.at;
    const initial = this.#bytes[start];
    if (initial === undefined) throw malformedCbor('the input ends where an item should begin', start);
    if (++this.#items > this.#limits.maxItems) {
      throw malformedCbor(`it has more than ${this.#limits.maxItems} items; send less at a time`, start);
    }
    this.at = start + 1;
    const type = initial >> 5;
    const additional = initial & 0x1f;
    if (additional === indefinite) return this.#indefinite(type, start, depth, breakable);
    const argument = this.#argument(additional, start);
    switch (type) {
      case major.bytes:
        this.#skip(argument, start);
        break;
      case major.text:
        this.#skip(argument, start);
        this.#checkText(start);
        break;
      case major.array:
        this.#enter(depth, start);
        this.#announce(argument, 1, start);
        for (let i = 0; i < argument; i++) this.item(depth + 1, false);
        break;
      case major.map:
        this.#enter(depth, start);
        this.#announce(argument, 2, start);
        this.#members(argument, depth);
        break;
      case major.tag:
        this.#enter(depth, start);
        this.#tag(argument, start, depth);
        break;
      case major.simple:
        this.#simple(additional, argument, start);
        break;
      // Integers are their argument.
    }
    return type;
  }

  #argument(additional: number, start: number): number {
    if (additional < 24) return additional;
    if (additional > 27) throw malformedCbor(`additional information ${additional} is reserved`, start);
    const length = 1 << (additional - 24);
    if (this.at + length > this.#bytes.length) throw malformedCbor('the input ends inside the head of an item', start);
    let argument = 0;
    // Above 2^53 this rounds; nothing that large is a length that fits or a tag that is known.
    for (let i = 0; i < length; i++) argument = argument * 256 + (this.#bytes[this.at++] ?? 0);
    return argument;
  }

  #skip(length: number, start: number): void {
    const left = this.#bytes.length - this.at;
    if (length > left) throw malformedCbor(`a string of ${length} bytes is announced but only ${left} follow`, start);
    this.at += length;
  }

  /** RFC 8949 §5.3.1: a text string that is not UTF-8 is not valid. The text ends at `at`. */
  #checkText(start: number): void {
    const first = start + headLength((this.#bytes[start] ?? 0) & 0x1f);
    for (let i = first; i < this.at; i++) {
      if ((this.#bytes[i] ?? 0) < 0x80) continue;
      if (textOf(this.#bytes.subarray(i, this.at)) === undefined)
        throw malformedCbor('a text string is not valid UTF-8', start);
      return;
    }
  }

  /** A count that the rest of the input cannot hold is refused before anything is done for it. */
  #announce(count: number, itemsEach: number, start: number): void {
    const left = this.#bytes.length - this.at;
    if (count * itemsEach > left)
      throw malformedCbor(`${count * itemsEach} items are announced but only ${left} bytes follow`, start);
  }

  #enter(depth: number, start: number): void {
    if (depth >= this.#limits.maxDepth) {
      throw malformedCbor(`it is nested deeper than ${this.#limits.maxDepth} levels; send flatter data`, start);
    }
  }

  #members(count: number, depth: number): void {
    const compound: KeySpan[] = [];
    for (let i = 0; i < count; i++) {
      const start = this.at;
      const type = this.item(depth + 1, count === Infinity);
      if (type === breakStop) break;
      if (type !== major.text) {
        this.textKeysOnly = false;
        if (type !== major.uint && type !== major.nint && type !== major.simple) compound.push({ start, end: this.at });
      }
      this.item(depth + 1, false);
    }
    if (compound.length < 2) return;
    for (const { start, end } of compound) this.#keyBytes += end - start;
    if (this.#keyBytes > this.#limits.maxKeyBytes) {
      const most = this.#limits.maxKeyBytes;
      throw malformedCbor(
        `map keys that are neither numbers nor texts take more than ${most} bytes; use others`,
        this.at,
      );
    }
    const repeated = this.#findDuplicate(compound);
    if (repeated !== undefined) throw malformedCbor('a map has the same key twice', repeated.start);
  }

  #indefinite(type: number, start: number, depth: number, breakable: boolean): number {
    switch (type) {
      case major.bytes:
      case major.text:
        this.#chunks(type);
        return type;
      case major.array:
        this.#enter(depth, start);
        while (this.item(depth + 1, true) !== breakStop);
        return type;
      case major.map:
        this.#enter(depth, start);
        this.#members(Infinity, depth);
        return type;
      case major.simple:
        if (breakable) return breakStop;
        throw malformedCbor('a "break" stands where an item should', start);
      default:
        throw malformedCbor(`${majorNames[type] ?? 'this'} cannot have an indefinite length`, start);
    }
  }

  /** RFC 8949 §3.2.3: definite strings of the same type; for text, each is UTF-8 on its own. */
  #chunks(type: number): void {
    for (;;) {
      const start = this.at;
      const initial = this.#bytes[start];
      if (initial !== undefined && initial !== 0xff && (initial >> 5 !== type || (initial & 0x1f) === indefinite)) {
        throw malformedCbor(`a chunk of ${majorNames[type] ?? 'this'} must itself be one, of definite length`, start);
      }
      if (this.item(0, true) === breakStop) return;
    }
  }

  #tag(tag: number, start: number, depth: number): void {
    const content = this.#bytes[this.at];
    const type = content === undefined ? undefined : content >> 5;
    switch (tag) {
      case 0:
        if (type !== undefined && type !== major.text)
          throw malformedCbor('tag 0 (a date) must hold a text string', start);
        break;
      case 1:
        // RFC 8949 §3.4.2: an integer or a float of 2, 4 or 8 bytes.
        if (
          type !== undefined &&
          type !== major.uint &&
          type !== major.nint &&
          content !== 0xf9 &&
          content !== 0xfa &&
          content !== 0xfb
        ) {
          throw malformedCbor('tag 1 (a date) must hold a number of seconds', start);
        }
        break;
      case 2:
      case 3:
        if (type !== undefined && type !== major.bytes)
          throw malformedCbor(`tag ${tag} (a bignum) must hold a byte string`, start);
        break;
      case 55799:
        break;
      default:
        throw malformedCbor(`tag ${tag} is not understood; 0, 1, 2, 3 and 55799 are`, start);
    }
    const first = this.at;
    this.item(depth + 1, false);
    if ((tag === 2 || tag === 3) && this.at - first > this.#limits.maxBignumBytes + 9) {
      throw malformedCbor(`a bignum is longer than ${this.#limits.maxBignumBytes} bytes`, start);
    }
  }

  #simple(additional: number, value: number, start: number): void {
    // RFC 8949 §3.3: below 32 the two-byte form is not well-formed.
    if (additional === 24 && value < 32) throw malformedCbor(`simple value ${value} must not take two bytes`, start);
    // false, true, null, undefined; the floats are 25 to 27.
    if (additional <= 24 && (additional < 20 || additional === 24))
      throw malformedCbor(`simple value ${value} has no meaning`, start);
  }
}

/** Bytes of the head (initial byte and argument) with this additional information. */
export function headLength(additional: number): number {
  return additional < 24 || additional === indefinite ? 1 : 1 + (1 << (additional - 24));
}
