/**
 * What surrounds one running call, on the side that runs it: the storage behind `context()`,
 * `tag()` and `invalidate()` of funcoap/library. Not public; library authors see library.ts.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Invalidation } from './invalidation.ts';

export interface RunningCall {
  readonly library: string;
  readonly identity: string;
  readonly peer: string;
  readonly correlationId: string;
  /** Milliseconds since the epoch: monotonic clocks of two threads have different origins. */
  readonly deadline: number;
  readonly signal: AbortSignal;
  readonly dataFolder: string;
  /** Set when the function looks at who calls. */
  readCaller: boolean;
  readonly tags: Set<string>;
  readonly invalidate: (invalidation: Invalidation) => void;
}

export const runningCall: AsyncLocalStorage<RunningCall> = new AsyncLocalStorage();

/** What a thread that belongs to one library offers also outside of calls (timers, file watchers). */
export interface ThreadHost {
  readonly invalidate: (invalidation: Invalidation) => void;
}

let host: ThreadHost | undefined;

export const threadHost = (): ThreadHost | undefined => host;

export function setThreadHost(next: ThreadHost): void {
  host = next;
}
