/**
 * Why a call has no result. One table: the number is what travels in the problem details
 * (docs/errors.md), the name is what docs/errors.md, logs and the command line print.
 */
import { FuncoapError, type ErrorFamily } from '../core/error.ts';
import type { Milliseconds } from '../core/duration.ts';
import type { Value } from '../core/value.ts';
import type { ValueType } from './description.ts';

export interface Problem {
  /** The number in problem details; assigned once, never reused. */
  readonly number: number;
  /** The CoAP response code, class × 32 + detail. */
  readonly status: number;
  readonly title: string;
}

export const problems = {
  'no-such-library': { number: 1, status: 0x84, title: 'There is no such library' },
  'no-such-method': { number: 2, status: 0x84, title: 'The library has no such method' },
  'not-callable': { number: 3, status: 0x84, title: 'The export cannot be called' },
  'not-safe': { number: 4, status: 0x85, title: 'The function has side effects: use POST' },
  'malformed-body': { number: 5, status: 0x80, title: 'The body is not well-formed' },
  'unknown-query': { number: 6, status: 0x80, title: 'The query has an item that is not a parameter' },
  'arguments-twice': { number: 7, status: 0x80, title: 'Arguments are in both the query and the body' },
  'missing-argument': { number: 8, status: 0x96, title: 'A required argument is missing' },
  'unexpected-argument': { number: 9, status: 0x96, title: 'There is no such parameter' },
  'wrong-type': { number: 10, status: 0x96, title: 'An argument has the wrong type' },
  'too-many-arguments': { number: 11, status: 0x96, title: 'There are more arguments than parameters' },
  'invalid-argument': { number: 12, status: 0x96, title: 'An argument is refused by the function' },
  'unsupported-format': { number: 13, status: 0x8f, title: 'The body has a Content-Format that is not understood' },
  'not-acceptable': { number: 14, status: 0x86, title: 'The answer cannot be given in the accepted format' },
  'rate-exceeded': { number: 15, status: 0x9d, title: 'Too many requests' },
  'overloaded': { number: 16, status: 0xa3, title: 'The gateway is busy' },
  'not-ready': { number: 17, status: 0xa3, title: 'The gateway or the library is not ready' },
  'function-failed': { number: 18, status: 0xa0, title: 'The function failed' },
  'time-limit': { number: 19, status: 0xa4, title: 'The function ran out of time' },
  'memory-limit': { number: 20, status: 0xa0, title: 'The function ran out of memory' },
  'worker-lost': { number: 21, status: 0xa0, title: 'The thread that ran the function stopped' },
  'library-failed': { number: 22, status: 0xa0, title: 'The library did not load' },
  'no-such-resource': { number: 23, status: 0x84, title: 'There is nothing at this path' },
  'method-not-allowed': { number: 24, status: 0x85, title: 'The resource does not offer this method' },
  'bad-option': { number: 25, status: 0x82, title: 'A critical option is not understood' },
  'too-large': { number: 26, status: 0x8d, title: 'The body is too large' },
  'incomplete': { number: 27, status: 0x88, title: 'A block is missing' },
  'bad-request': { number: 28, status: 0x80, title: 'The request is not valid' },
  'unencodable-result': { number: 29, status: 0xa0, title: 'The result cannot be encoded' },
  'proxying-not-supported': { number: 32, status: 0xa5, title: 'The gateway is no proxy' },
  'access-denied': { number: 33, status: 0x83, title: 'The caller may not do this' },
  'identity-needed': { number: 34, status: 0x81, title: 'The caller has to say who it is' },
  'foreign-host': { number: 35, status: 0x83, title: 'The request names another host' },
  'foreign-origin': { number: 36, status: 0x83, title: 'A page of another site asks' },
  'job-lost': { number: 45, status: 0xa0, title: 'The result of the job was lost' },
  'job-pending': { number: 46, status: 0xa3, title: 'The job has not ended' },
  'object-lost': { number: 47, status: 0xa0, title: 'The object was lost' },
  'no-such-object': { number: 48, status: 0x96, title: 'An argument refers to an object that is not there' },
  'stream-lost': { number: 49, status: 0x8c, title: 'The gateway has not this stream any more' },
  'internal-error': { number: 31, status: 0xa0, title: 'The gateway failed' },
  'bad-reference': { number: 40, status: 0x80, title: 'A reference in a batch stands for no result' },
  'cancelled': { number: 30, status: 0xa3, title: 'The call was given up' },
} as const;

export type ProblemName = keyof typeof problems;

export const isProblemName = (name: string): name is ProblemName => Object.hasOwn(problems, name);

/** What may be done with a thing: ask it without side effects, call it, set it, let go of it. */
export type Offer = 'ask' | 'call' | 'set' | 'release';

export interface CallErrorDetails {
  /** Which parameter, where it is about one. */
  readonly parameter?: { readonly name: string; readonly id: number | undefined };
  readonly expected?: ValueType;
  /** With `method-not-allowed`: what may be done there instead. */
  readonly offered?: readonly Offer[];
  /** When to come back; travels as Max-Age with 4.29 and 5.03. */
  readonly retryAfter?: Milliseconds;
  /** With `too-large`: the longest body that is taken; travels as Size1. */
  readonly size1?: number;
  readonly cause?: unknown;
  /** Which call of a batch it is about, and what those before it gave, as far as it was wanted. */
  readonly batch?: { readonly index: number; readonly results: readonly Value[] };
  /** It is of an earlier call, and whoever has to look into it was told then. */
  readonly isReported?: boolean;
  /** What the function threw: shown to the peer only if a debug setting says so. */
  readonly remote?: {
    readonly name: string;
    readonly message: string;
    readonly stack: string | undefined;
    /** Of an exception that has members of its own, those that are data. */
    readonly attributes?: Readonly<Record<string, Value>> | undefined;
  };
}

/** A call that has no result. `message` is one sentence that says what was wrong and what to do. */
export class CallError extends FuncoapError {
  declare readonly code: ProblemName;
  readonly family: ErrorFamily;
  readonly problem: Problem;
  readonly details: CallErrorDetails;

  constructor(name: ProblemName, message: string, details: CallErrorDetails = {}) {
    super(name, message, { cause: details.cause });
    this.problem = problems[name];
    this.details = details;
    this.family = this.problem.status >= 0xa0 ? 'internal' : 'peer';
  }
}
