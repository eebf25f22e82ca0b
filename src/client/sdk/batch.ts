/**
 * Several calls in one request:
 *
 *     const [orders] = await gw.$batch((later) => {
 *       const user = later.users.find({ name: 'Ada' });
 *       return [later.orders.of(user.id)];
 *     });
 *
 * The function only writes down what is to be called; nothing runs in it. Results that are not part of what it returns are not sent back.
 */
import { codeClass } from '../../coap/codec/codes.ts';
import { PeerError, UsageError } from '../../core/error.ts';
import { milliseconds, until } from '../../core/duration.ts';
import { isList, type Value } from '../../core/value.ts';
import type { DescribedFunction } from '../../directory/described.ts';
import { problemOf } from '../answer-problem.ts';
import { asDeclared, valueOf } from './answer-value.ts';
import { batchBody } from './batch-body.ts';
import { BatchRecorder, type Later } from './batch-recorder.ts';
import type { CallOptions } from './call-options.ts';
import { outOfDate, type Calls } from './calls.ts';
import type { DoorAnswer } from './door.ts';
import { ArgumentError, RemoteError } from './errors.ts';
import { resultType, withObjects } from './remote-calls.ts';
import { follow, placeOf, type Place, type Reference } from './references.ts';
import { replaced } from './replaced.ts';
import { askWithRetries, deadlineOf, type Question } from './retries.ts';

/** What a batch gives: what its function returned, with results where there were references. */
export type Resolved<T> =
  T extends Reference<infer Result>
    ? Result
    : T extends readonly unknown[] | Readonly<Record<string, unknown>>
      ? { -readonly [Name in keyof T]: Resolved<T[Name]> }
      : T;

/**
 * @param record writes down the calls, 16 at most; it must not wait for anything
 * @throws ArgumentError before anything is sent; RemoteError of the call that failed, with `batch`: which one, and the wanted results
 * before it; UsageError `bad-reference`, `too-many-calls`; RequestError
 */
export type Batch<Libraries> = <T>(record: (later: Later<Libraries>) => T) => Promise<Resolved<T>>;

export function batchWith<Libraries>(calls: Calls, options: CallOptions): Batch<Libraries> {
  return async <T>(record: (later: Later<Libraries>) => T) => {
    const recorder = new BatchRecorder(calls);
    const shape = record(recorder.later as Later<Libraries>);
    if (shape instanceof Promise)
      throw new UsageError('bad-reference', 'The function of a batch writes calls down; it cannot wait for anything.');
    const returned: Place[] = [];
    replacePlaces(shape, (place) => returned.push(place));
    const indices = new Set(returned.map((place) => recorder.indexOf(place)));
    const order = [...indices].toSorted((a, b) => a - b);
    const batch = { recorder, returned, order };
    const results =
      recorder.calls.length === 0 ? [] : await calls.told('b', [], async () => await run(calls, batch, options));
    // Its references are results now.
    return replacePlaces(shape, ({ index, steps }) => follow(results[order.indexOf(index)], steps)) as Resolved<T>;
  };
}

const replacePlaces = (shape: unknown, by: (place: Place) => unknown): unknown =>
  replaced(shape, (item) => {
    const place = placeOf(item);
    return place === undefined ? item : by(place);
  });

/** What was written down. */
interface Recorded {
  readonly recorder: BatchRecorder;
  readonly returned: readonly Place[];
  /** Calls whose results are wanted. */
  readonly order: readonly number[];
}

/** What is sent of it. */
interface Checked {
  readonly functions: readonly DescribedFunction[];
  readonly payload: Uint8Array;
}

async function run(calls: Calls, batch: Recorded, options: CallOptions): Promise<readonly Value[]> {
  const { door, scheduler } = calls;
  const { recorder, order } = batch;
  const deadline = deadlineOf(options, scheduler.now());
  for (let tried = 0; ; tried++) {
    const { functions, payload } = await checked(batch);
    const safe = functions.every((fn) => fn.safe);
    const all = order.length === recorder.calls.length;
    const mask = order.reduce((bits, index) => bits | (1 << index), 0);
    const question: Question = {
      method: safe ? 'FETCH' : 'POST',
      path: ['b'],
      query: all ? ['_why'] : [`_w=${mask}`, '_why'],
      payload,
      etag: undefined,
    };
    if (options.oneway) {
      const left = milliseconds(Math.max(1, until(deadline, scheduler.now())));
      await door.tell({ ...question, method: 'POST', timeout: left, signal: options.signal });
      return [];
    }
    const answer = await askWithRetries(door, question, options, deadline, scheduler);
    const gives = (at: number): DescribedFunction | undefined => functions[order[at] ?? -1];
    const objectsIn = async (results: readonly Value[]): Promise<readonly Value[]> =>
      await Promise.all(results.map(async (result, at) => await withObjects(calls, result, gives(at), options)));
    if (codeClass(answer.code) === 2) return await objectsIn(resultsIn(answer, order.length, door.origin));
    const problem = problemOf(answer);
    // In an error objects are their paths, and over HTTP it is JSON: what they are is what is declared.
    const before = problem?.batch?.results.map((result, at) => asDeclared(result, resultType(gives(at))));
    // What an object offers may have to be asked for: that it cannot be is not what went wrong.
    const results = before && (await objectsIn(before).catch(() => before));
    const failed = problem?.batch?.index ?? -1;
    const name = recorder.calls[failed]?.target.name ?? 'b';
    const error = new RemoteError(name, answer, functions[failed]?.parameters, results);
    if (!outOfDate.has(problem?.name)) throw error;
    for (const { target } of recorder.calls) target.forget();
    // Of unsafe calls some may have run.
    if (tried > 0 || !safe) throw error;
  }
}

/** Also where a description is old, this side refuses only what the gateway refuses now. @throws ArgumentError, UsageError */
async function checked({ recorder, returned }: Recorded): Promise<Checked> {
  const bodyFor = (functions: readonly DescribedFunction[]): Checked => ({
    functions,
    payload: batchBody(recorder, functions, returned),
  });
  const targets = recorder.calls.map(({ target }) => target);
  const functions = await Promise.all(targets.map((target) => target.describe()));
  try {
    return bodyFor(functions);
  } catch (error) {
    if (!(error instanceof ArgumentError)) throw error;
    const newer = await Promise.all(targets.map((target) => target.newer()));
    if (newer.every((fn) => fn === undefined)) throw error;
    return bodyFor(functions.map((fn, at) => newer[at] ?? fn));
  }
}

/** @throws PeerError 'not-a-gateway' */
function resultsIn(answer: DoorAnswer, count: number, origin: string): readonly Value[] {
  const results = valueOf(answer);
  if (isList(results) && results.length === count) return results;
  throw new PeerError('not-a-gateway', `${origin} did not answer a batch as a funcoap gateway does.`);
}
