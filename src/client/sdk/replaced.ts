/** Values in which some things stand for others: references of a batch for results, of the gateway for objects. */
import { isPlainObject } from '../../cbor/carried-form.ts';

/** A copy of lists, maps and plain objects. @param by what stands in the place of it; the item itself: it stays, and is looked through */
export function replaced(value: unknown, by: (item: object) => unknown): unknown {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return value;
  const other = by(value);
  if (other !== value) return other;
  if (Array.isArray(value)) return value.map((item: unknown) => replaced(item, by));
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [key, replaced(item, by)]));
  if (!isPlainObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, replaced(item, by)]));
}
