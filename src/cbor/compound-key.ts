/** Map keys that are neither numbers nor texts nor the like: compared by what they mean (RFC 8949 §5.6.1). */
import { hex } from '../core/bytes.ts';
import type { Value } from '../core/value.ts';
import { encodeCbor } from './encode.ts';

export interface CompoundKey {
  readonly key: Value;
  /** The byte at which it begins. */
  readonly start: number;
  readonly bytes: number;
}

/** The first that is the same value as one before it. */
export function findRepeated(keys: readonly CompoundKey[]): CompoundKey | undefined {
  const seen = new Set<string>();
  return keys.find(({ key }) => {
    const canonical = hex(encodeCbor(key));
    const repeated = seen.has(canonical);
    seen.add(canonical);
    return repeated;
  });
}
