/** Writes CBOR heads, numbers and strings (RFC 8949 §3, §4.1) into one growing buffer. Knows nothing of structure. */
import { utf8 } from '../core/bytes.ts';
import { unencodable } from './carried-form.ts';

/** No RFC gives this; an iterator that never ends must end somewhere. */
export const maxEncodedBytes: number = 64 * 1024 * 1024;

const initialBytes = 1024;
/** A buffer that once grew beyond this is not kept for the next value. */
const keptBytes = 64 * 1024;
const shortText = 64;
const two32 = 0x1_0000_0000;

export type Scalar = number | string | boolean | undefined | bigint | null;

export class CborWriter {
  #buffer = new Uint8Array(initialBytes);
  #view = new DataView(this.#buffer.buffer);
  #at = 0;

  /** The bytes so far, as a copy. */
  take(): Uint8Array {
    return this.#buffer.slice(0, this.#at);
  }

  reset(): void {
    this.#at = 0;
    if (this.#buffer.length > keptBytes) this.#replace(new Uint8Array(initialBytes));
  }

  byte(byte: number): void {
    this.#reserve(1);
    this.#buffer[this.#at++] = byte;
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  /** Major type and argument, in the shortest form (RFC 8949 §4.2.1). `argument` is a safe integer. */
  head(major: number, argument: number): void {
    this.#reserve(9);
    const initial = major << 5;
    if (argument < 24) {
      this.#buffer[this.#at++] = initial | argument;
    } else if (argument < 0x100) {
      this.#buffer[this.#at++] = initial | 24;
      this.#buffer[this.#at++] = argument;
    } else if (argument < 0x1_0000) {
      this.#buffer[this.#at] = initial | 25;
      this.#view.setUint16(this.#at + 1, argument);
      this.#at += 3;
    } else if (argument < two32) {
      this.#buffer[this.#at] = initial | 26;
      this.#view.setUint32(this.#at + 1, argument);
      this.#at += 5;
    } else {
      this.#buffer[this.#at] = initial | 27;
      this.#view.setUint32(this.#at + 1, Math.floor(argument / two32));
      this.#view.setUint32(this.#at + 5, argument % two32);
      this.#at += 9;
    }
  }

  /** Where a head whose argument is not yet known will stand. One byte is kept free: most need no more. */
  mark(): number {
    this.byte(0);
    return this.#at - 1;
  }

  headAt(mark: number, major: number, argument: number): void {
    const end = this.#at;
    const length = argument < 24 ? 1 : argument < 0x100 ? 2 : argument < 0x1_0000 ? 3 : argument < two32 ? 5 : 9;
    this.#reserve(9);
    this.#buffer.copyWithin(mark + length, mark + 1, end);
    this.#at = mark;
    this.head(major, argument);
    this.#at = end + length - 1;
  }

  /** What holds nothing else; false, and nothing written, for objects, functions and symbols. */
  scalar(value: unknown): value is Scalar {
    switch (typeof value) {
      case 'number':
        this.number(value);
        return true;
      case 'string':
        this.text(value);
        return true;
      case 'boolean':
        this.byte(value ? 0xf5 : 0xf4);
        return true;
      case 'undefined':
        this.byte(0xf7);
        return true;
      case 'bigint':
        this.bigint(value);
        return true;
      case 'object':
        if (value !== null) return false;
        this.byte(0xf6);
        return true;
      default:
        return false;
    }
  }

  number(value: number): void {
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
      if (value >= 0) this.head(0, value);
      else this.head(1, -1 - value);
    } else {
      this.#float(value);
    }
  }

  bigint(value: bigint): void {
    const major = value < 0n ? 1 : 0;
    const argument = value < 0n ? -1n - value : value;
    if (argument <= Number.MAX_SAFE_INTEGER) {
      this.head(major, Number(argument));
    } else if (argument < 1n << 64n) {
      this.#reserve(9);
      this.#buffer[this.#at] = (major << 5) | 27;
      this.#view.setBigUint64(this.#at + 1, argument);
      this.#at += 9;
    } else {
      // RFC 8949 §3.4.3: no leading zeros.
      this.head(6, 2 + major);
      const digits = argument.toString(16);
      const padded = digits.length % 2 === 0 ? digits : `0${digits}`;
      this.head(2, padded.length / 2);
      for (let i = 0; i < padded.length; i += 2) this.byte(Number.parseInt(padded.slice(i, i + 2), 16));
    }
  }

  bytes(bytes: Uint8Array): void {
    this.head(2, bytes.length);
    this.raw(bytes);
  }

  /** A lone surrogate goes as U+FFFD: UTF-8 has no other way. */
  text(text: string): void {
    if (text.length <= shortText && this.#ascii(text)) return;
    const bytes = utf8(text);
    this.head(3, bytes.length);
    this.raw(bytes);
  }

  /** Short ASCII, most of what there is, needs no TextEncoder. False, and nothing written, for any other. */
  #ascii(text: string): boolean {
    const start = this.#at;
    this.head(3, text.length);
    this.#reserve(text.length);
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit > 0x7f) {
        this.#at = start;
        return false;
      }
      this.#buffer[this.#at++] = unit;
    }
    return true;
  }

  /** RFC 8949 §4.2.1: the shortest of the three that holds the value. */
  #float(value: number): void {
    this.#reserve(9);
    if (Number.isNaN(value)) {
      this.#half(0x7e00);
      return;
    }
    if (Math.fround(value) !== value) {
      this.#buffer[this.#at] = 0xfb;
      this.#view.setFloat64(this.#at + 1, value);
      this.#at += 9;
      return;
    }
    this.#view.setFloat32(this.#at + 1, value);
    const half = halfOf(this.#view.getUint32(this.#at + 1));
    if (half !== undefined) {
      this.#half(half);
      return;
    }
    this.#buffer[this.#at] = 0xfa;
    this.#at += 5;
  }

  #half(bits: number): void {
    this.#buffer[this.#at] = 0xf9;
    this.#view.setUint16(this.#at + 1, bits);
    this.#at += 3;
  }

  #reserve(count: number): void {
    const needed = this.#at + count;
    if (needed <= this.#buffer.length) return;
    if (needed > maxEncodedBytes) throw unencodable(`it takes more than ${maxEncodedBytes} bytes; return it in pieces`);
    const grown = new Uint8Array(Math.max(needed, this.#buffer.length * 2));
    grown.set(this.#buffer.subarray(0, this.#at));
    this.#replace(grown);
  }

  #replace(buffer: Uint8Array<ArrayBuffer>): void {
    this.#buffer = buffer;
    this.#view = new DataView(buffer.buffer);
  }
}

/** The binary16 of a binary32 (never NaN) that loses nothing by it, else undefined. IEEE 754, RFC 8949 Appendix D. */
function halfOf(single: number): number | undefined {
  const sign = (single >>> 16) & 0x8000;
  const biased = (single >>> 23) & 0xff;
  const fraction = single & 0x7f_ffff;
  if (biased === 0xff) return sign | 0x7c00;
  if (biased === 0) return fraction === 0 ? sign : undefined;
  const exponent = biased - 127;
  if (exponent >= -14 && exponent <= 15) {
    return (fraction & 0x1fff) === 0 ? sign | ((exponent + 15) << 10) | (fraction >>> 13) : undefined;
  }
  if (exponent < -24 || exponent > -15) return undefined;
  const shift = -1 - exponent;
  const significand = fraction | 0x80_0000;
  return (significand & ((1 << shift) - 1)) === 0 ? sign | (significand >>> shift) : undefined;
}

/** Bytewise lexicographic order: negative, 0 or positive. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
