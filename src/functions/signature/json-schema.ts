/**
 * From JSON Schema, as Zod writes it (`z.toJSONSchema`, draft 2020-12), to the types that are checked
 * before a call. Refinements, formats and recursion are left to the declaration, which checks again.
 */
import { UsageError } from '../../core/error.ts';
import type { Value } from '../../core/value.ts';
import { converterOf, mismatch } from '../converter.ts';
import type { ValueType } from '../description.ts';
import { controlWordProblem } from './control-words.ts';
import type { DeclaredParameter } from './declared-export.ts';
import { anyType, intersectionOf, unionOf } from './value-types.ts';

type Schema = Readonly<Record<string, unknown>>;

/** The keyword for types that JSON does not have, and the one for the class of an `instance`; zod-schema.ts writes them. */
export const specialType = 'x-funcoap-type';
export const className = 'x-funcoap-class';

export function typeFromJsonSchema(schema: unknown): ValueType {
  return new SchemaReader(schema).read(schema);
}

/**
 * The parameters of an object schema, in the order of its properties.
 * @throws UsageError `library-parameter` where it is no object, or a name is a control word
 */
export function parametersFromJsonSchema(schema: unknown): readonly DeclaredParameter[] {
  const reader = new SchemaReader(schema);
  const root = reader.resolve(schema);
  const properties = root?.['properties'];
  if (root?.['type'] !== 'object' || !isSchema(properties)) {
    throw new UsageError(
      'library-parameter',
      'params must be an object of named parameters, such as { a: z.number() }.',
    );
  }
  const required = namesIn(root['required']);
  return Object.entries(properties).map(([name, property]) => {
    const problem = controlWordProblem(name);
    if (problem !== undefined) throw new UsageError('library-parameter', problem);
    const type = reader.read(property);
    const fallback = isSchema(property) ? defaultOf(property, type) : undefined;
    return {
      name,
      type,
      required: required.has(name),
      ...(fallback === undefined || required.has(name) ? {} : { default: fallback }),
      rest: false,
      doc: isSchema(property) && typeof property['description'] === 'string' ? property['description'] : undefined,
    };
  });
}

/** A default that does not fit the input's type is one of the output's: the declaration fills it in itself. */
function defaultOf(property: Schema, type: ValueType): Value {
  if (!('default' in property)) return undefined;
  const value = converterOf(type)(property['default'] as Value, false);
  return value === mismatch ? undefined : value;
}

class SchemaReader {
  readonly #root: unknown;
  readonly #known = new Map<string, ValueType>();
  readonly #open = new Set<string>();

  constructor(root: unknown) {
    this.#root = root;
  }

  /** A schema behind its references. */
  resolve(schema: unknown): Schema | undefined {
    let at = schema;
    for (let hops = 0; hops < 16 && isSchema(at); hops++) {
      const target = at['$ref'];
      if (typeof target !== 'string') return at;
      at = this.#target(target);
    }
    return undefined;
  }

  read(schema: unknown): ValueType {
    if (!isSchema(schema)) return anyType;
    const reference = schema['$ref'];
    if (typeof reference === 'string') return this.#follow(reference);
    const special = schema[specialType];
    const made = schema[className];
    if (special === 'instance' && typeof made === 'string') return { kind: 'instance', class: made };
    if (typeof special === 'string') return specials.get(special) ?? anyType;
    if (schema['format'] === 'bytes') return { kind: 'bytes' };
    if ('const' in schema) return literal(schema['const']);
    if (Array.isArray(schema['enum'])) return unionOf(schema['enum'].map(literal));
    const options = schema['anyOf'] ?? schema['oneOf'];
    if (Array.isArray(options)) return unionOf(options.map((option) => this.read(option)));
    if (Array.isArray(schema['allOf'])) return intersectionOf(schema['allOf'].map((part) => this.read(part)));
    const type = schema['type'];
    if (Array.isArray(type)) return unionOf(type.map((each) => this.#typed(each, schema)));
    return this.#typed(type, schema);
  }

  #follow(reference: string): ValueType {
    const known = this.#known.get(reference);
    if (known !== undefined) return known;
    if (reference === '#' || this.#open.has(reference)) return anyType;
    this.#open.add(reference);
    const type = this.read(this.#target(reference));
    this.#open.delete(reference);
    if (this.#open.size === 0) this.#known.set(reference, type);
    return type;
  }

  #target(reference: string): unknown {
    let at: unknown = this.#root;
    for (const part of reference
      .replace(/^#\/?/, '')
      .split('/')
      .filter((each) => each !== '')) {
      const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
      if (!isSchema(at) || !Object.hasOwn(at, name)) return undefined;
      at = at[name];
    }
    return at;
  }

  #typed(type: unknown, schema: Schema): ValueType {
    switch (type) {
      case 'null':
        return { kind: 'null' };
      case 'boolean':
        return { kind: 'boolean' };
      case 'number':
        return { kind: 'number', ...bounds(schema) };
      case 'integer':
        return { kind: 'integer', ...bounds(schema) };
      case 'string': {
        const { minLength, maxLength } = schema;
        return {
          kind: 'string',
          ...(typeof minLength === 'number' ? { minLength } : {}),
          ...(typeof maxLength === 'number' ? { maxLength } : {}),
        };
      }
      case 'array':
        return this.#list(schema);
      case 'object':
        return this.#object(schema);
      default:
        return anyType;
    }
  }

  #list(schema: Schema): ValueType {
    const { prefixItems, items } = schema;
    if (!Array.isArray(prefixItems)) return { kind: 'array', items: this.read(items) };
    const closed = items === false || items === undefined;
    const whole = schema['minItems'] === undefined || schema['minItems'] === prefixItems.length;
    return closed && whole
      ? { kind: 'tuple', items: prefixItems.map((item) => this.read(item)) }
      : { kind: 'array', items: anyType };
  }

  #object(schema: Schema): ValueType {
    const properties = isSchema(schema['properties']) ? schema['properties'] : {};
    const required = namesIn(schema['required']);
    const members = Object.entries(properties).map(
      ([name, property]) => [name, { type: this.read(property), required: required.has(name) }] as const,
    );
    const { additionalProperties } = schema;
    const open = additionalProperties !== false || 'patternProperties' in schema;
    return {
      kind: 'object',
      properties: Object.fromEntries(members),
      additional: open ? this.read(additionalProperties) : undefined,
    };
  }
}

const specials: ReadonlyMap<string, ValueType> = new Map<string, ValueType>([
  ['bytes', { kind: 'bytes' }],
  ['date', { kind: 'date' }],
  ['bigint', { kind: 'bigint' }],
]);

const isSchema = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const namesIn = (value: unknown): ReadonlySet<unknown> => new Set(Array.isArray(value) ? value : []);

function literal(value: unknown): ValueType {
  if (value === null) return { kind: 'null' };
  const simple = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
  return simple ? { kind: 'literal', value } : anyType;
}

/** Only bounds that include their end; whole numbers are checked to be safe integers anyway. */
function bounds(schema: Schema): { minimum?: number; maximum?: number } {
  const { minimum, maximum } = schema;
  return {
    ...(typeof minimum === 'number' && minimum !== Number.MIN_SAFE_INTEGER ? { minimum } : {}),
    ...(typeof maximum === 'number' && maximum !== Number.MAX_SAFE_INTEGER ? { maximum } : {}),
  };
}
