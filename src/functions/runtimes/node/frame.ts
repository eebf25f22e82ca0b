/**
 * The bytes of a frame between the gateway and a worker thread: numbers, texts, byte strings and whole values, one after the
 * other, without names. Values keep what CBOR does not tell: undefined, a bigint below 2^53, the order
 * of members, a Map whose keys are text, half of a surrogate pair.
 *
 *   value   one byte that says what follows
 *           0 undefined · 1 null · 2 false · 3 true · 4 integer of 32 bits · 5 float · 6 text · 7 bigint, as text
 *           8 bytes · 9 date, as float · 10 array · 11 object · 12 map · 13 reference, as an id and the classes it may be of
 *   text    its code units, one byte each (length ≥ 0) or two bytes each (length < 0, the complement), after a 32-bit length
 *
 * Written by frame-writer.ts (references by reference-writer.ts) and read by frame-reader.ts, which trusts nothing: what is not there, or is
 * not what it should be, is a `BrokenFrame`.
 */
import { InternalError } from '../../../core/error.ts';

export const kind = {
  undefined: 0,
  null: 1,
  false: 2,
  true: 3,
  integer: 4,
  float: 5,
  text: 6,
  bigint: 7,
  bytes: 8,
  date: 9,
  array: 10,
  object: 11,
  map: 12,
  reference: 13,
} as const;

/** Deeper than any value that is decoded or returned (toPortable): this one has a cycle, or was made to harm. */
export const maxDepth = 256;
/** Longer texts are left to Buffer, whose call costs as much as so many code units. */
export const shortText = 48;

/** What cannot have been written by a FrameWriter. */
export class BrokenFrame extends InternalError {
  constructor(why: string) {
    super('broken-frame', `A worker thread and the gateway do not understand each other: ${why}.`);
  }
}
