/**
 * A call as its words state it, at doors beside CoAP: the function, its arguments, what is asked of the cache, and the
 * answer that was given last. It is kept with the words (`DoorCall.words`) and good while the directory's revision is the
 * same. Who asks, whether it may, and when are no part of it.
 */
import type { CachedResult, Lease } from '../cache/cacheable.ts';
import type { Question } from '../cache/result-cache.ts';
import type { Instant } from '../core/duration.ts';
import type { Call } from '../functions/call.ts';
import type { FunctionDescription } from '../functions/description.ts';
import type { DoorAnswer } from '../http/gateway-face.ts';
import { representationOf } from './call-terms.ts';

/** Bytes of a result whose answer is kept: only the cache says how long longer ones are. */
const longestGiven = 1024;

/** An answer that is given again: as long as its result is kept, and until Max-Age counts down. */
interface Given {
  readonly answer: DoorAnswer;
  readonly lease: Lease;
  readonly until: Instant;
}

interface AskedBy {
  /** By a method that promises that nothing changes. */
  readonly safe: boolean;
  /** By somebody who has an identity. */
  readonly identified: boolean;
}

export class StatedCall {
  /** Of the directory, when the function was found. */
  readonly revision: number;
  readonly fn: FunctionDescription;
  readonly args: Call['args'];
  readonly question: Question;
  /** Of the answer. */
  readonly format: number;
  #given: Given | undefined = undefined;

  constructor(revision: number, fn: FunctionDescription, args: Call['args'], question: Question, format: number) {
    this.revision = revision;
    this.fn = fn;
    this.args = args;
    this.question = question;
    this.format = format;
  }

  /** The answer that was given last, where it is the answer now too. @param isPrivate what it says of itself then */
  given(isPrivate: boolean, now: Instant): DoorAnswer | undefined {
    const given = this.#given;
    if (given === undefined || given.lease.over || now >= given.until) return undefined;
    return given.answer.private === isPrivate ? given.answer : undefined;
  }

  answer(result: CachedResult, { safe, identified }: AskedBy, now: Instant): DoorAnswer {
    const { bytes, format, etag } = representationOf(result, this.format);
    const { state: cache, queued, ran } = result;
    return {
      bytes,
      format,
      etag: safe ? etag : undefined,
      maxAge: result.maxAgeLeft(now) / 1000,
      private: this.question.state.private !== false || identified,
      cache,
      queued,
      ran,
    };
  }

  /** @param result from the cache, of which the answer was made */
  keep(answer: DoorAnswer, result: CachedResult, now: Instant): void {
    // One for a single caller is found by who asks.
    if (this.question.state.private !== false || answer.bytes.length > longestGiven) return;
    this.#given = { answer, lease: result.lease, until: result.maxAgeUntil(now) };
  }
}
