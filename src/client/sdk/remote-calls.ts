/** Calls whose results may be objects of the gateway, and those objects (docs/objects.md). */
import { ObjectReference } from '../../core/object-reference.ts';
import type { Value } from '../../core/value.ts';
import { decodeCbor } from '../../cbor/decode.ts';
import { encodeCbor } from '../../cbor/encode.ts';
import { isClass, type DescribedClass, type DescribedFunction, type DescribedType } from '../../directory/described.ts';
import { readFunction } from '../../directory/read-description.ts';
import { RequestError } from '../request-error.ts';
import { valueOf } from './answer-value.ts';
import { check, type Argument } from './arguments.ts';
import { withOptions, type CallOptions } from './call-options.ts';
import type { Calls } from './calls.ts';
import type { DoorAnswer } from './door.ts';
import { notAGateway, RemoteError } from './errors.ts';
import { itemsOf, notIterable } from './followed-calls.ts';
import { outcomeOf, type Outcome } from './outcome.ts';
import type { RemoteMethod } from './remote-function.ts';
import { remoteObject, type ObjectActions, type RemoteObject } from './remote-object.ts';
import { replaced } from './replaced.ts';
import { memberFunction, memberTarget, settingFunction, type Target } from './target.ts';

/** One result, an object, or the items of a stream. */
export const outcomeOfCall = (
  calls: Calls,
  target: Target,
  args: readonly Argument[],
  options: CallOptions,
): Outcome<Value> =>
  outcomeOf(async (wish) => {
    const fn = await target.describe();
    if (fn.stream === true) {
      await calls.checked(target, args);
      return itemsOf({ calls, target, args, options });
    }
    if (wish.items) throw notIterable(fn);
    return await resultOfCall(calls, target, args, options);
  });

/** What a function returns, or the object that a class makes. @throws ArgumentError, RemoteError, RequestError */
async function resultOfCall(
  calls: Calls,
  target: Target,
  args: readonly Argument[],
  options: CallOptions,
): Promise<Value> {
  const fn = await target.describe();
  const answered = await calls.call(target, args, isClass(fn) ? { ...options, oneway: false } : options);
  if (answered === undefined) return undefined;
  if (!isClass(answered.fn)) return await resultIn(calls, answered.answer, answered.fn, options);
  const made = objectOf(calls, calls.madeId(answered, 'o'), { class: answered.fn }, options);
  // What an application is given may be any object.
  return made as object as Value;
}

/** The object at this path. @throws RemoteError 4.04 where it is gone; RequestError, PeerError 'not-a-gateway' */
export async function objectAt(calls: Calls, id: string, options: CallOptions): Promise<RemoteObject> {
  return objectOf(calls, id, { class: await classOf(calls, id, options) }, options);
}

async function classOf(calls: Calls, id: string, options: CallOptions): Promise<DescribedClass> {
  const answer = await calls.ask({ method: 'GET', path: ['o', id], query: [], payload: undefined }, options);
  const described = readFunction(valueOf(answer));
  if (!isClass(described)) throw notAGateway(calls.door.origin);
  return described;
}

/** Undefined as long as nobody has the object. */
interface Known {
  class: DescribedClass | undefined;
}

/** The value of an answer, with objects where it has references. */
async function resultIn(calls: Calls, answer: DoorAnswer, fn: DescribedFunction, options: CallOptions): Promise<Value> {
  let references = 0;
  const value = valueOf(answer, () => references++);
  return references === 0 ? value : await withObjects(calls, value, fn, options);
}

/**
 * Objects where the value has references. What they offer is that of the class that the function makes or is declared to return;
 * where it declares none, or several, each object is asked.
 */
export async function withObjects(
  calls: Calls,
  value: Value,
  fn: DescribedFunction | undefined,
  options: CallOptions,
): Promise<Value> {
  const found = new Map<string, { readonly known: Known; readonly object: RemoteObject }>();
  const objectFor = ({ id }: ObjectReference): RemoteObject => {
    let entry = found.get(id);
    if (entry === undefined) {
      const known: Known = { class: undefined };
      entry = { known, object: objectOf(calls, id, known, options) };
      found.set(id, entry);
    }
    return entry.object;
  };
  // What an application is given may be any object.
  const given = replaced(value, (item) => (item instanceof ObjectReference ? objectFor(item) : item)) as Value;
  if (found.size === 0) return given;
  const declared = await declaredClass(calls, fn);
  for (const [id, { known }] of found) known.class = declared ?? (await classOf(calls, id, options));
  return given;
}

/** What a call gives: of a class an object. */
export const resultType = (fn: DescribedFunction | undefined): DescribedType | undefined =>
  fn !== undefined && isClass(fn) ? { kind: 'instance', class: fn.method } : fn?.returns;

async function declaredClass(calls: Calls, fn: DescribedFunction | undefined): Promise<DescribedClass | undefined> {
  const type = resultType(fn);
  const names = new Set(type === undefined ? [] : classesIn(type));
  const [name] = names;
  if (fn === undefined || name === undefined || names.size > 1) return undefined;
  const described = await calls.catalogue.describe(fn.library, name);
  return isClass(described) ? described : undefined;
}

/** Anything may be an object of any class. */
function classesIn(type: DescribedType): readonly string[] {
  switch (type.kind) {
    case 'instance':
      return [type.class];
    case 'any':
      return ['', '*'];
    case 'union':
      return type.options.flatMap(classesIn);
    case 'array':
      return classesIn(type.items);
    case 'tuple':
      return type.items.flatMap(classesIn);
    case 'object': {
      const members = Object.values(type.properties).map((member) => member.type);
      return [...members, ...(type.additional === undefined ? [] : [type.additional])].flatMap(classesIn);
    }
    case 'null':
    case 'boolean':
    case 'number':
    case 'integer':
    case 'bigint':
    case 'string':
    case 'bytes':
    case 'date':
    case 'literal':
      return [];
  }
}

function objectOf(calls: Calls, id: string, known: Known, options: CallOptions): RemoteObject {
  const described = (): DescribedClass => {
    if (known.class === undefined) throw notAGateway(calls.door.origin);
    return known.class;
  };
  return remoteObject(described, actionsOf(calls, id, described, known, options));
}

function actionsOf(
  calls: Calls,
  id: string,
  described: () => DescribedClass,
  known: Known,
  options: CallOptions,
): ObjectActions {
  const path = ['o', id];
  const release = async (): Promise<void> => {
    await calls.ask({ method: 'DELETE', path, query: [], payload: undefined }, options);
  };
  return {
    uri: `${calls.door.origin}/o/${id}`,
    path: `/o/${id}`,
    method: (member) => methodOf(calls, memberTarget(described(), id, member), options),
    read: async (member) => {
      const question = { method: 'GET', path: [...path, member.name], query: [], payload: undefined } as const;
      return await resultIn(calls, await calls.ask(question, options), memberFunction(described(), member), options);
    },
    set: async (member, value) => {
      const payload = encodeCbor(value as Value);
      check(settingFunction(described(), member), [decodeCbor(payload)]);
      await calls.ask({ method: 'PUT', path: [...path, member.name], query: [], payload }, options);
    },
    release,
    dispose: async () => {
      try {
        await release();
      } catch (error) {
        // Its gateway or its lease ends it; and what was thrown in the block is not to be hidden.
        const isGone = error instanceof RequestError || (error instanceof RemoteError && error.status === '4.04');
        if (!isGone) throw error;
      }
    },
    with: (changes) => objectOf(calls, id, known, withOptions(options, changes)),
  };
}

function methodOf(calls: Calls, target: Target, options: CallOptions): RemoteMethod {
  const call = (...args: readonly Argument[]): Outcome<Value> => outcomeOfCall(calls, target, args, options);
  return Object.assign(call, {
    with: (changes: Partial<CallOptions>) => methodOf(calls, target, withOptions(options, changes)),
  });
}
