/**
 * Every event that logs and metrics can subscribe to, in one table.
 * Publishing costs nothing where nobody listens; a payload is an object made for the one event.
 */
import { channel, type Channel } from 'node:diagnostics_channel';

/** How the result cache took part in an answer. */
export type CacheState = 'hit' | 'miss' | 'joined' | 'stale' | 'none';

/** A request was answered. */
export interface RequestAnswered {
  readonly peer: string;
  readonly identity: string;
  /** `GET`, `FETCH`, … */
  readonly method: string;
  /** `oslist/list`, or the path of another resource. */
  readonly target: string;
  /** The functions that a batch called. */
  readonly calls?: readonly string[] | undefined;
  /** `2.05` */
  readonly code: string;
  /** Name in docs/errors.md where the answer is an error. */
  readonly problem: string | undefined;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly cache: CacheState;
  /** Answered 2.03: the peer had the representation already. */
  readonly revalidated: boolean;
  readonly queuedMs: number;
  readonly ranMs: number;
  readonly totalMs: number;
  readonly correlationId: string;
}

/** A function failed by its own fault; `stack` is for the operator, never for the peer. */
export interface FunctionFailed {
  readonly target: string;
  readonly problem: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly correlationId: string;
}

/** A job, a stream or the observation of a result, which outlast one answer. */
export interface OngoingChanged {
  readonly kind: 'job' | 'stream' | 'watch';
  /** `opened`: taken; `started`: a job runs; `ended`: what was opened or started is over; `refused`: there was no room. */
  readonly state: 'opened' | 'started' | 'ended' | 'refused';
  /** `oslist/list` */
  readonly target: string;
  readonly peer: string;
  readonly identity: string;
  /** Name in docs/errors.md of what it ended with, or was refused for. */
  readonly problem: string | undefined;
  readonly correlationId: string;
}

export interface LibraryChanged {
  readonly library: string;
  /** `unlocked`: without compact ids; `ignored`: something that lies there as if it were a library. */
  readonly state: 'loaded' | 'failed' | 'removed' | 'unlocked' | 'ignored';
  readonly functions: number;
  /** One sentence with file and line when it failed. */
  readonly message: string | undefined;
}

/** A library wrote to its console. */
export interface LibraryPrinted {
  readonly library: string;
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}

/** The transport met something worth an operator's eye. */
export interface TransportNotice {
  readonly kind: 'send-failed' | 'socket-error' | 'receive-buffer' | 'portable-transport' | 'dropped';
  readonly message: string;
}

/** A DTLS association began, changed or ended (debug: peers can cause as many as they like). */
export interface AssociationChanged {
  readonly state: 'established' | 'closed' | 'moved' | 'verified' | 'failed';
  readonly peer: string;
  /** Undefined where it has none, or not yet. */
  readonly identity: string | undefined;
  readonly reason: string | undefined;
}

/** A message crossed the wire (debug: costs decoding twice, so only where someone listens). */
export interface MessageSeen {
  readonly direction: 'in' | 'out';
  readonly peer: string;
  readonly bytes: Uint8Array;
}

export interface Channels {
  readonly request: RequestAnswered;
  readonly functionFailed: FunctionFailed;
  readonly ongoing: OngoingChanged;
  readonly library: LibraryChanged;
  readonly libraryPrinted: LibraryPrinted;
  readonly transport: TransportNotice;
  readonly association: AssociationChanged;
  readonly message: MessageSeen;
}

const declare = <K extends keyof Channels>(name: K): Channel<unknown, Channels[K]> =>
  channel(`funcoap:${name}`) as Channel<unknown, Channels[K]>;

export const channels: { readonly [K in keyof Channels]: Channel<unknown, Channels[K]> } = {
  request: declare('request'),
  functionFailed: declare('functionFailed'),
  ongoing: declare('ongoing'),
  library: declare('library'),
  libraryPrinted: declare('libraryPrinted'),
  transport: declare('transport'),
  association: declare('association'),
  message: declare('message'),
};
