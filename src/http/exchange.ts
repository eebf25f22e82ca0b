/**
 * One request and its answer: what is told of it in the access log, and how results and errors become HTTP.
 *
 *   result            200, or 204 where the function returned nothing; ETag and Cache-Control where the method is safe
 *   the client has it 304 (RFC 9110 §13.1.2)
 *   error             the status of RFC 8075 §7, application/problem+json (RFC 9457)
 *
 * Answers that come in pieces (server-sent events, lines of JSON) would be further ways to answer beside `answer`.
 */
import type { FastifyReply } from 'fastify';
import { channels } from '../core/channels.ts';
import type { Clock } from '../core/clock.ts';
import type { Endpoint } from '../core/datagram.ts';
import type { Instant } from '../core/duration.ts';
import { anonymous } from '../core/principal.ts';
import type { CallError } from '../functions/call-error.ts';
import { comeBackSeconds, encodeProblemJson, httpStatus } from '../functions/problem-details.ts';
import { formatAddress } from '../transport/address.ts';
import type { DoorAnswer, DoorVisit, GatewayFace } from './gateway-face.ts';
import { mediaTypeOf } from './media-types.ts';

export interface ExchangeParts {
  readonly reply: FastifyReply;
  readonly face: GatewayFace;
  readonly clock: Clock;
  readonly now: Instant;
  /** As logs name it: `oslist/list`, `openapi.json`. */
  readonly target: string;
  readonly correlationId: string;
  /** The client gave it, and gets it back. */
  readonly isCorrelationGiven: boolean;
}

export class Exchange {
  readonly target: string;
  readonly correlationId: string;
  /** Undefined until it is let in. */
  guest: Endpoint | undefined;
  visit: DoorVisit | undefined;
  readonly #parts: ExchangeParts;

  constructor(parts: ExchangeParts) {
    this.#parts = parts;
    this.target = parts.target;
    this.correlationId = parts.correlationId;
  }

  /** Aborted when the client has gone before its answer. */
  get signal(): AbortSignal {
    const { raw } = this.#parts.reply;
    const controller = new AbortController();
    raw.once('close', () => {
      if (!raw.writableEnded) controller.abort();
    });
    return controller.signal;
  }

  /** Answers with what `make` gives, at once or later; whatever it throws is the answer too. */
  answerWith(make: () => DoorAnswer | Promise<DoorAnswer>): void {
    try {
      const answer = make();
      if (!(answer instanceof Promise)) this.answer(answer);
      else {
        answer
          .then((later) => this.answer(later))
          .catch((error: unknown) => this.fail(error));
      }
    } catch (error) {
      this.fail(error);
    }
  }

  answer(answer: DoorAnswer): void {
    const { reply, face } = this.#parts;
    const { bytes, format, etag } = answer;
    const tag = etag === undefined ? undefined : `"${Buffer.from(etag).toString('hex')}"`;
    reply.header('vary', 'Accept');
    if (tag !== undefined) {
      reply.header('etag', tag);
      reply.header('cache-control', `${answer.private ? 'private, ' : ''}max-age=${answer.maxAge}`);
    }
    if (tag !== undefined && isKnown(tag, reply.request.headers['if-none-match'])) {
      face.countRevalidation(bytes.length);
      this.#send(304, undefined, answer, undefined);
      return;
    }
    if (format === undefined) this.#send(204, undefined, answer, undefined);
    else {
      reply.header('content-type', mediaTypeOf(format));
      this.#send(200, bytes, answer, undefined);
    }
  }

  /** @param thrown by whatever was to answer */
  fail(thrown: unknown): void {
    const { reply, face } = this.#parts;
    const error = face.failure(thrown, this);
    const status = httpStatus(error.problem.status);
    const wait = comeBackSeconds(error);
    reply.header('content-type', 'application/problem+json');
    reply.header('cache-control', 'no-store');
    if (wait > 0) reply.header('retry-after', wait);
    // RFC 9110 §15.5.2, §15.5.6
    if (status === 401) reply.header('www-authenticate', challenge(reply));
    if (error.code === 'not-safe') reply.header('allow', 'POST, OPTIONS');
    this.#send(status, encodeProblemJson(error, { words: true, internals: face.showInternals }), undefined, error);
  }

  /** An answer that is none of a function's. */
  plain(status: number, headers: Readonly<Record<string, string>>, bytes?: Uint8Array): void {
    this.#parts.reply.headers(headers);
    this.#send(status, bytes, undefined, undefined);
  }

  #send(
    status: number,
    bytes: Uint8Array | undefined,
    answer: DoorAnswer | undefined,
    error: CallError | undefined,
  ): void {
    const { reply, clock, now, isCorrelationGiven } = this.#parts;
    const { request } = reply;
    if (isCorrelationGiven || error !== undefined) reply.header('x-request-id', this.correlationId);
    reply.code(status);
    // fastify leaves the body of an answer to HEAD out, and keeps its length.
    reply.send(bytes === undefined ? undefined : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
    if (!channels.request.hasSubscribers) return;
    const { guest } = this;
    const { remoteAddress = '', remotePort = 0 } = request.socket;
    channels.request.publish({
      peer: formatAddress(guest?.remote ?? { address: remoteAddress, port: remotePort }),
      identity: guest === undefined ? '' : (guest.principal ?? anonymous).name,
      method: request.method,
      target: this.target,
      code: String(status),
      problem: error?.code,
      // Of bodies: what HTTP puts around them its parser does not tell.
      bytesIn: request.body instanceof Uint8Array ? request.body.length : 0,
      bytesOut: bytes?.length ?? 0,
      cache: answer?.cache ?? 'none',
      revalidated: status === 304,
      queuedMs: answer?.queued ?? 0,
      ranMs: answer?.ran ?? 0,
      totalMs: clock.now() - now,
      correlationId: this.correlationId,
    });
  }
}

/** RFC 6750 §3: what was wrong with a token that was shown. */
const challenge = ({ request }: FastifyReply): string =>
  request.headers.authorization === undefined ? 'Bearer' : 'Bearer error="invalid_token"';

/** RFC 9110 §13.1.2: compared weakly. */
const isKnown = (tag: string, header: string | undefined): boolean =>
  header !== undefined &&
  (header === tag ||
    header.trim() === '*' ||
    header.split(',').some((known) => known.trim().replace(/^W\//, '') === tag));
