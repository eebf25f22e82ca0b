/** What a connection looks like to an application and to its editor. */
import type { Milliseconds } from '../../core/duration.ts';
import type { Value } from '../../core/value.ts';
import type { DescribedFunction } from '../../directory/described.ts';
import type { LibrarySummary } from '../../directory/read-description.ts';
import type { Argument } from './arguments.ts';
import type { Batch } from './batch.ts';
import type { CallOptions } from './call-options.ts';

/** A function of the gateway. `funcoap types` writes these with the types of a gateway's signatures. */
export interface RemoteFunction<
  Positional extends readonly unknown[] = readonly Argument[],
  Named = Readonly<Record<string, Argument>>,
  Result = Value,
> {
  /**
   * Calls it, with arguments by position, or by name in one plain object.
   * @throws ArgumentError where the gateway would refuse the call: nothing was sent
   * @throws RemoteError where the gateway answers 4.xx or 5.xx
   * @throws RequestError where there is no answer
   */
  (...args: Positional): Promise<Result>;
  (named: Named): Promise<Result>;
  /** The same function, called in another way: `gw.log.write.with({ oneway: true })('hello')`. */
  with(options: Partial<CallOptions>): RemoteFunction<Positional, Named, Result>;
  /** What it takes, gives and does. */
  describe(): Promise<DescribedFunction>;
  /** The same for people: signature and documentation. */
  help(): Promise<string>;
}

/** The functions of a library. */
export type RemoteLibrary = Readonly<Record<string, RemoteFunction>>;

/** The libraries of a gateway of which nothing is known when the program is compiled. */
export type RemoteLibraries = Readonly<Record<string, RemoteLibrary>>;

/** What a connection can do besides calling functions. No library's name begins with `$`. */
export interface ConnectionControls<Libraries> {
  /** Several calls in one request, a later one with what an earlier one gives (docs/sdk.md). */
  readonly $batch: Batch<Libraries>;
  /** The same connection, calls made in another way: `gw.$with({ timeout: seconds(5) })`. */
  $with(options: Partial<CallOptions>): Connection<Libraries>;
  /** The libraries there are now. */
  $libraries(): Promise<readonly LibrarySummary[]>;
  /** The names of what a library offers. */
  $functions(library: string): Promise<readonly string[]>;
  /** How long the gateway takes to answer the shortest question. */
  $ping(): Promise<Milliseconds>;
  /** Ends the connection; calls under way fail with `request-closed`. */
  $close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * A gateway: `gw.library.method(…)`. Libraries and functions are looked up by name when they are used, so what is
 * dropped in later is there too.
 */
export type Connection<Libraries = RemoteLibraries> = Libraries & ConnectionControls<Libraries>;
