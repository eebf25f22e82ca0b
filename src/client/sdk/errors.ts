/** Why a call has no result: refused here, before anything was sent, or by the gateway. */
import { codeName, dotted } from '../../coap/codec/codes.ts';
import { contentFormat } from '../../cbor/content-format.ts';
import { textOf } from '../../core/bytes.ts';
import type { Milliseconds } from '../../core/duration.ts';
import { FuncoapError, PeerError, UsageError, type ErrorFamily } from '../../core/error.ts';
import type { Value } from '../../core/value.ts';
import type { DescribedFunction } from '../../directory/described.ts';
import { problems, type CallError } from '../../functions/call-error.ts';
import type { ProblemDetails } from '../../functions/problem-details.ts';
import { problemOf } from '../answer-problem.ts';
import type { DoorAnswer } from './door.ts';

/**
 * The gateway would refuse this call, and was not asked. `code` is the name of the problem (docs/errors.md): `no-such-library`,
 * `no-such-method`, `not-callable`, `missing-argument`, `unexpected-argument`, `too-many-arguments`, `wrong-type`.
 */
export class ArgumentError extends UsageError {
  /** The parameter that it is about. */
  readonly parameter: string | undefined;

  constructor(code: string, message: string, parameter?: string, options?: { cause?: unknown }) {
    super(code, message, options);
    this.parameter = parameter;
  }

  static of(error: CallError): ArgumentError {
    return new ArgumentError(error.code, error.message, error.details.parameter?.name, { cause: error });
  }
}

/** What a function threw, as far as the gateway tells it (its setting `debug.internals`). */
export interface ThrownError {
  /** The class: `TypeError`. */
  readonly name: string;
  readonly message: string;
  /** Its traceback there. */
  readonly stack: string | undefined;
  /** Members of its own that are data, of a Python exception. */
  readonly attributes: Readonly<Record<string, Value>> | undefined;
}

/** The gateway answered 4.xx or 5.xx. `code` is the name of the problem (docs/errors.md), `refused` where it has none. */
export class RemoteError extends FuncoapError {
  readonly family: ErrorFamily = 'peer';
  /** `library/method`, or another path. */
  readonly target: string;
  /** The CoAP response code: `4.22`. */
  readonly status: string;
  /** The number of the problem; undefined where it says none. */
  readonly number: number | undefined;
  /** Name of the parameter that it is about, or its id where that is all that is known. */
  readonly parameter: string | number | undefined;
  /** The kind of value that it should have been. */
  readonly expected: string | undefined;
  /** Class, message and traceback of what was thrown; it is the `cause` too. */
  readonly thrown: ThrownError | undefined;
  /** When to come back, where the gateway says so. */
  readonly retryAfter: Milliseconds | undefined;
  /** Of a batch: which call failed, and the wanted results of those before it. */
  readonly batch: { readonly index: number; readonly results: readonly Value[] } | undefined;

  /** @param results of a batch, with objects in them */
  constructor(
    target: string,
    answer: DoorAnswer,
    parameters: readonly ParameterNamed[] = [],
    results?: readonly Value[],
  ) {
    const details = problemOf(answer);
    super(details?.name ?? 'refused', sentenceOf(target, answer, details), { cause: causeOf(details?.remote) });
    this.target = target;
    this.status = dotted(answer.code);
    this.number = details?.number;
    const parameter = details?.parameter;
    // Parameters of methods have no ids.
    this.parameter =
      (parameter === undefined ? undefined : parameters.find(({ id }) => id === parameter)?.name) ?? parameter;
    this.expected = details?.expected;
    this.thrown = details?.remote;
    this.batch = details?.batch && { ...details.batch, ...(results && { results }) };
    this.retryAfter = comesBack(answer.code) ? answer.maxAge : undefined;
  }
}

/** What is answered once was asked of it. */
export const streamNotOnce = ({ library, method }: DescribedFunction, instead: string): ArgumentError =>
  new ArgumentError(
    'bad-request',
    `${library}/${method} is a stream, and ${instead} is answered once: read it with \`for await\`.`,
  );

export const notCallable = ({ library, method, notCallable: why }: DescribedFunction): ArgumentError =>
  new ArgumentError('not-callable', `${library}/${method} cannot be called: ${why}`);

export const notAGateway = (origin: string): PeerError =>
  new PeerError('not-a-gateway', `${origin} did not answer as a funcoap gateway does; is the address right?`);

interface ParameterNamed {
  readonly name: string;
  readonly id: number | undefined;
}

/** 4.29 and 5.03 say when to come back. */
const comesBack = (code: number): boolean => code === 0x9d || code === 0xa3;

/** A diagnostic payload (RFC 7252 §5.5.2) may be as long as the peer likes. */
const maxShownBytes = 500;

function sentenceOf(target: string, answer: DoorAnswer, details: ProblemDetails | undefined): string {
  const words = details?.detail ?? details?.title ?? (details?.name && problems[details.name].title);
  if (words !== undefined) return words;
  const isText = answer.contentFormat === undefined || answer.contentFormat === contentFormat.text;
  // Of a gateway that is newer.
  const problem = details?.number === undefined ? undefined : `problem ${details.number}.`;
  const diagnostic = isText ? textOf(answer.payload.subarray(0, maxShownBytes)) : problem;
  const code = `${target} was answered ${dotted(answer.code)} ${codeName(answer.code) ?? ''}`.trimEnd();
  return diagnostic === undefined || diagnostic === '' ? `${code}.` : `${code}: ${diagnostic}`;
}

/** So that whoever prints the error sees the traceback over there as well. */
function causeOf(thrown: ThrownError | undefined): Error | undefined {
  if (thrown === undefined) return undefined;
  const cause = new Error(thrown.message);
  cause.name = thrown.name;
  cause.stack = thrown.stack ?? `${thrown.name}: ${thrown.message}`;
  return cause;
}
