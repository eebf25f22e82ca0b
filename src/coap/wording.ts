/**
 * The wording of a request: its method, options and payload; all but who asks, and under which Message ID and token.
 * Thousands of devices that ask for the same use the same words, so what follows from the words alone is worked out
 * once. Requests with equal bytes after the token share one `Wording`; those whose payloads differ still share their `Terms`.
 * Who answers them may leave at both what he worked out from it.
 */
import { emptyBytes, hashRange } from '../core/bytes.ts';
import type { Block } from './blockwise/block-option.ts';
import type { Message } from './codec/message.ts';
import type { Option } from './codec/options.ts';
import { decodeContent, findPayloadMarker, type MessageHead } from './codec/rfc7252.ts';
import { Remembered } from '../core/remembered.ts';
import { Terms, type TermsFault } from './terms.ts';

export class Wording implements Pick<Message, 'code' | 'options' | 'payload'> {
  readonly terms: Terms;
  readonly payload: Uint8Array;
  /** The bytes it is remembered by, all that followed the token; undefined where it is not remembered. */
  readonly bytes: Uint8Array | undefined;
  /** For who answers: what he worked out from these words, as long as they are remembered. */
  note: unknown = undefined;

  constructor(terms: Terms, payload: Uint8Array, bytes?: Uint8Array) {
    this.terms = terms;
    this.payload = payload;
    this.bytes = bytes;
  }

  get code(): number {
    return this.terms.code;
  }

  get sent(): readonly Option[] {
    return this.terms.sent;
  }

  get options(): readonly Option[] {
    return this.terms.options;
  }

  get badOption(): number | undefined {
    return this.terms.badOption;
  }

  get fault(): TermsFault | undefined {
    return this.terms.fault;
  }

  get block1(): Block | undefined {
    return this.terms.block1;
  }

  get block2(): Block | undefined {
    return this.terms.block2;
  }

  get observe(): number | undefined {
    return this.terms.observe;
  }

  get echo(): Uint8Array | undefined {
    return this.terms.echo;
  }

  get wantsSize(): boolean {
    return this.terms.wantsSize;
  }

  /** The next request with these words gets this very object. */
  get remembered(): boolean {
    return this.bytes !== undefined;
  }

  get isIntermediate(): boolean {
    return this.terms.isIntermediate;
  }

  suppresses(code: number, multicast: boolean): boolean {
    return this.terms.suppresses(code, multicast);
  }

  /** The same with a body that was assembled from blocks. */
  withBody(payload: Uint8Array): Wording {
    return new Wording(this.terms, payload);
  }
}

/** Longer ones, and those with more options, are not remembered: with the views of its options one takes 3 KB at most. */
const longest = 512;
const mostOptions = 16;

/** Those that are remembered. */
export class Wordings {
  readonly #key: number;
  readonly #wordings: Remembered<Wording>;
  readonly #terms: Remembered<Terms>;
  /** Of all that `read` was handed last, token and Message ID included: equal bytes, equal fingerprint. */
  fingerprint = 0;

  /**
   * @param maxWordings remembered at most, and as many terms, to the next power of two below; 0 remembers none
   * @param seed a secret number, without which nobody can tell which requests share a place
   */
  constructor(maxWordings: number, seed: number) {
    this.#key = seed | 1;
    this.#wordings = new Remembered(maxWordings);
    this.#terms = new Remembered(maxWordings);
  }

  /** What a request says, or what is wrong with it, for people. One pass over its bytes where it was said before. */
  read(head: MessageHead, bytes: Uint8Array): Wording | string {
    const { code, contentAt } = head;
    const end = bytes.length;
    const hash = hashRange(bytes, contentAt, end, code, this.#key);
    this.fingerprint = hashRange(bytes, 0, contentAt, hash, this.#key);
    return this.#wordings.find(hash, code, bytes, contentAt, end) ?? this.#readNew(code, bytes, contentAt, hash);
  }

  #readNew(code: number, bytes: Uint8Array, from: number, hash: number): Wording | string {
    const end = bytes.length;
    const marker = findPayloadMarker(bytes, from);
    const terms = this.#readTerms(code, bytes, from, marker);
    if (typeof terms === 'string') return terms;
    const payload = marker === end ? emptyBytes : viewOf(bytes, marker + 1, end);
    const worthIt = end - from <= longest && this.#wordings.isWorthIt(hash);
    if (!worthIt || terms.bytes === undefined) return new Wording(terms, payload);
    // A copy: views would keep the datagram, and what it lies in.
    const copy = bytes.slice(from);
    const kept = marker === end ? emptyBytes : viewOf(copy, marker + 1 - from, copy.length);
    const wording = new Wording(terms, kept, copy);
    this.#wordings.remember(hash, wording);
    return wording;
  }

  #readTerms(code: number, bytes: Uint8Array, from: number, marker: number): Terms | string {
    const isWellFormed = marker >= 0 && marker !== bytes.length - 1;
    if (isWellFormed && marker - from <= longest) {
      const hash = hashRange(bytes, from, marker, code, this.#key);
      const known = this.#terms.find(hash, code, bytes, from, marker);
      if (known !== undefined) return known;
      if (this.#terms.isWorthIt(hash)) {
        const copy = bytes.slice(from, marker);
        const content = decodeContent(copy, 0);
        if (typeof content === 'string') return content;
        if (content.options.length <= mostOptions) {
          const terms = new Terms(code, content.options, copy);
          this.#terms.remember(hash, terms);
          return terms;
        }
      }
    }
    const content = decodeContent(bytes, from);
    return typeof content === 'string' ? content : new Terms(code, content.options, undefined);
  }
}

const viewOf = (bytes: Uint8Array, from: number, end: number): Uint8Array =>
  new Uint8Array(bytes.buffer, bytes.byteOffset + from, end - from);
