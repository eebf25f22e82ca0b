/** Settings of the registry. None of these numbers comes from an RFC. */
import { availableParallelism } from 'node:os';
import type { Scheduler } from '../core/clock.ts';
import { milliseconds, seconds, type Milliseconds } from '../core/duration.ts';
import { defaultWorkerPoolOptions, type WorkerPoolOptions } from './worker-pool-options.ts';

export interface RegistryOptions {
  /** Where the libraries lie: one folder each. */
  readonly folder: string;
  /** Limits of each library's threads. */
  readonly pool: WorkerPoolOptions;
  /** Worker threads of all libraries together; a library's first always starts. */
  readonly maxWorkers: number;
  /** Libraries that load at the same time: their limit of time counts from when it is their turn. */
  readonly maxLoading: number;
  /** An edit is read when nothing has changed for this long: editors write files in pieces. */
  readonly settleTime: Milliseconds;
  /** A file that never rests is read after this long all the same. */
  readonly maxSettleTime: Milliseconds;
  /** How long after a change calls and lists wait for the reload before they are served by the last good version. */
  readonly reloadWait: Milliseconds;
  /** When a library whose loading took too long is tried again; doubles up to 32 times this. */
  readonly retryDelay: Milliseconds;
  /** A folder that has no entry is reported when nothing in it has changed for this long: somebody may be copying. */
  readonly copyPatience: Milliseconds;
  /** The entry file is looked at before a call, at most this often. */
  readonly probeInterval: Milliseconds;
  /** How often folders are read where the system cannot watch them. */
  readonly pollInterval: Milliseconds;
  /** How long a replaced version stays for calls that found it before and have yet to run. */
  readonly linger: Milliseconds;
  /** What one library may print, in characters a second; the rest is counted and left out. */
  readonly maxOutputPerSecond: number;
  /** The file of a Node-API addon whose `lowerPriority()` puts the threads of libraries behind the gateway's own. */
  readonly priorityAddon: string | undefined;
  /** The command that runs libraries in Python which have no `.venv` of their own. */
  readonly python: string;
  readonly scheduler: Scheduler;
}

/** What has a default: all but the time. */
export type RegistrySettings = Omit<RegistryOptions, 'scheduler'>;

export const defaultRegistryOptions: RegistrySettings = Object.freeze({
  folder: 'libraries',
  pool: defaultWorkerPoolOptions,
  maxWorkers: Math.max(8, 4 * availableParallelism()),
  maxLoading: Math.max(4, availableParallelism()),
  settleTime: milliseconds(20),
  maxSettleTime: milliseconds(200),
  reloadWait: seconds(2),
  retryDelay: seconds(5),
  copyPatience: seconds(5),
  probeInterval: milliseconds(2),
  pollInterval: seconds(1),
  linger: seconds(2),
  maxOutputPerSecond: 65_536,
  priorityAddon: undefined,
  python: 'python3',
});
