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
