/**
 * One request and its answer: what is told of it in the access log, and how results and errors become HTTP.
 *
 *   result            200, or 204 where the function returned nothing; ETag and Cache-Control where the method is safe
 *   the client has it 304 (RFC 9110 §13.1.2)
 *   error             the status of RFC 8075 §7, application/problem+json (RFC 9457)
 *
 * Answers that come one after the other are written by flow.ts.
 */
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { contentFormat } from '../cbor/content-format.ts';
import { hex, textOf } from '../core/bytes.ts';
import { channels } from '../core/channels.ts';
import type { Scheduler } from '../core/clock.ts';
import type { Endpoint } from '../core/datagram.ts';
import type { Instant } from '../core/duration.ts';
import { anonymous } from '../core/principal.ts';
import type { CallError, Offer } from '../functions/call-error.ts';
import { comeBackSeconds, encodeProblemJson, httpStatus } from '../functions/problem-details.ts';
import { formatAddress } from '../transport/address.ts';
import { flowTypes, GuardedFlow, writeFlow } from './flow.ts';
import type { DoorAnswer, DoorFlow, DoorJob, DoorVisit, FlowPart, GatewayFace } from './gateway-face.ts';
import { mediaTypeOf } from './media-types.ts';
import { pathOf, targetOf } from './request.ts';

/** What of fastify's reply is used. A call that does not come through fastify has one of its own (repeated-calls.ts). */
export interface Reply {
  readonly raw: ServerResponse;
  readonly request: {
    readonly method: string;
    readonly url: string;
    readonly headers: IncomingHttpHeaders;
    readonly socket: Socket;
    readonly body: unknown;
  };
  hijack(): unknown;
}

export interface ExchangeParts {
  readonly reply: Reply;
  readonly face: GatewayFace;
  readonly scheduler: Scheduler;
  readonly now: Instant;
  readonly correlationId: string;
  /** The client gave it, and gets it back. */
  readonly isCorrelationGiven: boolean;
}

export class Exchange {
  readonly correlationId: string;
  /** Undefined until it is let in. */
  guest: Endpoint | undefined;
  visit: DoorVisit | undefined;
  /** Whether it is to be told anything more. @throws CallError */
  checkGuest: () => void = () => undefined;
  /** Calls a listener when that has to be looked at, and returns what ends it. */
  onGuestEnd: (listener: () => void) => () => void = () => () => undefined;
  readonly #parts: ExchangeParts;

  constructor(parts: ExchangeParts) {
    this.#parts = parts;
    this.correlationId = parts.correlationId;
  }

  /** Segments, decoded; undefined where they cannot be. */
  get path(): readonly string[] | undefined {
    return pathOf(this.#parts.reply.request.url);
  }

  /** As logs name it: `oslist/list`, `openapi.json`. */
  get target(): string {
    return targetOf(this.path);
  }

  /** Aborted when the client has gone before its answer. */
  get signal(): AbortSignal {
    const { raw } = this.#parts.reply;
    const controller = new AbortController();
    this.#onceClosed(() => {
      if (!raw.writableEnded) controller.abort();
    });
    return controller.signal;
  }

  /** At once where that was before: a client may leave while its answer is made. */
  #onceClosed(listener: () => void): void {
    const { raw } = this.#parts.reply;
    if (raw.destroyed) listener();
    else raw.once('close', listener);
  }

  /** Answers with what `make` gives, at once or later; whatever it throws is the answer too. */
  answerWith(make: () => DoorAnswer | Promise<DoorAnswer | DoorFlow>): void {
    try {
      const answer = make();
      if (!(answer instanceof Promise)) this.answer(answer);
      else {
        answer
          .then(async (later) => {
            if ('next' in later) await this.#flow(this.#guarded(later));
            else this.answer(later);
          })
          .catch((error: unknown) => this.fail(error));
      }
    } catch (error) {
      this.fail(error);
    }
  }

  /** A flow ends when whoever reads it may not any more, also while nothing comes. */
  #guarded(flow: DoorFlow): DoorFlow {
    const { raw } = this.#parts.reply;
    const ends = new GuardedFlow(flow, () => this.checkGuest());
    if (this.guest?.principal === undefined) return ends;
    const look = (): void => {
      // Whoever does not read would not take the end either.
      if (!ends.look() && raw.writableNeedDrain) raw.destroy();
    };
    this.#onceClosed(this.onGuestEnd(look));
    return ends;
  }

  /** 202 with where and when to come back, or the result (RFC 9110 §15.3.3). */
  answerJob(make: () => Promise<DoorAnswer | DoorJob | Pick<DoorJob, 'comeBack'>>): void {
    make()
      .then((given) => {
        if ('bytes' in given) {
          this.answer(given);
          return;
        }
        const headers = ['cache-control', 'no-store', 'retry-after', String(given.comeBack)];
        if ('id' in given) headers.push('location', `/j/${given.id}`);
        if (this.#parts.reply.request.headers['prefer'] !== undefined && 'id' in given)
          headers.push('preference-applied', 'respond-async');
        this.plain(202, headers);
      })
      .catch((error: unknown) => this.fail(error));
  }

  /** 204: what was asked for is not there any more. */
  answerGone(remove: () => Promise<void>): void {
    remove()
      .then(() => this.plain(204, []))
      .catch((error: unknown) => this.fail(error));
  }

  answer(answer: DoorAnswer): void {
    const { reply, face } = this.#parts;
    const { bytes, format, etag, made } = answer;
    if (made !== undefined) {
      // RFC 9110 §15.3.2
      this.#send({ status: 201, headers: ['location', `/o/${made}`, 'cache-control', 'no-store'], bytes, answer });
      return;
    }
    const headers = ['vary', 'Accept'];
    if (etag !== undefined) {
      const tag = `"${hex(etag)}"`;
      headers.push('etag', tag, 'cache-control', `${answer.private ? 'private, ' : ''}max-age=${answer.maxAge}`);
      if (isKnown(tag, reply.request.headers['if-none-match'])) {
        face.countRevalidation(bytes.length);
        this.#send({ status: 304, headers, answer });
        return;
      }
    }
    if (format === undefined) this.#send({ status: 204, headers, answer });
    else {
      headers.push('content-type', mediaTypeOf(format));
      // A function says what is in them: no browser guesses.
      if (format === contentFormat.text || format === contentFormat.octetStream)
        headers.push('x-content-type-options', 'nosniff');
      this.#send({ status: 200, headers, bytes, answer });
    }
  }

  /**
   * @param thrown by whatever was to answer
   * @param allow methods that there are instead (RFC 9110 §15.5.6)
   */
  fail(thrown: unknown, allow?: string): void {
    const { reply, face } = this.#parts;
    const error = face.failure(thrown, this);
    const status = httpStatus(error.problem.status);
    const wait = comeBackSeconds(error);
    const headers = ['content-type', 'application/problem+json', 'cache-control', 'no-store'];
    if (wait > 0) headers.push('retry-after', String(wait));
    // RFC 9110 §15.5.2, §15.5.6
    if (status === 401) headers.push('www-authenticate', challenge(reply));
    const offered = allow ?? allowOf(error);
    if (offered !== undefined) headers.push('allow', offered);
    const bytes = encodeProblemJson(error, { words: true, internals: face.showInternals });
    this.#send({ status, headers, bytes, problem: error.code });
  }

  /** @throws what it fails with before anything was sent */
  async #flow(flow: DoorFlow): Promise<void> {
    const { reply } = this.#parts;
    const { raw, request } = reply;
    this.#onceClosed(() => flow.leave());
    if (raw.destroyed) {
      this.#publish({ status: 200, bytesOut: 0 });
      return;
    }
    const headers = ['content-type', flowTypes[flow.form], 'cache-control', 'no-store', 'vary', 'Accept'];
    if (flow.tag !== undefined) headers.push('etag', `"${flow.tag}"`);
    if (request.method === 'HEAD') {
      this.#send({ status: 200, headers });
      return;
    }
    const isResumed = request.headers['last-event-id'] !== undefined;
    // An error has a status as long as nothing was sent; events tell it by themselves, and their reader waits for the head.
    const first = flow.form === 'events' && !isResumed ? undefined : await flow.next();
    if (first === undefined && isResumed) {
      // WHATWG HTML §9.2.3: it stops asking again.
      this.#send({ status: 204, headers: ['cache-control', 'no-store'] });
      return;
    }
    reply.hijack();
    raw.writeHead(200, headers);
    raw.flushHeaders();
    await this.#flowOut(flow, first, flow.form !== 'events' && first === undefined);
  }

  async #flowOut(flow: DoorFlow, first: FlowPart | undefined, isEmpty: boolean): Promise<void> {
    const { reply, face, scheduler } = this.#parts;
    const { raw } = reply;
    let bytesOut = 0;
    let problem: string | undefined;
    try {
      if (!isEmpty) bytesOut = await writeFlow(raw, flow, first, scheduler);
      raw.end();
    } catch (thrown) {
      const error = face.failure(thrown, this);
      problem = error.code;
      if (flow.form !== 'events') raw.destroy();
      else {
        const told = encodeProblemJson(error, { words: true, internals: face.showInternals });
        raw.end(`event: error\ndata: ${textOf(told) ?? ''}\n\n`);
      }
    }
    this.#publish({ status: 200, problem, bytesOut });
  }

  /** An answer that is none of a function's. */
  plain(status: number, headers: readonly string[], bytes?: Uint8Array): void {
    this.#send({ status, headers: [...headers], bytes });
  }

  #send({ status, headers, bytes, answer, problem }: Sent): void {
    const { reply, isCorrelationGiven } = this.#parts;
    const { raw } = reply;
    if (isCorrelationGiven || problem !== undefined) headers.push('x-request-id', this.correlationId);
    if (bytes !== undefined) headers.push('content-length', String(bytes.length));
    // Past fastify, which would write head and body apart: as one text they are one write.
    reply.hijack();
    raw.writeHead(status, headers);
    if (bytes === undefined) raw.end();
    else if (bytes.length <= longestText) raw.end(latin1(bytes), 'latin1');
    else raw.end(bytes);
    this.#publish({ status, answer, problem, bytesOut: bytes?.length ?? 0 });
  }

  #publish({ status, answer, problem, bytesOut }: Told): void {
    if (!channels.request.hasSubscribers) return;
    const { reply, scheduler, now } = this.#parts;
    const { request } = reply;
    const { guest } = this;
    const { remoteAddress = '', remotePort = 0 } = request.socket;
    channels.request.publish({
      peer: formatAddress(guest?.remote ?? { address: remoteAddress, port: remotePort }),
      identity: guest === undefined ? '' : (guest.principal ?? anonymous).name,
      method: request.method,
      target: this.target,
      calls: answer?.calls,
      code: String(status),
      problem,
      // Of bodies: what HTTP puts around them its parser does not tell.
      bytesIn: request.body instanceof Uint8Array ? request.body.length : 0,
      bytesOut,
      cache: answer?.cache ?? 'none',
      revalidated: status === 304,
      queuedMs: answer?.queued ?? 0,
      ranMs: answer?.ran ?? 0,
      totalMs: scheduler.now() - now,
      correlationId: this.correlationId,
    });
  }
}

/** What the log says of it. */
interface Told {
  readonly status: number;
  readonly answer?: DoorAnswer | undefined;
  readonly problem?: string | undefined;
  readonly bytesOut: number;
}

interface Sent {
  readonly status: number;
  /** Names and values in turn. */
  readonly headers: string[];
  readonly bytes?: Uint8Array | undefined;
  readonly answer?: DoorAnswer;
  readonly problem?: string;
}

/** Longer bodies are written as they are: copying them costs more than a second write. */
const longestText = 8192;

const latin1 = ({ buffer, byteOffset, length }: Uint8Array): string =>
  Buffer.from(buffer, byteOffset, length).toString('latin1');

const methodsOf: Readonly<Record<Offer, string>> = {
  ask: 'GET, HEAD, QUERY',
  call: 'POST',
  set: 'PUT',
  release: 'DELETE',
};

/** RFC 9110 §10.2.1: what there is instead of the method that was refused. */
function allowOf({ code, details: { offered } }: CallError): string | undefined {
  const offers = code === 'not-safe' ? (['call'] as const) : offered;
  return offers && [...offers.map((offer) => methodsOf[offer]), 'OPTIONS'].join(', ');
}

/** RFC 6750 §3: what was wrong with a token that was shown. */
const challenge = ({ request }: Reply): string =>
  request.headers.authorization === undefined ? 'Bearer' : 'Bearer error="invalid_token"';

/** RFC 9110 §13.1.2: compared weakly. */
const isKnown = (tag: string, header: string | undefined): boolean =>
  header !== undefined &&
  (header === tag ||
    header.trim() === '*' ||
    header.split(',').some((known) => known.trim().replace(/^W\//, '') === tag));
