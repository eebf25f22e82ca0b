/**
 * The parameters of a function as JSON Schema (draft 2020-12): what a JSON object of arguments by
 * name looks like. https://json-schema.org/draft/2020-12
 *
 * JSON has no bytes, dates, large integers and objects of classes: base64url, RFC 3339, decimal text and paths stand for
 * them. Left out: arguments by position and by id, and the order of parameters (cddl.ts has both).
 */
import type { Value } from '../core/value.ts';
import type { DescribedFunction, DescribedObject, DescribedParameter, DescribedType } from './described.ts';

/** A schema as a value: to be encoded as JSON, or as CBOR for those who like. */
export type JsonSchema = { readonly [keyword: string]: Value };

/** The schema of a function's arguments by name. */
export function parametersSchema(fn: DescribedFunction): JsonSchema {
  const required = fn.parameters.filter((parameter) => parameter.required).map((parameter) => parameter.name);
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    ...worded(fn.title ?? `${fn.library}/${fn.method}`, fn.doc === fn.title ? undefined : fn.doc),
    type: 'object',
    properties: Object.fromEntries(fn.parameters.map((parameter) => [parameter.name, parameterSchema(parameter)])),
    ...(required.length > 0 && { required }),
    additionalProperties: othersSchema(fn),
  };
}

function othersSchema({ parameters }: DescribedFunction): Value {
  const taking = parameters.find(({ others }) => others === true)?.type;
  return taking?.kind === 'object' && taking.additional !== undefined ? typeSchema(taking.additional) : false;
}

const parameterSchema = (parameter: DescribedParameter): JsonSchema => ({
  ...typeSchema(parameter.type),
  ...worded(undefined, parameter.doc),
  ...(parameter.default !== undefined && { default: parameter.default }),
});

/** The schema of a type in its JSON form. */
export function typeSchema(type: DescribedType): JsonSchema {
  switch (type.kind) {
    case 'any':
      return {};
    case 'null':
    case 'boolean':
      return { type: type.kind };
    case 'number':
    case 'integer':
      return { type: type.kind, ...finite('minimum', type.minimum), ...finite('maximum', type.maximum) };
    case 'bigint':
      return { type: ['string', 'integer'], pattern: '^[+-]?[0-9]+$' };
    case 'string':
      return { type: 'string', ...finite('minLength', type.minLength), ...finite('maxLength', type.maxLength) };
    case 'bytes':
      return { type: 'string', contentEncoding: 'base64url', pattern: '^[A-Za-z0-9_-]*={0,2}$' };
    case 'date':
      return { type: 'string', format: 'date-time' };
    case 'literal':
      return { const: type.value };
    case 'instance':
      return { type: 'string', pattern: '^/o/[A-Za-z0-9_-]{8}$' };
    case 'union':
      // A keyword with an empty array is not valid; a union of nothing fits nothing.
      return type.options.length === 0 ? { not: {} } : { anyOf: type.options.map(typeSchema) };
    case 'array':
      return { type: 'array', items: typeSchema(type.items) };
    case 'tuple':
      return tupleSchema(type.items);
    case 'object':
      return objectSchema(type);
  }
}

function tupleSchema(items: readonly DescribedType[]): JsonSchema {
  const lengths = { minItems: items.length, maxItems: items.length };
  return items.length === 0
    ? { type: 'array', ...lengths }
    : { type: 'array', prefixItems: items.map(typeSchema), ...lengths };
}

function objectSchema({ properties, additional }: DescribedObject): JsonSchema {
  const entries = Object.entries(properties);
  const required = entries.filter(([, property]) => property.required).map(([name]) => name);
  return {
    type: 'object',
    properties: Object.fromEntries(entries.map(([name, property]) => [name, typeSchema(property.type)])),
    ...(required.length > 0 && { required }),
    additionalProperties: additional === undefined ? false : typeSchema(additional),
  };
}

/** Bounds that JSON can write. */
const finite = (keyword: string, bound: number | undefined): JsonSchema =>
  bound !== undefined && Number.isFinite(bound) ? { [keyword]: bound } : {};

const worded = (title: string | undefined, description: string | undefined): JsonSchema => ({
  ...(title !== undefined && { title }),
  ...(description !== undefined && { description }),
});
