/**
 * CoAP options: numbers, formats, lengths (RFC 7252 §5.10 and the RFCs named in the table),
 * and reading and building option lists.
 */
import { emptyBytes, textOf, utf8 } from '../../core/bytes.ts';

export interface Option {
  readonly number: number;
  readonly value: Uint8Array;
}

export const optionNumber = {
  ifMatch: 1,
  uriHost: 3,
  etag: 4,
  ifNoneMatch: 5,
  observe: 6,
  uriPort: 7,
  locationPath: 8,
  uriPath: 11,
  contentFormat: 12,
  maxAge: 14,
  uriQuery: 15,
  hopLimit: 16,
  accept: 17,
  locationQuery: 20,
  block2: 23,
  block1: 27,
  size2: 28,
  proxyUri: 35,
  proxyScheme: 39,
  size1: 60,
  echo: 252,
  noResponse: 258,
  requestTag: 292,
} as const;

export type OptionFormat = 'empty' | 'opaque' | 'uint' | 'string';

export interface OptionDefinition {
  readonly name: string;
  readonly format: OptionFormat;
  readonly minLength: number;
  readonly maxLength: number;
  readonly repeatable: boolean;
}

const define = (
  name: string,
  format: OptionFormat,
  minLength: number,
  maxLength: number,
  repeatable = false,
): OptionDefinition => ({ name, format, minLength, maxLength, repeatable });

/** The options this endpoint understands. One that is missing here is unrecognized (RFC 7252 §5.4.1). */
export const optionDefinitions: ReadonlyMap<number, OptionDefinition> = new Map([
  [optionNumber.ifMatch, define('If-Match', 'opaque', 0, 8, true)],
  [optionNumber.uriHost, define('Uri-Host', 'string', 1, 255)],
  [optionNumber.etag, define('ETag', 'opaque', 1, 8, true)],
  [optionNumber.ifNoneMatch, define('If-None-Match', 'empty', 0, 0)],
  [optionNumber.observe, define('Observe', 'uint', 0, 3)], // RFC 7641
  [optionNumber.uriPort, define('Uri-Port', 'uint', 0, 2)],
  [optionNumber.locationPath, define('Location-Path', 'string', 0, 255, true)],
  [optionNumber.uriPath, define('Uri-Path', 'string', 0, 255, true)],
  [optionNumber.contentFormat, define('Content-Format', 'uint', 0, 2)],
  [optionNumber.maxAge, define('Max-Age', 'uint', 0, 4)],
  [optionNumber.uriQuery, define('Uri-Query', 'string', 0, 255, true)],
  [optionNumber.hopLimit, define('Hop-Limit', 'uint', 1, 1)], // RFC 8768
  [optionNumber.accept, define('Accept', 'uint', 0, 2)],
  [optionNumber.locationQuery, define('Location-Query', 'string', 0, 255, true)],
  [optionNumber.block2, define('Block2', 'uint', 0, 3)], // RFC 7959
  [optionNumber.block1, define('Block1', 'uint', 0, 3)], // RFC 7959
  [optionNumber.size2, define('Size2', 'uint', 0, 4)], // RFC 7959
  [optionNumber.proxyUri, define('Proxy-Uri', 'string', 1, 1034)],
  [optionNumber.proxyScheme, define('Proxy-Scheme', 'string', 1, 255)],
  [optionNumber.size1, define('Size1', 'uint', 0, 4)],
  [optionNumber.echo, define('Echo', 'opaque', 1, 40)], // RFC 9175
  [optionNumber.noResponse, define('No-Response', 'uint', 0, 1)], // RFC 7967
  [optionNumber.requestTag, define('Request-Tag', 'opaque', 0, 8, true)], // RFC 9175
]);

/** RFC 7252 §5.4.6: the lowest bit of the number. */
export const isCritical = (number: number): boolean => (number & 1) === 1;

/** RFC 7252 §5.4.6: options that take no part in the Cache-Key. */
export const isNoCacheKey = (number: number): boolean => (number & 0x1e) === 0x1c;

/** The first value of an option, or undefined. */
export function findOption(options: readonly Option[], number: number): Uint8Array | undefined {
  for (const option of options) {
    if (option.number === number) return option.value;
    if (option.number > number) return undefined;
  }
  return undefined;
}

/** All values of a repeatable option, in order. */
export function findOptions(options: readonly Option[], number: number): Uint8Array[] {
  const values: Uint8Array[] = [];
  for (const option of options) {
    if (option.number === number) values.push(option.value);
    else if (option.number > number) break;
  }
  return values;
}

/** RFC 7252 §3.2: network byte order, leading zeros allowed on input, no bytes is 0. At most 6 bytes. */
export function decodeUint(value: Uint8Array): number {
  let n = 0;
  for (const byte of value) n = n * 256 + byte;
  return n;
}

/** RFC 7252 §3.2: as few bytes as possible; 0 is no bytes. */
export function encodeUint(n: number): Uint8Array {
  if (n === 0) return emptyBytes;
  if (n < 0x100) return Uint8Array.of(n);
  if (n < 0x10000) return Uint8Array.of(n >> 8, n & 0xff);
  if (n < 0x1000000) return Uint8Array.of(n >> 16, (n >> 8) & 0xff, n & 0xff);
  return Uint8Array.of(n >>> 24, (n >> 16) & 0xff, (n >> 8) & 0xff, n & 0xff);
}

export function findUint(options: readonly Option[], number: number): number | undefined {
  const value = findOption(options, number);
  return value === undefined ? undefined : decodeUint(value);
}

/** The texts of a repeatable string option; undefined when one of them is not UTF-8. */
export function findStrings(options: readonly Option[], number: number): string[] | undefined {
  const texts: string[] = [];
  for (const value of findOptions(options, number)) {
    const text = textOf(value);
    if (text === undefined) return undefined;
    texts.push(text);
  }
  return texts;
}

export const opaqueOption = (number: number, value: Uint8Array): Option => ({ number, value });
export const uintOption = (number: number, n: number): Option => ({ number, value: encodeUint(n) });
export const stringOption = (number: number, text: string): Option => ({ number, value: utf8(text) });

/** Ascending by number, values of one option kept in their order. */
export const sortOptions = (options: readonly Option[]): Option[] => options.toSorted((a, b) => a.number - b.number);
