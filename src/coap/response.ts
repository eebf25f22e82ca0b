/** A response as the application gives it, before blocks, Echo and Observe are put in. */
import { emptyBytes } from '../core/bytes.ts';
import type { Instant } from '../core/duration.ts';
import type { ResponseCode } from './codec/codes.ts';
import {
  encodeUint,
  findOption,
  opaqueOption,
  optionNumber,
  stringOption,
  uintOption,
  type Option,
} from './codec/options.ts';
import { decodeContent, encodeContent } from './codec/rfc7252.ts';
import type { Request } from './request.ts';

/** An observation, as the response that opens it needs it. */
export interface OpenedObservation {
  /** The next Observe option. */
  sequenceOption(): Option;
  end(now: Instant): void;
}

/** A representation that is made block by block, as its blocks are asked for (RFC 7959 §2.4 allows that: its size is not known). */
export interface MadeInBlocks {
  /** Others follow. */
  readonly more: boolean;
  /** Answers a request for another block, now or later, through `ServerRole.respond`. */
  readonly next: (request: Request, now: Instant) => void;
}

export interface Response {
  readonly code: ResponseCode;
  /** Ascending by number. */
  readonly options: readonly Option[];
  readonly payload: Uint8Array;
  /** Where it is too large for one block: kept, so that later blocks continue it without asking the resource again. */
  readonly kept?: boolean;
  /** `payload` is the one block that was asked for. */
  readonly blocks?: MadeInBlocks | undefined;
  /** Where it is kept: its last block has been read. */
  readonly fetched?: ((now: Instant) => void) | undefined;
  /** The observation that this response opens (RFC 7641 §4.1). */
  readonly observation?: OpenedObservation | undefined;
  /** Options and payload as a datagram carries them, where the response is given again and again. */
  readonly encoded?: Uint8Array | undefined;
}

export interface ResponseFields {
  /** At most 8 bytes. */
  readonly etag?: Uint8Array | undefined;
  readonly locationPath?: readonly string[];
  readonly contentFormat?: number | undefined;
  /** Seconds, cut to a whole number; 60 is what no option says (RFC 7252 §5.10.5). */
  readonly maxAge?: number | undefined;
  readonly locationQuery?: readonly string[];
  /** Bytes. With 4.13: the most that would be accepted (RFC 7959 §2.9.3). */
  readonly size1?: number;
  readonly payload?: Uint8Array;
  readonly kept?: boolean;
  readonly observation?: OpenedObservation | undefined;
}

const defaultMaxAge = 60;

export function response(code: ResponseCode, fields: ResponseFields = {}): Response {
  const options: Option[] = [];
  if (fields.etag !== undefined) options.push(opaqueOption(optionNumber.etag, fields.etag));
  for (const segment of fields.locationPath ?? []) options.push(stringOption(optionNumber.locationPath, segment));
  if (fields.contentFormat !== undefined) options.push(uintOption(optionNumber.contentFormat, fields.contentFormat));
  const maxAge = fields.maxAge === undefined ? defaultMaxAge : Math.floor(fields.maxAge);
  if (maxAge !== defaultMaxAge) options.push(uintOption(optionNumber.maxAge, Math.min(maxAge, 0xffffffff)));
  for (const item of fields.locationQuery ?? []) options.push(stringOption(optionNumber.locationQuery, item));
  if (fields.size1 !== undefined) options.push(uintOption(optionNumber.size1, fields.size1));
  const { payload = emptyBytes, kept = false, observation } = fields;
  return { code, options, payload, kept, observation };
}

/** The same response with its bytes, for who gives it more than once. Options and payload are views of them. */
export function encodedResponse(given: Response): Response {
  const encoded = encodeContent(given);
  const content = decodeContent(encoded, 0);
  return typeof content === 'string' ? given : { ...given, ...content, encoded };
}

/** Writes another Max-Age over that of an encoded response. False where it does not fit in its place: nothing is changed then. */
export function rewriteMaxAge({ options, encoded }: Response, seconds: number): boolean {
  const value = encoded && findOption(options, optionNumber.maxAge);
  if (value === undefined || seconds === defaultMaxAge) return false;
  const next = encodeUint(seconds);
  if (next.length !== value.length) return false;
  value.set(next);
  return true;
}
