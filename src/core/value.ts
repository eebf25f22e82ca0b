/** A value as it crosses the wire: what CBOR and JSON can both carry. */
import type { ObjectReference } from './object-reference.ts';

export type Value =
  | null
  | undefined
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Date
  | ObjectReference
  | readonly Value[]
  | { readonly [name: string]: Value }
  | ReadonlyMap<Value, Value>;

/** Array.isArray takes a list for one that may be written to, and others for lists. */
export const isList = (value: Value): value is readonly Value[] => Array.isArray(value);
