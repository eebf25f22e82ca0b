/**
 * Distinguished encoding of ASN.1 (X.690 §10), as far as certificates and revocation lists are read here: tag, length, value.
 *
 *     | tag 1 | length 1, or 1 + n where it is 128 or more | value |
 *
 * Strict, so that what is read here is what every other reader sees: each length has one form (§10.1). Left out: tags of
 * more than a byte, which neither has.
 */

import { hex } from '../core/bytes.ts';

export const derTags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  sequence: 0x30,
} as const;

export interface DerElement {
  readonly tag: number;
  readonly value: Uint8Array;
  /** With tag and length. */
  readonly whole: Uint8Array;
}

/** The elements that follow each other in `bytes`; undefined where they are not well-formed. */
export function derElements(bytes: Uint8Array): DerElement[] | undefined {
  const elements: DerElement[] = [];
  let at = 0;
  while (at < bytes.length) {
    const tag = bytes[at] ?? 0;
    let length = bytes[at + 1];
    let start = at + 2;
    if (length === undefined || (tag & 0x1f) === 0x1f) return undefined;
    if (length >= 0x80) {
      const octets = length & 0x7f;
      if (octets === 0 || octets > 3) return undefined;
      length = 0;
      for (let i = 0; i < octets; i++) length = length * 256 + (bytes[start + i] ?? 0);
      start += octets;
      if (length < 0x80 || length < 256 ** (octets - 1)) return undefined;
    }
    const end = start + length;
    if (end > bytes.length) return undefined;
    elements.push({ tag, value: bytes.subarray(start, end), whole: bytes.subarray(at, end) });
    at = end;
  }
  return elements;
}

/** The content of the one sequence that `bytes` are. */
export function derSequence(bytes: Uint8Array): DerElement[] | undefined {
  const [element, ...more] = derElements(bytes) ?? [];
  return element?.tag === derTags.sequence && more.length === 0 ? derElements(element.value) : undefined;
}

/** The bytes of a serial number, which has up to 20 (RFC 5280 §4.1.2.2), in lower-case hexadecimal without leading zeros. */
export const plainSerial = (integer: Uint8Array): string => hex(integer).replace(/^0+(?=.)/, '');

/** A whole number of at least 0; undefined where it is none, is too large to count with, or is not in its one form (X.690 §8.3). */
export function smallInteger({ tag, value }: DerElement): number | undefined {
  const [first = 0x80, second = 0x80] = value;
  const isMinimal = value.length === 1 || first !== 0 || second >= 0x80;
  if (tag !== derTags.integer || first >= 0x80 || !isMinimal || value.length > 4) return undefined;
  return value.reduce((number, byte) => number * 256 + byte, 0);
}

/** The first byte of a string of bits, of which those that are not used are 0 (X.690 §11.2); undefined where it is none. */
export function firstBits({ tag, value }: DerElement): number | undefined {
  const [unused = 8, ...bytes] = value;
  const isWhole = unused === 0 || (unused < 8 && ((bytes.at(-1) ?? 0xff) & ((1 << unused) - 1)) === 0);
  return tag === derTags.bitString && isWhole ? (bytes[0] ?? 0) : undefined;
}

/** An object identifier in dots. */
export function oidOf(value: Uint8Array): string {
  const numbers: number[] = [];
  let number = 0;
  for (const byte of value) {
    number = number * 128 + (byte & 0x7f);
    if (byte < 0x80) {
      numbers.push(number);
      number = 0;
    }
  }
  const [first = 0, ...rest] = numbers;
  const top = Math.min(Math.floor(first / 40), 2);
  return [top, first - top * 40, ...rest].join('.');
}
