/** Letting go of objects, and classes that have an instance for each call. */
import { isCallable } from './load-module.ts';
import type { Constructor } from './class-names.ts';
import { isThenable } from './run-call.ts';

/** It is told that nobody has it any more, where it wants to know: as `using` does, or by `close`. What is returned may be waited for. */
export function letGo(object: object): Promise<undefined> | undefined {
  for (const name of [Symbol.asyncDispose, Symbol.dispose, 'close']) {
    const end = Reflect.get(object, name) as unknown;
    if (!isCallable(end)) continue;
    const ended = Reflect.apply(end, object, []) as unknown;
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

  once(use: (object: object) => unknown): unknown {
    const object = new this.#made(...this.#args);
    let used: unknown;
    try {
      used = use(object);
    } catch (error) {
      // What it threw is told, whatever letting go of it does.
      Promise.resolve(letGo(object)).catch(() => undefined);
      throw error;
    }
    if (isThenable(used)) return whenSettled(used, object);
    const ended = letGo(object);
    return ended === undefined ? used : ended.then(() => used);
  }
}

async function whenSettled(used: PromiseLike<unknown>, object: object): Promise<unknown> {
  try {
    return await used;
  } finally {
    await letGo(object);
  }
}
