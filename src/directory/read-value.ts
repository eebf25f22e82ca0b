/** Reading the parts of a description that another gateway sent: each is what it should be, or a PeerError `bad-description`. */
import { PeerError } from '../core/error.ts';
import { isList, type Value } from '../core/value.ts';

export type ValueRecord = Readonly<Record<string, Value>>;

/** A map whose keys are text: decoders give plain objects for those. */
export function recordOf(value: Value, what: string): ValueRecord {
  if (typeof value !== 'object' || value === null || !isPlain(value)) throw wrong(what, 'a map');
  return value;
}

const isPlain = (value: object): value is ValueRecord => {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
};

/** A member, or undefined; never what every object inherits. */
export const fieldOf = (record: ValueRecord, name: string): Value =>
  Object.hasOwn(record, name) ? record[name] : undefined;

export function textOf(value: Value, what: string): string {
  if (typeof value !== 'string') throw wrong(what, 'text');
  return value;
}

export function optionalTextOf(value: Value, what: string): string | undefined {
  return value === undefined ? undefined : textOf(value, what);
}

export function numberOf(value: Value, what: string): number | undefined {
  if (value === undefined || typeof value === 'number') return value;
  throw wrong(what, 'a number');
}

/** A locked id: a whole number from 0. */
export function idOf(value: Value, what: string): number | undefined {
  const id = numberOf(value, what);
  if (id !== undefined && (!Number.isSafeInteger(id) || id < 0)) throw wrong(what, 'a whole number from 0');
  return id;
}

/** A flag that is there only where it is true. */
export const flagOf = (value: Value): boolean => value === true;

export function arrayOf(value: Value, what: string): readonly Value[] {
  if (!isList(value)) throw wrong(what, 'an array');
  return value;
}

export const textListOf = (value: Value, what: string): string[] =>
  value === undefined ? [] : arrayOf(value, what).map((item) => textOf(item, what));

function wrong(what: string, wanted: string): PeerError {
  return new PeerError(
    'bad-description',
    `The answer is not a description by a funcoap gateway: ${what} is not ${wanted}`,
  );
}
