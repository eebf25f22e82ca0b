/** The limits of the threads that run libraries. None of these numbers comes from an RFC. */
import { availableParallelism } from 'node:os';
import { milliseconds, seconds, type Milliseconds } from '../core/duration.ts';

export interface WorkerPoolOptions {
  /** A call that runs longer is stopped, unless its function says otherwise. */
  readonly timeLimit: Milliseconds;
  /** How long a worker may take to react to an abort before it is terminated. */
  readonly grace: Milliseconds;
  /** How long a library may take to load. */
  readonly loadLimit: Milliseconds;
  /** The same on a machine that is too busy to let it load. */
  readonly loadPatience: Milliseconds;
  /** Worker threads of one library. */
  readonly maxWorkers: number;
  /** Calls that one worker holds at a time: one that computes, the others waiting or sent ahead. */
  readonly concurrency: number;
  /** Streams that wait for their next item, which one worker holds besides. */
  readonly idleStreams: number;
  /** Calls of one library that wait for a worker; beyond it they are refused as overloaded. */
  readonly maxQueued: number;
  /** When an overloaded caller is told to come back. */
  readonly retryAfter: Milliseconds;
  /** A worker that keeps other calls waiting for this long is computing: they go elsewhere. */
  readonly stallAfter: Milliseconds;
  /** All but one worker stop when they had nothing to do for this long. */
  readonly idleAfter: Milliseconds;
  /** The wait before a worker that died while loading is started again; doubles up to 32 times this. */
  readonly restartDelay: Milliseconds;
  /** How long a replaced version stays for the streams that are read of it, after its calls are over. */
  readonly streamGrace: Milliseconds;
  /** How often the heap of a worker that runs calls is looked at. */
  readonly memoryCheckInterval: Milliseconds;
  /** JavaScript heap in use of one worker, in MiB (buffers live outside of it and are not bounded). */
  readonly maxHeapMebibytes: number;
}

export const defaultWorkerPoolOptions: WorkerPoolOptions = Object.freeze({
  timeLimit: seconds(10),
  grace: milliseconds(100),
  loadLimit: seconds(5),
  loadPatience: seconds(60),
  maxWorkers: Math.max(2, availableParallelism()),
  concurrency: 64,
  idleStreams: 1000,
  maxQueued: 1000,
  retryAfter: seconds(1),
  stallAfter: milliseconds(5),
  idleAfter: seconds(30),
  restartDelay: milliseconds(100),
  streamGrace: seconds(10),
  memoryCheckInterval: milliseconds(25),
  maxHeapMebibytes: 128,
});

/** Counts worker threads over all libraries, so that many libraries cannot start threads without end. */
export class WorkerBudget {
  #left: number;

  constructor(limit: number) {
    this.#left = limit;
  }

  /** A library's first worker always starts; others only while the budget lasts. */
  take(first: boolean): boolean {
    if (!first && this.#left <= 0) return false;
    this.#left--;
    return true;
  }

  giveBack(): void {
    this.#left++;
  }
}
