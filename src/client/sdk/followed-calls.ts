/** Calls that are answered again and again: streams, item by item, and results that are watched. */
import type { Milliseconds } from '../../core/duration.ts';
import type { Value } from '../../core/value.ts';
import type { DescribedFunction } from '../../directory/described.ts';
import type { Argument } from './arguments.ts';
import type { CallOptions } from './call-options.ts';
import { outOfDate, type Calls } from './calls.ts';
import type { FollowRequest } from './door.ts';
import { ArgumentError, RemoteError } from './errors.ts';
import type { Target } from './target.ts';
import { streamItems, watchedResults, type FollowOptions } from './followed.ts';

/** How a result is watched (docs/streams.md). */
export interface WatchOptions {
  /** What changes sooner after the last time is told then, the newest alone; default: at once. */
  readonly pmin: Milliseconds;
  /** Told at least so often, although nothing has changed, and asked for again when it is not; default: an hour, and told only what has changed. */
  readonly pmax: Milliseconds;
}

/** A call of one function. */
interface FollowedCall {
  readonly calls: Calls;
  readonly target: Target;
  readonly args: readonly Argument[];
  readonly options: CallOptions;
}

/** Each loop over it begins with the first item. */
export const itemsOf = (call: FollowedCall): AsyncIterable<Value> => ({
  [Symbol.asyncIterator]: () =>
    toldOf(call, (fn, payload) => {
      if (fn.stream !== true) throw notIterable(fn);
      const { calls, options } = call;
      const request = requestOf(call, fn, payload, []);
      const { from, replay } = options;
      return streamItems({ ...followOptions(call, fn), replay }, from, (place) =>
        calls.door.stream({ ...request, place }),
      );
    }),
});

/** Each loop over it begins with the result as it is then. */
export const watchedOf = (call: FollowedCall, { pmin, pmax }: Partial<WatchOptions>): AsyncIterable<Value> => ({
  [Symbol.asyncIterator]: () =>
    toldOf(call, (fn, payload) => {
      if (!fn.pure) throw notObservable(fn);
      const words = [...secondsWord('c.pmin', pmin), ...secondsWord('c.pmax', pmax)];
      const request = requestOf(call, fn, payload, words);
      return watchedResults(followOptions(call, fn), pmax !== undefined, () => call.calls.door.watch(request));
    }),
});

type Follow = (fn: DescribedFunction, payload: Uint8Array | undefined) => AsyncIterable<Value>;

/** A loop that its application is told of. */
async function* toldOf(call: FollowedCall, follow: Follow): AsyncGenerator<Value, void> {
  const told = call.calls.begin(call.target.name, call.args);
  let hasFailed = false;
  try {
    yield* checkedAgain(call, follow);
  } catch (error) {
    hasFailed = true;
    told.failed(error);
    throw error;
  } finally {
    // Also where the loop was left.
    if (!hasFailed) told.answered();
  }
}

/** Where the gateway refuses at the beginning what this side found right, the description was old: once more with a new one. */
async function* checkedAgain({ calls, target, args }: FollowedCall, follow: Follow): AsyncGenerator<Value, void> {
  for (let isAgain = false; ; isAgain = true) {
    const { fn, payload } = await calls.checked(target, args);
    let hasBegun = false;
    try {
      for await (const value of follow(fn, payload)) {
        hasBegun = true;
        yield value;
      }
      return;
    } catch (error) {
      if (hasBegun || isAgain || !(error instanceof RemoteError) || !outOfDate.has(error.code)) throw error;
      if (!(await calls.hasChanged(target, fn))) throw error;
    }
  }
}

const requestOf = (
  { options, target }: FollowedCall,
  fn: DescribedFunction,
  payload: Uint8Array | undefined,
  words: readonly string[],
): FollowRequest => ({
  method: 'FETCH',
  path: target.path,
  query: [...words, '_why'],
  payload,
  etag: undefined,
  timeout: options.timeout,
  signal: options.signal,
  type: fn.returns,
});

const followOptions = ({ calls, options, target }: FollowedCall, fn: DescribedFunction): FollowOptions => ({
  retries: options.retries,
  signal: options.signal,
  scheduler: calls.scheduler,
  origin: calls.door.origin,
  refused: (answer) => new RemoteError(target.name, answer, fn.parameters),
});

const secondsWord = (name: string, span: Milliseconds | undefined): string[] =>
  span === undefined ? [] : [`${name}=${Number((span / 1000).toFixed(3))}`];

export const notIterable = ({ library, method }: DescribedFunction): ArgumentError =>
  new ArgumentError('not-iterable', `${library}/${method} is no stream: it gives one result; await it.`);

/** An attribute is read under its name with `?` (docs/objects.md). */
export const notObservable = ({ library, method }: DescribedFunction): ArgumentError =>
  new ArgumentError(
    'not-observable',
    `${library}/${method.replace('?', '')} is not pure, so it cannot be watched; call it instead.`,
  );
