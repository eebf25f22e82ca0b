/** Letting go of objects, and classes that have an instance for each call. */
import { isAsyncIterable, isIterable, notIterable } from '../../iteration.ts';
import { isCallable } from './load-module.ts';
import type { Constructor } from './class-names.ts';
import { isThenable } from './run-call.ts';

/** It is told that nobody has it any more, where it wants to know: as `using` does, or by `close`. What is returned may be waited for. */
export function letGo(object: object): Promise<undefined> | undefined {
  for (const name of [Symbol.asyncDispose, Symbol.dispose, 'close']) {
    const end = Reflect.get(object, name) as unknown;
    if (!isCallable(end)) continue;
    const ended: unknown = Reflect.apply(end, object, []);
    return isThenable(ended) ? Promise.resolve(ended).then(() => undefined) : undefined;
  }
  return undefined;
}

/** Stands for the objects of one caller: each call makes one with the same arguments, and lets go of it. */
export class PerCall {
  readonly #made: Constructor;
  readonly #args: readonly unknown[];

  constructor(made: Constructor, args: readonly unknown[]) {
    this.#made = made;
    this.#args = args;
  }

  async once(use: (object: object) => unknown): Promise<unknown> {
    const object = new this.#made(...this.#args);
    let result: unknown;
    try {
      result = await use(object);
    } catch (error) {
      // It is told, whatever letting go of the object does.
      await Promise.resolve(object)
        .then(letGo)
        .catch(() => undefined);
      throw error;
    }
    await letGo(object);
    return result;
  }

  /** One for a stream, until that is over or nobody reads it any more. */
  async *during(begin: (object: object) => unknown): AsyncGenerator<unknown, void> {
    const object = new this.#made(...this.#args);
    try {
      const items = await begin(object);
      if (!isAsyncIterable(items) && !isIterable(items)) throw notIterable();
      yield* items;
    } finally {
      await letGo(object);
    }
  }
}
