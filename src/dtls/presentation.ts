/**
 * The presentation language of TLS (RFC 5246 §4): big-endian numbers of 1 to 6 bytes, and vectors with a length before them.
 * https://www.rfc-editor.org/rfc/rfc5246#section-4
 *
 * A reader never reads past its end: what does not fit is a `decode_error` alert.
 */
import { concatBytes } from '../core/bytes.ts';
import { FatalAlert } from './alert.ts';

/** How many bytes a vector's length takes. */
type LengthBytes = 1 | 2 | 3;

export class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  uint(length: 1 | 2 | 3 | 4 | 6): number {
    const from = this.#skip(length);
    let value = 0;
    for (let at = from; at < this.#at; at++) value = value * 256 + (this.#bytes[at] ?? 0);
    return value;
  }

  /** A view of the next `length` bytes. */
  bytes(length: number): Uint8Array {
    const from = this.#skip(length);
    return this.#bytes.subarray(from, this.#at);
  }

  /** `opaque name<minimum..2^(8 * lengthBytes) - 1>` */
  vector(lengthBytes: LengthBytes, minimum = 0): Uint8Array {
    const length = this.uint(lengthBytes);
    if (length < minimum) throw new FatalAlert('decode_error', 'A vector is shorter than it may be');
    return this.bytes(length);
  }

  /** A vector of numbers of two bytes. */
  uint16s(lengthBytes: LengthBytes, minimum = 0): number[] {
    const reader = new Reader(this.vector(lengthBytes, minimum));
    const numbers: number[] = [];
    while (reader.remaining > 0) numbers.push(reader.uint(2));
    return numbers;
  }

  rest(): Uint8Array {
    return this.bytes(this.remaining);
  }

  /** Nothing may follow. */
  end(): void {
    if (this.remaining > 0) throw new FatalAlert('decode_error', 'A message goes on after its last field');
  }

  /** Where what is skipped begins. */
  #skip(length: number): number {
    if (length > this.remaining) throw new FatalAlert('decode_error', 'A message ends in the middle of a field');
    this.#at += length;
    return this.#at - length;
  }
}

export function uint(value: number, length: 1 | 2 | 3 | 4 | 6): Uint8Array {
  const bytes = new Uint8Array(length);
  writeUint(bytes, 0, value, length);
  return bytes;
}

export function writeUint(bytes: Uint8Array, at: number, value: number, length: 1 | 2 | 3 | 4 | 6): void {
  // Bitwise work takes 32 bits at a time.
  if (length === 6) writeUint(bytes, at, Math.floor(value / 0x1_0000_0000), 2);
  const first = length === 6 ? at + 2 : at;
  for (let i = at + length - 1, left = value; i >= first; i--, left >>>= 8) bytes[i] = left & 0xff;
}

export const vector = (lengthBytes: LengthBytes, ...parts: readonly Uint8Array[]): Uint8Array => {
  const content = concatBytes(parts);
  return concatBytes([uint(content.length, lengthBytes), content]);
};

export const uint16s = (numbers: readonly number[]): Uint8Array =>
  concatBytes(numbers.map((number) => uint(number, 2)));
