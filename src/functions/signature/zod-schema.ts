/**
 * How a Zod declaration is turned into JSON Schema: what the schema of its input cannot say by itself
 * is written down for json-schema.ts, and what it would say wrongly is taken out.
 * Zod's schemas are looked at as data (`_zod.def`), so that another copy of Zod serves as well.
 */
import { systemClock } from '../../core/clock.ts';
import { after, milliseconds } from '../../core/duration.ts';
import { UsageError } from '../../core/error.ts';
import { className, specialType } from './json-schema.ts';

interface Definition {
  readonly type: string;
  readonly [member: string]: unknown;
}

interface Described {
  readonly zodSchema: unknown;
  readonly jsonSchema: Record<string, unknown>;
  /** Where it stands in the JSON Schema: `properties`, then the parameter's name. */
  readonly path: readonly PropertyKey[];
}

/** What callers give, or what comes out. */
export type SchemaSide = 'input' | 'output';

export interface ZodSchemaOptions {
  readonly io: SchemaSide;
  readonly unrepresentable: 'any';
  /** @throws UsageError `library-parameter` */
  readonly override: (described: Described) => void;
}

/**
 * For one call of `z.toJSONSchema(schema, …)`.
 * @param classes what the classes that the library exports are called, by their prototypes
 */
export function zodSchemaOptions(
  io: SchemaSide,
  classes: ReadonlyMap<object, string> = new Map<object, string>(),
): ZodSchemaOptions {
  const isComputed = defaultComparer();
  const override = ({ zodSchema, jsonSchema, path }: Described): void => {
    const def = definitionOf(zodSchema);
    if (def === undefined) return;
    // What Zod makes of any text is true, of "false" as well: a boolean stays one.
    const coerced = def['coerce'] === true && io === 'input' && def.type !== 'boolean';
    switch (def.type) {
      case 'date':
        replace(jsonSchema, coerced ? {} : dateType);
        return;
      case 'bigint':
        replace(jsonSchema, coerced ? {} : { type: 'integer', [specialType]: 'bigint' });
        return;
      case 'custom': {
        const made = classOf(zodSchema);
        const type = typeOfClass(made, classes);
        if (type !== undefined) replace(jsonSchema, type);
        else if (io === 'input' && typeof made === 'function' && !carried.has(made)) throw cannotBeGiven(made, path);
        return;
      }
      case 'catch':
        if (io === 'input') replace(jsonSchema, {});
        return;
      case 'pipe':
        // z.preprocess: what it takes is known to the function alone.
        if (io === 'input' && definitionOf(def['in'])?.type === 'transform') replace(jsonSchema, {});
        return;
      case 'default':
        if (!isPlain(def['innerType']) || isComputed(jsonSchema['default'], def)) delete jsonSchema['default'];
        return;
      default:
        if (coerced) replace(jsonSchema, {});
    }
  };
  return { io, unrepresentable: 'any', override };
}

/** What an argument of the class is described as; undefined where no type says it. */
function typeOfClass(
  made: unknown,
  classes: ReadonlyMap<object, string>,
): Readonly<Record<string, unknown>> | undefined {
  if (made === Uint8Array) return { type: 'string', [specialType]: 'bytes' };
  if (made === Date) return dateType;
  const prototype: unknown = typeof made === 'function' ? made.prototype : undefined;
  const name = typeof prototype === 'object' && prototype !== null ? classes.get(prototype) : undefined;
  return name === undefined ? undefined : { [specialType]: 'instance', [className]: name };
}

const dateType: Readonly<Record<string, unknown>> = { type: 'string', format: 'date-time', [specialType]: 'date' };

/** What else arguments may be instances of. */
const carried: ReadonlySet<unknown> = new Set([Object, Array, Map]);

function cannotBeGiven(
  made: { readonly name: string; readonly prototype: unknown },
  path: Described['path'],
): UsageError {
  const [, parameter] = path[0] === 'properties' ? path : [];
  const where = parameter === undefined ? 'params' : `parameter '${String(parameter)}'`;
  const why =
    made.prototype instanceof Uint8Array
      ? 'a byte string is a Uint8Array; write bytes().'
      : 'it is no class that is written in this file and exported; do both, or declare the data that it is made of.';
  return new UsageError('library-parameter', `${where}: no caller could give an instance of ${made.name}: ${why}`);
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
function defaultComparer(): (first: unknown, def: Definition) => boolean {
  let waited = false;
  return (first, def) => {
    // Zod has asked for all of them before it shows the first: one pause is enough for all.
    if (!waited) waitForClock();
    waited = true;
    return JSON.stringify(first) !== JSON.stringify(def['defaultValue']);
  };
}

/** Until the time of day has moved on for certain: a default may be made of it. */
function waitForClock(): void {
  const end = after(systemClock.now(), milliseconds(2));
  while (systemClock.now() < end);
}
