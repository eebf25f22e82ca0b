/** A value as it crosses the wire: what CBOR, JSON and structured clone can all carry. */
export type Value =
  | null
  | undefined
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Date
  | readonly Value[]
  | { readonly [name: string]: Value }
  | ReadonlyMap<Value, Value>;
