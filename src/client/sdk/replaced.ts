/** Values in which some things stand for others: references of a batch for results, of the gateway for objects. */
import { Ancestors, isPlainObject } from '../../cbor/carried-form.ts';

/**
 * A copy of lists, maps and plain objects.
 * @param by what stands in the place of an item; the item itself: it stays, and is looked through
 * @throws UsageError `unencodable-value` for cycles and excessive depth, as writing it does
 */
export function replaced(
  value: unknown,
  by: (item: object) => unknown,
  ancestors: Ancestors = new Ancestors(),
): unknown {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return value;
  const other = by(value);
  if (other !== value) return other;
  ancestors.enter(value);
  const copy = copyOf(value, (item) => replaced(item, by, ancestors));
  ancestors.leave();
  return copy;
}

function copyOf(value: object, each: (item: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map(each);
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [key, each(item)]));
  if (!isPlainObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, each(item)]));
}
