/**
 * Turns what a function returned into a Value: what messages, CBOR and JSON can all carry.
 * Runs on the thread of the function. Iterators (rows of a database) are drained into arrays,
 * objects with toJSON speak for themselves, and what cannot be carried goes as its text form.
 */
import type { Value } from '../../../core/value.ts';
import { isIterable } from '../../iteration.ts';

const maxDepth = 128;

/** The result is nested too deep, which a result that refers to itself always is. */
export class UnportableResult extends Error {}

export function toPortable(value: unknown, depth = 0): Value {
  switch (typeof value) {
    case 'undefined':
    case 'boolean':
    case 'number':
    case 'bigint':
    case 'string':
      return value;
    case 'symbol':
      return String(value);
    case 'function':
      // Its text would be its source, which is no business of peers.
      return value.name === '' ? '[function]' : `[function ${value.name}]`;
    case 'object':
      if (value === null) return null;
      if (depth >= maxDepth) {
        throw new UnportableResult(`The result is nested deeper than ${maxDepth} levels, or refers to itself.`);
      }
      return fromObject(value, depth + 1);
  }
}

function fromObject(value: object, depth: number): Value {
  if (Array.isArray(value)) return value.map((item) => toPortable(item, depth));
  const prototype: unknown = Object.getPrototypeOf(value);
  if ((prototype === Object.prototype || prototype === null) && !hasJsonForm(value)) return fromMembers(value, depth);
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? String(value) : new Date(value);
  if (value instanceof Map) {
    return new Map([...value].map(([key, item]) => [toPortable(key, depth), toPortable(item, depth)]));
  }
  if (value instanceof ArrayBuffer) return new Uint8Array(value.slice(0));
  if (value instanceof DataView) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength).slice();
  if (hasJsonForm(value)) return toPortable(value.toJSON(), depth);
  if (value instanceof RegExp || value instanceof Error) return String(value);
  if (value instanceof Number || value instanceof String || value instanceof Boolean)
    return toPortable(value.valueOf(), depth);
  if (isIterable(value)) return Array.from(value, (item) => toPortable(item, depth));
  return fromMembers(value, depth);
}

function fromMembers(value: object, depth: number): Value {
  const members: [string, Value][] = Object.entries(value).map(([name, item]) => [name, toPortable(item, depth)]);
  // Object.fromEntries defines members, so that `__proto__` is a name like any other.
  return Object.fromEntries(members);
}

const hasJsonForm = (value: object): value is { toJSON(): unknown } =>
  'toJSON' in value && typeof value.toJSON === 'function';
