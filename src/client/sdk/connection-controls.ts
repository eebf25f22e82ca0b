/** What a connection to a gateway looks like to an application and to its editor. */
import type { Milliseconds } from '../../core/duration.ts';
import type { Value } from '../../core/value.ts';
import type { LibrarySummary } from '../../directory/read-description.ts';
import type { Batch } from './batch.ts';
import type { CallOptions } from './call-options.ts';
import type { Job } from './job.ts';
import type { RemoteObject } from './remote-object.ts';
import type { RemoteLibraries } from './remote-function.ts';

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
  /**
   * A job that was made before, by its URI (or its path): this program may have been started again since.
   * @throws UsageError 'bad-uri'
   */
  $job<Result = Value>(uri: string): Job<Result>;
  /**
   * An object that was made before, by its URI (or its path).
   * @throws UsageError 'bad-uri'; RemoteError 4.04 where it is gone
   */
  $object(uri: string): Promise<RemoteObject>;
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
