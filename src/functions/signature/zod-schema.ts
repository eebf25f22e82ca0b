/**
 * How a Zod declaration is turned into JSON Schema: what the schema of its input cannot say by itself
 * is written down for json-schema.ts, and what it would say wrongly is taken out.
 * Zod's schemas are looked at as data (`_zod.def`), so that another copy of Zod serves as well.
 */
import { systemClock } from '../../core/clock.ts';
import { after, milliseconds } from '../../core/duration.ts';
import { specialType } from './json-schema.ts';

interface Definition {
  readonly type: string;
  readonly [member: string]: unknown;
}

interface Described {
  readonly zodSchema: unknown;
  readonly jsonSchema: Record<string, unknown>;
}

/** Pass to `z.toJSONSchema(schema, zodSchemaOptions)`. */
export const zodSchemaOptions: {
  readonly io: 'input';
  readonly unrepresentable: 'any';
  readonly override: (described: Described) => void;
} = { io: 'input', unrepresentable: 'any', override: describeSpecials };

function describeSpecials({ zodSchema, jsonSchema }: Described): void {
  const def = definitionOf(zodSchema);
  if (def === undefined) return;
  switch (def.type) {
    case 'date':
      replace(jsonSchema, def['coerce'] === true ? {} : { type: 'string', format: 'date-time', [specialType]: 'date' });
      return;
    case 'bigint':
      replace(jsonSchema, def['coerce'] === true ? {} : { type: 'integer', [specialType]: 'bigint' });
      return;
    case 'custom':
      if (classOf(zodSchema) === Uint8Array) replace(jsonSchema, { type: 'string', [specialType]: 'bytes' });
      return;
    case 'catch':
      replace(jsonSchema, {});
      return;
    case 'pipe':
      // z.preprocess: what it takes is known to the function alone.
      if (definitionOf(def['in'])?.type === 'transform') replace(jsonSchema, {});
      return;
    case 'default':
      if (!isPlain(def['innerType']) || isComputed(def)) delete jsonSchema['default'];
      return;
    default:
      if (def['coerce'] === true) replace(jsonSchema, {});
  }
}

/** What is said about a type stays, for people. */
function replace(schema: Record<string, unknown>, type: Readonly<Record<string, unknown>>): void {
  const { description, title } = schema;
  for (const key of Object.keys(schema)) Reflect.deleteProperty(schema, key);
  Object.assign(schema, type, description === undefined ? {} : { description }, title === undefined ? {} : { title });
}

function definitionOf(schema: unknown): Definition | undefined {
  const inner = member(schema, '_zod');
  const def = member(inner, 'def');
  return typeof member(def, 'type') === 'string' ? (def as Definition) : undefined;
}

/** The class of `z.instanceof(Class)`; `.describe()` and `.meta()` give a copy that knows its parent only. */
function classOf(schema: unknown): unknown {
  let at = member(schema, '_zod');
  for (let hops = 0; hops < 16 && at !== undefined; hops++) {
    const known = member(member(at, 'bag'), 'Class');
    if (known !== undefined) return known;
    at = member(member(at, 'parent'), '_zod');
  }
  return undefined;
}

const member = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined;

/**
 * Whether a value comes out as it went in. Zod gives a default out without parsing it, so only then
 * is "left out" the same call as "given the default".
 */
function isPlain(schema: unknown): boolean {
  const def = definitionOf(schema);
  if (def === undefined || def['coerce'] === true) return false;
  const checks = Array.isArray(def['checks']) ? def['checks'] : [];
  if (checks.some((check) => member(member(member(check, '_zod'), 'def'), 'check') === 'overwrite')) return false;
  switch (def.type) {
    case 'string':
    case 'number':
    case 'boolean':
    case 'null':
    case 'enum':
    case 'literal':
    case 'any':
    case 'unknown':
      return true;
    case 'optional':
    case 'nullable':
      return isPlain(def['innerType']);
    case 'array':
      return isPlain(def['element']);
    case 'union':
      return Array.isArray(def['options']) && def['options'].every(isPlain);
    default:
      return false;
  }
}

/** A default that a function computes is not one value; a getter of Zod's hides which it is, so it is asked twice. */
function isComputed(def: Definition): boolean {
  const first = def['defaultValue'];
  if (typeof first === 'number' || typeof first === 'string') waitForClock();
  return JSON.stringify(first) !== JSON.stringify(def['defaultValue']);
}

/** Until the time of day has moved on for certain: a default may be made of it. */
function waitForClock(): void {
  const end = after(systemClock.now(), milliseconds(2));
  while (systemClock.now() < end);
}
