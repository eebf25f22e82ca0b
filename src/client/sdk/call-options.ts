/** How a call is made. */
import { seconds, type Milliseconds } from '../../core/duration.ts';

export interface CallOptions {
  /** For the whole call, what is asked before it and tried again included; of a stream, for each first answer; default 120 s. */
  readonly timeout: Milliseconds;
  /** Gives the call up: it fails with `request-aborted`. */
  readonly signal: AbortSignal | undefined;
  /**
   * How often it is tried again; default 2. A safe function whenever there was no answer, any other only where the
   * request cannot have arrived, or the gateway says that nothing was run and when to come back.
   */
  readonly retries: number;
  /** Asks the gateway even where the last result is still fresh; default false. */
  readonly fresh: boolean;
  /** Sends the call and wants no answer (RFC 7967): resolves with undefined once it is sent, whatever comes of it; default false. */
  readonly oneway: boolean;
  /** Of a stream: the index of the first item that is wanted; default 0. */
  readonly from: number;
  /**
   * Of a stream that the gateway has lost: its function is run again, and what was given is skipped, which is right where equal
   * calls give equal items; default false: the loop throws `stream-lost`.
   */
  readonly replay: boolean;
}

export const defaultCallOptions: CallOptions = {
  timeout: seconds(120),
  signal: undefined,
  retries: 2,
  fresh: false,
  oneway: false,
  from: 0,
  replay: false,
};

/** What is not given, or given as undefined, stays as it is. */
export function withOptions(options: CallOptions, changes: Partial<CallOptions>): CallOptions {
  return {
    timeout: changes.timeout ?? options.timeout,
    signal: changes.signal ?? options.signal,
    retries: changes.retries ?? options.retries,
    fresh: changes.fresh ?? options.fresh,
    oneway: changes.oneway ?? options.oneway,
    from: changes.from ?? options.from,
    replay: changes.replay ?? options.replay,
  };
}
