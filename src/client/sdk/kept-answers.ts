/**
 * Answers to safe requests, kept as RFC 7252 §5.6 says: fresh until Max-Age ends, then asked for again with their ETag.
 * Bounded by count and bytes, the least used goes first.
 */
import { after, type Instant } from '../../core/duration.ts';
import type { DoorAnswer, DoorRequest } from './door.ts';

export interface KeptAnswersOptions {
  readonly maxEntries: number;
  readonly maxBytes: number;
}

export const defaultKeptAnswersOptions: KeptAnswersOptions = { maxEntries: 10_000, maxBytes: 16 << 20 };

interface Kept {
  readonly answer: DoorAnswer;
  readonly freshUntil: Instant;
}

/** What an entry takes besides its key and its payload, about. */
const entryBytes = 200;

export class KeptAnswers {
  readonly #options: KeptAnswersOptions;
  /** The least used first. */
  readonly #entries = new Map<string, Kept>();
  #bytes = 0;

  constructor(options: KeptAnswersOptions) {
    this.#options = options;
  }

  /** Paths, queries and bodies are the same or they are not: their bytes are the key (RFC 8132 §2). */
  static keyOf({ path, query, payload }: Pick<DoorRequest, 'path' | 'query' | 'payload'>): string {
    return `${path.join('/')}?${query.join('&')} ${payload === undefined ? '' : Buffer.from(payload).toString('latin1')}`;
  }

  fresh(key: string, now: Instant): DoorAnswer | undefined {
    const kept = this.#entries.get(key);
    if (kept === undefined || now >= kept.freshUntil) return undefined;
    this.#set(key, kept);
    return kept.answer;
  }

  etagOf(key: string): Uint8Array | undefined {
    return this.#entries.get(key)?.answer.etag;
  }

  keep(key: string, answer: DoorAnswer, now: Instant): void {
    if (answer.etag !== undefined) this.#set(key, { answer, freshUntil: after(now, answer.maxAge) });
    else this.#delete(key);
  }

  /** RFC 7252 §5.9.1.3: it is what there is still, as long as the 2.03 says. Undefined where it is gone meanwhile. */
  confirm(key: string, valid: DoorAnswer, now: Instant): DoorAnswer | undefined {
    const kept = this.#entries.get(key);
    if (kept !== undefined) this.#set(key, { ...kept, freshUntil: after(now, valid.maxAge) });
    return kept?.answer;
  }

  /** Of a library that has changed. */
  forget(prefix: string): void {
    for (const key of this.#entries.keys()) if (key.startsWith(prefix)) this.#delete(key);
  }

  #set(key: string, kept: Kept): void {
    this.#delete(key);
    this.#entries.set(key, kept);
    this.#bytes += bytesOf(key, kept);
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#options.maxEntries && this.#bytes <= this.#options.maxBytes) return;
      this.#delete(oldest);
    }
  }

  #delete(key: string): void {
    const kept = this.#entries.get(key);
    if (kept === undefined) return;
    this.#entries.delete(key);
    this.#bytes -= bytesOf(key, kept);
  }
}

const bytesOf = (key: string, { answer }: Kept): number => answer.payload.length + key.length + entryBytes;
