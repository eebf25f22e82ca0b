/** What the CoAP front asks of a resource, and what a resource answers. */
import type { Request } from '../coap/request.ts';
import type { Response } from '../coap/response.ts';
import type { CacheState } from '../core/channels.ts';
import type { Instant, Milliseconds } from '../core/duration.ts';
import type { Caller } from '../functions/call.ts';
import type { Access } from './access-rules.ts';

/** A request on its way to a resource. */
export interface Visit {
  readonly request: Request;
  /** Uri-Path, decoded; never a trailing empty segment. */
  readonly path: readonly string[];
  /** Uri-Query, decoded, in order. */
  readonly query: readonly string[];
  /** The path as logs and metrics name it: `oslist/list`. */
  readonly target: string;
  /** What the resource worked out from the words of such a request, and left here for the next one with the same words. */
  note?: unknown;
  /** The same of its terms, which requests with other payloads share. */
  termsNote?: unknown;
  readonly caller: Caller;
  /** What the caller may do. */
  readonly access: Access;
  readonly correlationId: string;
  readonly now: Instant;
}

/** A response, with what the access log wants to know of how it came about. */
export interface Answer {
  readonly response: Response;
  /** The functions that a batch called. */
  readonly calls?: readonly string[];
  readonly cache?: CacheState;
  readonly queued?: Milliseconds;
  readonly ran?: Milliseconds;
}

export interface Resource {
  /** The methods it offers; any other is 4.05. */
  readonly methods: readonly number[];
  /** It understands If-Match and If-None-Match; elsewhere these critical options fail the request. */
  readonly conditional: boolean;
  /** It answers multicast requests (RFC 7252 §8). */
  readonly multicast: boolean;
  /**
   * Answers, at once or later.
   * @throws CallError for whatever has no result; the front makes the error response
   */
  handle(visit: Visit): Answer | Promise<Answer>;
}
