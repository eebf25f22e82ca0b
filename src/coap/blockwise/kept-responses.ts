/**
 * Responses that are longer than a block, kept while a peer reads them block by block (RFC 7959 §2.4), so that what
 * made them is not asked again. One for each peer, method, Uri-*, Accept and Request-Tag, whatever the token:
 * of two parallel reads without a Request-Tag the newest wins.
 */
import { equalBytes } from '../../core/bytes.ts';
import type { Instant, Milliseconds } from '../../core/duration.ts';
import { ExpiringMap } from '../../core/expiring-map.ts';
import { representationKey } from '../cache-key.ts';
import type { Option } from '../codec/options.ts';
import type { Peer } from '../exchange/peer.ts';
import type { Response } from '../response.ts';

export interface KeptResponseOptions {
  readonly maxBytes: number;
  readonly maxResponses: number;
  /** Since the last block was read. */
  readonly lifetime: Milliseconds;
}

interface Kept {
  readonly response: Response;
  /** A client may repeat it with each block; it must then be the same. */
  readonly requestPayload: Uint8Array;
}

/** What a kept response costs beside its payloads. */
const overheadBytes = 512;

export class KeptResponses {
  readonly #responses: ExpiringMap<string, Kept>;

  constructor(options: KeptResponseOptions) {
    this.#responses = new ExpiringMap({
      maxEntries: options.maxResponses,
      maxBytes: options.maxBytes,
      maxAge: options.lifetime,
    });
  }

  get bytes(): number {
    return this.#responses.bytes;
  }

  /** Lets go of responses that nobody has read on for their lifetime. */
  expire(now: Instant): void {
    this.#responses.expire(now);
  }

  keep(request: KeptRequest, response: Response, now: Instant): void {
    this.#set(keyOf(request), { response, requestPayload: request.payload }, now);
  }

  /** The response that this request for a later block continues. */
  find(request: KeptRequest, now: Instant): Response | undefined {
    const key = keyOf(request);
    const kept = this.#responses.get(key, now);
    if (kept === undefined) return undefined;
    if (request.payload.length > 0 && !equalBytes(request.payload, kept.requestPayload)) return undefined;
    this.#set(key, kept, now);
    return kept.response;
  }

  #set(key: string, kept: Kept, now: Instant): void {
    const bytes = kept.response.payload.length + kept.requestPayload.length + 2 * key.length + overheadBytes;
    this.#responses.set(key, kept, bytes, now);
  }
}

interface KeptRequest {
  readonly peer: Peer;
  readonly code: number;
  readonly options: readonly Option[];
  readonly payload: Uint8Array;
}

const keyOf = (request: KeptRequest): string =>
  `${request.peer.id} ${representationKey(request.code, request.options)}`;
