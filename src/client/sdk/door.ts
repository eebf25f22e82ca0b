/**
 * What the SDK needs of a gateway's door, CoAP or HTTP: a request with arguments in CBOR, an answer by its CoAP code.
 * Bodies are application/cbor both ways; errors are problem details.
 */
import type { Milliseconds } from '../../core/duration.ts';
import type { Value } from '../../core/value.ts';
import type { DescribedType } from '../../directory/described.ts';

export interface DoorRequest {
  readonly method: 'GET' | 'FETCH' | 'POST' | 'PUT' | 'DELETE';
  /** Segments, not encoded. */
  readonly path: readonly string[];
  /** Control words: `_describe`. */
  readonly query: readonly string[];
  /** CBOR; undefined: no body. */
  readonly payload: Uint8Array | undefined;
  /** Of the answer that is there already. */
  readonly etag: Uint8Array | undefined;
  readonly timeout: Milliseconds;
  readonly signal: AbortSignal | undefined;
}

export interface DoorAnswer {
  /** class × 32 + detail; of an HTTP status the same digits. */
  readonly code: number;
  readonly contentFormat: number | undefined;
  readonly payload: Uint8Array;
  readonly etag: Uint8Array | undefined;
  readonly maxAge: Milliseconds;
  /** Segments of the path of what was made. */
  readonly location?: readonly string[] | undefined;
}

/** A request that is answered again and again. Its `timeout` is for the first answer. */
export interface FollowRequest extends DoorRequest {
  /** What comes is declared to be: some forms cannot tell bytes, dates and big integers from text. */
  readonly type: DescribedType | undefined;
}

export interface StreamRequest extends FollowRequest {
  /** The index of the first item wanted. */
  readonly from: number;
}

/** The query of a stream from this item on. */
export const queryFrom = ({ query }: DoorRequest, from: number): readonly string[] =>
  from === 0 ? query : [`_from=${from}`, ...query];

/** What a stream tells (docs/streams.md). */
export type StreamEvent =
  | { readonly type: 'item'; readonly index: number; readonly value: Value }
  | { readonly type: 'end' }
  | { readonly type: 'failed'; readonly answer: DoorAnswer };

/** What whoever watches a result is told. */
export type WatchEvent =
  | { readonly type: 'state'; readonly value: Value; readonly etag: Uint8Array | undefined }
  | { readonly type: 'failed'; readonly answer: DoorAnswer };

export interface Door {
  /** Without a path: `coap://127.0.0.1:5683`. */
  readonly origin: string;
  /** @throws RequestError where there is no answer */
  ask(request: DoorRequest): Promise<DoorAnswer>;
  /** Sends it and wants no answer. */
  tell(request: DoorRequest): Promise<void>;
  /** The items of a stream, each asked for when the loop wants it; leaving the loop closes the stream. @throws RequestError */
  stream(request: StreamRequest): AsyncIterable<StreamEvent>;
  /** The result of a pure function, now and whenever it is another. @throws RequestError */
  watch(request: FollowRequest): AsyncIterable<WatchEvent>;
  /** What a job has come to, when it has ended: GET of its path. @throws RequestError */
  ended(request: DoorRequest): Promise<DoorAnswer>;
  /** How long the shortest question and its answer took. */
  ping(): Promise<Milliseconds>;
  close(): Promise<void>;
}
