/** Tags that are understood (RFC 8949 §3.4): what they may hold, and the value that they make of it. */
import { hex } from '../core/bytes.ts';
import type { Value } from '../core/value.ts';
import { parseDateTime } from './date-time.ts';
import { malformedCbor } from './malformed.ts';

/** One more tag that is understood, where it means something. */
export interface OwnTag {
  readonly tag: number;
  /** What stands for it in the value. @param content of the tag @param at where the tag begins */
  readonly value: (content: Value, at: number) => Value;
}

/** @param initial the initial byte of the content, undefined where the input ends before it */
export function checkTagContent(tag: number, initial: number | undefined, start: number): void {
  const type = initial === undefined ? undefined : initial >> 5;
  switch (tag) {
    case 0:
      if (type !== undefined && type !== 3) throw malformedCbor('tag 0 (a date) must hold a text string', start);
      return;
    case 1:
      // RFC 8949 §3.4.2: an integer or a float of 2, 4 or 8 bytes.
      if (type !== undefined && type !== 0 && type !== 1 && initial !== 0xf9 && initial !== 0xfa && initial !== 0xfb)
        throw malformedCbor('tag 1 (a date) must hold a number of seconds', start);
      return;
    case 2:
    case 3:
      if (type !== undefined && type !== 2) throw malformedCbor(`tag ${tag} (a bignum) must hold a byte string`, start);
      return;
    default:
      if (tag !== 55799) throw malformedCbor(`tag ${tag} is not understood; 0, 1, 2, 3 and 55799 are`, start);
  }
}

/** `at` is where the content begins. */
export function fromTag(tag: number, content: Value, at: number): Value {
  switch (tag) {
    case 0: {
      const date = typeof content === 'string' ? parseDateTime(content) : undefined;
      if (date === undefined) throw malformedCbor('tag 0 must hold a date and time as in 2013-03-21T20:04:00Z', at);
      return date;
    }
    case 1: {
      const date = new Date(Math.round(Number(content) * 1000));
      if (Number.isNaN(date.getTime())) throw malformedCbor('tag 1 holds a time that no date has', at);
      return date;
    }
    case 2:
      return unsigned(content);
    case 3: {
      const n = unsigned(content);
      return typeof n === 'bigint' || n === Number.MAX_SAFE_INTEGER ? -1n - BigInt(n) : -1 - n;
    }
    // RFC 8949 §3.4.6: 55799 says only that this is CBOR.
    default:
      return content;
  }
}

/** RFC 8949 §3.4.3: how an integer is written has no meaning, so a small bignum is a number. */
function unsigned(content: Value): number | bigint {
  if (!(content instanceof Uint8Array) || content.length === 0) return 0;
  const n = BigInt(`0x${hex(content)}`);
  return n <= Number.MAX_SAFE_INTEGER ? Number(n) : n;
}
