/**
 * Asks again where that cannot do twice what was asked for:
 *
 *   what happened                                 safe request    unsafe request
 *   it was never sent (congested, no handshake)   again           again
 *   4.29; 5.03 because the queue is full          again, when the gateway says so (nothing was run)
 *   5.03 otherwise                                again           no: it may have run
 *   no answer, unreachable, association lost      again           no: it may have arrived
 *   given up, closed                              no              no
 */
import type { Scheduler } from '../../core/clock.ts';
import { after, milliseconds, seconds, until, type Instant, type Milliseconds } from '../../core/duration.ts';
import { problemOf } from '../answer-problem.ts';
import { RequestError } from '../request-error.ts';
import type { CallOptions } from './call-options.ts';
import type { Door, DoorAnswer, DoorRequest } from './door.ts';

export type Question = Omit<DoorRequest, 'timeout' | 'signal'>;

/** Before the first and the second try again; no RFC's numbers. */
const pause = milliseconds(200);

/** The request had no chance to leave, or was refused before it was looked at. */
const neverArrived: ReadonlySet<string> = new Set([
  'request-congested',
  'request-handshake',
  'request-handshake-timeout',
]);

const mayHaveArrived: ReadonlySet<string> = new Set([
  'request-timeout',
  'request-unreachable',
  'request-reset',
  'request-association-closed',
  'request-changed',
]);

/** @throws RequestError where there is no answer in the end */
export async function askWithRetries(
  door: Door,
  question: Question,
  options: CallOptions,
  deadline: Instant,
  scheduler: Scheduler,
): Promise<DoorAnswer> {
  const isSafe = question.method === 'GET' || question.method === 'FETCH';
  const { retries, signal } = options;
  for (let tried = 0; ; tried++) {
    const isLast = tried >= retries;
    const left = until(deadline, scheduler.now());
    let wait: Milliseconds;
    try {
      const answer = await door.ask({ ...question, timeout: milliseconds(Math.max(1, left)), signal });
      const comeBack = isLast ? undefined : comeBackIn(answer, isSafe);
      if (comeBack === undefined || comeBack >= until(deadline, scheduler.now())) return answer;
      wait = comeBack;
    } catch (error) {
      wait = pauseBefore(tried);
      if (isLast || !mayAskAgain(error, isSafe) || wait >= until(deadline, scheduler.now())) throw error;
    }
    await passed(wait, scheduler, signal, door.origin);
  }
}

/** @param tried how often it was tried again before */
const pauseBefore = (tried: number): Milliseconds => milliseconds(pause * 2 ** tried);

/** Whether it may be done once more, after this was thrown instead of an answer. */
export const mayAskAgain = (error: unknown, isSafe: boolean): boolean =>
  error instanceof RequestError && (neverArrived.has(error.code) || (isSafe && mayHaveArrived.has(error.code)));

/** Undefined where the answer is what there is to say. */
export function comeBackIn(answer: DoorAnswer, isSafe: boolean): Milliseconds | undefined {
  if (answer.code !== 0x9d && answer.code !== 0xa3) return undefined;
  const problem = problemOf(answer);
  // Before a later call of a batch, the earlier ones have run.
  const isFirst = (problem?.batch?.index ?? 0) === 0;
  const nothingRan = isFirst && (problem?.name === 'rate-exceeded' || problem?.name === 'overloaded');
  return nothingRan || isSafe ? answer.maxAge : undefined;
}

export interface OutageOptions {
  /** How long nobody may answer. */
  readonly longest: Milliseconds;
  readonly scheduler: Scheduler;
  readonly signal: AbortSignal | undefined;
  readonly origin: string;
}

/** Between two questions to a gateway that does not answer. No RFC's number. */
const longestPause = seconds(5);

/**
 * Asks for what outlives the gateway until it answers.
 * @param ask calls `heard` when the gateway has answered, and what is asked for goes on
 * @throws RequestError when nobody has answered for too long
 */
export async function throughOutages<T>(
  ask: (heard: () => void) => Promise<T>,
  { longest, scheduler, signal, origin }: OutageOptions,
): Promise<T> {
  let tried = 0;
  let since: Instant | undefined;
  const heard = (): void => {
    tried = 0;
    since = undefined;
  };
  for (; ; tried++) {
    try {
      return await ask(heard);
    } catch (error) {
      since ??= scheduler.now();
      if (!mayAskAgain(error, true) || scheduler.now() >= after(since, longest)) throw error;
    }
    await passed(milliseconds(Math.min(pauseBefore(tried), longestPause)), scheduler, signal, origin);
  }
}

/** Waits. @throws RequestError `request-aborted` */
export async function passed(
  span: Milliseconds,
  scheduler: Scheduler,
  signal: AbortSignal | undefined,
  origin: string,
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const abort = (): void => {
      stop();
      reject(new RequestError('aborted', origin));
    };
    const stop = scheduler.after(span, () => {
      signal?.removeEventListener('abort', abort);
      resolve();
    });
    if (signal?.aborted === true) abort();
    else signal?.addEventListener('abort', abort, { once: true });
  });
}

export const deadlineOf = ({ timeout }: CallOptions, now: Instant): Instant => after(now, timeout);
