/**
 * The arguments of a call as JavaScript writes it, checked as the gateway checks them, and as the body that is sent.
 *
 *   f(1, 2)           by position
 *   f({ a: 1, b: 2 }) one plain object (or Map) alone: by name; it is the argument itself where that is the only parameter
 *                     and declared an object, as docs/calling.md says
 *   f([1, 2])         by position: one argument, which is a list
 *   f(1, undefined, 3) the second is left out
 *
 * What is checked is what the gateway will read: the arguments are encoded first. So what is no plain data goes as docs/libraries.md
 * says of results (`toJSON`, what can be iterated), and is checked as what it becomes.
 */
import { decodeCbor } from '../../cbor/decode.ts';
import { encodeCbor } from '../../cbor/encode.ts';
import { isPlainObject } from '../../cbor/carried-form.ts';
import { defaultDecodeLimits } from '../../cbor/limits.ts';
import { asReference } from '../../cbor/reference-tag.ts';
import type { Value } from '../../core/value.ts';
import type { DescribedFunction } from '../../directory/described.ts';
import { bind } from '../../functions/binding.ts';
import { CallError } from '../../functions/call-error.ts';
import { ArgumentError, notCallable } from './errors.ts';

/** An argument as an application gives it. */
export type Argument = Value | object;

/** The body; undefined where there are no arguments. @throws ArgumentError; UsageError `unencodable-value` */
export function bodyOf(fn: DescribedFunction, args: readonly Argument[]): Uint8Array | undefined {
  if (fn.notCallable !== undefined) throw notCallable(fn);
  const body = arranged(fn, args);
  if (body === undefined) {
    check(fn, undefined);
    return undefined;
  }
  const bytes = encodeCbor(body as Value);
  check(fn, decodeCbor(bytes, defaultDecodeLimits, asReference));
  return bytes;
}

/** @throws ArgumentError */
export function check(fn: Pick<DescribedFunction, 'method' | 'parameters'>, value: Value): void {
  try {
    bind(fn, value === undefined ? { kind: 'none' } : { kind: 'body', value });
  } catch (error) {
    throw error instanceof CallError ? ArgumentError.of(error) : error;
  }
}

/** A list by position, an object by name. */
export type Arranged = readonly Argument[] | Readonly<Record<string, Argument>> | ReadonlyMap<Argument, Argument>;

export function arranged(
  { parameters }: Pick<DescribedFunction, 'parameters'>,
  args: readonly Argument[],
): Arranged | undefined {
  const given = args.slice(0, args.findLastIndex((arg) => arg !== undefined) + 1);
  const [only] = given;
  if (given.length === 0) return undefined;
  if (args.length === 1 && isNamed(only)) return only;
  // In a CBOR array nothing is null: what is left out between two arguments is told by giving the others their names.
  if (!given.includes(undefined)) return given;
  const rest = parameters.findIndex((parameter) => parameter.rest);
  const single = rest === -1 ? given : given.slice(0, rest);
  const named = single.map((argument, index): [string, Argument] => [parameters[index]?.name ?? `${index}`, argument]);
  if (rest !== -1 && given.length > rest) named.push([parameters[rest]?.name ?? '', given.slice(rest)]);
  return Object.fromEntries(named.filter(([, argument]) => argument !== undefined));
}

const isNamed = (value: Argument): value is Readonly<Record<string, Argument>> | ReadonlyMap<Argument, Argument> =>
  typeof value === 'object' && value !== null && (value instanceof Map || isPlainObject(value));
