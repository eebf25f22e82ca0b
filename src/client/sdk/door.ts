/**
 * What the SDK needs of a gateway's door, CoAP or HTTP: a request with arguments in CBOR, an answer by its CoAP code.
 * Bodies are application/cbor both ways; errors are problem details.
 */
import type { Milliseconds } from '../../core/duration.ts';

export interface DoorRequest {
  readonly method: 'GET' | 'FETCH' | 'POST';
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
}

export interface Door {
  /** Without a path: `coap://127.0.0.1:5683`. */
  readonly origin: string;
  /** @throws RequestError where there is no answer */
  ask(request: DoorRequest): Promise<DoorAnswer>;
  /** Sends it and wants no answer. */
  tell(request: DoorRequest): Promise<void>;
  /** How long the shortest question and its answer took. */
  ping(): Promise<Milliseconds>;
  close(): Promise<void>;
}
