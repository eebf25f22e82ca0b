/** How much a body may ask of the decoder. Everything here bounds what a peer can make grow. */

export interface DecodeLimits {
  /** Arrays, maps and tags inside one another. A lone number is at depth 0. */
  readonly maxDepth: number;
  /** Data items in one body, keys and chunks counted. An empty map of one byte costs 60 bytes of heap. */
  readonly maxItems: number;
  /** Bytes of one bignum (JSON: its digits in proportion): arithmetic on large ones is quadratic. */
  readonly maxBignumBytes: number;
  /**
   * Bytes of map keys that are neither numbers nor texts, of maps with two and more of them: they are compared by what they
   * mean. A key within a key counts again for each level, as it is read again.
   */
  readonly maxKeyBytes: number;
}

/** None of the numbers is from an RFC; RFC 8949 §10 asks for limits of this kind. */
export const defaultDecodeLimits: DecodeLimits = {
  maxDepth: 32,
  maxItems: 262_144,
  maxBignumBytes: 1024,
  maxKeyBytes: 65_536,
};
