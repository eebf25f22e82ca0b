/** Error responses: Concise Problem Details (RFC 9290), as short as the peer wants them. */
import { equalBytes, utf8 } from '../core/bytes.ts';
import { findOptions, findUint, optionNumber, type Option } from '../coap/codec/options.ts';
import type { RefusalPayload } from '../coap/refusal.ts';
import { response, type Response } from '../coap/response.ts';
import type { ResponseCode } from '../coap/codec/codes.ts';
import { contentFormat } from '../cbor/content-format.ts';
import { CallError } from '../functions/call-error.ts';
import { comeBackSeconds, encodeProblem, encodeProblemJson } from '../functions/problem-details.ts';

/** @param options of the request: they say how the peer wants it */
export function problemResponse(error: CallError, options: readonly Option[], showInternals: boolean): Response {
  return response(error.problem.status as ResponseCode, {
    // Errors other than 4.29 and 5.03 carry 0, so that no cache keeps them.
    maxAge: comeBackSeconds(error),
    // RFC 7252 §5.9.2.9
    ...(error.details.size1 === undefined ? {} : { size1: error.details.size1 }),
    ...problemPayload(error, options, showInternals),
  });
}

/** What the engine refuses by itself is told as resources tell their errors. */
export const refusalPayload: RefusalPayload = (refusal, options) =>
  problemPayload(new CallError(refusal.reason, refusal.message), options, false);

const why = utf8('_why');

function problemPayload(
  error: CallError,
  options: readonly Option[],
  internals: boolean,
): { readonly contentFormat: number; readonly payload: Uint8Array } {
  const words = findOptions(options, optionNumber.uriQuery).some((item) => equalBytes(item, why));
  const told = { words, internals };
  return findUint(options, optionNumber.accept) === contentFormat.json
    ? { contentFormat: contentFormat.json, payload: encodeProblemJson(error, told) }
    : { contentFormat: contentFormat.problemDetails, payload: encodeProblem(error, told) };
}
