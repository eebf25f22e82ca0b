/**
 * What is asked of objects (docs/objects.md), in no protocol's words: the CoAP front (resources/object.ts), doors beside it (door-objects.ts)
 * and batches ask here, so that all decide alike.
 *
 *     ask      what has no side effects: reads an attribute, calls a safe method        call     any method
 *     set      an attribute                                                             release  the object
 */
import { argumentsKey } from '../cache/arguments-key.ts';
import type { EncodedResult } from '../cache/cacheable.ts';
import { contentOf } from '../cache/result.ts';
import type { Value } from '../core/value.ts';
import { bind, type ArgumentInput } from '../functions/binding.ts';
import { CallError, type Offer } from '../functions/call-error.ts';
import type { Call, CallResult, Home } from '../functions/call.ts';
import type { FunctionDescription, MemberDescription } from '../functions/description.ts';
import { memberFunction, type ObjectOperation } from '../functions/object-calls.ts';
import { PackedArguments } from '../functions/packed-arguments.ts';
import type { Access } from './access-rules.ts';
import { readBody } from './body.ts';
import type { GivenArguments } from './bound-call.ts';
import { checkPlace, checkSafe, representationOf } from './call-terms.ts';
import { readControlWords, type ControlWords } from './control-words.ts';
import { describedFunction, type Described, type DescriptionForm } from './described.ts';
import type { HeldObject } from './object-leases.ts';
import type { ObjectCaller } from './objects.ts';

/** Who asks. */
export interface ObjectVisitor extends ObjectCaller {
  readonly access: Access;
}

/** What is done with a member, as a function. */
export interface MemberCall {
  readonly fn: FunctionDescription;
  readonly operation: ObjectOperation;
}

export interface StreamArguments {
  readonly args: readonly Value[];
  readonly home: Home;
  /** The part of a key. */
  readonly part: string | undefined;
}

/** @throws CallError `method-not-allowed` for what can only be made, `not-callable` where nobody makes any, `access-denied`, `identity-needed` */
export function checkMaking(of: FunctionDescription, verb: Offer, { access, caller }: ObjectVisitor): void {
  access.checkFunction(of, { caller });
  if (of.notMade !== undefined)
    throw new CallError('not-callable', `No object is made of ${of.library}/${of.method}: ${of.notMade}.`);
  if (verb === 'call') return;
  throw new CallError('method-not-allowed', `${of.library}/${of.method} is a class: POST makes an object of it.`, {
    offered: ['call'],
  });
}

/** Everything but the arguments is checked. @throws CallError */
export function memberCall({ of }: HeldObject, name: string, verb: Offer, visitor: ObjectVisitor): MemberCall {
  const member = memberNamed(of, name);
  const operation = operationOf(member, verb);
  if (operation === undefined) throw notOffered(of, member, visitor);
  const fn = memberFunction(of, member, operation);
  visitor.access.checkFunction(fn, visitor);
  if (verb === 'ask') checkSafe(fn);
  return { fn, operation };
}

/** In a batch, where a method is called and an attribute read. @param safe no side effects are wanted */
export function batchedMember(object: HeldObject, name: string, safe: boolean, visitor: ObjectVisitor): MemberCall {
  const isAttribute = memberNamed(object.of, name).kind === 'attribute';
  return memberCall(object, name, safe || isAttribute ? 'ask' : 'call', visitor);
}

/** What the caller may know of a class, or of an object of it. */
export const describedClass = (of: FunctionDescription, form: DescriptionForm, { access }: ObjectVisitor): Described =>
  describedFunction(access.visibleClass(of), form);

/**
 * A member as a function: a method as it is called, an attribute as it is read, or set by who may do only that.
 * @throws CallError `no-such-method`, `access-denied`, `identity-needed`
 */
export function describedMember(
  { of }: HeldObject,
  name: string,
  form: DescriptionForm,
  visitor: ObjectVisitor,
): Described {
  const member = memberNamed(of, name);
  const usable = visitor.access.visibleClass(of).members?.find((candidate) => candidate.name === name) ?? member;
  const fn = memberFunction(of, member, anyOperation(usable));
  visitor.access.checkFunction(fn, visitor);
  return describedFunction(fn, form);
}

/** An object as a whole has no other. */
const wholeOffers: readonly Offer[] = ['ask', 'release'];

export const notOfWhole = (): CallError =>
  new CallError('method-not-allowed', 'An object has GET and DELETE; call its methods below it.', {
    offered: wholeOffers,
  });

/** @throws CallError `unknown-query`, `bad-request` */
export function readObjectWords(query: readonly string[]): ControlWords {
  const words = readControlWords(query);
  if (words.job)
    throw new CallError('bad-request', 'Objects are made, and their methods called, at once: _job is for functions.');
  return words;
}

/** The arguments of a constructor or a method; of an attribute that is set the value, which the body is. @throws CallError */
export function boundArguments(
  fn: FunctionDescription,
  { body, bodyFormat, items }: GivenArguments,
  operation: ObjectOperation = 'call',
): Call['args'] {
  if (body.length === 0) return bind(fn, items.length === 0 ? { kind: 'none' } : { kind: 'query', items });
  checkPlace(false, items);
  const read = readBody(fn, body, bodyFormat);
  return bind(fn, operation === 'set' ? onlyValue(read) : read);
}

/** Of a method that is a stream: the object stands before them. @param bound the method's own */
export function streamArguments({ id }: HeldObject, bound: Call['args']): StreamArguments {
  const args = [id, ...(bound instanceof PackedArguments ? bound.values : bound)];
  return { args, home: { object: id, does: 'use' }, part: argumentsKey(args) };
}

/** What a call gave, as it is sent. @throws CallError `unencodable-result` */
export const objectRepresentation = (given: CallResult, format: number): EncodedResult =>
  representationOf(contentOf(given), format);

/** The value is no list of arguments. */
const onlyValue = (read: ArgumentInput): ArgumentInput =>
  read.kind === 'body' ? { kind: 'body', value: [read.value] } : read;

function memberNamed(of: FunctionDescription, name: string): MemberDescription {
  const member = of.members?.find((candidate) => candidate.name === name);
  if (member !== undefined) return member;
  throw new CallError('no-such-method', `${of.library}/${of.method} has no ${name.slice(0, 64)}; GET the object.`);
}

function operationOf({ kind, readable, writable }: MemberDescription, verb: Offer): ObjectOperation | undefined {
  if (kind === 'method') return verb === 'ask' || verb === 'call' ? 'call' : undefined;
  if (verb === 'ask' && readable) return 'read';
  return verb === 'set' && writable ? 'set' : undefined;
}

/** What there is instead, as far as the caller may. @throws CallError `access-denied`, `identity-needed` where that is nothing */
function notOffered(of: FunctionDescription, member: MemberDescription, visitor: ObjectVisitor): CallError {
  const { kind, name } = member;
  const usable = visitor.access.visibleClass(of).members?.find((candidate) => candidate.name === name);
  if (usable === undefined) visitor.access.checkFunction(memberFunction(of, member, anyOperation(member)), visitor);
  const { readable, writable, safe } = usable ?? member;
  const offered: readonly Offer[] =
    kind === 'method'
      ? [...(safe ? (['ask'] as const) : []), 'call']
      : [...(readable ? (['ask'] as const) : []), ...(writable ? (['set'] as const) : [])];
  const words = kind === 'method' ? methodWords(safe) : attributeWords(readable, writable);
  return new CallError('method-not-allowed', `${name} ${words}.`, { offered });
}

const anyOperation = ({ kind, readable }: MemberDescription): ObjectOperation =>
  kind === 'method' ? 'call' : readable ? 'read' : 'set';

const methodWords = (safe: boolean): string => `is a method: call it with ${safe ? 'GET, FETCH or POST' : 'POST'}`;

function attributeWords(readable: boolean, writable: boolean): string {
  if (!writable) return 'can only be read, with GET';
  return readable ? 'is read with GET and set with PUT' : 'can only be set, with PUT';
}
