/**
 * The CoAP front: takes a request from the engine to its resource and the answer back, turns failures into
 * error responses, and says what happened on the `request` channel.
 */
import { dotted, method, responseCode } from '../coap/codec/codes.ts';
import { findOption, findStrings, optionNumber } from '../coap/codec/options.ts';
import type { Request } from '../coap/request.ts';
import { response, type Response } from '../coap/response.ts';
import type { Peer } from '../coap/exchange/peer.ts';
import type { RefusedRequest, RequestHandler } from '../coap/server.ts';
import { channels } from '../core/channels.ts';
import type { Clock } from '../core/clock.ts';
import type { Instant } from '../core/duration.ts';
import { CallError, type ProblemName } from '../functions/call-error.ts';
import { problemResponse } from './problem-response.ts';
import type { RateLimit } from './rate-limit.ts';
import type { Answer, Resource, Visit } from './resource.ts';
import type { Router } from './router.ts';

export interface FrontOptions {
  readonly router: Router;
  readonly rateLimit: RateLimit;
  readonly clock: Clock;
  /** Sends a response; returns the bytes of its datagram. */
  readonly respond: (request: Request, response: Response, now: Instant) => number;
  /** Called after an answer that was not given at once: there is output to be fetched. */
  readonly wake: () => void;
  /** Error responses tell stacks and paths. */
  readonly showInternals: boolean;
}

/** Who calls without having said who it is. */
const anonymous = 'local';

const methodNames: ReadonlyMap<number, string> = new Map(Object.entries(method).map(([name, code]) => [code, name]));

export class Front implements RequestHandler {
  readonly #options: FrontOptions;
  #correlation = 0;
  #closed = false;

  constructor(options: FrontOptions) {
    this.#options = options;
  }

  /** From here on every request is 5.03; those under way are answered. */
  close(): void {
    this.#closed = true;
  }

  handle(request: Request, now: Instant): void {
    const path = findStrings(request.options, optionNumber.uriPath);
    const query = findStrings(request.options, optionNumber.uriQuery);
    if (path === undefined || query === undefined) {
      // RFC 7252 §3.2: these options are UTF-8.
      this.#options.respond(request, response(responseCode.badRequest, { maxAge: 0 }), now);
      return;
    }
    if (path.length > 1 && path.at(-1) === '') path.pop();
    const visit: Visit = {
      request,
      path,
      query,
      caller: { identity: anonymous, peer: peerText(request.peer) },
      correlationId: (++this.#correlation).toString(36),
      now,
    };
    try {
      const answer = this.#resourceFor(visit).handle(visit);
      if (!(answer instanceof Promise)) this.#answer(visit, answer, now);
      else {
        answer.then(
          (later) => this.#answerLater(visit, later),
          (error: unknown) => this.#failLater(visit, error),
        );
      }
    } catch (error) {
      this.#fail(visit, error, now);
    }
  }

  #resourceFor({ request, path, now }: Visit): Resource {
    if (this.#closed) throw new CallError('not-ready', 'The gateway is being stopped; come back later.');
    const wait = this.#options.rateLimit.take(request.peer.endpoint, now);
    if (wait !== undefined) {
      throw new CallError('rate-exceeded', 'Too many requests from this peer; wait as Max-Age says.', {
        retryAfter: wait,
      });
    }
    const resource = this.#options.router.find(path);
    if (resource === undefined) {
      throw new CallError(
        'no-such-resource',
        `There is nothing at /${path.join('/')}; GET /.well-known/core lists what there is.`,
      );
    }
    if (request.multicast && !resource.multicast) {
      throw new CallError('method-not-allowed', 'This resource does not answer multicast requests.');
    }
    if (!resource.methods.includes(request.code)) {
      throw new CallError('method-not-allowed', `/${path.join('/')} does not offer this method.`);
    }
    if (!resource.conditional && isConditional(request)) {
      throw new CallError('bad-option', 'If-Match and If-None-Match mean nothing here; leave them out.');
    }
    return resource;
  }

  #answer(visit: Visit, answer: Answer, now: Instant): void {
    const bytesOut = this.#options.respond(visit.request, answer.response, now);
    if (channels.request.hasSubscribers) this.#publish(visit, answer, undefined, bytesOut, now);
  }

  #answerLater(visit: Visit, answer: Answer): void {
    const now = this.#options.clock.now();
    try {
      this.#answer(visit, answer, now);
    } catch (error) {
      this.#fail(visit, error, now);
    }
    this.#options.wake();
  }

  #failLater(visit: Visit, error: unknown): void {
    this.#fail(visit, error, this.#options.clock.now());
    this.#options.wake();
  }

  #fail(visit: Visit, thrown: unknown, now: Instant): void {
    const error = thrown instanceof CallError ? thrown : asInternal(thrown);
    if (isFault(error) && channels.functionFailed.hasSubscribers) {
      channels.functionFailed.publish({
        target: targetOf(visit.path),
        problem: error.code,
        message: error.message,
        stack: error.details.remote?.stack ?? (error === thrown ? undefined : error.stack),
        correlationId: visit.correlationId,
      });
    }
    const failed = problemResponse(error, visit.request.options, this.#options.showInternals);
    const bytesOut = this.#options.respond(visit.request, failed, now);
    if (channels.request.hasSubscribers) this.#publish(visit, { response: failed }, error.code, bytesOut, now);
  }

  refused({ refusal, exchange, request, code }: RefusedRequest): void {
    if (!channels.request.hasSubscribers) return;
    channels.request.publish({
      peer: peerText(exchange.peer),
      identity: anonymous,
      method: methodText(request.code),
      target: targetOf(findStrings(request.options, optionNumber.uriPath) ?? []),
      code: dotted(code),
      problem: refusal.reason,
      bytesIn: exchange.bytesIn,
      bytesOut: exchange.bytesOut,
      cache: 'none',
      revalidated: false,
      queuedMs: 0,
      ranMs: 0,
      totalMs: 0,
      correlationId: (++this.#correlation).toString(36),
    });
  }

  #publish(visit: Visit, answer: Answer, problem: string | undefined, bytesOut: number, now: Instant): void {
    const { request, caller, correlationId } = visit;
    channels.request.publish({
      peer: caller.peer,
      identity: caller.identity,
      method: methodText(request.code),
      target: targetOf(visit.path),
      code: dotted(answer.response.code),
      problem,
      bytesIn: request.exchange.bytesIn,
      bytesOut,
      cache: answer.cache ?? 'none',
      revalidated: answer.response.code === responseCode.valid,
      queuedMs: answer.queued ?? 0,
      ranMs: answer.ran ?? 0,
      totalMs: now - visit.now,
      correlationId,
    });
  }
}

const isConditional = (request: Request): boolean =>
  findOption(request.options, optionNumber.ifMatch) !== undefined ||
  findOption(request.options, optionNumber.ifNoneMatch) !== undefined;

/** `oslist/list` for functions, the path for all else. */
function targetOf(path: readonly string[]): string {
  if (path.length === 0) return '/';
  return path.length === 3 && path[0] === 'func' ? path.slice(1).join('/') : path.join('/');
}

const methodText = (code: number): string => methodNames.get(code) ?? dotted(code);

const peerText = ({ endpoint: { remote } }: Peer): string => `${remote.address}:${remote.port}`;

/** Problems that somebody has to look into: a busy gateway or a library that is known not to load is told elsewhere. */
const faults: ReadonlySet<string> = new Set<ProblemName>([
  'function-failed',
  'time-limit',
  'memory-limit',
  'worker-lost',
  'unencodable-result',
  'internal-error',
]);

const isFault = (error: CallError): boolean => faults.has(error.code);

const asInternal = (thrown: unknown): CallError =>
  new CallError('internal-error', 'The gateway failed to answer; its log says why.', { cause: thrown });
