/** An estimate of the heap that a value takes in V8 (no RFC: measured in rough terms, on the high side). */
import { isPlainObject, maxEncodeDepth } from '../cbor/carried-form.ts';

const header = 16;
const perMember = 24;

/**
 * Undefined where the value is more than data (an iterator, an instance of a class, something that contains itself): what a
 * second look at it would give, nobody knows. A part that is used twice counts twice.
 */
export function valueSize(value: unknown, depth = 0): number | undefined {
  switch (typeof value) {
    case 'string':
      return header + 2 * value.length;
    case 'bigint':
      return header + Math.ceil(value.toString(16).length / 2);
    case 'object':
      return value === null ? 8 : objectSize(value, depth);
    case 'number':
    case 'boolean':
    case 'undefined':
      return 8;
    case 'function':
    case 'symbol':
      return undefined;
  }
}

function objectSize(value: object, depth: number): number | undefined {
  if (value instanceof Uint8Array) return 96 + value.byteLength;
  if (value instanceof Date) return 64;
  if (depth >= maxEncodeDepth) return undefined;
  if (Array.isArray(value)) return partsSize(value, 8, depth);
  if (value instanceof Map)
    return add(partsSize(value.keys(), perMember, depth), partsSize(value.values(), perMember, depth));
  if (!isPlainObject(value) || Symbol.iterator in value || typeof value['toJSON'] === 'function') return undefined;
  // Names are shared between objects of one shape: they cost a pointer.
  return partsSize(Object.values(value), perMember, depth);
}

function partsSize(parts: Iterable<unknown>, each: number, depth: number): number | undefined {
  let size: number | undefined = 2 * header;
  for (const part of parts) {
    size = add(size, add(each, valueSize(part, depth + 1)));
    if (size === undefined) return undefined;
  }
  return size;
}

function add(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a + b;
}
