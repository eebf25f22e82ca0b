/**
 * The CoAP front: takes a request from the engine to its resource and the answer back, turns failures into
 * error responses, and says what happened on the `request` channel.
 */
import { dotted, responseCode } from '../coap/codec/codes.ts';
import { findOption, findStrings, optionNumber } from '../coap/codec/options.ts';
import type { Request } from '../coap/request.ts';
import { response, type Response } from '../coap/response.ts';
import type { RefusedRequest, RequestHandler } from '../coap/server.ts';
import type { Terms } from '../coap/terms.ts';
import { channels } from '../core/channels.ts';
import { anonymous } from '../core/principal.ts';
import type { Clock } from '../core/clock.ts';
import type { Instant } from '../core/duration.ts';
import { CallError, type ProblemName } from '../functions/call-error.ts';
import type { AccessRules } from './access-rules.ts';
import { Arrival, correlationText, methodText, Outcome, type Route } from './arrival.ts';
import { asCallError, reportFault } from './faults.ts';
import { problemResponse } from './problem-response.ts';
import type { RateLimit } from './rate-limit.ts';
import type { Answer, Resource, Visit } from './resource.ts';
import type { Router } from './router.ts';
import { stopping } from './stopping.ts';

export interface FrontOptions {
  readonly router: Router;
  readonly rateLimit: RateLimit;
  readonly access: AccessRules;
  readonly clock: Clock;
  /** Sends a response; returns the bytes of its datagram. */
  readonly respond: (request: Request, response: Response, now: Instant) => number;
  /** Called after an answer that was not given at once: there is output to be fetched. */
  readonly wake: () => void;
  /** Error responses tell stacks and paths. */
  readonly showInternals: boolean;
}

/** What follows from a request's terms: where it goes. What is served where does not change. */
class Way implements Route {
  readonly path: readonly string[];
  readonly query: readonly string[];
  readonly target: string;
  readonly resource: Resource | Refusal;
  /** The first segment. */
  readonly root: string;
  note: unknown = undefined;

  constructor(root: string, path: readonly string[], query: readonly string[], resource: Resource | Refusal) {
    this.root = root;
    this.path = path;
    this.query = query;
    this.target = targetOf(path);
    this.resource = resource;
  }
}

/** Why the terms alone make a request fail. */
interface Refusal {
  readonly problem: ProblemName;
  readonly message: string;
}

export class Front implements RequestHandler {
  readonly #options: FrontOptions;
  /** First segments under which there is something. */
  readonly #roots = new Map<string, string>();
  #arrivals = 0;
  #closed = false;

  constructor(options: FrontOptions) {
    this.#options = options;
  }

  /** From here on every request is 5.03; those under way are answered. */
  close(): void {
    this.#closed = true;
  }

  handle(request: Request, now: Instant): void {
    const { terms } = request.wording;
    const route = terms.note instanceof Way ? terms.note : this.#route(terms);
    if (route === undefined) {
      // RFC 7252 §3.2: these options are UTF-8.
      this.#options.respond(request, response(responseCode.badRequest, { maxAge: 0 }), now);
      return;
    }
    const access = this.#options.access.of(request.peer.endpoint.principal);
    const visit = new Arrival(request, route, access, ++this.#arrivals, now);
    try {
      const answer = this.#admit(visit, route).handle(visit);
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

  /** Undefined where path or query are no text. */
  #route(terms: Terms): Way | undefined {
    const { uri } = terms;
    if (uri === undefined) return undefined;
    const path = uri.path.length > 1 && uri.path.at(-1) === '' ? uri.path.slice(0, -1) : uri.path;
    const resource = this.#resourceFor(terms, path);
    const route = new Way('problem' in resource ? (path[0] ?? '') : this.#rootOf(path), path, uri.query, resource);
    terms.note = route;
    return route;
  }

  /** One text for all that lies below it: it is looked up for each request. */
  #rootOf([root = '']: readonly string[]): string {
    const known = this.#roots.get(root);
    if (known === undefined) this.#roots.set(root, root);
    return known ?? root;
  }

  #resourceFor(terms: Terms, path: readonly string[]): Resource | Refusal {
    const resource = this.#options.router.find(path);
    const at = `/${path.join('/')}`;
    if (resource === undefined) {
      const message = `There is nothing at ${at}; GET /.well-known/core lists what there is.`;
      return { problem: 'no-such-resource', message };
    }
    if (!resource.methods.includes(terms.code)) {
      return { problem: 'method-not-allowed', message: `${at} does not offer this method.` };
    }
    if (!resource.conditional && isConditional(terms)) {
      return { problem: 'bad-option', message: 'If-Match and If-None-Match mean nothing here; leave them out.' };
    }
    return resource;
  }

  /** The resource, where this request may reach it now. */
  #admit(visit: Visit, { root, resource }: Way): Resource {
    const { access, now, request } = visit;
    if (this.#closed) throw stopping();
    const wait = this.#options.rateLimit.take(request.peer.endpoint, now, access.rate);
    if (wait !== undefined) {
      throw new CallError('rate-exceeded', 'Too many requests from this peer; wait as Max-Age says.', {
        retryAfter: wait,
      });
    }
    if ('problem' in resource) throw new CallError(resource.problem, resource.message);
    access.checkResource(root, visit);
    if (request.multicast && !resource.multicast) {
      throw new CallError('method-not-allowed', 'This resource does not answer multicast requests.');
    }
    return resource;
  }

  #answer(visit: Visit, answer: Answer, now: Instant): void {
    const bytesOut = this.#options.respond(visit.request, answer.response, now);
    if (!channels.request.hasSubscribers) return;
    channels.request.publish(new Outcome(visit, answer, undefined, bytesOut, now));
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
    const error = asCallError(thrown);
    reportFault(error, thrown, visit);
    const failed = problemResponse(error, visit.request.options, this.#options.showInternals);
    const bytesOut = this.#options.respond(visit.request, failed, now);
    if (!channels.request.hasSubscribers) return;
    channels.request.publish(new Outcome(visit, { response: failed }, error.code, bytesOut, now));
  }

  refused({ refusal, exchange, request, code }: RefusedRequest): void {
    if (!channels.request.hasSubscribers) return;
    channels.request.publish({
      peer: exchange.peer.name,
      identity: (exchange.peer.endpoint.principal ?? anonymous).name,
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
      correlationId: correlationText(++this.#arrivals),
    });
  }
}

const isConditional = ({ options }: Terms): boolean =>
  findOption(options, optionNumber.ifMatch) !== undefined ||
  findOption(options, optionNumber.ifNoneMatch) !== undefined;

/** `oslist/list` for functions, the path for all else. */
function targetOf(path: readonly string[]): string {
  if (path.length === 0) return '/';
  // Who has the id of a job may be able to fetch it: it is not for logs.
  if (path[0] === 'j') return 'j';
  if (path[0] === 'o') return path.length === 3 ? `o/*/${path[2]}` : 'o';
  return path.length === 3 && path[0] === 'func' ? path.slice(1).join('/') : path.join('/');
}
