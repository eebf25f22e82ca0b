/**
 * From the arguments of a request to the positional arguments of a call: the one canonical form,
 * so that all ways of writing a call are one cache entry.
 *
 * Body
 * - A map is by name; a key that is an integer (or, as JSON has no integer keys, its decimal text)
 *   is a locked parameter id.
 * - An array is by position, always: to give one list to a function of one list, nest it (`[[1,2]]`)
 *   or name it.
 * - A scalar (also a byte string, a date, null, an object of a class) is the only argument. No body is no argument.
 * - One exception: where the only parameter is declared an object, a map is that object, unless its
 *   one key is the parameter's name or id.
 * Query: `name=text` or `id=text`, the text read by the declared type (query-text.ts). Where the only
 * parameter is declared an object, other names are its members.
 *
 * Then declared defaults are filled in, values brought to the canonical form of their types
 * (converter.ts), omitted arguments at the end left off, rest arguments spread. `undefined` is
 * an omitted argument, null is a value.
 */
import { ObjectReference } from '../core/object-reference.ts';
import { isList, type Value } from '../core/value.ts';
import { givenTwice, maxRest, missing, tooMany, tooManyRest, unexpected, unknownItem } from './binding-errors.ts';
import { indexOf, nameOf, planOf, type Plan } from './binding-plan.ts';
import { mismatch, recordOf } from './converter.ts';
import type { ParameterDescription, Signature } from './description.ts';
import { shown } from './names.ts';
import { readQuery } from './query-text.ts';
import { anyType } from './signature/value-types.ts';
import { wrongType } from './validation.ts';

/** Arguments as they arrived. Control words (`_why`, `c.pmin`) are taken out of `items` before. */
export type ArgumentInput =
  | { readonly kind: 'none' }
  | { readonly kind: 'body'; readonly value: Value }
  /** Values of Uri-Query, percent-decoded: `a=10`. */
  | { readonly kind: 'query'; readonly items: readonly string[] };

/** Keyed by the description: a changed library brings a new one. */
const plans = new WeakMap<Signature, Plan>();

/**
 * The canonical positional arguments of a call.
 * @throws CallError `missing-argument`, `unexpected-argument`, `too-many-arguments`, `wrong-type`
 * (4.22), `unknown-query` (4.00)
 */
export function bind(fn: Signature, input: ArgumentInput): readonly Value[] {
  const plan = knownPlan(fn);
  switch (input.kind) {
    case 'none':
      return finish(plan, []);
    case 'query':
      return input.items.length === 0 ? finish(plan, []) : finish(plan, fromQuery(plan, input.items));
    case 'body':
      return fromBody(plan, input.value);
  }
}

/** Whether an object of a class may be, or be in, one of its arguments: then it is bound to a reference (core/object-reference.ts). */
export const takesObjects = (fn: Signature): boolean => knownPlan(fn).takesObjects;

function knownPlan(fn: Signature): Plan {
  let plan = plans.get(fn);
  if (plan === undefined) {
    plan = planOf(fn);
    plans.set(fn, plan);
  }
  return plan;
}

function fromBody(plan: Plan, value: Value): readonly Value[] {
  if (value === undefined) return finish(plan, []);
  if (typeof value !== 'object' || value === null) return fromList(plan, [value]);
  if (isList(value)) return fromList(plan, value);
  if (value instanceof Uint8Array || value instanceof Date) return fromList(plan, [value]);
  if (plan.takesObjects && value instanceof ObjectReference) return fromList(plan, [value]);
  if (plan.onlyObject !== undefined && !namesOnlyParameter(plan, value as NamedArguments)) return finish(plan, [value]);
  return finish(
    plan,
    value instanceof Map ? fromMap(plan, value) : fromObject(plan, value as Readonly<Record<string, Value>>),
  );
}

type NamedArguments = ReadonlyMap<Value, Value> | Readonly<Record<string, Value>>;

/** `{options: …}` for the only parameter `options`: an object with this one key, or its id, is by name. */
function namesOnlyParameter(plan: Plan, value: NamedArguments): boolean {
  const keys: readonly Value[] = value instanceof Map ? [...value.keys()].slice(0, 2) : Object.keys(value);
  const [key] = keys;
  return keys.length === 1 && (typeof key === 'string' || typeof key === 'number') && indexOf(plan, key) !== undefined;
}

function fromObject(plan: Plan, value: Readonly<Record<string, Value>>): Value[] {
  const given: Value[] = [];
  const others: [string, Value][] = [];
  const keys = Object.keys(value);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] ?? '';
    const index = plan.byName.get(key) ?? indexOf(plan, key);
    if (index !== undefined) put(plan, given, index, value[key]);
    else if (plan.others !== undefined) others.push([key, value[key]]);
    else throw unexpected(plan, key);
  }
  putOthers(plan, given, others);
  return given;
}

function fromMap(plan: Plan, value: ReadonlyMap<Value, Value>): Value[] {
  const given: Value[] = [];
  const others: [string, Value][] = [];
  for (const [key, argument] of value) {
    const index = typeof key === 'string' || typeof key === 'number' ? indexOf(plan, key) : undefined;
    if (index !== undefined) put(plan, given, index, argument);
    else if (plan.others !== undefined && typeof key === 'string') others.push([key, argument]);
    else throw unexpected(plan, key);
  }
  putOthers(plan, given, others);
  return given;
}

/** Names that are no parameter's, besides those that were given under the name of the parameter that takes them. */
function putOthers(plan: Plan, given: Value[], others: readonly (readonly [string, Value])[]): void {
  if (others.length === 0 || plan.others === undefined) return;
  const named = given[plan.others] === undefined ? {} : recordOf(given[plan.others]);
  // What else stands under that name is refused as any value is that does not fit.
  if (named === undefined) return;
  const twice = others.find(([name]) => Object.hasOwn(named, name));
  if (twice !== undefined) throw unexpected(plan, twice[0]);
  given[plan.others] = undefined;
  put(plan, given, plan.others, Object.fromEntries([...Object.entries(named), ...others]));
}

function put(plan: Plan, given: Value[], index: number, value: Value): void {
  if (given[index] !== undefined && value !== undefined) throw givenTwice(plan, index);
  if (value === undefined) return;
  while (given.length < index) given.push(undefined);
  given[index] = value;
}

function fromList(plan: Plan, values: readonly Value[]): readonly Value[] {
  const { room, rest } = plan;
  if (values.length <= room) return finish(plan, values);
  if (rest === undefined) throw tooMany(plan, values.length);
  if (values.length - room > maxRest) throw tooManyRest(plan, rest);
  const given = values.slice(0, room);
  put(plan, given, rest, values.slice(room));
  return finish(plan, given);
}

/** Converts, fills in defaults, spreads the rest, leaves off what is omitted at the end. */
function finish(plan: Plan, given: readonly Value[]): readonly Value[] {
  const { slots } = plan;
  const args: Value[] = [];
  let length = 0;
  for (let i = 0; i < slots.length; i++) {
    const slot = slots[i];
    if (slot === undefined) break;
    const value = given[i];
    if (value === undefined) {
      if (slot.fallback !== undefined) {
        args.push(slot.fallback());
        length = args.length;
      } else if (slot.parameter.required) throw missing(plan, i);
      else if (!slot.parameter.rest) args.push(undefined);
      continue;
    }
    const converted = slot.convert(value, false);
    if (converted === mismatch) throw wrongType(value, slot.parameter.type, slot.parameter.name, nameOf(plan, i));
    if (slot.parameter.rest && Array.isArray(converted)) {
      if (converted.length > maxRest) throw tooManyRest(plan, i);
      for (const item of converted as readonly Value[]) {
        args.push(item);
        if (item !== undefined) length = args.length;
      }
      continue;
    }
    args.push(converted);
    length = args.length;
  }
  // Setting a length is slow even where it changes nothing.
  if (args.length !== length) args.length = length;
  return args;
}

function fromQuery(plan: Plan, items: readonly string[]): Value[] {
  const { onlyObject } = plan;
  const direct = onlyObject !== undefined && items.some((item) => indexOf(plan, nameOfItem(item)) === undefined);
  if (direct) return [readMembers(plan, onlyObject, items)];
  const given: Value[] = [];
  const texts = new Map<number, (string | undefined)[]>();
  const others = new Map<string, (string | undefined)[]>();
  for (const item of items) {
    const name = nameOfItem(item);
    const index = indexOf(plan, name);
    if (index !== undefined) addTo(texts, index, textOfItem(item));
    else if (plan.others !== undefined) addTo(others, name, textOfItem(item));
    else throw unknownItem(plan, name, [...plan.byName.keys()]);
  }
  for (const [index, list] of texts) {
    const parameter = plan.slots[index]?.parameter;
    if (parameter !== undefined)
      put(plan, given, index, readQuery(list, parameter.type, parameter.name, nameOf(plan, index)));
  }
  const { others: at } = plan;
  const taking = at === undefined ? undefined : plan.slots[at]?.parameter.type;
  const type = taking?.kind === 'object' ? (taking.additional ?? anyType) : anyType;
  putOthers(
    plan,
    given,
    [...others].map(([name, list]) => [name, readQuery(list, type, shown(name), nameOf(plan, at ?? 0))]),
  );
  return given;
}

/** `?x=1&y=2` for the only parameter, an object with x and y. */
function readMembers(plan: Plan, parameter: ParameterDescription, items: readonly string[]): Value {
  const types = parameter.type.kind === 'union' ? parameter.type.options : [parameter.type];
  const object = types.find((type) => type.kind === 'object');
  if (object === undefined) throw unknownItem(plan, nameOfItem(items[0] ?? ''), [parameter.name]);
  const texts = new Map<string, (string | undefined)[]>();
  for (const item of items) addTo(texts, nameOfItem(item), textOfItem(item));
  const members: [string, Value][] = [];
  for (const [name, list] of texts) {
    const known = Object.hasOwn(object.properties, name) ? object.properties[name]?.type : object.additional;
    if (known === undefined) throw unknownItem(plan, name, Object.keys(object.properties));
    members.push([name, readQuery(list, known, `${parameter.name}.${shown(name)}`, nameOf(plan, 0))]);
  }
  return Object.fromEntries(members);
}

function addTo<K>(lists: Map<K, (string | undefined)[]>, key: K, text: string | undefined): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [text]);
  else list.push(text);
}

function nameOfItem(item: string): string {
  const equals = item.indexOf('=');
  return equals === -1 ? item : item.slice(0, equals);
}

/** undefined: the item has no `=`. */
function textOfItem(item: string): string | undefined {
  const equals = item.indexOf('=');
  return equals === -1 ? undefined : item.slice(equals + 1);
}
