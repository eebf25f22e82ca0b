/**
 * Cuts a response to what may be sent: to the peer's block size (RFC 7959 §2.4), and to an unverified peer to no
 * more than three times its request (RFC 7252 §11.3, RFC 9175 §2.4), then with an Echo option to verify it by.
 */
import { emptyBytes } from '../../core/bytes.ts';
import { codeClass } from '../codec/codes.ts';
import { opaqueOption, optionNumber, sortOptions, uintOption, type Option } from '../codec/options.ts';
import { contentLength, headLength } from '../codec/rfc7252.ts';
import type { Response } from '../response.ts';
import { blockSize, encodeBlock, sliceBlock, szxWithin, type Block, type Szx } from './block-option.ts';

export interface FitOptions {
  /** The block asked for, or block 0 in the size that the peer is served in. */
  readonly block: { readonly num: number; readonly szx: Szx };
  readonly tokenLength: number;
  /** Size2 was asked for. */
  readonly wantsSize: boolean;
  /** Observe, Block1. */
  readonly extra: readonly Option[];
  /** Bytes of the datagram at most, and the Echo to verify the peer by; undefined for a verified peer. */
  readonly unverified: { readonly budget: number; readonly echo: () => Uint8Array } | undefined;
}

export interface Fitted {
  readonly options: readonly Option[];
  readonly payload: Uint8Array;
  /** Options and payload as bytes, where the response came with them and is sent as it is. */
  readonly encoded?: Uint8Array | undefined;
  /** There is more to come than this block. */
  readonly cut?: boolean;
}

/** Undefined where the block asked for lies past the end. */
export function fitResponse(response: Response, fit: FitOptions): Fitted | undefined {
  const { payload, blocks } = response;
  if (blocks !== undefined) return fitMade(response, blocks.more, fit);
  const extra = fit.wantsSize ? [...fit.extra, uintOption(optionNumber.size2, payload.length)] : fit.extra;
  if (fit.block.num === 0 && payload.length <= blockSize(fit.block.szx)) {
    const whole = extra.length === 0 ? response : { options: merged(response.options, extra), payload };
    const { unverified } = fit;
    if (unverified === undefined || messageLength(fit.tokenLength, whole) <= unverified.budget) return whole;
    return fitUnverified(response, extra, fit.block, fit.tokenLength, unverified);
  }
  const fitted = fitBlock(response, extra, fit.block);
  if (fitted === undefined || fit.unverified === undefined) return fitted;
  if (messageLength(fit.tokenLength, fitted) <= fit.unverified.budget) return fitted;
  return fitUnverified(response, extra, fit.block, fit.tokenLength, fit.unverified);
}

/** The payload is the block that was asked for, or, for a peer that is not verified, a smaller one at its place. */
function fitMade(response: Response, more: boolean, { block, extra, unverified, tokenLength }: FitOptions): Fitted {
  const options = merged(response.options, [...extra, blockOption({ ...block, more })]);
  const whole = { options, payload: response.payload, cut: more };
  if (unverified === undefined || messageLength(tokenLength, whole) <= unverified.budget) return whole;
  const withEcho = [...extra, opaqueOption(optionNumber.echo, unverified.echo())];
  const szx = szxFor(response, withEcho, block.szx, tokenLength, unverified.budget);
  if (szx === undefined) return withoutPayload(response, withEcho);
  const num = (block.num * blockSize(block.szx)) / blockSize(szx);
  const part = response.payload.subarray(0, blockSize(szx));
  const cut = more || part.length < response.payload.length;
  return { options: merged(response.options, [...withEcho, blockOption({ num, more: cut, szx })]), payload: part, cut };
}

function fitBlock(
  response: Response,
  extra: readonly Option[],
  block: { readonly num: number; readonly szx: Szx },
): Fitted | undefined {
  const slice = sliceBlock(response.payload, block.num, block.szx);
  if (slice === undefined) return undefined;
  const options = merged(response.options, [...extra, blockOption(slice.block)]);
  return { options, payload: slice.payload, cut: slice.block.more };
}

function fitUnverified(
  response: Response,
  extra: readonly Option[],
  block: { readonly num: number; readonly szx: Szx },
  tokenLength: number,
  unverified: { readonly budget: number; readonly echo: () => Uint8Array },
): Fitted | undefined {
  const withEcho = [...extra, opaqueOption(optionNumber.echo, unverified.echo())];
  const szx = szxFor(response, withEcho, block.szx, tokenLength, unverified.budget);
  // Words of an error are not worth a block; an answer whose options alone are too much gives up its payload too.
  if (szx === undefined || codeClass(response.code) !== 2) return withoutPayload(response, withEcho);
  const num = (block.num * blockSize(block.szx)) / blockSize(szx);
  return fitBlock(response, withEcho, { num, szx });
}

/** Of nothing there is no Content-Format. */
const withoutPayload = ({ options }: Response, extra: readonly Option[]): Fitted => ({
  options: merged(
    options.filter(({ number }) => number !== optionNumber.contentFormat),
    extra,
  ),
  payload: emptyBytes,
});

/** The largest blocks of a response that fit into the budget, none of them above `szx`. */
function szxFor(
  response: Response,
  extra: readonly Option[],
  szx: Szx,
  tokenLength: number,
  budget: number,
): Szx | undefined {
  const bare = { options: merged(response.options, [...extra, widestBlockOption]), payload: emptyBytes };
  const within = szxWithin(budget - messageLength(tokenLength, bare) - 1);
  return within === undefined ? undefined : (Math.min(within, szx) as Szx);
}

const blockOption = (block: Block): Option => opaqueOption(optionNumber.block2, encodeBlock(block));
const widestBlockOption: Option = blockOption({ num: 0xfffff, more: true, szx: 6 });

const merged = (options: readonly Option[], extra: readonly Option[]): readonly Option[] =>
  extra.length === 0 ? options : sortOptions([...options, ...extra]);

/** Of the datagram. */
const messageLength = (tokenLength: number, content: Fitted): number =>
  headLength(tokenLength) + (content.encoded?.length ?? contentLength(content));
