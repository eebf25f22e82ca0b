/**
 * What this door asks of the gateway behind it, in no protocol's words: limits, access rules, calls, the cache and
 * descriptions are the gateway's, and the same for each door. gateway/calls.ts implements it.
 */
import type { CacheState } from '../core/channels.ts';
import type { Endpoint } from '../core/datagram.ts';
import type { Instant, Milliseconds } from '../core/duration.ts';
import type { CallError, Offer } from '../functions/call-error.ts';
import type { LibraryDescription } from '../functions/description.ts';

/** One call of a function, or a question about one. */
export interface DoorCall {
  /** `func`, library, method, or `f` and two ids. */
  readonly path: readonly string[];
  /** Items of the query, decoded: arguments and control words. */
  readonly query: readonly string[];
  /** The method promises that nothing changes. */
  readonly safe: boolean;
  /** Empty: there is none. */
  readonly body: Uint8Array;
  /** Content-Format of the body. */
  readonly bodyFormat: number;
  /** Content-Formats that the answer may have, the best first. */
  readonly accept: readonly number[];
  /** Where the same words come again; undefined where that is not to be expected. */
  readonly words?: CallWords | undefined;
  readonly correlationId: string;
  /** Asked for where there may be more than one answer. */
  readonly flow: () => FlowWish;
  /** Asked for where a function has to run: aborted when nobody waits for the result any more. */
  readonly signal: () => AbortSignal;
}

/** Path, query, body and formats of a call: equal ones have one `CallWords`, whoever sends them. */
export interface CallWords {
  /** For who answers: what he worked out from these words, as long as they are remembered. */
  note: unknown;
}

export interface DoorAnswer {
  readonly bytes: Uint8Array;
  /** Undefined where the function returned nothing. */
  readonly format: number | undefined;
  /** 4 bytes, the same at every door; undefined where there is nothing to come back for. */
  readonly etag: Uint8Array | undefined;
  /** In whole seconds. */
  readonly maxAge: number;
  /** For this caller alone. */
  readonly private: boolean;
  /** The id of the object that was made. */
  readonly made?: string;
  /** The functions that a batch called. */
  readonly calls?: readonly string[];
  readonly cache: CacheState;
  readonly queued: Milliseconds;
  readonly ran: Milliseconds;
}

export interface DoorJob {
  readonly id: string;
  /** In seconds. */
  readonly comeBack: number;
}

/** Server-sent events, JSON on lines, a CBOR sequence. */
export type FlowForm = 'events' | 'lines' | 'sequence';

/** How a client would have answers that come one after the other. */
export interface FlowWish {
  /** What it takes, the best first. */
  readonly forms: readonly FlowForm[];
  /** It takes events and nothing else, as browsers say where they follow something. */
  readonly follows: boolean;
  /** The index of the item that it had last. */
  readonly after: number | undefined;
}

/** Answers that come one after the other. */
export interface DoorFlow {
  readonly form: FlowForm;
  /** How many there were; undefined where nobody counts them. */
  readonly count: number | undefined;
  /** Names the very run of a function that gives them, for who comes back; undefined where each is as good. */
  readonly tag: string | undefined;
  /** Undefined at the end. Rejects with a CallError where it fails, and is over then. Not to be asked twice at a time. */
  next(): Promise<FlowPart | undefined>;
  /** Nobody reads any more. */
  leave(): void;
}

export interface FlowPart {
  /** An index, or an ETag. */
  readonly id: string;
  /** JSON in UTF-8, or CBOR in a sequence. */
  readonly bytes: Uint8Array;
}

/** A caller who was let in. */
export interface DoorVisit {
  /** @throws CallError, or rejects with one */
  call(call: DoorCall): DoorAnswer | Promise<DoorAnswer | DoorFlow>;
  /** Several calls: `path` does not matter. @throws CallError, or rejects with one */
  batch(call: DoorCall): Promise<DoorAnswer>;
  /** Takes a job; the query may say `_job`. What is no job is answered at once (RFC 7240 §2). Rejects with a CallError. */
  submit(call: DoorCall): Promise<DoorJob | DoorAnswer>;
  /** The result of a job, or when to come back for it. Rejects with a CallError, also with that of the job. */
  job(id: string, accept: readonly number[]): Promise<DoorAnswer | Pick<DoorJob, 'comeBack'>>;
  /** Those of the caller. Rejects with a CallError. */
  jobs(accept: readonly number[]): Promise<DoorAnswer>;
  /** It does not run, or is stopped, and no result is kept. Rejects with a CallError. */
  removeJob(id: string): Promise<void>;
  /** What an object offers, or what is done with a member: `path` is `o`, its id, and the member's name. Rejects with a CallError. */
  object(call: DoorCall, verb: Offer): Promise<DoorAnswer | DoorFlow>;
  /** It is let go of. Rejects with a CallError. */
  release(call: Pick<DoorCall, 'path' | 'correlationId'>): Promise<void>;
  /** The list of libraries, or of one library's functions: `path` is `func` or `f`, and its name or id. @throws CallError, or rejects with one */
  catalogue(path: readonly string[], accept: readonly number[]): DoorAnswer | Promise<DoorAnswer>;
  /** /.well-known/core. @throws CallError, or rejects with one */
  links(query: readonly string[], accept: readonly number[]): DoorAnswer | Promise<DoorAnswer>;
  /** What the caller may know of. The same array as long as nothing changes. */
  libraries(): readonly LibraryDescription[] | Promise<readonly LibraryDescription[]>;
}

export interface GatewayFace {
  /** Error answers tell what functions threw. */
  readonly showInternals: boolean;
  /** @throws CallError `rate-exceeded`, `not-ready` */
  admit(guest: Endpoint, now: Instant): DoorVisit;
  /** An answer was left out because the caller had it already. */
  countRevalidation(bytes: number): void;
  /** What is to be answered for whatever was thrown; faults are reported to the operator. */
  failure(thrown: unknown, of: { readonly target: string; readonly correlationId: string }): CallError;
}
