/**
 * What a call gives. Whether it is one result or a stream of them is known when the function is described, which may take a
 * question: so what is given is a promise that can also be iterated.
 *
 *     const sum = await gw.math.add(1, 2);
 *     for await (const price of gw.ticker.prices('ACME')) …
 *
 * Awaited, a stream is what can be iterated; nothing is asked for before somebody does.
 */
import type { Value } from '../../core/value.ts';

/** Where the type is not known, it may be either. */
export type Outcome<Result> = Value extends Result
  ? Promise<Result> & AsyncIterable<Value>
  : Result extends AsyncIterable<unknown>
    ? Promise<Result> & Result
    : Promise<Result>;

/** What the caller has shown that it wants, by the time that the function is known. */
export interface Wish {
  items: boolean;
}

/** @param begin fails where items are wished for and there is one result, before it is asked for */
export function outcomeOf(
  begin: (wish: Wish) => Promise<Value | AsyncIterable<Value>>,
): Promise<Value> & AsyncIterable<Value> {
  const wish: Wish = { items: false };
  const begun = begin(wish);
  const iterate = (): AsyncGenerator<Value, void> => {
    // `for await` asks for this before anything else can run.
    wish.items = true;
    return itemsIn(begun);
  };
  // To whoever knows that it is a stream, its type says so.
  return Object.assign(begun as Promise<Value>, { [Symbol.asyncIterator]: iterate });
}

async function* itemsIn(begun: Promise<Value | AsyncIterable<Value>>): AsyncGenerator<Value, void> {
  yield* (await begun) as AsyncIterable<Value>;
}
