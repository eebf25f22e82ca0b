/** Says in one sentence where a value does not fit a type, and what would: `a.items[2].price must be a number, got text`. */
import { ObjectReference } from '../core/object-reference.ts';
import type { Value } from '../core/value.ts';
import type { ValueType } from './description.ts';
import { nearestName, shown } from './names.ts';
import { converterOf, mismatch, recordOf, type ValueRecord } from './converter.ts';

/** Without the full stop. Only called for a value that does not fit. */
export function mismatchReason(value: Value, type: ValueType, path: string): string {
  switch (type.kind) {
    case 'array':
    case 'tuple':
      return Array.isArray(value) ? listReason(value, type, path) : plainReason(value, type, path);
    case 'object': {
      const record = recordOf(value);
      return record === undefined ? plainReason(value, type, path) : memberReason(record, type, path);
    }
    case 'union': {
      const alike = type.options.filter((option) => sameShape(option, value));
      const [only] = alike;
      if (only !== undefined && alike.length === 1) return mismatchReason(value, only, path);
      const chosen = alike.find((option) => option.kind === 'object' && literalsFit(option, value));
      return chosen === undefined ? plainReason(value, type, path) : mismatchReason(value, chosen, path);
    }
    default:
      return plainReason(value, type, path);
  }
}

const plainReason = (value: Value, type: ValueType, path: string): string =>
  `${path} must be ${typeInWords(type)}, got ${valueInWords(value, type)}`;

const fits = (value: Value, type: ValueType): boolean => converterOf(type)(value, false) !== mismatch;

function listReason(
  items: readonly Value[],
  type: Extract<ValueType, { kind: 'array' | 'tuple' }>,
  path: string,
): string {
  if (type.kind === 'tuple' && items.length !== type.items.length) {
    return `${path} must be a list of ${type.items.length}, got ${items.length}`;
  }
  for (const [index, item] of items.entries()) {
    const itemType = type.kind === 'array' ? type.items : type.items[index];
    if (itemType !== undefined && !fits(item, itemType)) return mismatchReason(item, itemType, `${path}[${index}]`);
  }
  return plainReason(items, type, path);
}

function memberReason(record: ValueRecord, type: Extract<ValueType, { kind: 'object' }>, path: string): string {
  for (const name of Object.keys(record)) {
    const value = record[name];
    if (value === undefined) continue;
    const memberType = Object.hasOwn(type.properties, name) ? type.properties[name]?.type : type.additional;
    if (memberType === undefined) {
      const near = nearestName(name, Object.keys(type.properties));
      return `${path} has no member '${shown(name)}'${near === undefined ? '' : `; did you mean '${near}'?`}`;
    }
    if (!fits(value, memberType)) return mismatchReason(value, memberType, `${path}.${shown(name)}`);
  }
  const missing = Object.entries(type.properties).find(
    ([name, member]) => member.required && (!Object.hasOwn(record, name) || record[name] === undefined),
  );
  return missing === undefined
    ? plainReason(record, type, path)
    : `${path}.${missing[0]} is missing; it must be ${typeInWords(missing[1].type)}`;
}

const sameShape = (type: ValueType, value: Value): boolean =>
  Array.isArray(value)
    ? type.kind === 'array' || type.kind === 'tuple'
    : type.kind === 'object' && recordOf(value) !== undefined;

/** Options of a union are told apart by their literal members. */
function literalsFit(type: Extract<ValueType, { kind: 'object' }>, value: Value): boolean {
  const record = recordOf(value);
  const literals = Object.entries(type.properties).filter(([, member]) => member.type.kind === 'literal');
  return (
    record !== undefined &&
    literals.length > 0 &&
    literals.every(([name, member]) => Object.hasOwn(record, name) && fits(record[name], member.type))
  );
}

/** How many options of a union a sentence can carry. */
const maxOptions = 8;

/** `a number`, `one of "a", "b"`, `text or a list of numbers`. */
function typeInWords(type: ValueType): string {
  switch (type.kind) {
    case 'any':
      return 'any value';
    case 'null':
      return 'null';
    case 'boolean':
      return 'true or false';
    case 'number':
      return `a number${range(type.minimum, type.maximum)}`;
    case 'integer':
      return `a whole number${range(type.minimum, type.maximum)}`;
    case 'bigint':
      return 'a whole number of any size';
    case 'string':
      return `text${range(type.minLength, type.maxLength, ' characters')}`;
    case 'bytes':
      return 'bytes (base64url where the format is text)';
    case 'date':
      return 'a date (RFC 3339 where the format is text, such as 2026-01-31T12:00:00Z)';
    case 'literal':
      return JSON.stringify(type.value);
    case 'instance':
      return `an object of ${type.class} (its path, as /o/3kP0aZ_q)`;
    case 'union': {
      const options = withoutRepetition(type.options);
      const words = options.slice(0, maxOptions).map(typeInWords);
      if (options.length > maxOptions) words.push('…');
      return options.every((option) => option.kind === 'literal')
        ? `one of ${words.join(', ')}`
        : [...words.slice(0, -2), words.slice(-2).join(' or ')].join(', ');
    }
    case 'array':
      return type.items.kind === 'any' ? 'a list' : `a list, each item ${typeInWords(type.items)}`;
    case 'tuple':
      return `a list of ${type.items.length}`;
    case 'object': {
      const names = Object.keys(type.properties);
      if (names.length === 0) return 'an object';
      return `an object with ${names.slice(0, maxOptions).join(', ')}${names.length > maxOptions ? ', …' : ''}`;
    }
  }
}

/** A whole number without bounds is one of any size, where a bigint is taken beside it: said once. */
const withoutRepetition = (options: readonly ValueType[]): readonly ValueType[] =>
  options.some((option) => option.kind === 'bigint')
    ? options.filter(
        (option) => option.kind !== 'integer' || option.minimum !== undefined || option.maximum !== undefined,
      )
    : options;

function range(minimum: number | undefined, maximum: number | undefined, unit = ''): string {
  if (minimum !== undefined && maximum !== undefined) return ` from ${minimum} to ${maximum}${unit}`;
  if (minimum !== undefined) return ` of at least ${minimum}${unit}`;
  return maximum === undefined ? '' : ` of at most ${maximum}${unit}`;
}

/** What text says is what is wrong with it. */
const telling: ReadonlySet<ValueType['kind']> = new Set(['literal', 'union', 'date', 'bytes', 'instance']);

/** What was given: the value where it is the value that is wrong, otherwise its type. Never much of it. */
function valueInWords(value: Value, type: ValueType): string {
  if (value === null || value === undefined) return String(value);
  switch (typeof value) {
    case 'number':
    case 'boolean':
      return String(value);
    case 'bigint':
      return value > -(10n ** 40n) && value < 10n ** 40n ? String(value) : 'a very large whole number';
    case 'string': {
      if (type.kind === 'string') return `text of ${value.length} characters`;
      return telling.has(type.kind) ? `"${shown(value)}"` : 'text';
    }
    default:
  }
  if (Array.isArray(value)) return 'a list';
  if (value instanceof Uint8Array) return 'bytes';
  if (value instanceof ObjectReference) return `the object ${value.path}`;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'an invalid date' : 'a date';
  return recordOf(value) === undefined ? 'a map whose keys are not text' : 'an object';
}
