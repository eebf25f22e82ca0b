/**
 * What a server does with a ClientHello before there is any state (RFC 6347 §4.2.1): one with a valid cookie goes on to a
 * handshake, any other is answered with a HelloVerifyRequest that is smaller than it.
 *
 * Left out: a ClientHello in fragments. To put it together takes memory for an address that has shown nothing; what devices
 * send fits into one datagram of any link.
 */
import type { Endpoint, HelloShares } from '../core/datagram.ts';
import { after, longAgo, milliseconds, until, type Instant, type Milliseconds } from '../core/duration.ts';
import { FatalAlert } from './alert.ts';
import { cookieLength, CookieJar } from './cookie.ts';
import {
  decodeFragments,
  encodeHandshake,
  handshakeHeaderLength,
  handshakeTypes,
  type HandshakeMessage,
} from './handshake-message.ts';
import { HelloBudget } from './hello-budget.ts';
import { cookieParameters, decodeClientHello, type ClientHello } from './messages/client-hello.ts';
import { encodeHelloVerifyRequest } from './messages/hello-verify-request.ts';
import type { Crypto } from './primitives.ts';
import { contentType, dtls10, encodePlaintext, headerLength, type RecordView } from './record.ts';

export interface VerifiedHello {
  readonly hello: ClientHello;
  /** Owns its bytes. */
  readonly message: HandshakeMessage;
}

/** A record of epoch 0 that begins with a ClientHello. */
export const beginsWithClientHello = ({ type, epoch, fragment }: RecordView): boolean =>
  type === contentType.handshake && epoch === 0 && fragment[0] === handshakeTypes.client_hello;

/** The same of bytes that nobody has looked at: a datagram of `length` bytes at `from`. */
const isClientHello = (bytes: Uint8Array, from: number, length: number): boolean =>
  length > headerLength &&
  bytes[from] === contentType.handshake &&
  bytes[from + 3] === 0 &&
  bytes[from + 4] === 0 &&
  bytes[from + headerLength] === handshakeTypes.client_hello;

/** Behind the version and the random of a ClientHello. */
const sessionIdAt = handshakeHeaderLength + 2 + 32;

/** Whether the ClientHello from `from` up to `end` has a cookie as long as ours. native/client-hello-filter.c does the same. */
function returnsCookie(bytes: Uint8Array, from: number, end: number): boolean {
  const cookieAt = from + sessionIdAt + 1 + (bytes[from + sessionIdAt] ?? 0);
  return cookieAt < end && bytes[cookieAt] === cookieLength;
}

/** How often it is thought over how many are of use. No RFC's number. */
const slice: Milliseconds = milliseconds(100);
const all: HelloShares = { fresh: 1, returning: 1 };

export class HelloListener {
  readonly #jar: CookieJar;
  /** Two, so that those who have a cookie come in beside any number of those who have none. */
  readonly #fresh: HelloBudget;
  readonly #returning: HelloBudget;
  #sliceBegan: Instant = longAgo;
  /** Another object whenever it has been thought over, but for that all are of use. */
  shares: HelloShares = all;

  constructor(crypto: Crypto, maxHellosPerSecond: number) {
    this.#jar = new CookieJar(crypto);
    this.#fresh = new HelloBudget(maxHellosPerSecond);
    this.#returning = new HelloBudget(maxHellosPerSecond);
  }

  /** A ClientHello when enough of its kind were looked at lately. */
  refuses(bytes: Uint8Array, from: number, length: number, now: Instant): boolean {
    if (!isClientHello(bytes, from, length)) return false;
    return this.#budget(bytes, from + headerLength, from + length).refuses(now);
  }

  poll(now: Instant): void {
    const lasted = until(now, this.#sliceBegan);
    if (lasted < slice) return;
    this.#sliceBegan = now;
    this.#fresh.review(lasted);
    this.#returning.review(lasted);
    const { share: fresh } = this.#fresh;
    const { share: returning } = this.#returning;
    this.shares = fresh === 1 && returning === 1 ? all : { fresh, returning };
  }

  /** When it is to be thought over at the latest. */
  nextDeadline(): Instant | undefined {
    return this.shares === all ? undefined : after(this.#sliceBegan, slice);
  }

  /** A ClientHello whose sender receives at its address, the answer to one that has still to show it, or nothing. */
  receive(record: RecordView, endpoint: Endpoint, now: Instant): VerifiedHello | Uint8Array | undefined {
    if (!this.#budget(record.fragment, 0, record.fragment.length).take(now)) return undefined;
    const [fragment] = decodeFragments(record.fragment) ?? [];
    if (fragment === undefined || fragment.bytes.length !== fragment.length) return undefined;
    const body = new Uint8Array(fragment.bytes);
    let hello: ClientHello;
    try {
      hello = decodeClientHello(body);
    } catch (error) {
      if (error instanceof FatalAlert) return undefined; // an alert would be an answer to anybody
      throw error;
    }
    const { sequence } = fragment;
    const parameters = cookieParameters(body);
    if (this.#jar.accepts(hello.cookie, endpoint.key, parameters, now))
      return { hello, message: { type: 'client_hello', sequence, body } };
    const request = encodeHandshake({
      type: 'hello_verify_request',
      // Nothing remembers how many came before: an answer is numbered like its question, so that it is the one due.
      sequence,
      body: encodeHelloVerifyRequest(this.#jar.bake(endpoint.key, parameters, now)),
    });
    // RFC 6347 §4.2.1: with the record's own sequence number. Of 44 bytes; the shortest ClientHello has 67.
    return encodePlaintext(contentType.handshake, 0, record.sequence, request, dtls10);
  }

  #budget(bytes: Uint8Array, from: number, end: number): HelloBudget {
    return returnsCookie(bytes, from, end) ? this.#returning : this.#fresh;
  }
}
