/**
 * What comes one after the other, over as many observations or connections as it takes (docs/streams.md):
 *
 *   what happened                                          then
 *   something new                                          it is given; and all tries are there again
 *   4.29, 5.03                                             asked for again, when the gateway says so
 *   no answer, the association or the connection is lost   asked for again
 *   `stream-lost`: the gateway has not the stream any more  thrown; begun anew where nothing was given yet, or with `replay`
 *   any other error                                        thrown
 *
 * Items of a stream are given once and in order: what was lost is asked for by `_from`, of the very run of the function that gave
 * what came before (`_run`), so that a function is never run a second time unless that was asked for. Results that are watched are
 * given when they are another.
 */
import type { Scheduler } from '../../core/clock.ts';
import { equalBytes } from '../../core/bytes.ts';
import { seconds, type Milliseconds } from '../../core/duration.ts';
import { PeerError } from '../../core/error.ts';
import type { Value } from '../../core/value.ts';
import { problemOf } from '../answer-problem.ts';
import type { DoorAnswer, StreamEvent, StreamPlace, WatchEvent } from './door.ts';
import { comeBackIn, mayAskAgain, passed } from './retries.ts';

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

export interface StreamOptions extends FollowOptions {
  /** Whether it may begin anew, and skip what was given. */
  readonly replay: boolean;
}

/**
 * @param open asks for what comes from this place on
 * @throws RequestError, PeerError 'not-a-stream', and what `refused` makes
 */
export function streamItems(
  options: StreamOptions,
  from: number,
  open: (place: StreamPlace) => AsyncIterable<StreamEvent>,
): AsyncGenerator<Value, void> {
  let next = from;
  let run: string | undefined;
  const opened = async function* (): AsyncGenerator<ToldOfStream, void> {
    /** What was wanted next when it was begun anew: once without an item, and not for ever. */
    let anewAt: number | undefined;
    for (let isLost = true; isLost;) {
      isLost = false;
      for await (const told of open({ from: next, run })) {
        if (told.type === 'begun') run = told.run;
        else if (next !== anewAt && (options.replay || next === from) && isStreamLost(told)) isLost = true;
        else yield told;
      }
      if (isLost) {
        anewAt = next;
        run = undefined;
      }
    }
  };
  const read = (told: Exclude<ToldOfStream, FailedEvent>): Reading => {
    if (told.type === 'end') return 'end';
    // Its acknowledgement was lost.
    if (told.index === next - 1) return 'known';
    if (told.index !== next) return 'again';
    next++;
    return told;
  };
  return followed(options, opened, read);
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

type ToldOfStream = Exclude<StreamEvent, { readonly type: 'begun' }>;

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

const isStreamLost = (told: StreamEvent): boolean =>
  told.type === 'failed' && problemOf(told.answer)?.name === 'stream-lost';

/** So that a gateway that is started again at once is there: after 1 and 5 seconds, then less often. No RFC's numbers. */
const pauseBefore = (tried: number): Milliseconds => seconds(Math.min(4 ** tried, 30));

const isFailed = (told: { readonly type: string }): told is FailedEvent => told.type === 'failed';
