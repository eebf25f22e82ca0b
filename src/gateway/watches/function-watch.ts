/**
 * One observation of a call of a pure function, in no protocol's words: the call is evaluated again when what its result was
 * made of is called out of date, and when Max-Age ends; who watches is told if its ETag is another.
 *
 *   c.pmin   nothing is told, and so nothing is evaluated, before so much time has passed since it was told last
 *   c.pmax   after so much time it is told even if nothing has changed
 *
 * All watches of one call share its evaluation: they are due at the same time and go through the cache, where equal calls join.
 */
import type { Asker } from '../../cache/asker.ts';
import type { CachedResult, CacheInvalidation } from '../../cache/cacheable.ts';
import { etagOf } from '../../cache/etag.ts';
import type { Question, ResultCache } from '../../cache/result-cache.ts';
import type { ValueFormat } from '../../cbor/content-format.ts';
import { encodeRepresentation } from '../../cbor/representation.ts';
import { equalBytes } from '../../core/bytes.ts';
import type { Scheduler } from '../../core/clock.ts';
import { after, milliseconds, seconds, until, type Instant, type Milliseconds } from '../../core/duration.ts';
import { CallError } from '../../functions/call-error.ts';
import type { Call, Caller, Invoker } from '../../functions/call.ts';
import type { FunctionDescription } from '../../functions/description.ts';
import { representationOf } from '../call-terms.ts';
import type { WatchWords } from '../control-words.ts';
import type { OngoingCall } from '../ongoing.ts';

/** What the result is now. */
export interface WatchedState {
  readonly bytes: Uint8Array;
  readonly etag: Uint8Array;
}

export interface WatchSources {
  readonly cache: ResultCache;
  readonly invoker: Invoker;
  readonly scheduler: Scheduler;
  /** For functions that declare no limit of their own. */
  readonly timeLimit: Milliseconds;
}

/** A call of a function as it is now. */
export interface Watched {
  readonly fn: FunctionDescription;
  readonly args: Call['args'];
  readonly question: Question;
}

export interface FunctionWatchParts extends WatchSources {
  readonly first: Watched;
  /** The same call of the function that is served now. @throws CallError where it cannot be called any more */
  readonly again: (before: Watched) => Watched;
  readonly caller: Caller;
  readonly asker: Asker;
  readonly correlationId: string;
  /** Of each state, from the first to the last. */
  readonly format: ValueFormat;
  readonly words: WatchWords;
  readonly tell: (state: WatchedState) => void;
  /** It ends with this. */
  readonly fail: (error: unknown) => void;
}

/** c.pmax where nothing is said. */
export const defaultPmax: Milliseconds = seconds(3600);
/** No call is evaluated more often for those who watch it; also where its result is good for no time. No RFC's number. */
const shortest: Milliseconds = seconds(1);
/** After an evaluation for which there was no room. */
const tryAgainIn: Milliseconds = seconds(5);
/** They say nothing of the function. */
const passing: ReadonlySet<string> = new Set(['overloaded', 'not-ready', 'cancelled']);

export class FunctionWatch {
  readonly #parts: FunctionWatchParts;
  readonly #pmax: Milliseconds;
  #watched: Watched;
  #result: CachedResult | undefined;
  #etag: Uint8Array | undefined;
  #toldAt: Instant;
  #stopTimer: (() => void) | undefined;
  #evaluating = false;
  /** It was called out of date while it was evaluated, or before it may be told. */
  #outdated = false;
  #closed = false;

  constructor(parts: FunctionWatchParts) {
    this.#parts = parts;
    this.#watched = parts.first;
    this.#pmax = parts.words.pmax ?? defaultPmax;
    this.#toldAt = parts.scheduler.now();
  }

  /** As logs name it. */
  get call(): OngoingCall {
    const { caller, correlationId } = this.#parts;
    return { function: this.#watched.fn, caller, correlationId };
  }

  /** Evaluates it for the first time. @throws CallError, or rejects with one */
  async begin(): Promise<WatchedState> {
    const result = await this.#ask();
    const state = this.#stateOf(result);
    this.#result = result;
    this.#etag = state.etag;
    this.#toldAt = this.#parts.scheduler.now();
    if (!this.#closed) this.#schedule();
    return state;
  }

  close(): void {
    this.#closed = true;
    this.#stopTimer?.();
  }

  /** Ends it with this. */
  fail(error: CallError): void {
    if (!this.#closed) this.#parts.fail(error);
  }

  invalidated({ library, method, tag }: CacheInvalidation): void {
    const { fn } = this.#watched;
    if (this.#closed || fn.library !== library) return;
    if (method !== undefined && method !== fn.method) return;
    if (tag !== undefined && this.#result?.tags.includes(tag) === false) return;
    this.#outdated = true;
    if (!this.#evaluating) this.#schedule();
  }

  /** When it is evaluated next. */
  #schedule(soonest: Milliseconds = milliseconds(0)): void {
    const { scheduler, words } = this.#parts;
    const now = scheduler.now();
    const mayTell = words.pmin === undefined ? now : after(this.#toldAt, words.pmin);
    const mustTell = after(this.#toldAt, this.#pmax);
    const outdatedAt = this.#outdated ? now : this.#freshUntil(now);
    const at = Math.max(Math.min(outdatedAt, mustTell), mayTell, after(now, soonest)) as Instant;
    this.#stopTimer?.();
    this.#stopTimer = scheduler.after(until(at, now), () => void this.#evaluate());
  }

  /** Of results that are good for no time: the next turn of a clock that all who watch share. */
  #freshUntil(now: Instant): Instant {
    const result = this.#result;
    const end = result === undefined ? now : after(result.maxAgeUntil(now), result.maxAgeLeft(now));
    return Math.max(end, (Math.floor(now / shortest) + 1) * shortest) as Instant;
  }

  async #evaluate(): Promise<void> {
    if (this.#closed || this.#evaluating) return;
    this.#evaluating = true;
    this.#outdated = false;
    let wait: Milliseconds | undefined;
    try {
      this.#watched = this.#parts.again(this.#watched);
      this.#take(await this.#ask());
    } catch (error) {
      if (!(error instanceof CallError) || !passing.has(error.code)) {
        if (!this.#closed) this.#parts.fail(error);
        return;
      }
      this.#outdated = true;
      wait = tryAgainIn;
    } finally {
      this.#evaluating = false;
    }
    if (!this.#closed) this.#schedule(wait);
  }

  #take(result: CachedResult): void {
    if (this.#closed) return;
    const now = this.#parts.scheduler.now();
    const state = this.#stateOf(result);
    this.#result = result;
    const isSame = this.#etag !== undefined && equalBytes(this.#etag, state.etag);
    if (isSame && now < after(this.#toldAt, this.#pmax)) return;
    this.#etag = state.etag;
    this.#toldAt = now;
    this.#parts.tell(state);
  }

  async #ask(): Promise<CachedResult> {
    const { cache, invoker, scheduler, timeLimit, caller, asker, correlationId } = this.#parts;
    const { fn, args, question } = this.#watched;
    const now = scheduler.now();
    const deadline = after(now, fn.timeLimit ?? timeLimit);
    return (
      cache.recall(question, asker, now) ??
      (await cache.ask(question, asker, now, () =>
        invoker.invoke({ function: fn, args, caller, correlationId, deadline }),
      ))
    );
  }

  /** Nothing is null here: the Content-Format stays what it was. */
  #stateOf(result: CachedResult): WatchedState {
    const { format } = this.#parts;
    const { bytes, format: stated, etag } = representationOf(result, format);
    if (stated !== undefined) return { bytes, etag };
    const nothing = encodeRepresentation(null, format);
    return { bytes: nothing, etag: etagOf(format, nothing) };
  }
}
