/**
 * The value of Block1 and Block2 (RFC 7959 §2.2).
 *
 *      0                   1                   2
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *     |                  NUM                  |M| SZX |   0 to 3 bytes, leading zeros left out
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
import { decodeUint, encodeUint, findOption, type Option } from '../codec/options.ts';

/** Size exponent: a block has 2^(szx + 4) bytes, 16 to 1024. 7 is reserved. */
export type Szx = 0 | 1 | 2 | 3 | 4 | 5 | 6;

export interface Block {
  readonly num: number;
  readonly more: boolean;
  readonly szx: Szx;
}

/** NUM has 20 bits. */
const maxNum = 0xfffff;

export const blockSize = (szx: Szx): number => 1 << (szx + 4);

/** The largest SZX whose block is no larger than `bytes`; undefined below 16. */
export function szxWithin(bytes: number): Szx | undefined {
  if (bytes < 16) return undefined;
  return Math.min(6, Math.floor(Math.log2(bytes)) - 4) as Szx;
}

function decodeBlock(value: Uint8Array): Block | undefined {
  const n = decodeUint(value);
  const szx = n & 7;
  // RFC 7959 §2.2: 7 MUST NOT be sent and is an error when received.
  if (szx === 7) return undefined;
  return { num: n >>> 4, more: (n & 8) !== 0, szx: szx as Szx };
}

export const encodeBlock = (block: Block): Uint8Array =>
  encodeUint((block.num << 4) | (block.more ? 8 : 0) | block.szx);

/** The block option of that number; `invalid` where its value is reserved. */
export function findBlock(options: readonly Option[], number: number): Block | 'invalid' | undefined {
  const value = findOption(options, number);
  return value === undefined ? undefined : (decodeBlock(value) ?? 'invalid');
}

/** The block of `body` at `num`, or undefined where it lies past the end. The empty body has one block. */
export function sliceBlock(
  body: Uint8Array,
  num: number,
  szx: Szx,
): { readonly block: Block; readonly payload: Uint8Array } | undefined {
  const size = blockSize(szx);
  const from = num * size;
  if (num > maxNum || (from >= body.length && num > 0)) return undefined;
  return {
    block: { num, more: from + size < body.length, szx },
    payload: body.subarray(from, from + size),
  };
}
