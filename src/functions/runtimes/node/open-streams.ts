/**
 * The streams that a worker runs (stream-steps.ts). Each goes on inside the call that opened it: its context and its signal are
 * the same from the first item to the last, and the signal is aborted when the stream is closed.
 */
import { UsageError } from '../../../core/error.ts';
import type { Value } from '../../../core/value.ts';
import { runningCall, type RunningCall } from '../../call-context.ts';
import { isAsyncIterable, isIterable, notIterable } from '../../iteration.ts';
import { closeName, nextName, openPrefix } from '../../stream-steps.ts';
import { invokeCallable, isThenable, type Callable } from './run-call.ts';

interface OpenStream {
  readonly iterator: Iterator<unknown> | AsyncIterator<unknown>;
  readonly call: RunningCall;
  /** Settles a `next` that still waits when the stream is closed. */
  readonly closed: PromiseWithResolvers<readonly []>;
  /** An item is waited for. */
  waits: boolean;
}

export class OpenStreams {
  readonly #open = new Map<number, OpenStream>();
  readonly #callable: (name: string) => Callable | undefined;
  readonly #ending: (call: RunningCall, ended: Promise<void>) => void;
  #numbers = 0;

  /**
   * @param callable the function of this name, or the method of an object (functions/object-calls.ts)
   * @param ending told of a generator that waits in its `finally`, and of the call that opened its stream
   */
  constructor(
    callable: (name: string) => Callable | undefined,
    ending: (call: RunningCall, ended: Promise<void>) => void,
  ) {
    this.#callable = callable;
    this.#ending = ending;
  }

  /** What a step calls; undefined for any other name. */
  find(name: string): Callable | undefined {
    if (name === nextName) return (number, skip) => this.#next(Number(number), Number(skip));
    if (name === closeName) return (number) => this.#close(Number(number));
    if (!name.startsWith(openPrefix)) return undefined;
    const callable = this.#callable(name.slice(openPrefix.length));
    return callable && ((...args) => this.#start(callable, args as readonly Value[]));
  }

  #start(callable: Callable, args: readonly Value[]): number | Promise<number> {
    const call = runningCall.getStore();
    if (call === undefined) throw new UsageError('no-call', 'A stream is opened inside a call.');
    const returned = invokeCallable(callable, args);
    return isThenable(returned)
      ? Promise.resolve(returned).then((later) => this.#keep(later, call))
      : this.#keep(returned, call);
  }

  #keep(returned: unknown, call: RunningCall): number {
    const iterator = isAsyncIterable(returned)
      ? returned[Symbol.asyncIterator]()
      : isIterable(returned)
        ? returned[Symbol.iterator]()
        : undefined;
    if (iterator === undefined) throw notIterable();
    const number = this.#numbers++;
    this.#open.set(number, { iterator, call, closed: Promise.withResolvers(), waits: false });
    return number;
  }

  #next(number: number, skip: number): readonly unknown[] | Promise<readonly unknown[]> {
    const stream = this.#open.get(number);
    if (stream === undefined) return [];
    const pulled = runningCall.run(stream.call, () => this.#pull(number, stream, skip));
    return pulled instanceof Promise ? Promise.race([pulled, stream.closed.promise]) : pulled;
  }

  #pull(number: number, stream: OpenStream, skip: number): readonly unknown[] | Promise<readonly unknown[]> {
    try {
      for (let left = skip; ; left--) {
        const step = stream.iterator.next();
        if (isThenable(step)) return this.#pullLater(number, stream, step, left);
        if (step.done === true) return this.#ended(number);
        if (left <= 0) return [step.value];
      }
    } catch (error) {
      this.#open.delete(number);
      throw error;
    }
  }

  async #pullLater(
    number: number,
    stream: OpenStream,
    first: PromiseLike<IteratorResult<unknown>>,
    skip: number,
  ): Promise<readonly unknown[]> {
    const { iterator } = stream;
    stream.waits = true;
    try {
      let step = await first;
      for (let left = skip; step.done !== true; left--) {
        if (left <= 0) return [step.value];
        step = await iterator.next();
      }
      return this.#ended(number);
    } catch (error) {
      this.#open.delete(number);
      throw error;
    } finally {
      stream.waits = false;
    }
  }

  #ended(number: number): readonly [] {
    this.#open.delete(number);
    return [];
  }

  /** Its `finally` runs; where it waits for something that never comes, its signal has told it. */
  #close(number: number): void {
    const stream = this.#open.get(number);
    if (stream === undefined) return;
    this.#open.delete(number);
    stream.closed.resolve([]);
    stream.call.abort('Nobody reads this stream any more.');
    runningCall.run(stream.call, () => {
      const ending = stream.iterator.return?.();
      if (!isThenable(ending)) return;
      // What its cleaning up throws is nobody's: the stream is over.
      const over = (): void => undefined;
      const ended = Promise.resolve(ending).then(over, over);
      // One that waits for an item, and does not hear its signal, may do so for ever.
      if (!stream.waits) this.#ending(stream.call, ended);
    });
  }
}
