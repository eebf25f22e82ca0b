/**
 * One value in each Content-Format that has a form for every value, both ways:
 *
 *   60 CBOR    encode.ts, decode.ts
 *   50 JSON    json-encode.ts, json-decode.ts
 *   0  text    a string as it is, anything else its JSON text; in: always one string
 *   42 octets  bytes as they are, anything else the UTF-8 of format 0; in: always one byte string
 *
 * A function that returned nothing (undefined) has no representation: it is answered with no payload and no
 * Content-Format. Ask `hasRepresentation` first; the bytes for undefined are none.
 */
import { emptyBytes, textOf, utf8 } from '../core/bytes.ts';
import { PeerError, UsageError } from '../core/error.ts';
import type { Value } from '../core/value.ts';
import { contentFormat, isValueFormat, type ValueFormat } from './content-format.ts';
import { decodeCbor } from './decode.ts';
import type { OwnTag } from './decode-tags.ts';
import { encodeCbor } from './encode.ts';
import { decodeJson } from './json-decode.ts';
import { encodeJson } from './json-encode.ts';
import { defaultDecodeLimits, type DecodeLimits } from './limits.ts';

export function hasRepresentation(value: Value): boolean {
  return value !== undefined;
}

/**
 * Throws a `UsageError`: `unencodable-value` for what cannot be carried (a cycle), `no-value-format` for a format
 * that this has no form for (see `isValueFormat`).
 */
export function encodeRepresentation(value: Value, format: number): Uint8Array {
  const known = valueFormat(format);
  if (value === undefined) return emptyBytes;
  switch (known) {
    case contentFormat.cbor:
      return encodeCbor(value);
    case contentFormat.json:
      return utf8(encodeJson(value));
    case contentFormat.text:
      return encodeText(value);
    case contentFormat.octetStream:
      return value instanceof Uint8Array ? value : encodeText(value);
  }
}

/**
 * Throws a `PeerError`: `malformed-body` with the byte at fault, `unsupported-format` for a format that is none of the four.
 * An empty body is no value in CBOR and JSON; as text and octets it is the empty one.
 */
export function decodeRepresentation(
  bytes: Uint8Array,
  format: number,
  limits: DecodeLimits = defaultDecodeLimits,
  ownTag?: OwnTag,
): Value {
  if (!isValueFormat(format)) {
    throw new PeerError(
      'unsupported-format',
      `Content-Format ${format} is not understood; send 60 (CBOR), 50 (JSON), 0 (text) or 42 (octets).`,
    );
  }
  switch (format) {
    case contentFormat.cbor:
      return decodeCbor(bytes, limits, ownTag);
    case contentFormat.json:
      return decodeJson(bytes, limits);
    case contentFormat.text: {
      const text = textOf(bytes);
      if (text === undefined)
        throw new PeerError(
          'malformed-body',
          'The text body is not valid UTF-8; send UTF-8, or Content-Format 42 for bytes.',
        );
      return text;
    }
    case contentFormat.octetStream:
      return bytes;
  }
}

function encodeText(value: Value): Uint8Array {
  return utf8(typeof value === 'string' ? value : encodeJson(value));
}

function valueFormat(format: number): ValueFormat {
  if (isValueFormat(format)) return format;
  throw new UsageError(
    'no-value-format',
    `A value has no representation in Content-Format ${format}; use 60, 50, 0 or 42.`,
  );
}
