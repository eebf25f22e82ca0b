/**
 * Brings a value into the one form of a declared type in which the function,
 * the cache and the log see it:
 * - a number is never -0; an integer may come as 10.0; a bigint stands for a number where it is exactly one;
 * - where a bigint is declared, a whole number or decimal text is one;
 * - where bytes or a date are declared, base64url or RFC 3339 text is one (JSON has no other form);
 * - where a class is declared, the path of an object is a reference to it, and says of which classes it has to be;
 * - members that are undefined are left out of objects.
 * A value that is in that form already is returned as it is, not copied.
 * In a union an option that fits as it stands wins over one that needs conversion.
 *
 * Work is bounded by the size of the value times the size of the type: types are finite trees, and
 * nothing below `any` is looked at.
 */
import { ObjectReference, objectIdOf } from '../core/object-reference.ts';
import type { Value } from '../core/value.ts';
import type { ValueType } from './description.ts';
import { bigintFromText, bytesFromBase64url, dateFromText } from './text-forms.ts';

export const mismatch: unique symbol = Symbol('mismatch');

/** The value in its canonical form, or `mismatch`. `exact`: as it stands, without conversion of text. */
export type Converter = (value: Value, exact: boolean) => Value | typeof mismatch;

/** Keyed by the type itself, so that a description costs its compilation once. */
const compiled = new WeakMap<ValueType, Converter>();

export function converterOf(type: ValueType): Converter {
  let converter = compiled.get(type);
  if (converter === undefined) {
    converter = compile(type);
    compiled.set(type, converter);
  }
  return converter;
}

function compile(type: ValueType): Converter {
  switch (type.kind) {
    case 'any':
      return (value) => (value === 0 ? 0 : value);
    case 'null':
      return (value) => (value === null ? null : mismatch);
    case 'boolean':
      return (value) => (typeof value === 'boolean' ? value : mismatch);
    case 'number':
      return numberConverter(type, false);
    case 'integer':
      return numberConverter(type, true);
    case 'bigint':
      return toBigint;
    case 'string': {
      const { minLength = 0, maxLength = Infinity } = type;
      return (value) =>
        typeof value === 'string' && value.length >= minLength && value.length <= maxLength ? value : mismatch;
    }
    case 'bytes':
      return (value, exact) => {
        if (value instanceof Uint8Array) return value;
        return (exact || typeof value !== 'string' ? undefined : bytesFromBase64url(value)) ?? mismatch;
      };
    case 'date':
      return (value, exact) => {
        if (value instanceof Date) return Number.isNaN(value.getTime()) ? mismatch : value;
        return (exact || typeof value !== 'string' ? undefined : dateFromText(value)) ?? mismatch;
      };
    case 'literal': {
      const { value: wanted } = type;
      return (value) => (value === wanted ? wanted : mismatch);
    }
    case 'instance':
      return instanceConverter([type.class]);
    case 'union': {
      const classes = type.options.flatMap((option) => (option.kind === 'instance' ? [option.class] : []));
      const options = type.options.map((option) =>
        option.kind === 'instance' ? instanceConverter(classes) : converterOf(option),
      );
      return unionConverter(options);
    }
    case 'array': {
      const item = converterOf(type.items);
      return (value, exact) => (Array.isArray(value) ? convertItems(value, () => item, exact) : mismatch);
    }
    case 'tuple': {
      const items = type.items.map(converterOf);
      return (value, exact) =>
        Array.isArray(value) && value.length === items.length
          ? convertItems(value, (index) => items[index], exact)
          : mismatch;
    }
    case 'object':
      return objectConverter(type);
  }
}

type NumberType = { readonly minimum?: number; readonly maximum?: number };

function numberConverter({ minimum, maximum }: NumberType, whole: boolean): Converter {
  const bounded = minimum !== undefined || maximum !== undefined;
  const low = minimum ?? -Infinity;
  const high = maximum ?? Infinity;
  return (value) => {
    let n: number;
    if (typeof value === 'number') n = value;
    else if (typeof value === 'bigint') {
      // CBOR integers from 2^53 arrive as bigint: a number only if it is exactly that number.
      n = Number(value);
      if (!Number.isFinite(n) || BigInt(n) !== value) return mismatch;
    } else return mismatch;
    if (whole && !Number.isSafeInteger(n)) return mismatch;
    // NaN is in no range.
    if (bounded && !(n >= low && n <= high)) return mismatch;
    return n === 0 ? 0 : n;
  };
}

function toBigint(value: Value, exact: boolean): Value | typeof mismatch {
  if (typeof value === 'bigint') return value;
  if (exact) return mismatch;
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : mismatch;
  return typeof value === 'string' ? (bigintFromText(value) ?? mismatch) : mismatch;
}

/** Whether there is such an object, and of one of these classes, is for whoever has the objects to say. */
function instanceConverter(classes: readonly string[]): Converter {
  return (value, exact) => {
    if (value instanceof ObjectReference) return new ObjectReference(value.id, classes);
    const id = exact || typeof value !== 'string' ? undefined : objectIdOf(value);
    return id === undefined ? mismatch : new ObjectReference(id, classes);
  };
}

function unionConverter(options: readonly Converter[]): Converter {
  return (value, exact) => {
    for (const option of options) {
      const result = option(value, true);
      if (result !== mismatch) return result;
    }
    if (exact) return mismatch;
    for (const option of options) {
      const result = option(value, false);
      if (result !== mismatch) return result;
    }
    return mismatch;
  };
}

function convertItems(
  items: readonly Value[],
  converterAt: (index: number) => Converter | undefined,
  exact: boolean,
): Value | typeof mismatch {
  let copy: Value[] | undefined;
  for (let i = 0; i < items.length; i++) {
    const before = items[i];
    const after = converterAt(i)?.(before, exact);
    if (after === mismatch) return mismatch;
    if (copy !== undefined) copy.push(after);
    else if (!Object.is(after, before)) copy = [...items.slice(0, i), after];
  }
  return copy ?? items;
}

type ObjectType = Extract<ValueType, { kind: 'object' }>;

function objectConverter(type: ObjectType): Converter {
  const members = new Map(Object.entries(type.properties).map(([name, member]) => [name, converterOf(member.type)]));
  const required = Object.entries(type.properties)
    .filter(([, member]) => member.required)
    .map(([name]) => name);
  const additional = type.additional === undefined ? undefined : converterOf(type.additional);
  return (value, exact) => {
    const record = recordOf(value);
    if (record === undefined) return mismatch;
    for (const name of required) {
      if (!Object.hasOwn(record, name) || record[name] === undefined) return mismatch;
    }
    let changed = record !== value;
    const entries: [string, Value][] = [];
    for (const name of Object.keys(record)) {
      const before = record[name];
      const converter = members.get(name) ?? additional;
      if (before === undefined) {
        changed = true;
        continue;
      }
      const after = converter === undefined ? mismatch : converter(before, exact);
      if (after === mismatch) return mismatch;
      changed ||= !Object.is(after, before);
      entries.push([name, after]);
    }
    return changed ? Object.fromEntries(entries) : record;
  };
}

export type ValueRecord = Readonly<Record<string, Value>>;

/** The value as an object with named members: a plain object, or a map whose keys are all text. */
export function recordOf(value: Value): ValueRecord | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  if (value instanceof Uint8Array || value instanceof Date) return undefined;
  if (!(value instanceof Map)) return value as ValueRecord;
  const entries: [string, Value][] = [];
  for (const [key, member] of value as ReadonlyMap<Value, Value>) {
    if (typeof key !== 'string') return undefined;
    entries.push([key, member]);
  }
  return Object.fromEntries(entries);
}
