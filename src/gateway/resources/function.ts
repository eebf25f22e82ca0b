/**
 * Calling a function: /func/{library}/{method} and its compact twin /f/{library id}/{method id}.
 *
 * Everything that can be refused is refused before the function runs: the method, the answer's format, the body,
 * the arguments. A result comes from the result cache where the function is pure.
 */
import type { CachedResult } from '../../cache/cacheable.ts';
import type { ResultCache } from '../../cache/result-cache.ts';
import { contentFormat, isValueFormat, type ValueFormat } from '../../cbor/content-format.ts';
import { decodeRepresentation } from '../../cbor/representation.ts';
import { isSafeMethod, method, responseCode } from '../../coap/codec/codes.ts';
import { findOption, findOptions, findUint, optionNumber } from '../../coap/codec/options.ts';
import type { Request } from '../../coap/request.ts';
import { response } from '../../coap/response.ts';
import { equalBytes } from '../../core/bytes.ts';
import { PeerError, UsageError } from '../../core/error.ts';
import type { Clock } from '../../core/clock.ts';
import { after, type Instant, type Milliseconds } from '../../core/duration.ts';
import { bind, type ArgumentInput } from '../../functions/binding.ts';
import { CallError } from '../../functions/call-error.ts';
import type { Invoker } from '../../functions/call.ts';
import type { FunctionDescription } from '../../functions/description.ts';
import { readControlWords } from '../control-words.ts';
import type { Answer, Resource, Visit } from '../resource.ts';
import { describeFunction } from './description.ts';

/** Finds functions by the names or the numbers in a path. */
export interface FunctionDirectory {
  /** A change of this library that must be waited for, so that an edit takes effect on the next call. */
  pending(library: string | number): Promise<void> | undefined;
  /** @throws CallError `no-such-library`, `no-such-method`, `not-callable`, `library-failed`, `not-ready` */
  find(library: string, method: string): FunctionDescription;
  findById(libraryId: number, methodId: number): FunctionDescription;
}

export interface FunctionResourceOptions {
  readonly directory: FunctionDirectory;
  readonly invoker: Invoker;
  readonly cache: ResultCache;
  readonly clock: Clock;
  /** For functions that declare no limit of their own. */
  readonly timeLimit: Milliseconds;
}

export class FunctionResource implements Resource {
  readonly methods: readonly number[] = [method.GET, method.POST, method.FETCH];
  readonly conditional = false;
  readonly multicast = false;
  readonly #options: FunctionResourceOptions;

  constructor(options: FunctionResourceOptions) {
    this.#options = options;
  }

  handle(visit: Visit): Answer | Promise<Answer> {
    const [root, library = '', name = '', ...rest] = visit.path;
    const { path } = visit;
    if (rest.length > 0) {
      throw new CallError(
        'no-such-method',
        `/${path.join('/')} is longer than a function's path: /func/{library}/{method}.`,
      );
    }
    const { directory } = this.#options;
    if (root === 'func') {
      return this.#when(directory.pending(library), visit, (then) => this.#call(then, directory.find(library, name)));
    }
    const [libraryId, methodId] = [idOf(library), idOf(name)];
    if (libraryId === undefined || methodId === undefined) {
      throw new CallError(
        'no-such-method',
        `/${path.join('/')} is no compact path: /f/{library id}/{method id}, both numbers.`,
      );
    }
    return this.#when(directory.pending(libraryId), visit, (then) =>
      this.#call(then, directory.findById(libraryId, methodId)),
    );
  }

  /** Time that was spent waiting for a change is not the call's: it counts from then. */
  #when(
    change: Promise<void> | undefined,
    visit: Visit,
    call: (visit: Visit) => Answer | Promise<Answer>,
  ): Answer | Promise<Answer> {
    if (change === undefined) return call(visit);
    return change.then(() => call({ ...visit, now: this.#options.clock.now() }));
  }

  #call(visit: Visit, fn: FunctionDescription): Answer | Promise<Answer> {
    const { request } = visit;
    const { describe, argumentItems } = readControlWords(visit.query);
    if (describe !== undefined) return { response: describeFunction(request, fn, describe) };
    if ((request.block2?.num ?? 0) > 0) {
      throw new CallError(
        'incomplete',
        'There is no stored answer to continue with this block; ask for block 0 first.',
      );
    }
    if (isSafeMethod(request.code) && !fn.safe) {
      throw new CallError('not-safe', `${fn.library}/${fn.method} has side effects: call it with POST.`);
    }
    const bodyFormat = bodyFormatOf(request);
    const format = answerFormat(request, bodyFormat);
    const args = bind(fn, argumentInput(request, bodyFormat, argumentItems));
    const { cache, invoker, clock } = this.#options;
    const deadline = after(visit.now, fn.timeLimit ?? this.#options.timeLimit);
    const { caller, correlationId } = visit;
    const result = cache.resolve(fn, args, request.peer.endpoint.key, visit.now, () =>
      invoker.invoke({ function: fn, args, caller, correlationId, deadline }),
    );
    if (!(result instanceof Promise)) return this.#answer(request, result, format, visit.now);
    return result.then((later) => this.#answer(request, later, format, clock.now()));
  }

  #answer(request: Request, result: CachedResult, format: ValueFormat, now: Instant): Answer {
    const { state: cache, queued, ran } = result;
    const { bytes, format: stated, etag } = representationOf(result, format);
    const content = { contentFormat: stated, payload: bytes, kept: true };
    if (!isSafeMethod(request.code)) {
      return { response: response(responseCode.changed, content), cache, queued, ran };
    }
    const maxAge = result.maxAgeLeft(now) / 1000;
    if (findOptions(request.options, optionNumber.etag).some((known) => equalBytes(known, etag))) {
      this.#options.cache.countRevalidation(bytes.length);
      return { response: response(responseCode.valid, { etag, maxAge }), cache, queued, ran };
    }
    return { response: response(responseCode.content, { ...content, etag, maxAge }), cache, queued, ran };
  }
}

function representationOf(result: CachedResult, format: ValueFormat): ReturnType<CachedResult['representation']> {
  try {
    return result.representation(format);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new CallError('unencodable-result', `The function's result cannot be sent: ${error.message}`, {
      cause: error,
    });
  }
}

/** What the body is in; CBOR where nothing is said, undefined where there is no body. */
function bodyFormatOf(request: Request): number | undefined {
  if (request.payload.length === 0) return undefined;
  return findUint(request.options, optionNumber.contentFormat) ?? contentFormat.cbor;
}

/** Accept, else the request's format, else CBOR. */
function answerFormat(request: Request, bodyFormat: number | undefined): ValueFormat {
  const accept = findOption(request.options, optionNumber.accept) && findUint(request.options, optionNumber.accept);
  const wanted = accept ?? bodyFormat ?? contentFormat.cbor;
  if (isValueFormat(wanted)) return wanted;
  if (accept === undefined) {
    throw new CallError(
      'unsupported-format',
      `Content-Format ${wanted} is not understood; send 60 (CBOR), 50 (JSON), 0 (text) or 42 (octets).`,
    );
  }
  throw new CallError(
    'not-acceptable',
    `The answer cannot be given in Content-Format ${wanted}; accept 60, 50, 0 or 42.`,
  );
}

function argumentInput(request: Request, bodyFormat: number | undefined, items: readonly string[]): ArgumentInput {
  if (bodyFormat === undefined) return items.length === 0 ? { kind: 'none' } : { kind: 'query', items };
  if (request.code === method.GET) {
    throw new CallError('bad-request', 'A GET has no body: give arguments in the query, or use FETCH.');
  }
  if (items.length > 0) {
    throw new CallError('arguments-twice', 'Arguments are in both the query and the body; give them in one place.');
  }
  try {
    return { kind: 'body', value: decodeRepresentation(request.payload, bodyFormat) };
  } catch (error) {
    if (!(error instanceof PeerError)) throw error;
    throw new CallError(error.code === 'unsupported-format' ? 'unsupported-format' : 'malformed-body', error.message);
  }
}

function idOf(text: string): number | undefined {
  return /^(?:0|[1-9]\d{0,8})$/.test(text) ? Number(text) : undefined;
}
