/** What the worker pool needs of one thread or process: runtimes/node/thread.ts, runtimes/python/process.ts. */
import type { InstanceModes } from './description.ts';
import type { Milliseconds } from '../core/duration.ts';
import type { FromWorker, ToWorker } from './runtimes/node/messages.ts';

/** Why a thread ended without being told to. */
export type WorkerLoss =
  | { readonly kind: 'memory' }
  /** An exception that nobody caught. */
  | {
      readonly kind: 'crashed';
      readonly name: string;
      readonly message: string;
      readonly stack: string | undefined;
      /** `index.ts:3`, where the library's own files are in the stack. */
      readonly place?: string | undefined;
    }
  /** The library ended it: process.exit(). */
  | { readonly kind: 'exited'; readonly exitCode: number }
  /** A process of its own ended: `with exit code 3`, `by SIGSEGV`. */
  | { readonly kind: 'process'; readonly how: string };

export interface WorkerPort {
  /** One state per slot, shared with the thread: see messages.ts. */
  readonly claims: Int32Array;
  /** Leaves with all else that is posted in this turn of the event loop. */
  post(message: ToWorker): void;
  /** Looks at the thread's heap; one that is over its limit is reported as lost. */
  checkMemory(): void;
  /**
   * Whether in `span` of its life the thread hardly got a processor, and did not wait by itself either: the machine is busy.
   * Left out where that cannot be told.
   */
  starvedIn?(span: Milliseconds): boolean;
  /** Resolves when the thread is gone. Nothing is reported after it was called. */
  terminate(): Promise<void>;
}

export interface WorkerListener {
  received(batch: readonly FromWorker[]): void;
  lost(loss: WorkerLoss): void;
}

export interface StartWorkerOptions {
  /** The first worker of a version reads the declarations too. */
  readonly describe: boolean;
  readonly slots: number;
  /** Of classes, as the first worker of the version described them. */
  readonly instances?: InstanceModes | undefined;
}

export type StartWorker = (options: StartWorkerOptions, listener: WorkerListener) => WorkerPort;
