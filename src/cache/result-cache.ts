/**
 * The result cache: when a result is served again, to whom, and until when. The mechanism is elsewhere: keys in arguments-key.ts,
 * memory in result-store.ts, sharing of computations in flight.ts, encodings in result.ts.
 *
 *   asked for a result that is …        answer                                     state
 *   not of a pure function              compute                                    none
 *   of arguments that have no key       compute                                    none
 *   stored, fresh                       at once                                    hit
 *   stored, within staleWhileRevalidate at once, and compute anew behind it        stale
 *   being computed                      wait for it; if it turns out to be         joined
 *                                       another caller's alone, compute            miss
 *   none of these                       compute                                    miss
 *
 * A function that reads who calls is private from then on, unless it is declared `shared`: its key has the identity in it, or the
 * peer where it reads that (asker.ts). Errors are not kept. Freshness counts from the end of the computation as its own times tell it, so Max-Age is never overstated.
 */
import { after, milliseconds, type Instant } from '../core/duration.ts';
import { FuncoapError } from '../core/error.ts';
import type { CacheState } from '../core/channels.ts';
import type { Value } from '../core/value.ts';
import { argumentsKey } from './arguments-key.ts';
import { mayShare, whoseKey, type Asker } from './asker.ts';
import type { Cacheable, CacheCounters, CachedResult, CacheInvalidation, Computed } from './cacheable.ts';
import { Flights, isOutdated, type Flight, type Landing, type Running } from './flight.ts';
import { FunctionStates, type FunctionState } from './function-states.ts';
import { contentOf, Result } from './result.ts';
import { ResultStore, type ResultStoreOptions } from './result-store.ts';

export type ResultCacheOptions = ResultStoreOptions;

const defaultResultCacheOptions: ResultCacheOptions = { maxEntries: 10_000, maxBytes: 64 * 1024 * 1024 };

/**
 * Runs the function, and returns what it gives at once where it does. Called at most once per `resolve`, except that who
 * joined another caller's private run runs its own.
 */
export type Compute = () => Computed | Promise<Computed>;

/** A function and arguments, as they are asked for again and again. */
export class Question {
  readonly fn: Cacheable;
  readonly state: FunctionState;
  /** The arguments' part of its key; undefined where they have none. */
  readonly part: string | undefined;
  /** One string for all look-ups: V8 hashes it once. */
  readonly publicKey: string;

  constructor(fn: Cacheable, part: string | undefined, state: FunctionState) {
    this.fn = fn;
    this.state = state;
    this.part = part;
    this.publicKey = state.prefix + (this.part ?? '');
  }

  /** Whose it is belongs to the key once a run has read who calls. */
  keyFor(asker: Asker): string {
    const { state, part = '' } = this;
    if (state.private === false) return this.publicKey;
    const whose = whoseKey(asker, state.private);
    return `${state.prefix}${whose.length}:${whose}|${part}`;
  }
}

/** A question that was not answered at once. */
interface Asked {
  readonly question: Question;
  readonly asker: Asker;
  readonly now: Instant;
  readonly compute: Compute;
}

const noTime = milliseconds(0);

export class ResultCache {
  readonly #store: ResultStore;
  readonly #flights = new Flights();
  readonly #states = new FunctionStates((old) => this.#store.deleteFamily(old.number));
  readonly #listeners = new Set<(invalidation: CacheInvalidation) => void>();
  readonly #counts = { hits: 0, misses: 0, joined: 0, stale: 0, failedRefreshes: 0, revalidations: 0, bytesSaved: 0 };

  constructor(options: ResultCacheOptions = defaultResultCacheOptions) {
    this.#store = new ResultStore(options);
  }

  /**
   * The result of `fn(...args)` for the caller, from the cache or by `compute`. Synchronous where nothing has to be computed
   * first, or can be at once. `args` are final: bound, with defaults, coerced. Throws and rejects with what `compute` does.
   */
  resolve(
    fn: Cacheable,
    args: readonly Value[],
    asker: Asker,
    now: Instant,
    compute: Compute,
  ): CachedResult | Promise<CachedResult> {
    const question = this.question(fn, args);
    return this.recall(question, asker, now) ?? this.ask(question, asker, now, compute);
  }

  /** What `recall` and `ask` take: good for as long as this version of the function is. */
  question(fn: Cacheable, args: readonly Value[]): Question {
    return this.questionOf(fn, fn.pure ? argumentsKey(args) : undefined);
  }

  /** The same where the arguments' key has been made elsewhere (`argumentsKey`). */
  questionOf(fn: Cacheable, part: string | undefined): Question {
    return new Question(fn, part, this.#states.of(fn));
  }

  /** The result, where it is stored and fresh. */
  recall(question: Question, asker: Asker, now: Instant): CachedResult | undefined {
    if (question.part === undefined) return undefined;
    const row = this.#store.find(question.keyFor(asker));
    if (row === 0 || now >= this.#store.freshUntil(row)) return undefined;
    this.#counts.hits++;
    return this.#store.hit(row);
  }

  /** An answer that was made of a hit was given again, under its lease. */
  countHit(): void {
    this.#counts.hits++;
  }

  /** The result where `recall` has none: stale, somebody else's computation, or by `compute`. */
  ask(question: Question, asker: Asker, now: Instant, compute: Compute): CachedResult | Promise<CachedResult> {
    if (question.part === undefined) return this.#bypass(now, compute);
    const asked = { question, asker, now, compute };
    const key = question.keyFor(asker);
    const row = this.#store.find(key);
    if (row !== 0 && now < after(this.#store.freshUntil(row), question.fn.staleWhileRevalidate)) {
      this.#counts.stale++;
      const result = new Result(this.#store.content(row), 'stale', now, noTime, noTime);
      if (this.#flights.find(key) === undefined) this.#refresh(asked, key);
      return result;
    }
    if (row !== 0) this.#store.delete(row);
    return this.#miss(asked, key);
  }

  /** A 2.03 was sent instead of `bytes` of payload. */
  countRevalidation(bytes: number): void {
    this.#counts.revalidations++;
    this.#counts.bytesSaved += bytes;
  }

  invalidateLibrary(library: string): void {
    this.#flights.outdate((flight) => flight.library === library);
    for (const state of this.#states.ofLibrary(library)) this.#store.deleteFamily(state.number);
    this.#announce({ library });
  }

  invalidateFunction(library: string, method: string): void {
    this.#flights.outdate((flight) => flight.library === library && flight.method === method);
    const state = this.#states.named(library, method);
    if (state !== undefined) this.#store.deleteFamily(state.number);
    this.#announce({ library, method });
  }

  /** Tags are the library's own: another library's tag of the same name is another tag. */
  invalidateTag(library: string, tag: string): void {
    this.#flights.outdate((flight) => flight.library === library, tag);
    this.#store.deleteGroup(tagGroup(library, tag));
    this.#announce({ library, tag });
  }

  /** After each invalidation, whether or not anything was stored. Returns what ends it. */
  onInvalidate(listener: (invalidation: CacheInvalidation) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  counters(): CacheCounters {
    return { ...this.#counts, entries: this.#store.entries, bytes: this.#store.bytes };
  }

  clear(): void {
    this.#flights.outdate(() => true);
    this.#store.clear();
  }

  #bypass(now: Instant, compute: Compute): CachedResult | Promise<CachedResult> {
    const computed = compute();
    if (computed instanceof Promise) return computed.then((later) => resultOf(later, 'none', now));
    return resultOf(computed, 'none', now);
  }

  #miss(call: Asked, key: string): CachedResult | Promise<CachedResult> {
    const running = this.#flights.find(key);
    if (running !== undefined) return this.#join(call, running);
    this.#counts.misses++;
    const landing = this.#launch(call, key);
    return landing instanceof Promise ? landing.then(resultOfLanding) : landing.result;
  }

  async #join(call: Asked, running: Running): Promise<CachedResult> {
    const landing = await join(running.landing);
    if (landing !== undefined && mayShare(landing.private, running.flight.asker, call.asker)) {
      this.#counts.joined++;
      return landing.joined();
    }
    // Another caller's alone, or given up by who began it. By now the key may have the caller in it.
    return this.#miss(call, call.question.keyFor(call.asker));
  }

  #refresh(call: Asked, key: string): void {
    const failed = (): void => {
      this.#counts.failedRefreshes++;
    };
    try {
      const landing = this.#launch(call, key);
      if (landing instanceof Promise) landing.catch(failed);
    } catch {
      failed();
    }
  }

  #launch(call: Asked, key: string): Landing | Promise<Landing> {
    const { state } = call.question;
    const flight = this.#flights.begin(state.library, state.method, call.asker);
    let computed: Computed | Promise<Computed> | undefined;
    try {
      computed = call.compute();
      if (!(computed instanceof Promise)) return this.#land(call, flight, computed);
    } finally {
      // A promise ends its flight later.
      if (!(computed instanceof Promise)) this.#flights.end(key, flight);
    }
    const landing = computed.then(
      (later) => {
        try {
          return this.#land(call, flight, later);
        } finally {
          this.#flights.end(key, flight);
        }
      },
      (error: unknown) => {
        this.#flights.end(key, flight);
        throw error;
      },
    );
    this.#flights.offer(key, flight, landing);
    return landing;
  }

  #land({ question, asker, now }: Asked, flight: Flight, computed: Computed): Landing {
    const { fn, state } = question;
    const personal = fn.shared ? false : computed.readCaller;
    if (personal !== false && state.private !== personal && state.private !== 'peer') {
      state.private = personal;
      // Kept under keys with less of the caller: never found again.
      this.#store.deleteFamily(state.number);
    }
    const { queued, ran } = computed;
    const content = contentOf(computed);
    const outdated = isOutdated(flight, computed);
    const freshUntil = outdated ? now : after(after(after(now, queued), ran), fn.maxAge);
    if (!outdated && fn.maxAge > 0 && this.#states.isCurrent(state)) {
      this.#store.put(question.keyFor(asker), {
        content,
        freshUntil,
        sequence: flight.sequence,
        family: state.number,
        groups: computed.tags.length === 0 ? noGroups : tagGroups(fn.library, computed.tags),
      });
    }
    return {
      private: personal,
      result: new Result(content, 'miss', freshUntil, queued, ran),
      joined: () => new Result(content, 'joined', freshUntil, queued, ran),
    };
  }

  #announce(invalidation: CacheInvalidation): void {
    for (const listener of this.#listeners) listener(invalidation);
  }
}

const resultOfLanding = (landing: Landing): CachedResult => landing.result;

/** A result that is not kept. */
export function resultOf(computed: Computed, state: CacheState, freshUntil: Instant): Result {
  return new Result(contentOf(computed), state, freshUntil, computed.queued, computed.ran);
}

/** Undefined where who began it has given it up: that is no reason for the others. Any other failure is everyone's. */
async function join(landing: Promise<Landing>): Promise<Landing | undefined> {
  try {
    return await landing;
  } catch (error) {
    if (error instanceof FuncoapError && error.code === 'cancelled') return undefined;
    throw error;
  }
}

const noGroups: readonly string[] = [];
const tagGroup = (library: string, tag: string): string => `${library}/${tag}`;
const tagGroups = (library: string, tags: readonly string[]): readonly string[] => [
  ...new Set(tags.map((tag) => tagGroup(library, tag))),
];
