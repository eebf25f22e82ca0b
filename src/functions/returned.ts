/**
 * What a function returned, as bytes: its deterministic CBOR, which is the answer most peers want, and, where that does not
 * tell all that other formats show (the order of members, undefined, a bigint below 2^53, keys that are not text), the value
 * itself besides. Made on the thread that ran the function; the gateway's own keeps bytes and makes a value only when it needs one.
 */
import { decodeCbor } from '../cbor/decode.ts';
import { asPath } from '../cbor/reference-tag.ts';
import { encodeCbor } from '../cbor/encode.ts';
import type { DecodeLimits } from '../cbor/limits.ts';
import { emptyBytes } from '../core/bytes.ts';
import { FuncoapError } from '../core/error.ts';
import type { Value } from '../core/value.ts';
import { FrameReader } from './runtimes/node/frame-reader.ts';
import { FrameWriter } from './runtimes/node/frame-writer.ts';
import { ReferenceWriter } from './runtimes/node/reference-writer.ts';

/** No limits: a result may be as large and as deep as its function makes it. */
const unlimited: DecodeLimits = {
  maxDepth: Infinity,
  maxItems: Infinity,
  maxBignumBytes: Infinity,
  maxKeyBytes: Infinity,
};

const writer = new FrameWriter();
const referenceWriter = new ReferenceWriter();

export class Returned {
  /** None where it returned nothing; undefined where CBOR cannot carry it, which whoever asks for CBOR is told then. */
  readonly cbor: Uint8Array | undefined;
  /** The value as a frame; undefined where CBOR tells all of it. */
  readonly exact: Uint8Array | undefined;

  constructor(cbor: Uint8Array | undefined, exact: Uint8Array | undefined) {
    this.cbor = cbor;
    this.exact = exact;
  }

  /** @param mayRefer references to objects may be in it, which are their paths in every other format than CBOR */
  static of(value: Value, mayRefer = false): Returned {
    if (value === undefined) return new Returned(emptyBytes, undefined);
    const cbor = carried(value);
    return new Returned(cbor, cbor !== undefined && comesBack(value) ? undefined : exactly(value, mayRefer));
  }

  /** Made anew each time. */
  get value(): Value {
    if (this.exact !== undefined) return new FrameReader(this.exact).value();
    return this.cbor === undefined || this.cbor.length === 0 ? undefined : decodeCbor(this.cbor, unlimited, asPath);
  }

  get heldBytes(): number {
    return (this.cbor?.length ?? 0) + (this.exact?.length ?? 0);
  }
}

function carried(value: Value): Uint8Array | undefined {
  try {
    return encodeCbor(value);
  } catch (error) {
    // Two keys of a map that are the same in CBOR, or too much of it.
    if (error instanceof FuncoapError) return undefined;
    throw error;
  }
}

function exactly(value: Value, mayRefer: boolean): Uint8Array {
  const into = mayRefer ? referenceWriter : writer;
  into.begin();
  into.value(value);
  return into.bytes.slice(0, into.length);
}

/** Whether the value's CBOR decodes to this very value, members in the same order. */
function comesBack(value: Value): boolean {
  switch (typeof value) {
    case 'undefined':
      return false;
    case 'string':
      return value.isWellFormed();
    case 'bigint':
      return !Number.isSafeInteger(Number(value));
    case 'object':
      return value === null || objectComesBack(value);
    default:
      return true;
  }
}

function objectComesBack(value: object): boolean {
  if (value instanceof Uint8Array) return true;
  if (value instanceof Date) return Math.round((value.getTime() / 1000) * 1000) === value.getTime();
  if (value instanceof Map) return false;
  if (Array.isArray(value)) return value.every(comesBack) && value.length === Object.keys(value).length;
  let previous = '';
  for (const name of Object.keys(value)) {
    // RFC 8949 §4.2.1: by the bytes of the encoded keys; of ASCII, by length and then by the text.
    if (!/^[\0-\x7f]*$/.test(name)) return false;
    if (name.length < previous.length || (name.length === previous.length && name < previous)) return false;
    previous = name;
    if (!comesBack((value as Readonly<Record<string, Value>>)[name])) return false;
  }
  return true;
}
