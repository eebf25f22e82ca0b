/**
 * One request at a door beside CoAP, let in: what it may ask of the gateway, decided as everywhere (call-terms.ts). The CoAP front has
 * a way of its own, because it remembers what follows from a request's words (resources/function.ts).
 */
import { argumentsKey } from '../cache/arguments-key.ts';
import type { CachedResult } from '../cache/cacheable.ts';
import { etagOf } from '../cache/etag.ts';
import type { ResultCache } from '../cache/result-cache.ts';
import { isValueFormat } from '../cbor/content-format.ts';
import type { Clock } from '../core/clock.ts';
import type { Endpoint } from '../core/datagram.ts';
import { after, type Instant, type Milliseconds } from '../core/duration.ts';
import { anonymous } from '../core/principal.ts';
import type { Value } from '../core/value.ts';
import { directoryValue, libraryValue } from '../directory/describe.ts';
import { coreLinks, functionLinks, libraryLinks } from '../directory/function-links.ts';
import { bind, type ArgumentInput } from '../functions/binding.ts';
import { CallError, type Offer } from '../functions/call-error.ts';
import type { Call, Invoker } from '../functions/call.ts';
import type { FunctionDescription, LibraryDescription } from '../functions/description.ts';
import type { DoorAnswer, DoorCall, DoorFlow, DoorJob, DoorVisit } from '../http/gateway-face.ts';
import { formatAddress } from '../transport/address.ts';
import type { Access } from './access-rules.ts';
import type { Batches } from './batch.ts';
import { readBody } from './body.ts';
import { largeBodyBytes, type BodyThread } from './body-thread.ts';
import {
  checkPlace,
  checkSafe,
  classNamed,
  findLibrary,
  findNamed,
  libraryNamedBy,
  namedBy,
  notPure,
  type FunctionDirectory,
  type Named,
} from './call-terms.ts';
import { checkStreamWords, readControlWords, type ControlWords } from './control-words.ts';
import { describedFunction } from './described.ts';
import { describedAnswer, notAcceptable, plainAnswer, valueFormat } from './door-answers.ts';
import { openStreamFlow, openWatchFlow } from './door-flows.ts';
import { askClass, askObject } from './door-objects.ts';
import { resultOf, type Jobs } from './jobs.ts';
import type { ObjectVisitor } from './object-requests.ts';
import type { Objects } from './objects.ts';
import type { LibraryCatalogue } from './resources/catalogue.ts';
import { StatedCall } from './stated-call.ts';
import type { Streams } from './streams/streams.ts';
import type { Watched } from './watches/function-watch.ts';
import type { Watches } from './watches/watches.ts';

export interface VisitOptions {
  readonly directory: FunctionDirectory & LibraryCatalogue;
  readonly invoker: Invoker;
  readonly cache: ResultCache;
  readonly batches: Batches;
  readonly jobs: Jobs;
  readonly objects: Objects;
  readonly bodies: Pick<BodyThread, 'read'>;
  readonly streams: Streams;
  readonly watches: Watches;
  readonly clock: Clock;
  /** For functions that declare no limit of their own. */
  readonly timeLimit: Milliseconds;
}

export class AdmittedVisit implements DoorVisit {
  readonly #options: VisitOptions;
  readonly #guest: Endpoint;
  readonly #access: Access;
  readonly #now: Instant;

  constructor(options: VisitOptions, guest: Endpoint, access: Access, now: Instant) {
    this.#options = options;
    this.#guest = guest;
    this.#access = access;
    this.#now = now;
  }

  call(call: DoorCall): DoorAnswer | Promise<DoorAnswer | DoorFlow> {
    const { directory, clock } = this.#options;
    const named = namedBy(call.path);
    const change = directory.pending(named.library, this.#now);
    if (change === undefined) return this.#find(call, named, this.#now);
    // Time that was spent waiting for a change is not the call's: it counts from then.
    return change.then(() => this.#find(call, named, clock.now()));
  }

  async batch({ body, bodyFormat, query, safe, accept, correlationId, signal }: DoorCall): Promise<DoorAnswer> {
    const format = valueFormat(accept);
    const { bytes, maxAge, calls, queued, ran } = await this.#options.batches.run(
      { body, bodyFormat, query, safe, format },
      { caller: this.#caller, endpoint: this.#guest, access: this.#access, correlationId, signal: signal() },
    );
    const etag = safe ? etagOf(format, bytes) : undefined;
    return { bytes, format, etag, maxAge: maxAge / 1000, private: true, calls, cache: 'none', queued, ran };
  }

  async submit(call: DoorCall): Promise<DoorJob | DoorAnswer> {
    const { path, query, body, bodyFormat, accept, correlationId } = call;
    const { directory, jobs, objects } = this.#options;
    const named = namedBy(path);
    await directory.pending(named.library, this.#now);
    const of = classNamed(directory, named);
    if (of !== undefined) return await askClass(objects, of, call, this.#visitor(call));
    const fn = findNamed(directory, named);
    const caller = this.#caller;
    this.#access.checkFunction(fn, { caller });
    const { argumentItems: items } = readControlWords(query);
    const format = valueFormat(accept);
    return await jobs.submit({ fn, body, bodyFormat, items, format, caller, asker: this.#guest, correlationId });
  }

  async job(id: string, accept: readonly number[]): Promise<DoorAnswer | Pick<DoorJob, 'comeBack'>> {
    const { jobs } = this.#options;
    const job = await jobs.find(id, this.#caller);
    const { order, outcome } = job;
    if (outcome === undefined) return { comeBack: jobs.comeBack(job) };
    const format = valueFormat(accept);
    const bytes = resultOf(outcome, order.format, format);
    const isNothing = outcome.state === 'done' && outcome.cbor.length === 0;
    return plainAnswer(bytes, isNothing ? undefined : format);
  }

  async jobs(accept: readonly number[]): Promise<DoorAnswer> {
    const jobs = await this.#options.jobs.list(this.#caller);
    return describedAnswer({ value: () => jobs }, accept);
  }

  async removeJob(id: string): Promise<void> {
    await this.#options.jobs.remove(id, this.#caller);
  }

  async object(call: DoorCall, verb: Offer): Promise<DoorAnswer | DoorFlow> {
    return await askObject(this.#options.objects, call, verb, this.#visitor(call), this.#options);
  }

  async release({ path, correlationId }: Pick<DoorCall, 'path' | 'correlationId'>): Promise<void> {
    const { objects } = this.#options;
    const visitor = this.#visitor({ correlationId });
    await objects.release(objects.find(path[1] ?? '', visitor.caller), visitor);
  }

  catalogue(path: readonly string[], accept: readonly number[]): DoorAnswer | Promise<DoorAnswer> {
    const named = libraryNamedBy(path);
    return this.#listed((libraries) => {
      if (named === undefined) {
        return describedAnswer(
          { value: () => directoryValue(libraries), links: () => libraryLinks(libraries) },
          accept,
        );
      }
      const one = findLibrary(libraries, named);
      return describedAnswer({ value: () => libraryValue(one), links: () => functionLinks(one) }, accept);
    });
  }

  links(query: readonly string[], accept: readonly number[]): DoorAnswer | Promise<DoorAnswer> {
    return this.#listed((libraries) => describedAnswer({ links: () => coreLinks([], libraries, query) }, accept));
  }

  libraries(): readonly LibraryDescription[] | Promise<readonly LibraryDescription[]> {
    return this.#listed((libraries) => libraries);
  }

  #listed<T>(use: (libraries: readonly LibraryDescription[]) => T): T | Promise<T> {
    const { directory } = this.#options;
    const now = (): T => use(this.#access.visible(directory.libraries()));
    const change = directory.pendingAny();
    return change === undefined ? now() : change.then(now);
  }

  #find(call: DoorCall, named: Named, now: Instant): DoorAnswer | Promise<DoorAnswer | DoorFlow> {
    const { directory, cache, objects } = this.#options;
    const { revision } = directory;
    const known = call.words?.note;
    if (known instanceof StatedCall && known.revision === revision) {
      // The same words are known of whoever used them first: who uses them now is looked at each time.
      this.#access.checkFunction(known.fn, this);
      return this.#ask(call, known, now);
    }
    const of = classNamed(directory, named);
    if (of !== undefined) return askClass(objects, of, call, this.#visitor(call));
    const fn = findNamed(directory, named);
    this.#access.checkFunction(fn, { caller: this.#caller });
    const words = readControlWords(call.query);
    const { describe, argumentItems } = words;
    if (describe !== undefined) return describedAnswer(describedFunction(fn, describe), call.accept);
    checkStreamWords(words.stream, fn);
    if (words.job) throw new CallError('bad-request', 'A job is asked for with POST.');
    if (call.safe) checkSafe(fn);
    const format = call.accept.find(isValueFormat);
    if (fn.stream === true || (format === undefined && fn.pure && call.safe && call.flow().follows))
      return this.#flow(call, named, fn, words, now);
    if (format === undefined) throw notAcceptable();
    const { body } = call;
    const hasBody = body.length > 0;
    if (hasBody) checkPlace(false, argumentItems);
    if (body.length >= largeBodyBytes && !fn.inline) {
      return this.#options.bodies.read(fn, body, call.bodyFormat).then(({ args, part }) => {
        const question = cache.questionOf(fn, part);
        return this.#ask(call, new StatedCall(revision, fn, args, question, format), now);
      });
    }
    const args = bind(fn, hasBody ? readBody(fn, body, call.bodyFormat) : inputOf(argumentItems));
    const stated = new StatedCall(revision, fn, args, cache.question(fn, args), format);
    if (call.words !== undefined) call.words.note = stated;
    return this.#ask(call, stated, now);
  }

  async #flow(
    call: DoorCall,
    named: Named,
    fn: FunctionDescription,
    words: ControlWords,
    now: Instant,
  ): Promise<DoorFlow> {
    const { cache, directory, streams, timeLimit, watches } = this.#options;
    const bound = (target: FunctionDescription): readonly Value[] => {
      if (call.body.length > 0) checkPlace(false, words.argumentItems);
      const input = call.body.length > 0 ? readBody(target, call.body, call.bodyFormat) : inputOf(words.argumentItems);
      return bind(target, input);
    };
    const watched = (target: FunctionDescription): Watched => {
      const args = bound(target);
      return { fn: target, args, question: cache.question(target, args) };
    };
    const caller = this.#caller;
    const { correlationId } = call;
    const check = (target: FunctionDescription): void => this.#access.checkFunction(target, { caller });
    if (fn.stream !== true) {
      const first = watched(fn);
      const again = (before: Watched): Watched => {
        const target = findNamed(directory, named);
        check(target);
        if (target === before.fn) return before;
        if (!target.pure) throw notPure(target);
        return watched(target);
      };
      const asker = this.#guest;
      return await openWatchFlow({ watches, first, again, caller, asker, correlationId, words: words.watch });
    }
    const args = bound(fn);
    const deadline = after(now, fn.timeLimit ?? timeLimit);
    return await openStreamFlow({
      streams,
      call: { function: fn, args, caller, correlationId, deadline },
      part: argumentsKey(args),
      words: words.stream,
      wish: call.flow(),
      check: () => check(fn),
    });
  }

  #ask(call: DoorCall, stated: StatedCall, now: Instant): DoorAnswer | Promise<DoorAnswer> {
    const { cache, clock, invoker, timeLimit } = this.#options;
    const { fn, args, question } = stated;
    const given = stated.given(this.#guest.principal !== undefined, now);
    if (given !== undefined) {
      cache.countHit();
      return given;
    }
    const hit = cache.recall(question, this.#guest, now);
    if (hit !== undefined) {
      const answer = this.#answer(call, stated, hit, now);
      if (call.words !== undefined) stated.keep(answer, hit, now);
      return answer;
    }
    const { correlationId } = call;
    const deadline = after(now, fn.timeLimit ?? timeLimit);
    const result = cache.ask(question, this.#guest, now, () =>
      invoker.invoke({
        function: fn,
        args,
        caller: this.#caller,
        correlationId,
        deadline,
        signal: call.signal(),
      }),
    );
    if (!(result instanceof Promise)) return this.#answer(call, stated, result, now);
    return result.then((later) => this.#answer(call, stated, later, clock.now()));
  }

  #answer(call: DoorCall, stated: StatedCall, result: CachedResult, now: Instant): DoorAnswer {
    return stated.answer(result, { safe: call.safe, identified: this.#guest.principal !== undefined }, now);
  }

  /** Looked at where it is refused. */
  get caller(): Call['caller'] {
    return this.#caller;
  }

  #visitor({ correlationId }: Pick<DoorCall, 'correlationId'>): ObjectVisitor {
    return { caller: this.#caller, access: this.#access, correlationId };
  }

  get #caller(): Call['caller'] {
    const { principal, remote } = this.#guest;
    const { name: identity, groups, enrolled } = principal ?? anonymous;
    return { identity, groups, enrolled, peer: formatAddress(remote) };
  }
}

const inputOf = (items: readonly string[]): ArgumentInput =>
  items.length === 0 ? { kind: 'none' } : { kind: 'query', items };
