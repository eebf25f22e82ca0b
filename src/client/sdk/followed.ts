/**
 * What comes one after the other, over as many observations or connections as it takes (docs/streams.md):
 *
 *   what happened                                          then
 *   something new                                          it is given; and all tries are there again
 *   4.29, 5.03                                             asked for again, when the gateway says so
 *   no answer, the association or the connection is lost   asked for again
 *   any other error                                        thrown
 *
 * Items of a stream are given once and in order: what was lost is asked for by `_from`, and an index that is not the next one means
 * that the gateway began anew. Results that are watched are given when they are another.
 */
import type { Scheduler } from '../../core/clock.ts';
import { equalBytes } from '../../core/bytes.ts';
import type { Milliseconds } from '../../core/duration.ts';
import { PeerError } from '../../core/error.ts';
import type { Value } from '../../core/value.ts';
import type { DoorAnswer, StreamEvent, WatchEvent } from './door.ts';
import { comeBackIn, mayAskAgain, passed, pauseBefore } from './retries.ts';

export interface FollowOptions {
  /** How often it is tried again before there is something new. */
  readonly retries: number;
  readonly signal: AbortSignal | undefined;
  readonly scheduler: Scheduler;
  /** Where it is asked for. */
  readonly origin: string;
  /** What is thrown of an error. */
  readonly refused: (answer: DoorAnswer) => Error;
}

/**
 * @param open asks for what comes from this index on
 * @throws RequestError, PeerError 'not-a-stream', and what `refused` makes
 */
export function streamItems(
  options: FollowOptions,
  from: number,
  open: (from: number) => AsyncIterable<StreamEvent>,
): AsyncGenerator<Value, void> {
  let next = from;
  const read = (told: Exclude<StreamEvent, FailedEvent>): Reading => {
    if (told.type === 'end') return 'end';
    // Its acknowledgement was lost.
    if (told.index === next - 1) return 'known';
    if (told.index !== next) return 'again';
    next++;
    return told;
  };
  return followed(options, () => open(next), read);
}

/**
 * @param always also where the gateway tells again what it told before
 * @throws RequestError, PeerError 'not-a-stream', and what `refused` makes
 */
export function watchedResults(
  options: FollowOptions,
  always: boolean,
  open: () => AsyncIterable<WatchEvent>,
): AsyncGenerator<Value, void> {
  let last: Uint8Array | undefined;
  return followed(options, open, (told: Exclude<WatchEvent, FailedEvent>) => {
    const { etag } = told;
    const isKnown = etag !== undefined && last !== undefined && equalBytes(etag, last);
    last = etag;
    return isKnown && !always ? 'known' : told;
  });
}

interface FailedEvent {
  readonly type: 'failed';
  readonly answer: DoorAnswer;
}

type Reading = { readonly value: Value } | 'known' | 'again' | 'end';

async function* followed<Told extends { readonly type: string }>(
  { refused, retries, signal, scheduler, origin }: FollowOptions,
  open: () => AsyncIterable<Told | FailedEvent>,
  read: (told: Exclude<Told, FailedEvent>) => Reading,
): AsyncGenerator<Value, void> {
  for (let tried = 0; ; tried++) {
    let wait: Milliseconds | undefined;
    try {
      for await (const told of open()) {
        if (isFailed(told)) {
          const comeBack = tried < retries ? comeBackIn(told.answer, true) : undefined;
          if (comeBack === undefined) throw refused(told.answer);
          wait = comeBack;
          break;
        }
        const reading = read(told as Exclude<Told, FailedEvent>);
        if (reading === 'end') return;
        if (reading === 'again') break;
        if (reading === 'known') continue;
        tried = 0;
        yield reading.value;
      }
    } catch (error) {
      wait = pauseBefore(tried);
      if (tried >= retries || !mayAskAgain(error, true)) throw error;
    }
    if (tried >= retries) {
      const words = 'was asked for what comes one after the other, and gives something else, or has no room for it';
      throw new PeerError('not-a-stream', `${origin} ${words}.`);
    }
    // Also after an end without a word: that of an answer to what is not observed.
    await passed(wait ?? pauseBefore(tried), scheduler, signal, origin);
  }
}

const isFailed = (told: { readonly type: string }): told is FailedEvent => told.type === 'failed';
