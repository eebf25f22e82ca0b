/**
 * Where jobs are kept: calls whose results are fetched later. Several processes use one store at once, and it outlasts them
 * all. Stores are adapters in store/, held to test/contract/job-store.ts.
 *
 *   queued ── claim ──> running ── finish ──> done | failed ── keepUntil ──> gone
 *     ^                    │
 *     └───── putBack ──────┘        remove: gone, from any state
 *
 * `running` belongs to the process that claimed the job. When that process is gone, `sweep` puts the job back where it is safe and
 * ran only once, and fails it otherwise: what has side effects never runs twice.
 */
import type { Milliseconds } from '../core/duration.ts';
import type { TimeOfDay } from '../core/time-of-day.ts';
import type { ProblemName } from './call-error.ts';

/** What was asked, as it was asked: a process that has never seen the request can run it. */
export interface JobOrder {
  /** 8 characters of base64url: who has them and is the same identity may have the result. */
  readonly id: string;
  readonly identity: string;
  readonly groups: readonly string[];
  /** As `Caller.enrolled`; undefined also where it was taken before that was noted. */
  readonly enrolled: TimeOfDay | undefined;
  readonly peer: string;
  /** Where it came from, of callers without an identity: they share the room of one. */
  readonly network: string | undefined;
  readonly library: string;
  readonly method: string;
  readonly safe: boolean;
  /** Empty: the arguments are in `items`. */
  readonly body: Uint8Array;
  readonly bodyFormat: number;
  readonly items: readonly string[];
  /** Content-Format of the result for who asks for no other. */
  readonly format: number;
  readonly correlationId: string;
  readonly created: TimeOfDay;
}

export type JobOutcome =
  | {
      readonly state: 'done';
      /** None where the function returned nothing. */
      readonly cbor: Uint8Array;
      /** In the order's format, where that is another one. */
      readonly shown: Uint8Array | undefined;
    }
  | {
      readonly state: 'failed';
      readonly problem: ProblemName;
      readonly message: string;
      readonly remote?:
        | { readonly name: string; readonly message: string; readonly stack: string | undefined }
        | undefined;
    };

export type JobState = 'queued' | 'running' | JobOutcome['state'];

export interface Job {
  readonly order: JobOrder;
  readonly state: JobState;
  /** Where it has ended. */
  readonly outcome: JobOutcome | undefined;
}

export type JobSummary = Pick<JobOrder, 'id' | 'library' | 'method' | 'created' | 'enrolled'> & {
  readonly state: JobState;
};

export interface JobLimits {
  /** Jobs in all, those whose results are kept among them. */
  readonly maxJobs: number;
  readonly maxJobsPerIdentity: number;
  /** Of one network; of `maxBytes` it has as large a part as of an identity's jobs. */
  readonly maxJobsPerNetwork: number;
  /** Of arguments and results. */
  readonly maxBytes: number;
}

/** In all, of an identity, of a network. */
export type NoRoom = 'full' | 'too-many' | 'too-many-there';

export interface JobStore {
  /** @param outcome of a job that needs not run @returns why there is no room for it */
  add(order: JobOrder, ended: EndedJob | undefined, limits: JobLimits): Promise<'added' | NoRoom>;
  /** Undefined also where it is somebody else's. */
  find(id: string, identity: string): Promise<Job | undefined>;
  /** The oldest first. */
  list(identity: string): Promise<readonly JobSummary[]>;
  /** Undefined where it is gone. */
  state(id: string): Promise<JobState | undefined>;
  /** The oldest of whoever has the fewest running, which from here on runs in this process. */
  claim(): Promise<JobOrder | undefined>;
  /** Of a job that runs in this process. False where it is gone. `full`: there is no room for the result. */
  finish(id: string, ended: EndedJob, limits: JobLimits): Promise<boolean | 'full'>;
  /** It has not begun: it waits again. */
  putBack(id: string): Promise<void>;
  /** False where there is none, or it is somebody else's. */
  remove(id: string, identity: string): Promise<boolean>;
  /** Removes what is kept no longer, and settles what ran in processes that are gone. */
  sweep(now: TimeOfDay, retention: Milliseconds): Promise<void>;
  /** Told when anything has changed, soon where another process did it. What it returns ends that. */
  onChange(listener: () => void): () => void;
  close(): Promise<void>;
}

export interface EndedJob {
  readonly outcome: JobOutcome;
  readonly keepUntil: TimeOfDay;
}
