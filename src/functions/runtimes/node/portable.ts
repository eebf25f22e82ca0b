/**
 * Turns what a function returned into a Value: what messages, CBOR and JSON can all carry.
 * Runs on the thread of the function. Iterators (rows of a database) are drained into arrays,
 * objects with toJSON speak for themselves, those of exported classes become references, and what cannot be carried goes as its text form.
 */
import type { Value } from '../../../core/value.ts';
import type { References } from '../../call-context.ts';
import { isIterable } from '../../iteration.ts';

const maxDepth = 128;

/** The result is nested too deep, which a result that refers to itself always is. */
export class UnportableResult extends Error {}

/** @param references undefined where the library exports no class */
export function toPortable(value: unknown, depth = 0, references?: References): Value {
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
      return fromObject(value, depth + 1, references);
  }
}

function fromObject(value: object, depth: number, references: References | undefined): Value {
  const reference = references?.refer(value);
  if (reference !== undefined) return reference;
  if (Array.isArray(value)) return value.map((item) => toPortable(item, depth, references));
  const prototype: unknown = Object.getPrototypeOf(value);
  if ((prototype === Object.prototype || prototype === null) && !hasJsonForm(value))
    return fromMembers(value, depth, references);
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? String(value) : new Date(value);
  if (value instanceof Map) {
    return new Map(
      [...value].map(([key, item]) => [toPortable(key, depth, references), toPortable(item, depth, references)]),
    );
  }
  if (value instanceof ArrayBuffer) return new Uint8Array(value.slice(0));
  if (value instanceof DataView) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength).slice();
  if (hasJsonForm(value)) return toPortable(value.toJSON(), depth, references);
  if (value instanceof RegExp || value instanceof Error) return String(value);
  if (value instanceof Number || value instanceof String || value instanceof Boolean)
    return toPortable(value.valueOf(), depth, references);
  if (isIterable(value)) return Array.from(value, (item) => toPortable(item, depth, references));
  return fromMembers(value, depth, references);
}

function fromMembers(value: object, depth: number, references: References | undefined): Value {
  const members: [string, Value][] = Object.entries(value).map(([name, item]) => [
    name,
    toPortable(item, depth, references),
  ]);
  // Object.fromEntries defines members, so that `__proto__` is a name like any other.
  return Object.fromEntries(members);
}

const hasJsonForm = (value: object): value is { toJSON(): unknown } =>
  'toJSON' in value && typeof value.toJSON === 'function';
