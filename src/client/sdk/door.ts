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

/** How far a stream was read. */
export interface StreamPlace {
  /** The index of the next item. */
  readonly from: number;
  /** The run of the function that gives its items; undefined: any. */
  readonly run: string | undefined;
}

export interface StreamRequest extends FollowRequest {
  readonly place: StreamPlace;
}

/** What a query says of the place in a stream. */
export const placeWords = ({ from, run }: StreamPlace): readonly string[] => [
  ...(from === 0 && run === undefined ? [] : [`_from=${from}`]),
  ...(run === undefined ? [] : [`_run=${run}`]),
];

/** What a stream tells (docs/streams.md). */
export type StreamEvent =
  /** It is observed: this is the run that gives what follows. */
  | { readonly type: 'begun'; readonly run: string }
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
  /**
   * What a job has come to, when it has ended: GET of its path.
   * @param pending told when the gateway says that it goes on
   * @throws RequestError
   */
  ended(request: DoorRequest, pending: () => void): Promise<DoorAnswer>;
  /** How long the shortest question and its answer took. */
  ping(): Promise<Milliseconds>;
  close(): Promise<void>;
}
