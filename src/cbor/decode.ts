/**
 * CBOR from a peer -> Value (RFC 8949), strict about validity and liberal about form: see scan.ts for what is
 * refused. Values are built by cborg, to which this file adds what it lacks: indefinite-length strings,
 * text that begins with U+FEFF, tags, and keys other than text.
 *
 * Integers from 2^53 are bigint, whichever way they are written. A map whose keys are all text is a plain
 * object (`__proto__` is a key like any other, an own property), any other a Map. Keys that are the same
 * value here (5 and 5.0, two encodings of 5) are duplicates (RFC 8949 §5.6.1) and refused.
 */
import { Token, Tokenizer, Type, tokensToObject, type DecodeOptions, type TagDecoder } from 'cborg';
import { concatBytes, hex, textOf } from '../core/bytes.ts';
import { PeerError } from '../core/error.ts';
import type { Value } from '../core/value.ts';
import { parseDateTime } from './date-time.ts';
import { encodeCbor } from './encode.ts';
import { defaultDecodeLimits, type DecodeLimits } from './limits.ts';
import { headLength, malformedCbor, scanCbor, type KeySpan } from './scan.ts';

/**
 * The value of exactly one CBOR item.
 * Throws a `PeerError` (`malformed-body`) whose message names the byte at fault.
 */
export function decodeCbor(bytes: Uint8Array, limits: DecodeLimits = defaultDecodeLimits): Value {
  // A Buffer's slices would share its memory; those of a plain Uint8Array are copies.
  const input = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  const { textKeysOnly } = scanCbor(input, limits, (keys) => findDuplicate(input, keys));
  return build(input, 0, textKeysOnly);
}

/** Scanned input only. `as`: cborg's result is untyped; what it can be made of, scan.ts and the tags below decide. */
function build(input: Uint8Array, start: number, textKeysOnly: boolean): Value {
  const tokens = new EdgeTokenizer(start === 0 ? input : input.subarray(start), start);
  let built: unknown;
  try {
    built = tokensToObject(tokens, textKeysOnly ? objectOptions : mapOptions);
  } catch (cause) {
    // After the scan, cborg refuses nothing but duplicate keys.
    throw malformedCbor(cause instanceof TagContentError ? cause.message : 'a map has the same key twice', tokens.last);
  }
  return textKeysOnly ? (built as Value) : withObjects(built as Value);
}

/** What a tag holds is not what it may hold; the place is added by who knows it. */
class TagContentError extends PeerError {
  constructor(why: string) {
    super('malformed-body', why);
  }
}

/** Reads tokens and remembers where the last one began. */
class EdgeTokenizer extends Tokenizer {
  #last = 0;
  readonly #offset: number;

  constructor(input: Uint8Array, offset: number) {
    super(input, tokenOptions);
    this.#offset = offset;
  }

  get last(): number {
    return this.#offset + this.#last;
  }

  override next(): Token {
    const start = this._pos;
    this.#last = start;
    const initial = this.data[start] ?? 0;
    if (initial === 0x5f || initial === 0x7f) return this.#joined(initial, start);
    const token = super.next();
    if (initial >> 5 !== 3) return token;
    const text = start + headLength(initial & 0x1f);
    if (this.data[text] !== 0xef || this.data[text + 1] !== 0xbb || this.data[text + 2] !== 0xbf) return token;
    // cborg takes a leading U+FEFF for a byte order mark and drops it.
    return new Token(Type.string, textOf(this.data.subarray(text, this._pos)) ?? '', token.encodedLength ?? 0);
  }

  /** RFC 8949 §3.2.3: the chunks, one after the other. */
  #joined(initial: number, start: number): Token {
    const chunks: Uint8Array[] = [];
    let at = start + 1;
    while (this.data[at] !== 0xff) {
      const { value, end } = chunk(this.data, at);
      chunks.push(value);
      at = end;
    }
    this._pos = at + 1;
    const joined = concatBytes(chunks);
    const length = this._pos - start;
    return initial === 0x5f
      ? new Token(Type.bytes, joined, length)
      : new Token(Type.string, textOf(joined) ?? '', length);
  }
}

function chunk(data: Uint8Array, at: number): { readonly value: Uint8Array; readonly end: number } {
  const additional = (data[at] ?? 0) & 0x1f;
  const first = at + headLength(additional);
  let length = additional;
  if (additional >= 24) {
    length = 0;
    for (let i = at + 1; i < first; i++) length = length * 256 + (data[i] ?? 0);
  }
  return { value: data.subarray(first, first + length), end: first + length };
}

/** RFC 8949 §3.4. The scan has checked the type of the content. */
const tags: Record<number, TagDecoder> = {
  0: (content) => {
    const text: unknown = content();
    const date = typeof text === 'string' ? parseDateTime(text) : undefined;
    if (date === undefined) throw new TagContentError('tag 0 must hold a date and time as in 2013-03-21T20:04:00Z');
    return date;
  },
  1: (content) => {
    const date = new Date(Math.round(Number(content()) * 1000));
    if (Number.isNaN(date.getTime())) throw new TagContentError('tag 1 holds a time that no date has');
    return date;
  },
  2: (content) => unsigned(content()),
  3: (content) => {
    const n = unsigned(content());
    return typeof n === 'bigint' || n === Number.MAX_SAFE_INTEGER ? -1n - BigInt(n) : -1 - n;
  },
  // RFC 8949 §3.4.6: says only that this is CBOR.
  55799: (content) => content(),
};

const objectOptions: DecodeOptions = { allowBigInt: true, rejectDuplicateMapKeys: true, useMaps: false, tags };
const mapOptions: DecodeOptions = { ...objectOptions, useMaps: true };
const tokenOptions: DecodeOptions = { allowBigInt: true };

/** RFC 8949 §3.4.3: how an integer is written has no meaning, so a small bignum is a number. */
function unsigned(content: unknown): number | bigint {
  if (!(content instanceof Uint8Array) || content.length === 0) return 0;
  const n = BigInt(`0x${hex(content)}`);
  return n <= Number.MAX_SAFE_INTEGER ? Number(n) : n;
}

/** Maps whose keys are all text become objects; the Map was needed to tell 1 from "1" while reading. */
function withObjects(value: Value): Value {
  if (Array.isArray(value)) return value.map(withObjects);
  if (!(value instanceof Map)) return value;
  const map: ReadonlyMap<Value, Value> = value;
  const members: [Value, Value][] = [];
  const named: [string, Value][] = [];
  for (const [key, member] of map) {
    const finished = withObjects(member);
    members.push([withObjects(key), finished]);
    if (typeof key === 'string') named.push([key, finished]);
  }
  // fromEntries defines own properties: `__proto__` too.
  return named.length === members.length ? Object.fromEntries(named) : new Map(members);
}

function findDuplicate(input: Uint8Array, keys: readonly KeySpan[]): KeySpan | undefined {
  const seen = new Set<string>();
  return keys.find(({ start, end }) => {
    const canonical = hex(encodeCbor(build(input.subarray(0, end), start, false)));
    const repeated = seen.has(canonical);
    seen.add(canonical);
    return repeated;
  });
}
