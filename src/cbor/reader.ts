/**
 * Reads CBOR heads, numbers and strings (RFC 8949 §3, Appendix C) from one array. Knows nothing of structure.
 *
 *   initial byte   7 6 5 | 4 3 2 1 0        major 0 uint   1 nint   2 bytes  3 text
 *                  major | additional             4 array  5 map    6 tag    7 simple, float, break
 *   additional     0-23 the argument itself · 24, 25, 26, 27: in the next 1, 2, 4, 8 bytes · 31: indefinite
 */
import { textOf } from '../core/bytes.ts';
import { halfToNumber } from './half-float.ts';
import { malformedCbor } from './malformed.ts';

/** Longer texts are left to TextDecoder, whose call costs as much as so many characters. */
const shortText = 32;

/** `start` is where the item begins, for who has to be told of a fault; `at` is behind its initial byte. */
export class CborReader {
  readonly bytes: Uint8Array;
  at = 0;
  #view: DataView | undefined;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  /** Above 2^53 this rounds; nothing that large is a length that fits or a tag that is known. */
  argument(additional: number, start: number): number {
    if (additional < 24) return additional;
    if (additional > 27) throw malformedCbor(`additional information ${additional} is reserved`, start);
    const end = this.at + (1 << (additional - 24));
    if (end > this.bytes.length) throw malformedCbor('the input ends inside the head of an item', start);
    let argument = 0;
    while (this.at < end) argument = argument * 256 + (this.bytes[this.at++] ?? 0);
    return argument;
  }

  integer(additional: number, start: number, negative: boolean): number | bigint {
    const argument = this.argument(additional, start);
    if (argument < Number.MAX_SAFE_INTEGER) return negative ? -1 - argument : argument;
    const high = BigInt(this.#uint32(this.at - 8));
    const exact = (high << 32n) | BigInt(this.#uint32(this.at - 4));
    if (negative) return -1n - exact;
    return exact > Number.MAX_SAFE_INTEGER ? exact : Number(exact);
  }

  #uint32(at: number): number {
    return this.#dataView().getUint32(at);
  }

  #dataView(): DataView {
    const { buffer, byteOffset, length } = this.bytes;
    return (this.#view ??= new DataView(buffer, byteOffset, length));
  }

  /** Where a string begins that ends at `at`. */
  string(additional: number, start: number): number {
    const length = this.argument(additional, start);
    const { at: from, left } = this;
    if (length > left) throw malformedCbor(`a string of ${length} bytes is announced but only ${left} follow`, start);
    this.at = from + length;
    return from;
  }

  /** RFC 8949 §5.3.1: a text string that is not UTF-8 is not valid. */
  text(from: number, start: number): string {
    const end = this.at;
    if (end - from <= shortText) {
      let text = '';
      let i = from;
      for (; i < end; i++) {
        const byte = this.bytes[i] ?? 0;
        if (byte > 0x7f) break;
        text += String.fromCharCode(byte);
      }
      if (i === end) return text;
    }
    const text = textOf(this.bytes.subarray(from, end));
    if (text === undefined) throw malformedCbor('a text string is not valid UTF-8', start);
    return text;
  }

  simple(additional: number, start: number): number | boolean | null | undefined {
    switch (additional) {
      case 20:
        return false;
      case 21:
        return true;
      case 22:
        return null;
      case 23:
        return undefined;
      case 25:
        return halfToNumber(this.argument(additional, start));
      case 26:
        this.argument(additional, start);
        return this.#dataView().getFloat32(this.at - 4);
      case 27:
        this.argument(additional, start);
        return this.#dataView().getFloat64(this.at - 8);
    }
    const value = this.argument(additional, start);
    // RFC 8949 §3.3: below 32 the two-byte form is not well-formed.
    if (additional === 24 && value < 32) throw malformedCbor(`simple value ${value} must not take two bytes`, start);
    throw malformedCbor(`simple value ${value} has no meaning`, start);
  }
}
