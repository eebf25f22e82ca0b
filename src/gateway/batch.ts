/**
 * Runs a batch: all that can be refused is refused for all calls before the first one runs; then they run one after the
 * other, up to the first that fails.
 */
import type { CachedResult } from '../cache/cacheable.ts';
import { resultOf, type ResultCache } from '../cache/result-cache.ts';
import { contentFormat, type ValueFormat } from '../cbor/content-format.ts';
import { encodeCbor } from '../cbor/encode.ts';
import { encodeRepresentation } from '../cbor/representation.ts';
import { CborWriter } from '../cbor/writer.ts';
import type { Clock } from '../core/clock.ts';
import type { Endpoint } from '../core/datagram.ts';
import { after, milliseconds, type Instant, type Milliseconds } from '../core/duration.ts';
import { UsageError } from '../core/error.ts';
import { ObjectReference } from '../core/object-reference.ts';
import type { Value } from '../core/value.ts';
import { bind } from '../functions/binding.ts';
import { CallError } from '../functions/call-error.ts';
import { streamError } from '../functions/call-failures.ts';
import type { Call, Caller, Invoker } from '../functions/call.ts';
import type { FunctionDescription } from '../functions/description.ts';
import { Returned } from '../functions/returned.ts';
import type { Access } from './access-rules.ts';
import { readBatch, type BatchBody, type BatchedCall, type MemberTarget } from './batch-body.ts';
import { ReferredResults } from './batch-references.ts';
import {
  checkSafe,
  classNamed,
  findNamed,
  representationOf,
  type FunctionDirectory,
  type Named,
} from './call-terms.ts';
import { readWanted } from './control-words.ts';
import { isStillEnrolled, type EnrolledPeers } from './enrolled-peers.ts';
import { batchedMember, checkMaking } from './object-requests.ts';
import type { Objects } from './objects.ts';
import type { RateLimit } from './rate-limit.ts';

export interface BatchOptions {
  readonly directory: FunctionDirectory;
  readonly invoker: Invoker;
  readonly cache: ResultCache;
  readonly objects: Objects;
  readonly rateLimit: RateLimit;
  /** Undefined while nobody is enrolled. */
  readonly enrolled: () => EnrolledPeers | undefined;
  readonly clock: Clock;
  /** For functions that declare no limit of their own. */
  readonly timeLimit: Milliseconds;
}

/** A batch as it came, at whichever door. */
export interface BatchRequest {
  /** Not empty. */
  readonly body: Uint8Array;
  readonly bodyFormat: number;
  readonly query: readonly string[];
  /** Functions without side effects only. */
  readonly safe: boolean;
  /** Of the answer. */
  readonly format: ValueFormat;
}

export interface BatchCaller {
  readonly caller: Caller;
  readonly endpoint: Endpoint;
  readonly access: Access;
  readonly correlationId: string;
  readonly signal?: AbortSignal | undefined;
}

export interface BatchAnswer {
  /** `library/method` of each call. */
  readonly calls: readonly string[];
  /** All results that are wanted, as one list. */
  readonly bytes: Uint8Array;
  readonly maxAge: Milliseconds;
  readonly queued: Milliseconds;
  readonly ran: Milliseconds;
}

type Arguments = Call['args'];

/** A call that nothing speaks against but, maybe, its arguments. */
interface Prepared {
  readonly fn: FunctionDescription;
  readonly run: (args: Arguments, now: Instant) => CachedResult | Promise<CachedResult>;
  /** Undefined where they depend on other results. */
  readonly args?: Arguments | undefined;
}

export class Batches {
  readonly #options: BatchOptions;

  constructor(options: BatchOptions) {
    this.#options = options;
  }

  /** @throws CallError of the call that fails, with its index and the results before it */
  async run(request: BatchRequest, by: BatchCaller): Promise<BatchAnswer> {
    const wanted = readWanted(request.query);
    if (request.body.length === 0) throw new CallError('bad-request', 'A batch has a body: [[target, arguments], …].');
    const body = readBatch(request.body, request.bodyFormat);
    this.#takeRate(body.calls.length, by);
    return await this.#run(body, by, { ...request, wanted });
  }

  /** Each call counts as a request does; the first one was counted when the batch came. */
  #takeRate(calls: number, { endpoint, access }: BatchCaller): void {
    const { rateLimit, clock } = this.#options;
    for (let further = 1; further < calls; further++) {
      const retryAfter = rateLimit.take(endpoint, clock.now(), access.rate);
      if (retryAfter !== undefined)
        throw new CallError('rate-exceeded', 'Too many calls from this caller; come back later.', { retryAfter });
    }
  }

  /** @param how.wanted bit n: the result of call n is wanted */
  async #run(
    body: BatchBody,
    by: BatchCaller,
    how: { readonly safe: boolean; readonly wanted: number; readonly format: ValueFormat },
  ): Promise<BatchAnswer> {
    const { clock } = this.#options;
    const results: CachedResult[] = [];
    const referred = new ReferredResults(results);
    const isWanted = (index: number): boolean => ((how.wanted >> index) & 1) === 1;
    const soFar = (): Value[] => results.filter((_, index) => isWanted(index)).map(({ value }) => value);
    const prepared: Prepared[] = [];
    for (const [index, call] of body.calls.entries()) {
      prepared.push(await blamed(index, soFar, () => this.#prepare(call, by, how.safe)));
    }
    for (const [index, { fn, args, run }] of prepared.entries()) {
      results.push(
        await blamed(index, soFar, async () => {
          this.#checkEnrolled(by.caller);
          const value = args ?? bind(fn, { kind: 'body', value: body.resolved(index, referred) });
          const result = await run(value, clock.now());
          // A result that cannot be carried is this call's fault, not that of the list which it is part of.
          if (isWanted(index)) representationOf(result, how.format);
          return result;
        }),
      );
    }
    const now = clock.now();
    const sum = (part: (result: CachedResult) => Milliseconds): Milliseconds =>
      milliseconds(results.reduce((total, result) => total + part(result), 0));
    return {
      calls: prepared.map(({ fn }) => `${fn.library}/${fn.method}`),
      bytes: encodeList(
        results.filter((_, index) => isWanted(index)),
        how.format,
      ),
      // All of them went into it, wanted or not.
      maxAge: milliseconds(Math.min(...results.map((result) => result.maxAgeLeft(now)))),
      queued: sum(({ queued }) => queued),
      ran: sum(({ ran }) => ran),
    };
  }

  /** The calls before may have taken their time. @throws CallError `identity-needed` */
  #checkEnrolled(caller: Caller): void {
    if (isStillEnrolled(caller, this.#options.enrolled())) return;
    throw new CallError('identity-needed', 'The identity of the caller was revoked or has expired.');
  }

  async #prepare({ target, args, refers }: BatchedCall, by: BatchCaller, safe: boolean): Promise<Prepared> {
    const prepared = 'object' in target ? this.#ofObject(target, by, safe) : await this.#ofFunction(target, by, safe);
    if (refers) return prepared;
    const given = args === undefined ? ({ kind: 'none' } as const) : ({ kind: 'body', value: args } as const);
    return { ...prepared, args: bind(prepared.fn, given) };
  }

  async #ofFunction(named: Named, by: BatchCaller, safe: boolean): Promise<Prepared> {
    const { directory, objects, clock } = this.#options;
    await directory.pending(named.library, clock.now());
    const of = classNamed(directory, named);
    if (of !== undefined) {
      checkMaking(of, safe ? 'ask' : 'call', by);
      return { fn: of, run: async (args, now) => made(await objects.make(of, args, by), now) };
    }
    const fn = findNamed(directory, named);
    by.access.checkFunction(fn, by);
    if (safe) checkSafe(fn);
    if (fn.stream === true) throw streamError(fn);
    return { fn, run: (args, now) => this.#call(fn, args, by, now) };
  }

  #ofObject({ object: id, member }: MemberTarget, by: BatchCaller, safe: boolean): Prepared {
    const { objects } = this.#options;
    const object = objects.find(id, by.caller);
    const { fn } = batchedMember(object, member, safe, by);
    if (fn.stream === true) throw streamError(fn);
    return { fn, run: async (args, now) => resultOf(await objects.use(object, fn, args, by), 'none', now) };
  }

  #call(fn: FunctionDescription, args: Arguments, by: BatchCaller, now: Instant): CachedResult | Promise<CachedResult> {
    const { cache, invoker, timeLimit } = this.#options;
    const { caller, endpoint, correlationId, signal } = by;
    const question = cache.question(fn, args as readonly Value[]);
    const deadline = after(now, fn.timeLimit ?? timeLimit);
    return (
      cache.recall(question, endpoint, now) ??
      cache.ask(question, endpoint, now, () =>
        invoker.invoke({
          function: fn,
          args,
          caller,
          correlationId,
          deadline,
          ...(signal === undefined ? {} : { signal }),
        }),
      )
    );
  }
}

const noTime = milliseconds(0);

/** A reference to an object that was made. */
function made(id: string, now: Instant): CachedResult {
  const returned = Returned.of(new ObjectReference(id));
  return resultOf(
    { returned, value: returned.value, readCaller: false, tags: [], queued: noTime, ran: noTime },
    'none',
    now,
  );
}

/** What fails is told together with where, and what there was before it. */
async function blamed<T>(index: number, soFar: () => readonly Value[], run: () => T | Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof CallError) || error.details.batch !== undefined) throw error;
    throw new CallError(error.code, `Call ${index} of the batch: ${error.message}`, {
      ...error.details,
      batch: { index, results: soFar() },
    });
  }
}

/** In CBOR the results are there already, as bytes: a list is a head before them. */
function encodeList(results: readonly CachedResult[], format: ValueFormat): Uint8Array {
  if (format !== contentFormat.cbor) {
    try {
      return encodeRepresentation(
        results.map(({ value }) => value ?? null),
        format,
      );
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      throw new CallError('unencodable-result', `The results cannot be sent: ${error.message}`, { cause: error });
    }
  }
  const writer = new CborWriter();
  writer.head(4, results.length);
  for (const result of results) {
    const { bytes } = result.representation(format);
    writer.raw(bytes.length === 0 ? encodeCbor(null) : bytes);
  }
  return writer.take();
}
