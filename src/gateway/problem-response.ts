/** Error responses: Concise Problem Details (RFC 9290), as short as the peer wants them. */
import { findUint, optionNumber } from '../coap/codec/options.ts';
import { response, type Response } from '../coap/response.ts';
import type { ResponseCode } from '../coap/codec/codes.ts';
import { contentFormat } from '../cbor/content-format.ts';
import type { CallError } from '../functions/call-error.ts';
import { encodeProblem, encodeProblemJson } from '../functions/problem-details.ts';
import type { Visit } from './resource.ts';

/** Max-Age of an error that says when to come back but not for how long. */
const comeBackSeconds = 5;

export function problemResponse(error: CallError, visit: Visit, showInternals: boolean): Response {
  const { status } = error.problem;
  const words = { words: visit.query.includes('_why'), internals: showInternals };
  const wantsJson = findUint(visit.request.options, optionNumber.accept) === contentFormat.json;
  return response(status as ResponseCode, {
    contentFormat: wantsJson ? contentFormat.json : contentFormat.problemDetails,
    maxAge: maxAgeOf(error),
    payload: wantsJson ? encodeProblemJson(error, words) : encodeProblem(error, words),
  });
}

/** Contract of the wire: errors other than 4.29 and 5.03 carry 0, so that no cache keeps them. */
function maxAgeOf(error: CallError): number {
  const { retryAfter } = error.details;
  if (retryAfter !== undefined) return Math.max(1, Math.ceil(retryAfter / 1000));
  const comesBack = error.problem.status === 0x9d || error.problem.status === 0xa3;
  return comesBack ? comeBackSeconds : 0;
}
