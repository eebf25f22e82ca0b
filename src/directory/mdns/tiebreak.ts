/** Who of two that probe for a name at the same time has it (RFC 6762 §8.2). */
import type { ResourceRecord } from './message.ts';

/** RFC 6762 §8.2.1: whether `theirs` come lexicographically later than `ours`; equal sets are no conflict. */
export function comesLater(theirs: readonly ResourceRecord[], ours: readonly ResourceRecord[]): boolean {
  const [left, right] = [theirs.toSorted(compare), ours.toSorted(compare)];
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const [one, other] = [left[at], right[at]];
    if (one === undefined || other === undefined) return one !== undefined;
    const order = compare(one, other);
    if (order !== 0) return order > 0;
  }
  return false;
}

/** By type, then by data as unsigned bytes; all are of one class. */
function compare(one: ResourceRecord, other: ResourceRecord): number {
  if (one.type !== other.type) return one.type - other.type;
  const length = Math.min(one.data.length, other.data.length);
  for (let at = 0; at < length; at++) {
    const difference = (one.data[at] ?? 0) - (other.data[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return one.data.length - other.data.length;
}
