/**
 * What a resource of the plugtest server holds, bytes in a Content-Format, and what requests may ask of it:
 * Accept (RFC 7252 §5.10.4), validation by ETag (§5.10.6), If-Match and If-None-Match (§5.10.8).
 */
import { etagOf } from '../../../src/cache/etag.ts';
import { contentFormat } from '../../../src/cbor/content-format.ts';
import { responseCode } from '../../../src/coap/codec/codes.ts';
import { findOption, findOptions, findUint, optionNumber } from '../../../src/coap/codec/options.ts';
import type { Request } from '../../../src/coap/request.ts';
import { response, type Response, type ResponseFields } from '../../../src/coap/response.ts';
import { equalBytes, utf8 } from '../../../src/core/bytes.ts';
import { CallError } from '../../../src/functions/call-error.ts';

export interface Representation {
  readonly format: number;
  readonly body: Uint8Array;
}

export const text = (body: string): Representation => ({ format: contentFormat.text, body: utf8(body) });

/** The body of a request; without Content-Format it is bytes and nothing more is known of it (§5.5.1). */
export const received = ({ options, payload }: Request): Representation => ({
  format: findUint(options, optionNumber.contentFormat) ?? contentFormat.octetStream,
  body: payload,
});

const etag = ({ format, body }: Representation): Uint8Array => etagOf(format, body);

export const isAcceptable = ({ options }: Request, { format }: Representation): boolean =>
  (findUint(options, optionNumber.accept) ?? format) === format;

/** 2.05, or 2.03 where the request names the current entity-tag. */
export function read(request: Request, current: Representation, more: ResponseFields = {}): Response {
  if (!isAcceptable(request, current)) {
    throw new CallError('not-acceptable', `This is in Content-Format ${current.format} only.`);
  }
  const tag = etag(current);
  if (findOptions(request.options, optionNumber.etag).some((known) => equalBytes(known, tag))) {
    return response(responseCode.valid, { ...more, etag: tag });
  }
  return response(responseCode.content, { ...more, etag: tag, contentFormat: current.format, payload: current.body });
}

/** Whether If-Match or If-None-Match forbid the request; `current` is undefined where nothing exists. */
export function isPreconditionFailed({ options }: Request, current: Representation | undefined): boolean {
  if (current !== undefined && findOption(options, optionNumber.ifNoneMatch) !== undefined) return true;
  const wanted = findOptions(options, optionNumber.ifMatch);
  if (wanted.length === 0) return false;
  if (current === undefined) return true;
  const tag = etag(current);
  // §5.10.8.1: the empty value is for whatever exists.
  return !wanted.some((value) => value.length === 0 || equalBytes(value, tag));
}

export const preconditionFailed: Response = response(responseCode.preconditionFailed, { maxAge: 0 });

export const nothingHere = (): CallError =>
  new CallError('no-such-resource', 'There is nothing here any more; PUT makes it anew.');
