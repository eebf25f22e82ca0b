/**
 * A type as a value that travels: its kind alone where there is nothing more to say, otherwise a
 * map of its kind and details.
 *
 *     "string"
 *     { kind: "integer", minimum: 0 }
 *     { kind: "array", items: "number" }
 *     { kind: "tuple", items: ["number", "string"] }
 *     { kind: "union", options: ["string", "null"] }
 *     { kind: "literal", value: "clock" }
 *     { kind: "instance", class: "Account" }
 *     { kind: "object", properties: { a: "number", b: "string" }, optional: ["b"], additional: "any" }
 *
 * Without `additional`, an object has no other members than its properties.
 */
import { PeerError } from '../core/error.ts';
import type { Value } from '../core/value.ts';
import type { DescribedObject, DescribedType } from './described.ts';
import { arrayOf, fieldOf, numberOf, recordOf, textListOf, textOf } from './read-value.ts';

/** Deeper types than this are refused when read; no RFC gives a number. */
const maxDepth = 32;

export function typeValue(type: DescribedType): Value {
  switch (type.kind) {
    case 'any':
    case 'null':
    case 'boolean':
    case 'bigint':
    case 'bytes':
    case 'date':
      return type.kind;
    case 'number':
    case 'integer':
      return withDetails(type.kind, { minimum: type.minimum, maximum: type.maximum });
    case 'string':
      return withDetails(type.kind, { minLength: type.minLength, maxLength: type.maxLength });
    case 'literal':
      return { kind: type.kind, value: type.value };
    case 'instance':
      return { kind: type.kind, class: type.class };
    case 'union':
      return { kind: type.kind, options: type.options.map(typeValue) };
    case 'array':
      return { kind: type.kind, items: typeValue(type.items) };
    case 'tuple':
      return { kind: type.kind, items: type.items.map(typeValue) };
    case 'object':
      return objectValue(type);
  }
}

function objectValue({ kind, properties, additional }: DescribedObject): Value {
  const entries = Object.entries(properties);
  const optional = entries.filter(([, property]) => !property.required).map(([name]) => name);
  return {
    kind,
    properties: Object.fromEntries(entries.map(([name, property]) => [name, typeValue(property.type)])),
    ...(optional.length > 0 && { optional }),
    ...(additional !== undefined && { additional: typeValue(additional) }),
  };
}

function withDetails(kind: string, details: Readonly<Record<string, number | undefined>>): Value {
  const said = Object.entries(details).filter(([, detail]) => detail !== undefined);
  return said.length === 0 ? kind : { kind, ...Object.fromEntries(said) };
}

/**
 * The type in a value that a gateway sent.
 *
 * @throws PeerError `bad-description` where it is not one.
 */
export function readType(value: Value, depth = 0): DescribedType {
  if (depth > maxDepth) throw new PeerError('bad-description', `A type is nested deeper than ${maxDepth} levels`);
  const record = typeof value === 'string' ? { kind: value } : recordOf(value, 'a type');
  const kind = textOf(fieldOf(record, 'kind'), 'the kind of a type');
  const detail = (name: string): Value => fieldOf(record, name);
  const inner = (name: string): DescribedType => readType(detail(name), depth + 1);
  const list = (name: string): DescribedType[] =>
    arrayOf(detail(name), `the ${name} of a type`).map((item) => readType(item, depth + 1));
  switch (kind) {
    case 'any':
    case 'null':
    case 'boolean':
    case 'bigint':
    case 'bytes':
    case 'date':
      return { kind };
    case 'number':
    case 'integer':
      return { kind, ...bounds(record, 'minimum', 'maximum') };
    case 'string':
      return { kind, ...bounds(record, 'minLength', 'maxLength') };
    case 'literal':
      return { kind, value: literalOf(detail('value')) };
    case 'instance':
      return { kind, class: textOf(detail('class'), 'the class of a type') };
    case 'union':
      return { kind, options: list('options') };
    case 'array':
      return { kind, items: inner('items') };
    case 'tuple':
      return { kind, items: list('items') };
    case 'object':
      return readObject(record, depth);
    default:
      // A newer gateway may know more kinds: its own check of the arguments is what counts.
      return { kind: 'any' };
  }
}

function readObject(record: Readonly<Record<string, Value>>, depth: number): DescribedObject {
  const optional = new Set(textListOf(fieldOf(record, 'optional'), 'the optional members of an object'));
  const properties = Object.entries(recordOf(fieldOf(record, 'properties'), 'the properties of an object'));
  const additional = fieldOf(record, 'additional');
  return {
    kind: 'object',
    properties: Object.fromEntries(
      properties.map(([name, type]) => [name, { type: readType(type, depth + 1), required: !optional.has(name) }]),
    ),
    additional: additional === undefined ? undefined : readType(additional, depth + 1),
  };
}

function bounds<Name extends string>(
  record: Readonly<Record<string, Value>>,
  ...names: readonly Name[]
): Partial<Record<Name, number>> {
  const read: Partial<Record<Name, number>> = {};
  for (const name of names) {
    const bound = numberOf(fieldOf(record, name), `the ${name} of a type`);
    if (bound !== undefined) read[name] = bound;
  }
  return read;
}

function literalOf(value: Value): string | number | boolean | null {
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    return value;
  }
  throw new PeerError('bad-description', 'A literal type has no value that could be one');
}
