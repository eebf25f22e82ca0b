/** Requests and responses as applications see them, and what they are as options (RFC 7252 §5.10). */
import { szxWithin, type Szx } from '../coap/blockwise/block-option.ts';
import type { TransferAnswer, TransferProgress } from '../coap/blockwise/client-transfer.ts';
import type { method as methods } from '../coap/codec/codes.ts';
import {
  findOption,
  findUint,
  opaqueOption,
  optionNumber,
  sortOptions,
  uintOption,
  type Option,
} from '../coap/codec/options.ts';
import type { Milliseconds } from '../core/duration.ts';
import { UsageError } from '../core/error.ts';

export interface CoapRequest {
  /** `coap://host:port/path?query` */
  readonly uri: string;
  readonly method: keyof typeof methods;
  readonly payload?: Uint8Array | undefined;
  readonly contentFormat?: number | undefined;
  readonly accept?: number | undefined;
  /** Answered 2.03 where it is the current one. */
  readonly etag?: Uint8Array | undefined;
  readonly confirmable?: boolean;
  /** No-Response (RFC 7967): bit n-1 set for a class n of which no answer is wanted; 26 for none at all. */
  readonly noResponse?: number | undefined;
  /** Bytes of a block, 16 to 1024, a power of two; default 1024. */
  readonly blockSize?: number | undefined;
  readonly timeout?: Milliseconds | undefined;
  /** While an answer is waited for: pings after so much silence (RFC 7252 §4.3), and fails where nobody is there; default: never. */
  readonly pingAfter?: Milliseconds | undefined;
  readonly maxResponseBytes?: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: TransferProgress) => void) | undefined;
}

export interface CoapResponse {
  readonly code: number;
  readonly options: readonly Option[];
  readonly payload: Uint8Array;
  readonly contentFormat: number | undefined;
  readonly etag: Uint8Array | undefined;
  /** Seconds; 60 where the response does not say (RFC 7252 §5.10.5). */
  readonly maxAge: number;
  /** Request and response pairs that it took. */
  readonly exchanges: number;
  readonly took: Milliseconds;
}

export function requestOptions(request: CoapRequest, uriOptions: readonly Option[]): readonly Option[] {
  const { contentFormat, accept, etag, noResponse } = request;
  const options = [...uriOptions];
  if (contentFormat !== undefined) options.push(uintOption(optionNumber.contentFormat, contentFormat));
  if (accept !== undefined) options.push(uintOption(optionNumber.accept, accept));
  if (etag !== undefined) options.push(opaqueOption(optionNumber.etag, etag));
  if (noResponse !== undefined) options.push(uintOption(optionNumber.noResponse, noResponse));
  return sortOptions(options);
}

/** @throws UsageError `bad-block-size` */
export function szxOf(blockSize: number): Szx {
  const szx = szxWithin(blockSize);
  if (szx === undefined || 1 << (szx + 4) !== blockSize) {
    throw new UsageError('bad-block-size', `A block has 16, 32, 64, 128, 256, 512 or 1024 bytes, not ${blockSize}.`);
  }
  return szx;
}

export function toResponse(answer: TransferAnswer, took: Milliseconds): CoapResponse {
  const { code, options, payload, exchanges } = answer;
  return {
    code,
    options,
    payload,
    contentFormat: findUint(options, optionNumber.contentFormat),
    etag: findOption(options, optionNumber.etag),
    maxAge: findUint(options, optionNumber.maxAge) ?? 60,
    exchanges,
    took,
  };
}
