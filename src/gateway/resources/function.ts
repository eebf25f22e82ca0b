/**
 * Calling a function: /func/{library}/{method} and its compact twin /f/{library id}/{method id}.
 *
 * Everything that can be refused is refused before the function runs: who calls, the method, the answer's format, the body,
 * the arguments. A result comes from the result cache where the function is pure.
 */
import { argumentsKey } from '../../cache/arguments-key.ts';
import type { CachedResult, Lease } from '../../cache/cacheable.ts';
import type { Question, ResultCache } from '../../cache/result-cache.ts';
import { contentFormat, type ValueFormat } from '../../cbor/content-format.ts';
import { isSafeMethod, method, responseCode } from '../../coap/codec/codes.ts';
import type { Request } from '../../coap/request.ts';
import { encodedResponse, response, rewriteMaxAge } from '../../coap/response.ts';
import type { Clock } from '../../core/clock.ts';
import { after, until, type Instant, type Milliseconds } from '../../core/duration.ts';
import { bind, type ArgumentInput } from '../../functions/binding.ts';
import { CallError } from '../../functions/call-error.ts';
import type { Call, Invoker } from '../../functions/call.ts';
import type { FunctionDescription } from '../../functions/description.ts';
import { readBody } from '../body.ts';
import {
  checkPlace,
  checkSafe,
  classNamed,
  findNamed,
  namedBy,
  notPure,
  representationOf,
  type FunctionDirectory,
  type Named,
} from '../call-terms.ts';
import { largeBodyBytes, type BodyThread } from '../body-thread.ts';
import { checkStreamWords, readControlWords, type ControlWords } from '../control-words.ts';
import type { Jobs } from '../jobs.ts';
import type { Answer, Resource, Visit } from '../resource.ts';
import { answerFormat, bodyFormatOf, checkBodyFormat, checkFirstBlock, isCurrent } from './formats.ts';
import type { ObjectResource } from './object.ts';
import { checkStreamFormat, isObserving, type CoapStreams } from '../streams/coap-streams.ts';
import type { CoapWatches } from '../watches/coap-watches.ts';
import { describeFunction } from './description.ts';

/** Calls that have more than one answer. */
export interface FollowedCalls {
  readonly stream: CoapStreams['answer'];
  readonly watch: CoapWatches['answer'];
}

export interface FunctionResourceOptions {
  readonly directory: FunctionDirectory;
  readonly invoker: Invoker;
  readonly cache: ResultCache;
  /** Where large bodies are read. */
  readonly bodies: Pick<BodyThread, 'read'>;
  readonly clock: Clock;
  readonly followed: FollowedCalls;
  /** For functions that declare no limit of their own. */
  readonly timeLimit: Milliseconds;
  /** Undefined: none are taken. */
  readonly jobs?: Pick<Jobs, 'submit'>;
  /** Undefined: classes are not callable. */
  readonly objects?: Pick<ObjectResource, 'make'>;
}

/** Bytes of a representation whose answer is kept ready; longer ones are put together each time. */
const longestGiven = 1024;

/** What follows from the terms of a call and the function they name. */
class Addressed {
  readonly named: Named;
  /** Of the directory, when the function was found. */
  readonly revision: number;
  readonly fn: FunctionDescription;
  /** Of the query. */
  readonly argumentItems: readonly string[];
  /** The format of an answer follows from the body's where nothing else is said. */
  readonly hasBody: boolean;
  readonly format: ValueFormat;
  readonly words: ControlWords;

  constructor(
    named: Named,
    revision: number,
    fn: FunctionDescription,
    words: ControlWords,
    hasBody: boolean,
    format: ValueFormat,
  ) {
    this.named = named;
    this.revision = revision;
    this.fn = fn;
    this.argumentItems = words.argumentItems;
    this.words = words;
    this.hasBody = hasBody;
    this.format = format;
  }
}

/** What follows from the words of a call. */
class Stated {
  readonly addressed: Addressed;
  readonly args: Call['args'];
  readonly question: Question;
  /** What was answered last, from the cache. */
  given: Given | undefined = undefined;

  constructor(addressed: Addressed, args: Call['args'], question: Question) {
    this.addressed = addressed;
    this.args = args;
    this.question = question;
  }
}

/** An answer that is given again. Short: only the cache says how long long ones are kept. */
class Given {
  readonly answer: Answer;
  /** Bytes that a 2.03 leaves out. */
  readonly spared: number | undefined;
  readonly #lease: Lease;
  /** Until Max-Age counts down. */
  #until: Instant;
  readonly #freshUntil: Instant;

  constructor(answer: Answer, spared: number | undefined, result: CachedResult, now: Instant) {
    this.answer = answer;
    this.spared = spared;
    this.#lease = result.lease;
    this.#until = result.maxAgeUntil(now);
    this.#freshUntil = after(this.#until, result.maxAgeLeft(now));
  }

  /** Whether it is the answer now too. */
  isGood(now: Instant): boolean {
    return !this.#lease.over && (now < this.#until || this.#countDown(now));
  }

  #countDown(now: Instant): boolean {
    const left = Math.floor(until(this.#freshUntil, now) / 1000);
    if (left === 0 || !rewriteMaxAge(this.answer.response, left)) return false;
    this.#until = (this.#freshUntil - 1000 * left) as Instant;
    this.#lease.use();
    return true;
  }
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
    const { termsNote } = visit;
    const known = termsNote instanceof Addressed ? termsNote : undefined;
    const named = known?.named ?? namedBy(visit.path);
    const { directory, clock } = this.#options;
    const change = directory.pending(named.library, visit.now);
    if (change === undefined) return this.#find(visit, named, known, visit.now);
    // Time that was spent waiting for a change is not the call's: it counts from then.
    return change.then(() => this.#find(visit, named, known, clock.now()));
  }

  #find(visit: Visit, named: Named, known: Addressed | undefined, now: Instant): Answer | Promise<Answer> {
    const { payload } = visit.request;
    if (known?.revision !== this.#options.directory.revision || known.hasBody !== payload.length > 0) {
      return this.#address(visit, named, now);
    }
    // The same terms are known of whoever used them first: who uses them now is looked at each time.
    visit.access.checkFunction(known.fn, visit);
    const { note } = visit;
    return note instanceof Stated && note.addressed === known
      ? this.#call(visit, note, now)
      : this.#bind(visit, known, now);
  }

  #address(visit: Visit, named: Named, now: Instant): Answer | Promise<Answer> {
    const { directory, objects } = this.#options;
    const { revision } = directory;
    const { request } = visit;
    const made = classNamed(directory, named);
    if (objects !== undefined && made !== undefined) return objects.make(visit, made);
    const fn = findNamed(directory, named);
    visit.access.checkFunction(fn, visit);
    const words = readControlWords(visit.query);
    if (words.describe !== undefined) return { response: describeFunction(request, fn, words.describe) };
    checkStreamWords(words.stream, fn);
    const format = this.#allow(request, fn);
    if (words.job) return this.#takeJob(visit, fn, words.argumentItems, format);
    // One text for all functions of a library: it is looked up for each call.
    const found = 'id' in named ? named : { ...named, library: fn.library };
    const addressed = new Addressed(found, revision, fn, words, request.payload.length > 0, format);
    visit.termsNote = addressed;
    return this.#bind(visit, addressed, now);
  }

  async #takeJob(
    visit: Visit,
    fn: FunctionDescription,
    items: readonly string[],
    format: ValueFormat,
  ): Promise<Answer> {
    const { request, caller, correlationId } = visit;
    const { jobs } = this.#options;
    if (request.code !== method.POST || jobs === undefined)
      throw new CallError('bad-request', 'A job is asked for with POST.');
    const { payload: body } = request;
    const bodyFormat = bodyFormatOf(request) ?? contentFormat.cbor;
    const asker = request.peer.endpoint;
    const given = { body, bodyFormat, items, format };
    const { id, comeBack } = await jobs.submit({ fn, ...given, caller, asker, correlationId });
    return { response: response(responseCode.created, { locationPath: ['j', id], maxAge: comeBack }) };
  }

  #bind(visit: Visit, addressed: Addressed, now: Instant): Answer | Promise<Answer> {
    const { request } = visit;
    const { fn, argumentItems } = addressed;
    const { payload } = request;
    const { bodies, cache } = this.#options;
    if (payload.length >= largeBodyBytes && !fn.inline) {
      const bodyFormat = checkBody(request, argumentItems);
      return bodies
        .read(fn, payload, bodyFormat)
        .then(({ args, part }) =>
          fn.stream === true
            ? this.#stream(visit, addressed, args, part, now)
            : this.#call(visit, new Stated(addressed, args, cache.questionOf(fn, part)), now),
        );
    }
    const args = bind(fn, argumentInput(fn, request, argumentItems));
    if (fn.stream === true) return this.#stream(visit, addressed, args, argumentsKey(args), now);
    const stated = new Stated(addressed, args, cache.question(fn, args));
    if (fn.pure && isObserving(request)) return this.#watch(visit, stated);
    visit.note = stated;
    return this.#call(visit, stated, now);
  }

  #stream(
    visit: Visit,
    { fn, words }: Addressed,
    args: Call['args'],
    part: string | undefined,
    now: Instant,
  ): Promise<Answer> {
    return this.#options.followed.stream(visit, { fn, args, part, words: words.stream }, now);
  }

  async #watch(visit: Visit, first: Stated): Promise<Answer> {
    const { request } = visit;
    const { addressed } = first;
    const { directory, cache, followed, clock } = this.#options;
    const answer = await followed.watch(visit, {
      first: { fn: addressed.fn, args: first.args, question: first.question },
      again: (before) => {
        const fn = findNamed(directory, addressed.named);
        if (fn === before.fn) return before;
        if (!fn.pure) throw notPure(fn);
        const args = bind(fn, argumentInput(fn, request, addressed.argumentItems));
        return { fn, args, question: cache.question(fn, args) };
      },
      format: addressed.format,
      words: addressed.words.watch,
    });
    return answer ?? this.#call(visit, first, clock.now());
  }

  #call(visit: Visit, stated: Stated, now: Instant): Answer | Promise<Answer> {
    const { request } = visit;
    const { addressed, args, question, given } = stated;
    const { fn, format } = addressed;
    const { cache, clock, invoker } = this.#options;
    if (given?.isGood(now) === true) {
      cache.countHit();
      if (given.spared !== undefined) cache.countRevalidation(given.spared);
      return given.answer;
    }
    const { endpoint } = request.peer;
    const hit = cache.recall(question, endpoint, now);
    if (hit !== undefined) return this.#answerHit(request, stated, hit, now);
    const result = cache.ask(question, endpoint, now, () => {
      const { caller, correlationId } = visit;
      const deadline = after(now, fn.timeLimit ?? this.#options.timeLimit);
      return invoker.invoke({ function: fn, args, caller, correlationId, deadline });
    });
    if (!(result instanceof Promise)) return this.#answer(request, result, format, now).answer;
    return result.then((later) => this.#answer(request, later, format, clock.now()).answer);
  }

  /** What can be refused before the body is looked at is refused here. Returns the answer's format. */
  #allow(request: Request, fn: FunctionDescription): ValueFormat {
    checkFirstBlock(request);
    if (isSafeMethod(request.code)) checkSafe(fn);
    if (fn.stream === true) {
      checkStreamFormat(request);
      checkBodyFormat(bodyFormatOf(request));
      return contentFormat.cbor;
    }
    return answerFormat(request, bodyFormatOf(request));
  }

  /** While it is kept, a result has one answer to the same words, but for Max-Age: it is made once. */
  #answerHit(request: Request, stated: Stated, result: CachedResult, now: Instant): Answer {
    const { answer, spared } = this.#answer(request, result, stated.addressed.format, now);
    const { response: made } = answer;
    const isPrivate = stated.question.state.private !== false;
    if (!request.wording.remembered || made.payload.length > longestGiven || isPrivate) return answer;
    const again = { ...answer, response: encodedResponse(made) };
    stated.given = new Given(again, spared, result, now);
    return again;
  }

  #answer(
    request: Request,
    result: CachedResult,
    format: ValueFormat,
    now: Instant,
  ): { readonly answer: Answer; readonly spared?: number } {
    const { state: cache, queued, ran } = result;
    const { bytes, format: stated, etag } = representationOf(result, format);
    const content = { contentFormat: stated, payload: bytes, kept: true };
    if (!isSafeMethod(request.code)) {
      return { answer: { response: response(responseCode.changed, content), cache, queued, ran } };
    }
    const maxAge = result.maxAgeLeft(now) / 1000;
    if (isCurrent(request, etag)) {
      this.#options.cache.countRevalidation(bytes.length);
      const valid = response(responseCode.valid, { etag, maxAge });
      return { answer: { response: valid, cache, queued, ran }, spared: bytes.length };
    }
    return { answer: { response: response(responseCode.content, { ...content, etag, maxAge }), cache, queued, ran } };
  }
}

function argumentInput(fn: FunctionDescription, request: Request, items: readonly string[]): ArgumentInput {
  if (request.payload.length > 0) return readBody(fn, request.payload, checkBody(request, items));
  return items.length === 0 ? { kind: 'none' } : { kind: 'query', items };
}

/** The format of a body that may be there. */
function checkBody(request: Request, items: readonly string[]): number {
  checkPlace(request.code === method.GET, items);
  return bodyFormatOf(request) ?? contentFormat.cbor;
}
