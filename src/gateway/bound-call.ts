/** The arguments of a call as they came, bound to its function: for calls that are not on the fast way (resources/function.ts). */
import type { Question, ResultCache } from '../cache/result-cache.ts';
import { bind } from '../functions/binding.ts';
import type { Call } from '../functions/call.ts';
import type { FunctionDescription } from '../functions/description.ts';
import { readBody } from './body.ts';
import { largeBodyBytes, type BodyThread } from './body-thread.ts';
import { checkPlace } from './call-terms.ts';

export interface GivenArguments {
  /** Empty: they are in `items`. */
  readonly body: Uint8Array;
  readonly bodyFormat: number;
  /** Of the query. */
  readonly items: readonly string[];
}

export interface BoundCall {
  readonly args: Call['args'];
  readonly question: Question;
}

export interface BindingParts {
  readonly bodies: Pick<BodyThread, 'read'>;
  readonly cache: ResultCache;
}

/** Rejects with a `CallError`: what is wrong with them. */
export async function boundCall(
  fn: FunctionDescription,
  { body, bodyFormat, items }: GivenArguments,
  { bodies, cache }: BindingParts,
): Promise<BoundCall> {
  const hasBody = body.length > 0;
  if (hasBody) checkPlace(false, items);
  if (body.length >= largeBodyBytes && !fn.inline) {
    const { args, part } = await bodies.read(fn, body, bodyFormat);
    return { args, question: cache.questionOf(fn, part) };
  }
  const given = hasBody
    ? readBody(fn, body, bodyFormat)
    : items.length === 0
      ? ({ kind: 'none' } as const)
      : ({ kind: 'query', items } as const);
  const args = bind(fn, given);
  return { args, question: cache.question(fn, args) };
}
