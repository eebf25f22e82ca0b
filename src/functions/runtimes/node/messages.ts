/**
 * What the gateway and a worker thread say to each other. What is frequent (`run`, `done`, `yielded`, `heard`) goes as frames
 * (call-frames.ts), everything else by structured clone, in the order in which it was said (link.ts).
 *
 * A call occupies a slot of an Int32Array that both threads share. The worker takes a call only by
 * changing its slot from `offered` to `taken`, the gateway takes it back only by changing it from
 * `offered` to `withdrawn`: whoever comes first has it, so calls can be sent ahead of time (batched)
 * and still be moved to another worker when this one is stuck, and nothing runs twice.
 */
import type { Milliseconds } from '../../../core/duration.ts';
import type { ReadCaller } from '../../../core/principal.ts';
import type { Value } from '../../../core/value.ts';
import type { Call, Caller, GivenObject } from '../../call.ts';
import type { InstanceModes } from '../../description.ts';
import type { Invalidation } from '../../invalidation.ts';
import type { Returned } from '../../returned.ts';
import type { ExportDescription } from '../../export-description.ts';
import type { ProblemName } from '../../call-error.ts';

export const slotState = {
  free: 0,
  offered: 1,
  taken: 2,
  withdrawn: 3,
  /** Of a Python process: on its way, cannot be taken back, and not known to have begun. */
  ahead: 4,
} as const;

export interface RunMessage {
  readonly kind: 'run';
  readonly id: number;
  readonly slot: number;
  readonly method: string;
  /** It may run once more than it is answered. */
  readonly safe?: boolean;
  readonly args: Call['args'];
  readonly caller: Caller;
  readonly correlationId: string;
  /** Until the deadline, from when it was said. */
  readonly remaining: Milliseconds;
  /** From the start of the function. */
  readonly timeLimit: Milliseconds;
}

export type ToWorker =
  | RunMessage
  /** Abort the call's signal; answered by `heard`, which shows that the thread is alive. */
  | { readonly kind: 'abort'; readonly id: number; readonly reason: string };

/** Where a library does not load: one sentence with file and line. */
export interface LoadFailure {
  readonly message: string;
}

/** What a function threw, as text: errors do not survive structured clone whole. */
export interface ThrownError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  /** Members of a Python exception, as far as they are data. */
  readonly attributes?: Readonly<Record<string, Value>> | undefined;
}

export interface CallFailure {
  readonly problem: Extract<
    ProblemName,
    'function-failed' | 'invalid-argument' | 'no-such-method' | 'no-such-object' | 'unencodable-result' | 'memory-limit'
  >;
  readonly message: string;
  readonly parameter: string | undefined;
  readonly thrown: ThrownError | undefined;
}

export type FromWorker =
  | {
      readonly kind: 'loaded';
      readonly title: string | undefined;
      readonly exports: readonly ExportDescription[] | undefined;
    }
  | { readonly kind: 'load-failed'; readonly failure: LoadFailure }
  /** The function returned a pending promise: the thread is free for others. */
  | { readonly kind: 'yielded'; readonly id: number }
  | {
      readonly kind: 'done';
      readonly id: number;
      readonly returned: Returned;
      readonly readCaller: ReadCaller;
      readonly tags: readonly string[];
      readonly objects?: readonly GivenObject[] | undefined;
    }
  | { readonly kind: 'failed'; readonly id: number; readonly failure: CallFailure }
  /** An abort arrived, or a call that was withdrawn was passed over: the thread is alive. */
  | { readonly kind: 'heard'; readonly id: number }
  | { readonly kind: 'invalidate'; readonly what: Invalidation };

/** What a worker thread is started with. */
export interface WorkerStart {
  readonly library: string;
  /** Absolute path of the library's folder. */
  readonly folder: string;
  /** Absolute path of its index file. */
  readonly entry: string;
  readonly dataFolder: string;
  /** Read the declarations too: the first worker of a version does, the others need not. */
  readonly describe: boolean;
  /** What the first worker said of its classes. */
  readonly instances: InstanceModes;
  readonly claims: Int32Array;
  /** Rings: to the worker, and from it. */
  readonly incoming: SharedArrayBuffer;
  readonly outgoing: SharedArrayBuffer;
  /** The file of a Node-API addon that can lower the priority of a thread; undefined where there is none. */
  readonly priorityAddon: string | undefined;
}
