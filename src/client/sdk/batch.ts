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
import { isPlainObject } from '../../cbor/carried-form.ts';
import { codeClass } from '../../coap/codec/codes.ts';
import { PeerError, UsageError } from '../../core/error.ts';
import { milliseconds, until } from '../../core/duration.ts';
import type { Value } from '../../core/value.ts';
import { isClass, type DescribedFunction } from '../../directory/described.ts';
import { problemOf } from '../answer-problem.ts';
import type { Argument } from './arguments.ts';
import { batchBody, type RecordedCall } from './batch-body.ts';
import type { CallOptions } from './call-options.ts';
import { outOfDate, type Calls } from './calls.ts';
import type { DoorAnswer } from './door.ts';
import { ArgumentError, RemoteError, streamNotOnce } from './errors.ts';
import { resultIn } from './remote-calls.ts';
import { follow, placeOf, referenceTo, type Place, type Reference } from './references.ts';
import type { RemoteFunction } from './remote-function.ts';
import { askWithRetries, deadlineOf, type Question } from './retries.ts';

/** A function inside a batch: it takes references where it takes arguments, and gives one. */
export type RecordedFunction<Fn> =
  Fn extends RemoteFunction<infer Positional, infer Named, infer Result>
    ? [Result] extends [AsyncIterable<unknown>]
      ? never
      : {
          (...args: { readonly [At in keyof Positional]: OrReference<Positional[At]> }): Reference<Result>;
          (named: { readonly [Name in keyof Named]: OrReference<Named[Name]> }): Reference<Result>;
        }
    : never;

/** The gateway checks that what it stands for fits. */
type OrReference<T> = T | Reference<NonNullable<T>> | Reference<Value>;

/** The libraries inside a batch. */
export type RecordedLibraries<Libraries> = {
  readonly [Library in keyof Libraries]: {
    readonly [Method in keyof Libraries[Library]]: RecordedFunction<Libraries[Library][Method]>;
  };
};

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
export type Batch<Libraries> = <T>(record: (later: RecordedLibraries<Libraries>) => T) => Promise<Resolved<T>>;

/** What the gateway takes (docs/calling.md). */
const maxCalls = 16;

export function batchWith<Libraries>(calls: Calls, options: CallOptions): Batch<Libraries> {
  return async <T>(record: (later: RecordedLibraries<Libraries>) => T) => {
    const batch = {};
    const recorded: RecordedCall[] = [];
    // What it is asked for is written down, whatever its name.
    const later = recorder(batch, recorded) as RecordedLibraries<Libraries>;
    const shape = record(later);
    if (shape instanceof Promise)
      throw new UsageError('bad-reference', 'The function of a batch writes calls down; it cannot wait for anything.');
    const wanted = new Set<number>();
    replace(shape, (place) => void wanted.add(indexIn(batch, place)));
    for (const { args } of recorded) for (const arg of args) replace(arg, (place) => void indexIn(batch, place));
    const results =
      recorded.length === 0
        ? []
        : await calls.told('b', [], async () => await run(calls, recorded, [...wanted], options));
    const order = [...wanted].toSorted((a, b) => a - b);
    // Its references are results now.
    return replace(shape, ({ index, steps }) => follow(results[order.indexOf(index)], steps)) as Resolved<T>;
  };
}

function recorder(batch: object, recorded: RecordedCall[]): unknown {
  const members = (make: (name: string) => unknown): object =>
    new Proxy(
      {},
      { get: (_target, name): unknown => (typeof name === 'symbol' || name === 'then' ? undefined : make(name)) },
    );
  return members((library) =>
    members((method) => (...args: readonly Argument[]): object => {
      const index = recorded.push({ library, method, args }) - 1;
      if (index >= maxCalls)
        throw new UsageError('too-many-calls', `A batch has ${maxCalls} calls at most; make a second one.`);
      return referenceTo({ batch, index, steps: [] });
    }),
  );
}

function indexIn(batch: object, place: Place): number {
  if (place.batch !== batch)
    throw new UsageError('bad-reference', 'A reference of another batch cannot be used in this one.');
  return place.index;
}

/** A copy of lists and plain objects in which references are replaced. */
function replace(shape: unknown, by: (place: Place) => unknown): unknown {
  const place = placeOf(shape);
  if (place !== undefined) return by(place);
  if (Array.isArray(shape)) return shape.map((item: unknown) => replace(item, by));
  if (typeof shape !== 'object' || shape === null || !isPlainObject(shape)) return shape;
  return Object.fromEntries(Object.entries(shape).map(([name, member]) => [name, replace(member, by)]));
}

async function run(
  calls: Calls,
  recorded: readonly RecordedCall[],
  wanted: readonly number[],
  options: CallOptions,
): Promise<readonly Value[]> {
  const { door, scheduler, catalogue } = calls;
  const deadline = deadlineOf(options, scheduler.now());
  for (let tried = 0; ; tried++) {
    const functions = await Promise.all(recorded.map(({ library, method }) => catalogue.describe(library, method)));
    const stream = functions.find((fn) => fn.stream);
    if (stream !== undefined) throw streamNotOnce(stream, 'a batch');
    const made = functions.find(isClass);
    if (made !== undefined) throw classInBatch(made);
    const safe = functions.every((fn) => fn.safe);
    const all = wanted.length === recorded.length;
    const mask = wanted.reduce((bits, index) => bits | (1 << index), 0);
    const question: Question = {
      method: safe ? 'FETCH' : 'POST',
      path: ['b'],
      query: all ? ['_why'] : [`_w=${mask}`, '_why'],
      payload: batchBody(recorded, functions),
      etag: undefined,
    };
    if (options.oneway) {
      const left = milliseconds(Math.max(1, until(deadline, scheduler.now())));
      await door.tell({ ...question, method: 'POST', timeout: left, signal: options.signal });
      return [];
    }
    const answer = await askWithRetries(door, question, options, deadline, scheduler);
    if (codeClass(answer.code) === 2) return await resultsOf(calls, answer, wanted.length, options);
    const error = failureOf(answer, functions);
    if (!outOfDate.has(problemOf(answer)?.name)) throw error;
    for (const { library } of recorded) catalogue.forget(library);
    // Of unsafe calls some may have run.
    if (tried > 0 || !safe) throw error;
  }
}

const classInBatch = ({ library, method }: DescribedFunction): ArgumentError =>
  new ArgumentError('bad-request', `${library}/${method} makes objects: make one by a call of its own.`);

function failureOf(answer: DoorAnswer, functions: readonly DescribedFunction[]): RemoteError {
  const fn = functions[problemOf(answer)?.batch?.index ?? -1];
  return new RemoteError(fn === undefined ? 'b' : `${fn.library}/${fn.method}`, answer, fn?.parameters);
}

async function resultsOf(
  calls: Calls,
  answer: DoorAnswer,
  count: number,
  options: CallOptions,
): Promise<readonly Value[]> {
  const results = await resultIn(calls, answer, undefined, options);
  if (Array.isArray(results) && results.length === count) return results as readonly Value[];
  throw new PeerError('not-a-gateway', `${calls.door.origin} did not answer a batch as a funcoap gateway does.`);
}
