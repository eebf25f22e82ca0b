/** What the gateway says of itself: representations of descriptions and lists, in the format that is accepted. */
import { etagOf } from '../../cache/etag.ts';
import { contentFormat } from '../../cbor/content-format.ts';
import { responseCode } from '../../coap/codec/codes.ts';
import { findOptions, findUint, optionNumber } from '../../coap/codec/options.ts';
import type { Request } from '../../coap/request.ts';
import { response, type Response } from '../../coap/response.ts';
import { equalBytes } from '../../core/bytes.ts';
import { CallError } from '../../functions/call-error.ts';
import type { FunctionDescription } from '../../functions/description.ts';
import { describedFunction, encodeDescribed, type Described, type DescriptionForm } from '../described.ts';

/** The answer in the format accepted, or in the first that there is: CBOR, link format, text. */
export function describe(request: Request, described: Described): Response {
  const accept = findUint(request.options, optionNumber.accept);
  const format = accept ?? defaultFormat(described);
  const payload = encodeDescribed(described, format);
  if (payload === undefined) {
    throw new CallError(
      'not-acceptable',
      `This cannot be given in Content-Format ${format}; leave Accept out for the one it is in.`,
    );
  }
  const etag = etagOf(format, payload);
  if (findOptions(request.options, optionNumber.etag).some((known) => equalBytes(known, etag))) {
    return response(responseCode.valid, { etag });
  }
  return response(responseCode.content, { etag, contentFormat: format, payload });
}

export const describeFunction = (request: Request, fn: FunctionDescription, form: DescriptionForm): Response =>
  describe(request, describedFunction(fn, form));

function defaultFormat(described: Described): number {
  if (described.value !== undefined) return contentFormat.cbor;
  return described.links === undefined ? contentFormat.text : contentFormat.linkFormat;
}
