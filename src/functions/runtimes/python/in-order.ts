/**
 * Value -> CBOR (RFC 8949) with the members of maps in their own order, which Python's dicts keep: the deterministic form of
 * cbor/encode.ts sorts them. undefined stays undefined. Values are trees of a bounded depth: decoded, or bound from such.
 */
import { InternalError } from '../../../core/error.ts';
import { ObjectReference } from '../../../core/object-reference.ts';
import type { Value } from '../../../core/value.ts';
import { referenceTag } from '../../../cbor/reference-tag.ts';
import { CborWriter } from '../../../cbor/writer.ts';

export function encodeInOrder(value: Value): Uint8Array {
  const out = new CborWriter();
  put(out, value);
  return out.take();
}

function put(out: CborWriter, value: Value): void {
  switch (typeof value) {
    case 'number':
      out.number(value);
      return;
    case 'string':
      out.text(value);
      return;
    case 'boolean':
      out.byte(value ? 0xf5 : 0xf4);
      return;
    case 'undefined':
      out.byte(0xf7);
      return;
    case 'bigint':
      out.bigint(value);
      return;
    case 'object':
      if (value === null) out.byte(0xf6);
      else putObject(out, value);
      return;
    default:
      throw new InternalError('not-a-value', `A ${typeof value} is not a value that a function can be given.`);
  }
}

function putObject(out: CborWriter, value: NonNullable<Value> & object): void {
  if (value instanceof Uint8Array) {
    out.bytes(value);
  } else if (value instanceof ObjectReference) {
    out.head(6, referenceTag);
    out.text(value.path);
  } else if (value instanceof Date) {
    // RFC 8949 §3.4.2: seconds since the epoch.
    out.head(6, 1);
    out.number(value.getTime() / 1000);
  } else if (Array.isArray(value)) {
    out.head(4, value.length);
    for (const item of value as readonly Value[]) put(out, item);
  } else if (value instanceof Map) {
    out.head(5, value.size);
    for (const [key, member] of value as ReadonlyMap<Value, Value>) {
      put(out, key);
      put(out, member);
    }
  } else {
    const members = Object.entries(value as Readonly<Record<string, Value>>);
    out.head(5, members.length);
    for (const [name, member] of members) {
      out.text(name);
      put(out, member);
    }
  }
}
