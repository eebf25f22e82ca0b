/**
 * Reads the text of query items by the declared type: `a=10`, `on`, `when=2026-01-31T12:00:00Z`.
 * - number, integer, bigint: decimal; boolean: `true`, `false`, `1`, `0`, or no `=` at all for true;
 * - bytes: base64url; date: RFC 3339; objects: JSON text; an object of a class: its path;
 * - a list: the name given once per item, or once with JSON text that begins with `[`;
 * - text and undeclared types: the text as it is;
 * - a union: the first of these that fits: a literal, a number, a boolean, a date, text, bytes, JSON, null.
 */
import type { Value } from '../core/value.ts';
import { CallError } from './call-error.ts';
import { converterOf, mismatch } from './converter.ts';
import type { ValueType } from './description.ts';
import { bigintFromText, bytesFromBase64url, dateFromText, numberFromText } from './text-forms.ts';
import { wrongType, type ParameterName } from './validation.ts';

/**
 * The value of a parameter from its items; an item without `=` is undefined in `texts`.
 * @throws CallError `unknown-query` where items are repeated or bare and the type has no use for that,
 * `wrong-type` where the text does not fit
 */
export function readQuery(
  texts: readonly (string | undefined)[],
  type: ValueType,
  path: string,
  parameter: ParameterName,
): Value {
  const [first] = texts;
  if (texts.length === 1)
    return first === undefined ? readBare(type, path, parameter) : readOnce(first, type, path, parameter);
  const list = optionsOf(type).find((option) => option.kind === 'array' || option.kind === 'tuple');
  if (list === undefined) {
    throw new CallError(
      'unknown-query',
      `${path} is given ${texts.length} times in the query and is no list; give it once.`,
      { parameter, expected: type },
    );
  }
  return texts.map((text, index) => {
    const itemType = list.kind === 'array' ? list.items : (list.items[index] ?? { kind: 'any' });
    return text === undefined
      ? readBare(itemType, `${path}[${index}]`, parameter)
      : readOnce(text, itemType, `${path}[${index}]`, parameter);
  });
}

const optionsOf = (type: ValueType): readonly ValueType[] => (type.kind === 'union' ? type.options : [type]);

function readBare(type: ValueType, path: string, parameter: ParameterName): Value {
  const result = converterOf(type)(true, true);
  const untyped = optionsOf(type).every((option) => option.kind === 'any');
  if (result === true && !untyped) return true;
  throw new CallError(
    'unknown-query',
    `${path} stands in the query without "=", which means true, and is no boolean; write ${path}=value.`,
    { parameter, expected: type },
  );
}

function readOnce(text: string, type: ValueType, path: string, parameter: ParameterName): Value {
  const value = readText(text, type);
  if (value === mismatch) throw wrongType(text, type, path, parameter);
  return value;
}

/** The options of a union, the most telling first; a stable sort keeps the declared order otherwise. */
const precedence: Readonly<Record<ValueType['kind'], number>> = {
  literal: 0,
  integer: 1,
  number: 1,
  bigint: 1,
  boolean: 2,
  date: 3,
  instance: 3,
  string: 4,
  any: 5,
  bytes: 6,
  tuple: 7,
  array: 7,
  object: 7,
  union: 8,
  null: 9,
};

function readText(text: string, type: ValueType): Value | typeof mismatch {
  const convert = converterOf(type);
  switch (type.kind) {
    case 'any':
    case 'string':
      return convert(text, true);
    case 'null':
      return text === 'null' ? null : mismatch;
    case 'boolean':
      return booleanFromText(text);
    case 'number':
    case 'integer':
      return orMismatch(numberFromText(text), type);
    case 'bigint':
      return orMismatch(bigintFromText(text), type);
    case 'bytes':
      return orMismatch(bytesFromBase64url(text), type);
    case 'date':
      return orMismatch(dateFromText(text), type);
    case 'literal':
      return literalFromText(text, type.value);
    case 'instance':
      return convert(text, false);
    case 'array':
    case 'tuple':
      return listFromText(text, type);
    case 'object':
      return fromJson(text, type);
    case 'union':
      for (const option of type.options.toSorted((a, b) => precedence[a.kind] - precedence[b.kind])) {
        const value = readText(text, option);
        if (value !== mismatch) return value;
      }
      return mismatch;
  }
}

function orMismatch(value: Value, type: ValueType): Value | typeof mismatch {
  return value === undefined ? mismatch : converterOf(type)(value, true);
}

function booleanFromText(text: string): boolean | typeof mismatch {
  if (text === 'true' || text === '1') return true;
  return text === 'false' || text === '0' ? false : mismatch;
}

function literalFromText(text: string, value: string | number | boolean | null): Value | typeof mismatch {
  switch (typeof value) {
    case 'string':
      return text === value ? value : mismatch;
    case 'number':
      return numberFromText(text) === value ? value : mismatch;
    case 'boolean':
      return booleanFromText(text) === value ? value : mismatch;
    default:
      return text === 'null' ? null : mismatch;
  }
}

function listFromText(text: string, type: Extract<ValueType, { kind: 'array' | 'tuple' }>): Value | typeof mismatch {
  if (text.startsWith('[')) return fromJson(text, type);
  const itemType = type.kind === 'array' ? type.items : type.items[0];
  if (itemType === undefined || (type.kind === 'tuple' && type.items.length !== 1)) return mismatch;
  const item = readText(text, itemType);
  return item === mismatch ? mismatch : [item];
}

function fromJson(text: string, type: ValueType): Value | typeof mismatch {
  let value: Value;
  try {
    value = JSON.parse(text) as Value;
  } catch {
    return mismatch;
  }
  return converterOf(type)(value, false);
}
