/**
 * Calls that are made again, answered without fastify: what it would find out from a URL, a method and media types is known
 * from the time before, and what the gateway works out from these and the body is kept with them (`CallWords`). Nothing that
 * depends on who asks, or when, is remembered: Host and Origin, tokens, rate, access and the log are as for any request,
 * by the same code.
 *
 * Left to fastify (routes.ts): whatever was not called before, jobs, and bodies that are long, compressed, text, or of
 * unknown length, or not sent before they are asked for.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { contentFormat } from '../cbor/content-format.ts';
import { concatBytes, emptyBytes, hashRange } from '../core/bytes.ts';
import { GenerationalMap } from '../core/generational-map.ts';
import { Remembered } from '../core/remembered.ts';
import type { Exchange, Reply } from './exchange.ts';
import type { CallWords, DoorCall } from './gateway-face.ts';
import { flowWish, unreadable } from './request.ts';

export interface RepeatedCallsOptions {
  readonly maxBodyBytes: number;
  /** A secret number, without which nobody can tell which bodies share a place. */
  readonly seed: number;
  /** Of a request that is let in; undefined where it is not, and has its answer. */
  readonly letIn: (reply: Reply) => Exchange | undefined;
  readonly call: (exchange: Exchange, call: DoorCall) => void;
}

type Terms = Pick<DoorCall, 'path' | 'query' | 'safe' | 'bodyFormat' | 'accept'>;

/** What a request says beside its body, read once. */
class KnownTerms {
  readonly number: number;
  readonly terms: Terms;
  /** Those without a body. */
  readonly words: KnownWords;

  constructor(number: number, { path, query, safe, bodyFormat, accept }: Terms) {
    this.number = number;
    this.terms = { path, query, safe, bodyFormat, accept };
    this.words = new KnownWords(number, emptyBytes);
  }
}

class KnownWords implements CallWords {
  /** The number of their terms. */
  readonly code: number;
  /** The body. */
  readonly bytes: Uint8Array;
  note: unknown = undefined;

  constructor(code: number, bytes: Uint8Array) {
    this.code = code;
    this.bytes = bytes;
  }
}

/** Longer ones are not remembered. No RFC's numbers. */
const longestKey = 1024;
const longestBody = 512;
const maxTerms = 1024;
const maxWords = 8192;

export class RepeatedCalls {
  readonly #options: RepeatedCallsOptions;
  readonly #longestBody: number;
  readonly #key: number;
  readonly #terms = new GenerationalMap<string, KnownTerms>({ maxEntries: maxTerms });
  readonly #words = new Remembered<KnownWords>(maxWords);
  #termsMade = 0;

  constructor(options: RepeatedCallsOptions) {
    this.#options = options;
    this.#longestBody = Math.min(longestBody, options.maxBodyBytes);
    this.#key = options.seed | 1;
  }

  /** Remembers what was found out of a request that fastify has brought, and that is a call. */
  learn(request: Reply['request'], call: DoorCall): void {
    const { body, bodyFormat } = call;
    // Text is taken of some callers only.
    if (bodyFormat === contentFormat.text) return;
    const key = keyOf(request, body.length > 0);
    if (key === undefined || this.#terms.has(key)) return;
    this.#termsMade++;
    this.#terms.set(key, new KnownTerms(this.#termsMade, call));
  }

  /** False where it is fastify's. */
  take(request: IncomingMessage, response: ServerResponse): boolean {
    const length = bodyLength(request);
    if (length === undefined || length > this.#longestBody) return false;
    const reply = new OwnReply(request, response);
    const key = keyOf(reply.request, length > 0);
    const known = key === undefined ? undefined : this.#terms.get(key);
    if (known === undefined) return false;
    const exchange = this.#options.letIn(reply);
    if (exchange === undefined) return true;
    if (length === 0) this.#call(exchange, reply, known, known.words, emptyBytes);
    else this.#read(request, exchange, reply, known);
    return true;
  }

  #read(request: IncomingMessage, exchange: Exchange, reply: OwnReply, known: KnownTerms): void {
    let body: Uint8Array = emptyBytes;
    request.on('data', (part: Buffer) => {
      body = body.length === 0 ? new Uint8Array(part.buffer, part.byteOffset, part.length) : concatBytes([body, part]);
    });
    request.on('end', () => {
      const words = this.#wordsOf(known, body);
      // A copy where somebody may keep it: the part lies in what the socket has read.
      const own = words?.bytes ?? body.slice();
      reply.request.body = own;
      this.#call(exchange, reply, known, words, own);
    });
    request.on('error', (error) => exchange.fail(unreadable(error)));
  }

  #wordsOf({ number }: KnownTerms, body: Uint8Array): KnownWords | undefined {
    const hash = hashRange(body, 0, body.length, number, this.#key);
    const known = this.#words.find(hash, number, body, 0, body.length);
    if (known !== undefined || !this.#words.isWorthIt(hash)) return known;
    const words = new KnownWords(number, body.slice());
    this.#words.remember(hash, words);
    return words;
  }

  #call(
    exchange: Exchange,
    { request }: OwnReply,
    { terms }: KnownTerms,
    words: KnownWords | undefined,
    body: Uint8Array,
  ): void {
    const { path, query, safe, bodyFormat, accept } = terms;
    this.#options.call(exchange, {
      path,
      query,
      safe,
      body,
      bodyFormat,
      accept,
      words,
      correlationId: exchange.correlationId,
      flow: () => flowWish(request),
      signal: () => exchange.signal,
    });
  }
}

/** A reply that fastify has no part in. */
class OwnReply implements Reply {
  readonly raw: ServerResponse;
  readonly request: Reply['request'] & { body: unknown };

  constructor({ method = '', url = '', headers, socket }: IncomingMessage, raw: ServerResponse) {
    this.raw = raw;
    this.request = { method, url, headers, socket, body: undefined };
  }

  hijack(): void {
    // There is nobody to take it from.
  }
}

/** Undefined where it is not known before its end, or is sent only when it is asked for. */
const bodyLength = ({ headers }: IncomingMessage): number | undefined =>
  headers['transfer-encoding'] === undefined && headers.expect === undefined
    ? Number(headers['content-length'] ?? 0)
    : undefined;

/** All that decides which call it is, but for its body: `text/plain` and jobs, where more does, are left out. */
function keyOf({ method, url, headers }: Reply['request'], hasBody: boolean): string | undefined {
  const { accept, prefer, 'content-type': type, 'content-encoding': coding } = headers;
  if (prefer !== undefined || coding !== undefined) return undefined;
  const key = `${hasBody ? '+' : '-'}${method}\n${type === undefined ? '' : `=${type}`}\n${accept === undefined ? '' : `=${accept}`}\n${url}`;
  return key.length > longestKey ? undefined : key;
}
