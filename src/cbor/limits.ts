/** How much a body may ask of the decoder. Everything here bounds what a peer can make grow. */

export interface DecodeLimits {
  /** Arrays, maps and tags inside one another. A lone number is at depth 0. */
  readonly maxDepth: number;
  /** Data items in one body, keys and chunks counted. An empty map of one byte costs 60 bytes of heap. */
  readonly maxItems: number;
  /** Bytes of one bignum (JSON: its digits in proportion): arithmetic on large ones is quadratic. */
  readonly maxBignumBytes: number;
}

/** None of the three numbers is from an RFC; RFC 8949 §10 asks for limits of this kind. */
export const defaultDecodeLimits: DecodeLimits = {
  maxDepth: 32,
  maxItems: 262_144,
  maxBignumBytes: 1024,
};
