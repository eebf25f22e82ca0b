/** Chance for what is sans-IO. Tests hand in their own. */
import { randomBytes } from 'node:crypto';

export const systemRandomness: {
  /** Uniform in [0, 1); not for secrets. */
  readonly uniform: () => number;
  /** For tokens and keys. */
  readonly bytes: (length: number) => Uint8Array;
} = {
  uniform: Math.random,
  bytes: (length) => new Uint8Array(randomBytes(length)),
};
