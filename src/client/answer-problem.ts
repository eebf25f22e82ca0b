/** What an error response says of itself, in either form (docs/errors.md). */
import { contentFormat } from '../cbor/content-format.ts';
import { decodeProblem, decodeProblemJson, type ProblemDetails } from '../functions/problem-details.ts';

/** Undefined where it has no problem details, or none that can be read. */
export function problemOf(answer: {
  readonly contentFormat: number | undefined;
  readonly payload: Uint8Array;
}): ProblemDetails | undefined {
  try {
    if (answer.contentFormat === contentFormat.problemDetails) return decodeProblem(answer.payload);
    return answer.contentFormat === contentFormat.json ? decodeProblemJson(answer.payload) : undefined;
  } catch {
    return undefined;
  }
}
