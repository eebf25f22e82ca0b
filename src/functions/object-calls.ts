/**
 * What is done with an object, as a call: the name says what, the first argument is the id of the object.
 *
 *   Account            makes one                  Account.balance?   reads an attribute
 *   Account.deposit    calls a method             Account.balance=   sets it
 *   Account.~          lets go of it; of the id '': of the instance for all callers, with its version of the library
 *
 * In which mode a class makes objects (`@instance`), the thread knows by itself.
 *
 * Such names are made here, of what a description lists, and never of what a peer says.
 */
import type { FunctionDescription, MemberDescription } from './description.ts';

export type ObjectOperation = 'call' | 'read' | 'set';

const ends: Readonly<Record<ObjectOperation, string>> = { call: '', read: '?', set: '=' };

const known = new WeakMap<MemberDescription, Map<ObjectOperation, FunctionDescription>>();

/** An operation on a member, as a function that the invoker runs; the same object for the same. */
export function memberFunction(
  of: FunctionDescription,
  member: MemberDescription,
  operation: ObjectOperation,
): FunctionDescription {
  const operations = known.get(member) ?? new Map<ObjectOperation, FunctionDescription>();
  known.set(member, operations);
  const made = operations.get(operation) ?? {
    ...ownFunction(of, `${of.method}.${member.name}${ends[operation]}`),
    id: undefined,
    title: member.title,
    doc: member.doc,
    parameters: operation === 'read' ? [] : member.parameters,
    returns: operation === 'set' ? undefined : member.returns,
    safe: operation === 'set' ? false : member.safe,
    ...(member.stream === true && { stream: true }),
    timeLimit: member.timeLimit,
  };
  operations.set(operation, made);
  return made;
}

export const makingFunction = (of: FunctionDescription): FunctionDescription => ownFunction(of, of.method);

export const endingFunction = (of: FunctionDescription): FunctionDescription => ({
  ...ownFunction(of, `${of.method}.~`),
  parameters: [],
});

const ownFunction = (of: FunctionDescription, method: string): FunctionDescription => ({
  ...of,
  method,
  safe: false,
  pure: false,
  inline: false,
  notCallable: undefined,
  members: undefined,
});
