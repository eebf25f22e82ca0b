/**
 * The wording of a request: its method, options and payload; all but who asks, and under which Message ID and token.
 * Thousands of devices that ask for the same use the same words, so what follows from the words alone is worked out
 * once: which options are understood, which blocks are meant, what the path says. Requests with equal bytes after the
 * token share one `Wording`, and who answers them may leave there what he worked out from it.
 *
 * A wording is remembered when it comes for the second time: what differs every time is never worth it.
 */
import { equalRange, hashRange } from '../core/bytes.ts';
import { findBlock, type Block } from './blockwise/block-option.ts';
import { codeClass, responseCode } from './codec/codes.ts';
import type { Message } from './codec/message.ts';
import { findOption, findStrings, findUint, optionNumber, type Option } from './codec/options.ts';
import { decodeContent, type MessageContent, type MessageHead } from './codec/rfc7252.ts';
import { checkOptions } from './option-check.ts';

export class Wording implements Pick<Message, 'code' | 'options' | 'payload'> {
  readonly code: number;
  /** As they came. */
  readonly sent: readonly Option[];
  /** Only those that are understood, each of a valid length and count. */
  readonly options: readonly Option[];
  /** The number of the critical option for which the request fails (RFC 7252 §5.4.1). */
  readonly badOption: number | undefined;
  readonly payload: Uint8Array;
  readonly block1: Block | 'invalid' | undefined;
  readonly block2: Block | 'invalid' | undefined;
  readonly observe: number | undefined;
  readonly echo: Uint8Array | undefined;
  /** Proxy-Uri or Proxy-Scheme is there. */
  readonly forProxy: boolean;
  /** Size2 is asked for (RFC 7959 §4). */
  readonly wantsSize: boolean;
  /** The bytes it is remembered by, all that followed the token; undefined where it is not remembered. */
  readonly bytes: Uint8Array | undefined;
  /** For who answers: what he worked out from these words, as long as they are remembered. */
  note: unknown = undefined;
  readonly #noResponse: number;
  #path: readonly string[] | undefined = undefined;
  #query: readonly string[] | undefined = undefined;
  #isText = true;

  constructor(code: number, { options: sent, payload }: MessageContent, bytes?: Uint8Array) {
    const checked = checkOptions(sent);
    const isBad = typeof checked === 'number';
    const options = isBad ? [] : checked;
    this.code = code;
    this.bytes = bytes;
    this.sent = sent;
    this.options = options;
    this.badOption = isBad ? checked : undefined;
    this.payload = payload;
    this.block1 = findBlock(isBad ? sent : options, optionNumber.block1);
    this.block2 = findBlock(options, optionNumber.block2);
    this.observe = findUint(options, optionNumber.observe);
    this.echo = findOption(options, optionNumber.echo);
    this.forProxy =
      findOption(options, optionNumber.proxyUri) !== undefined ||
      findOption(options, optionNumber.proxyScheme) !== undefined;
    this.wantsSize = findOption(options, optionNumber.size2) !== undefined;
    this.#noResponse = findUint(isBad ? sent : options, optionNumber.noResponse) ?? 0;
  }

  /** The next request with these words gets this very object. */
  get remembered(): boolean {
    return this.bytes !== undefined;
  }

  /** Uri-Path and Uri-Query as texts; undefined where one of them is not UTF-8 (RFC 7252 §3.2). */
  get uri(): { readonly path: readonly string[]; readonly query: readonly string[] } | undefined {
    if (this.#path === undefined || this.#query === undefined) {
      const path = findStrings(this.options, optionNumber.uriPath);
      const query = findStrings(this.options, optionNumber.uriQuery);
      this.#isText = path !== undefined && query !== undefined;
      this.#path = path ?? [];
      this.#query = query ?? [];
    }
    return this.#isText ? { path: this.#path, query: this.#query } : undefined;
  }

  /** A block of a body that is not the last runs nothing, whatever the method (RFC 7959 §2.5). */
  get isIntermediate(): boolean {
    return this.block1 !== undefined && this.block1 !== 'invalid' && this.block1.more;
  }

  /** RFC 7967 §2.1: bit n - 1 suppresses class n. A 2.31 carries the transfer on and is no final response. */
  suppresses(code: number): boolean {
    if (this.#noResponse === 0) return false;
    return code !== responseCode.continue && (this.#noResponse & (1 << (codeClass(code) - 1))) !== 0;
  }

  /** The same with a body that was assembled from blocks. */
  withBody(payload: Uint8Array): Wording {
    return new Wording(this.code, { options: this.sent, payload });
  }
}

/** A look-up looks at so many places at most, whatever peers send. */
const ways = 8;
const seenPerPlace = 2;
const seenInGroup = 4;
/** Longer ones, and those with more options, are not remembered: with the views of its options one takes 3 KB at most. */
const longest = 512;
const mostOptions = 16;

/** Those that are remembered. */
export class Wordings {
  readonly #key: number;
  readonly #sets: number;
  #remembered: (Wording | undefined)[] = [];
  /** Of the bytes of each that is remembered. */
  #hashes = new Int32Array(0);
  /** Hashes that came without being remembered: several for each wording, so that they do not push each other out. */
  #seen = new Int32Array(0);
  #next = 0;
  /** Of all that `read` was handed last, token and Message ID included: equal bytes, equal fingerprint. */
  fingerprint = 0;

  /**
   * @param maxWordings remembered at most, to the next power of two below; 0 remembers none
   * @param seed a secret number, without which nobody can tell which requests share a place
   */
  constructor(maxWordings: number, seed: number) {
    this.#key = seed | 1;
    this.#sets = maxWordings < ways ? 0 : 2 ** Math.floor(Math.log2(maxWordings / ways));
  }

  /** What a request says, or what is wrong with it, for people. One pass over its bytes where it was said before. */
  read(head: MessageHead, bytes: Uint8Array): Wording | string {
    const { code, contentAt } = head;
    const length = bytes.length - contentAt;
    const hash = hashRange(bytes, contentAt, bytes.length, code, this.#key);
    this.fingerprint = hashRange(bytes, 0, contentAt, hash, this.#key);
    const set = hash & (this.#sets - 1);
    for (let place = set * ways; place < (set + 1) * ways; place++) {
      const known = this.#hashes[place] === hash ? this.#remembered[place] : undefined;
      if (known?.bytes?.length === length && known.code === code && equalRange(bytes, contentAt, known.bytes, length))
        return known;
    }
    if (this.#remembered.length < this.#sets) this.#makeRoom();
    if (length > longest || this.#sets === 0 || !this.#sawBefore(hash)) {
      const content = decodeContent(bytes, contentAt);
      return typeof content === 'string' ? content : new Wording(code, content);
    }
    // A copy: views would keep the datagram, and what it lies in.
    const copy = bytes.slice(contentAt);
    const content = decodeContent(copy, 0);
    if (typeof content === 'string') return content;
    if (content.options.length > mostOptions) return new Wording(code, content);
    const wording = new Wording(code, content, copy);
    this.#remember(set, hash, wording);
    return wording;
  }

  /** Only who is asked needs it: not a client. */
  #makeRoom(): void {
    this.#remembered = new Array<Wording | undefined>(this.#sets * ways).fill(undefined);
    this.#hashes = new Int32Array(this.#sets * ways);
    this.#seen = new Int32Array(this.#sets * ways * seenPerPlace);
  }

  /** The last few unremembered of a group are known: of two that take turns none wipes out the other. */
  #sawBefore(hash: number): boolean {
    const seen = this.#seen;
    const group = (hash >>> 2) & (seen.length - 1) & -seenInGroup;
    for (let i = group; i < group + seenInGroup; i++) if (seen[i] === hash) return true;
    seen.copyWithin(group + 1, group, group + seenInGroup - 1);
    seen[group] = hash;
    return false;
  }

  #remember(set: number, hash: number, wording: Wording): void {
    let place = set * ways;
    while (place < (set + 1) * ways && this.#remembered[place] !== undefined) place++;
    if (place === (set + 1) * ways) {
      place = set * ways + this.#next;
      this.#next = (this.#next + 1) % ways;
    }
    this.#hashes[place] = hash;
    this.#remembered[place] = wording;
  }
}
