/**
 * What a server does with a ClientHello before there is any state (RFC 6347 §4.2.1): one with a valid cookie goes on to a
 * handshake, any other is answered with a HelloVerifyRequest that is smaller than it.
 *
 * Left out: a ClientHello in fragments. To put it together takes memory for an address that has shown nothing; what devices
 * send fits into one datagram of any link.
 */
import type { Endpoint } from '../core/datagram.ts';
import type { Instant } from '../core/duration.ts';
import { FatalAlert } from './alert.ts';
import { CookieJar } from './cookie.ts';
import { decodeFragments, encodeHandshake, handshakeTypes, type HandshakeMessage } from './handshake-message.ts';
import { decodeClientHello, type ClientHello } from './messages/client-hello.ts';
import { encodeHelloVerifyRequest } from './messages/hello-verify-request.ts';
import type { Crypto } from './primitives.ts';
import { RateLimit } from './rate-limit.ts';
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

export class HelloListener {
  readonly #jar: CookieJar;
  readonly #rate: RateLimit;

  constructor(crypto: Crypto, maxHellosPerSecond: number) {
    this.#jar = new CookieJar(crypto);
    this.#rate = new RateLimit(maxHellosPerSecond);
  }

  /** A ClientHello when enough were looked at in this second. */
  refuses(bytes: Uint8Array, from: number, length: number, now: Instant): boolean {
    return isClientHello(bytes, from, length) && this.#rate.isSpent(now);
  }

  /** A ClientHello whose sender receives at its address, the answer to one that has still to show it, or nothing. */
  receive(record: RecordView, endpoint: Endpoint, now: Instant): VerifiedHello | Uint8Array | undefined {
    if (!this.#rate.take(now)) return undefined;
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
    if (this.#jar.accepts(endpoint.key, hello, now))
      return { hello, message: { type: 'client_hello', sequence, body } };
    const request = encodeHandshake({
      type: 'hello_verify_request',
      // Nothing remembers how many came before: an answer is numbered like its question, so that it is the one due.
      sequence,
      body: encodeHelloVerifyRequest(this.#jar.bake(endpoint.key, hello, now)),
    });
    // RFC 6347 §4.2.1: with the record's own sequence number. Of 44 bytes; the shortest ClientHello has 67.
    return encodePlaintext(contentType.handshake, 0, record.sequence, request, dtls10);
  }
}
