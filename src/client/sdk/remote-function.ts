/** What a gateway's functions look like to an application and to its editor. */
import type { Value } from '../../core/value.ts';
import type { DescribedFunction } from '../../directory/described.ts';
import type { Argument } from './arguments.ts';
import type { CallOptions } from './call-options.ts';
import type { WatchOptions } from './followed-calls.ts';
import type { Job } from './job.ts';
import type { Outcome } from './outcome.ts';

/** A method of an object of the gateway, and what a function has in common with it. */
export interface RemoteMethod<
  Positional extends readonly unknown[] = readonly Argument[],
  Named = Readonly<Record<string, Argument>>,
  Result = Value,
> {
  /**
   * Calls it, with arguments by position, or by name in one plain object. A stream is read with `for await`.
   * @throws ArgumentError where the gateway would refuse the call: nothing was sent
   * @throws RemoteError where the gateway answers 4.xx or 5.xx
   * @throws RequestError where there is no answer
   */
  (...args: Positional): Outcome<Result>;
  (named: Named): Outcome<Result>;
  /** The same method, called in another way. */
  with(options: Partial<CallOptions>): RemoteMethod<Positional, Named, Result>;
}

/** A function of the gateway. `funcoap types` writes these with the types of a gateway's signatures. */
export interface RemoteFunction<
  Positional extends readonly unknown[] = readonly Argument[],
  Named = Readonly<Record<string, Argument>>,
  Result = Value,
> extends RemoteMethod<Positional, Named, Result> {
  /** The same function, called in another way: `gw.log.write.with({ oneway: true })('hello')`. */
  with(options: Partial<CallOptions>): RemoteFunction<Positional, Named, Result>;
  /**
   * What a pure function gives, now and whenever it is another, until the loop is left.
   *
   * @param args those of a call: a list by position, or by name in one plain object
   */
  watch(args?: Positional | Named, options?: Partial<WatchOptions>): AsyncIterable<Result>;
  /** Calls it as a job: the gateway runs it when there is room, and keeps its result. @throws as a call does */
  job(...args: Positional): Promise<Job<Result>>;
  job(named: Named): Promise<Job<Result>>;
  /** What it takes, gives and does. */
  describe(): Promise<DescribedFunction>;
  /** The same for people: signature and documentation. */
  help(): Promise<string>;
}

/** The functions of a library. */
export type RemoteLibrary = Readonly<Record<string, RemoteFunction>>;

/** The libraries of a gateway of which nothing is known when the program is compiled. */
export type RemoteLibraries = Readonly<Record<string, RemoteLibrary>>;
