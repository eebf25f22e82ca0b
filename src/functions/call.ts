/** One call of one function, as it travels from the front to the thread that runs it and back. */
import type { Instant, Milliseconds } from '../core/duration.ts';
import type { ReadCaller } from '../core/principal.ts';
import type { TimeOfDay } from '../core/time-of-day.ts';
import type { Value } from '../core/value.ts';
import type { FunctionDescription } from './description.ts';
import type { PackedArguments } from './packed-arguments.ts';
import type { Returned } from './returned.ts';
import type { StreamStep } from './stream-steps.ts';

/** Who calls. `local` is the anonymous caller on a loopback listener. */
export interface Caller {
  readonly identity: string;
  /** Those that the identity was enrolled in; left out: none. */
  readonly groups?: readonly string[];
  /** As `Principal.enrolled`. */
  readonly enrolled?: TimeOfDay | undefined;
  /** The address and port, or the association: `127.0.0.1:49152`. */
  readonly peer: string;
}

/** Whose it is what a caller leaves behind: not another's who is enrolled under its name later. */
export const holderOf = ({ identity, enrolled }: Pick<Caller, 'identity' | 'enrolled'>): string =>
  enrolled === undefined ? identity : `${identity} ${enrolled}`;

export interface Call {
  readonly function: FunctionDescription;
  /** Positional, in the order of `function.parameters`; trailing omitted ones are left off, rest ones are spread. */
  readonly args: readonly Value[] | PackedArguments;
  readonly caller: Caller;
  /** Ties log lines of one call together, and is handed to the function. */
  readonly correlationId: string;
  /** The result is of no use after this. */
  readonly deadline: Instant;
  /** How long it may run, where that is not what its function or the gateway says of calls in general. */
  readonly timeLimit?: Milliseconds;
  /** Aborted when nobody waits for the result any more. */
  readonly signal?: AbortSignal;
  /** It is a step of a stream: where that is, and what is done there. */
  readonly step?: StreamStep;
  readonly home?: Home;
}

/** The object that a call is for: it lives on one thread. */
export interface Home {
  readonly object: string;
  /** The call makes it, uses it, or lets go of it. */
  readonly does: 'begin' | 'use' | 'end';
}

export interface CallResult {
  /** Where there is `returned`, made from it each time it is asked for. */
  readonly value: Value;
  /** The value as bytes, where a thread has made them. */
  readonly returned?: Returned | undefined;
  /** The objects in it: from here on its caller has them. */
  readonly objects?: readonly GivenObject[] | undefined;
  /** Whose alone the result is (unless the function is declared `shared`). */
  readonly readCaller: ReadCaller;
  /** Names under which the function asked to be invalidated. */
  readonly tags: readonly string[];
  readonly queued: Milliseconds;
  readonly ran: Milliseconds;
}

/** An object in a result, under the id that its caller has for it. */
export interface GivenObject {
  readonly id: string;
  /** Its class, as it is exported. */
  readonly class: string;
  /** How often the caller was given it so far. */
  readonly times: number;
}

/** Runs calls. Throws and rejects with a `CallError`, never with anything else. */
export interface Invoker {
  /** The result itself where the function runs in this thread and returned at once. */
  invoke(call: Call): CallResult | Promise<CallResult>;
}
