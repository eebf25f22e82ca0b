/**
 * The paths of this door, the same as over CoAP, and what is there for people and their tools:
 *
 *   /func/{library}/{method}, /f/{ids}   GET, HEAD, QUERY: a safe call; POST: any call
 *   /b                                   QUERY: several safe calls; POST: several calls
 *   POST with ?_job or Prefer: respond-async (RFC 7240): 202, and the result at /j/{id} (GET; DELETE: not any more)
 *   /j                                   the caller's jobs
 *   /o/{id}                              an object: GET what it offers, DELETE lets go of it; POST to its class makes it
 *   /o/{id}/{member}                     as functions; PUT sets an attribute to the body
 *   /func, /func/{library}, /f/{id}      what there is to call
 *   /.well-known/core                    the same in link format (RFC 6690), with its filters
 *   /frmlist                             the names of the libraries
 *   /openapi.json, /docs                 the functions as OpenAPI, and a page to try them; / leads to it
 *
 * Before anything of a request is looked at: Host, Origin, who asks, its rate. Then its body is read.
 */
import type { RequestListener } from 'node:http';
import { fastify, type FastifyReply, type FastifyRequest } from 'fastify';
import { contentFormat } from '../cbor/content-format.ts';
import type { Scheduler } from '../core/clock.ts';
import { InternalError } from '../core/error.ts';
import { CallError, type Offer } from '../functions/call-error.ts';
import { shown } from '../functions/names.ts';
import { givenCorrelation } from './correlation.ts';
import { docsFiles, sendDocsFile } from './docs-page.ts';
import { Exchange, type Reply } from './exchange.ts';
import type { DoorCall, DoorVisit, GatewayFace } from './gateway-face.ts';
import type { Connection, Guests } from './guest.ts';
import { maxHeaderBytes } from './listener.ts';
import { listing } from './listing.ts';
import { acceptedFormats } from './media-types.ts';
import { openApi } from './open-api.ts';
import { RepeatedCalls } from './repeated-calls.ts';
import { asksForJob, callOf, checkConditions, hostOf, isSafe, queryItems, readError, tooLong } from './request.ts';
import type { SiteCheck } from './site-check.ts';

export interface RoutesOptions {
  readonly face: GatewayFace;
  readonly guests: Guests;
  readonly site: SiteCheck;
  readonly scheduler: Scheduler;
  readonly maxBodyBytes: number;
  /** What is known of the connection of a request. */
  readonly connectionOf: (request: Reply['request']) => Connection;
  /** A secret number. */
  readonly seed: number;
}

export interface Routes {
  readonly handle: RequestListener;
  close(): Promise<void>;
}

type Handler = (request: FastifyRequest, exchange: Exchange) => void;
type Handlers = Readonly<Partial<Record<Method, Handler>>>;

const methods = ['GET', 'HEAD', 'QUERY', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'] as const;
type Method = (typeof methods)[number];

interface Asked {
  readonly Params: { readonly library?: string; readonly method?: string };
}

/** The application, not listening yet. */
export async function openRoutes(options: RoutesOptions): Promise<Routes> {
  const { face, maxBodyBytes, scheduler, seed } = options;
  let arrivals = 0;
  const app = fastify({
    bodyLimit: maxBodyBytes,
    exposeHeadRoutes: false,
    // How long a name may be is for whoever looks it up to say.
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: maxHeaderBytes, querystringParser: () => ({}) },
    frameworkErrors: (error, request, reply) => exchangeOf(request, reply).fail(readError(error)),
  });
  app.decorateRequest('exchange');
  app.removeAllContentTypeParsers();
  // Those that are usual are found without a search.
  for (const type of ['application/json', 'application/cbor', '*'])
    app.addContentTypeParser(type, { parseAs: 'buffer' }, (_, body, done) => done(null, body));

  function exchangeOf(request: FastifyRequest, reply: FastifyReply): Exchange {
    request.exchange ??= newExchange(reply);
    return request.exchange;
  }

  function newExchange(reply: Reply): Exchange {
    const given = givenCorrelation(reply.request.headers);
    return new Exchange({
      reply,
      face,
      scheduler,
      now: scheduler.now(),
      correlationId: given ?? `h${(++arrivals).toString(36)}`,
      isCorrelationGiven: given !== undefined,
    });
  }

  /** False where it is refused, and has its answer. */
  function isLetIn(request: Reply['request'], isOpen: boolean, exchange: Exchange): boolean {
    try {
      letIn(request, isOpen, exchange, options);
      return true;
    } catch (error) {
      exchange.fail(error);
      return false;
    }
  }

  app.addHook('onRequest', (request, reply, done) => {
    const { isOpen = false } = request.routeOptions.config;
    if (!isLetIn(request, isOpen, exchangeOf(request, reply))) return;
    // RFC 9110 §10.1.1: of HTTP/1.0 it is ignored.
    if (request.headers.expect === undefined || request.raw.httpVersion === '1.0') done();
    else if (request.is404) exchangeOf(request, reply).fail(nothingThere(exchangeOf(request, reply)));
    else if (Number(request.headers['content-length'] ?? 0) > maxBodyBytes) exchangeOf(request, reply).fail(tooLong());
    else {
      reply.raw.writeContinue();
      done();
    }
  });
  app.setErrorHandler((error, request, reply) => exchangeOf(request, reply).fail(readError(error)));
  app.setNotFoundHandler((request, reply) => {
    const exchange = exchangeOf(request, reply);
    exchange.fail(nothingThere(exchange));
  });

  const serve = (url: string, handlers: Handlers, config: { readonly isOpen?: boolean } = {}): void => {
    const offered = methods.filter((name) => name === 'OPTIONS' || handlers[name] !== undefined);
    for (const method of methods) {
      const handler = handlers[method];
      app.route({
        method,
        url,
        config,
        handler: (request, reply) => {
          const exchange = exchangeOf(request, reply);
          if (handler !== undefined) {
            handler(request, exchange);
            return;
          }
          // RFC 9110 §9.3.7, §15.5.6
          const allow = offered.join(', ');
          if (method === 'OPTIONS') {
            exchange.plain(204, ['allow', allow]);
            return;
          }
          exchange.fail(
            new CallError('method-not-allowed', `${method} is not offered here; there is ${allow}.`),
            allow,
          );
        },
      });
    }
  };
  const reading = (handler: Handler): Handlers => ({ GET: handler, HEAD: handler });

  const repeated = new RepeatedCalls({
    maxBodyBytes,
    seed,
    letIn: (reply) => {
      const exchange = newExchange(reply);
      return isLetIn(reply.request, false, exchange) ? exchange : undefined;
    },
    call: (exchange, asked) => exchange.answerWith(() => visitOf(exchange).call(asked)),
  });
  const call: Handler = (request, exchange) => {
    const asked = (): DoorCall => callOf(request, exchange.path ?? [], exchange.correlationId, () => exchange.signal);
    if (request.method === 'POST' && asksForJob(request))
      exchange.answerJob(async () => await visitOf(exchange).submit(asked()));
    else
      exchange.answerWith(() => {
        const made = asked();
        repeated.learn(request, made);
        return visitOf(exchange).call(made);
      });
  };
  const calling = { ...reading(call), QUERY: call, POST: call };
  serve('/func/:library/:method', calling);
  serve('/f/:library/:method', calling);
  const batch: Handler = (request, exchange) =>
    exchange.answerWith(() =>
      visitOf(exchange).batch(callOf(request, ['b'], exchange.correlationId, () => exchange.signal)),
    );
  serve('/b', { QUERY: batch, POST: batch });
  const job = ({ params }: FastifyRequest): string => (params as { readonly id?: string }).id ?? '';
  serve('/j/:id', {
    ...reading((request, exchange) =>
      exchange.answerJob(
        async () => await visitOf(exchange).job(job(request), acceptedFormats(request.headers.accept, undefined)),
      ),
    ),
    DELETE: (request, exchange) => exchange.answerGone(async () => await visitOf(exchange).removeJob(job(request))),
  });
  serve(
    '/j',
    reading((request, exchange) =>
      exchange.answerWith(() => visitOf(exchange).jobs(acceptedFormats(request.headers.accept, undefined))),
    ),
  );
  const used =
    (verb: Offer): Handler =>
    (request, exchange) =>
      exchange.answerWith(() =>
        visitOf(exchange).object(
          callOf(request, exchange.path ?? [], exchange.correlationId, () => exchange.signal),
          verb,
        ),
      );
  serve('/o/:id', {
    ...reading(used('ask')),
    DELETE: (_, exchange) =>
      exchange.answerGone(
        async () =>
          await visitOf(exchange).release({ path: exchange.path ?? [], correlationId: exchange.correlationId }),
      ),
  });
  serve('/o/:id/:member', { ...reading(used('ask')), QUERY: used('ask'), POST: used('call'), PUT: used('set') });
  const catalogue = (root: 'func' | 'f'): Handlers =>
    reading((request, exchange) =>
      exchange.answerWith(() => {
        const { library } = (request as FastifyRequest<Asked>).params;
        const path = library === undefined ? [root] : [root, library];
        return visitOf(exchange).catalogue(path, acceptedFormats(request.headers.accept, undefined));
      }),
    );
  serve('/func', catalogue('func'));
  serve('/func/:library', catalogue('func'));
  serve('/f/:library', catalogue('f'));
  serve(
    '/.well-known/core',
    reading((request, exchange) =>
      exchange.answerWith(() =>
        visitOf(exchange).links(
          queryItems(request.url),
          acceptedFormats(request.headers.accept, contentFormat.linkFormat),
        ),
      ),
    ),
  );
  const names = listing((libraries) => ({ frameworks: libraries.map(({ name }) => name) }));
  const described = listing(openApi);
  for (const [path, list] of [
    ['/frmlist', names],
    ['/openapi.json', described],
  ] as const) {
    serve(
      path,
      reading((request, exchange) =>
        exchange.answerWith(() => list(visitOf(exchange), acceptedFormats(request.headers.accept, undefined))),
      ),
    );
  }
  // RFC 9110 §15.4.4: who types the bare address into a browser
  serve(
    '/',
    reading((_, exchange) => exchange.plain(303, ['location', '/docs', 'content-length', '0'])),
    { isOpen: true },
  );
  for (const path of docsFiles)
    serve(
      path,
      reading((_, exchange) => sendDocsFile(path, exchange)),
      { isOpen: true },
    );
  await app.ready();
  return {
    handle: (request, response) => {
      if (!repeated.take(request, response)) app.routing(request, response);
    },
    close: () => app.close(),
  };
}

const nothingThere = ({ target }: Exchange): CallError =>
  new CallError(
    'no-such-resource',
    `There is nothing at /${shown(target)}; GET /func lists what there is to call, /docs shows it.`,
  );

declare module 'fastify' {
  interface FastifyRequest {
    exchange?: Exchange;
  }
  interface FastifyContextConfig {
    /** It is the same for everybody and tells nothing: no identity is needed. */
    readonly isOpen?: boolean;
  }
}

/** @throws CallError */
function letIn(
  request: Reply['request'],
  isOpen: boolean,
  exchange: Exchange,
  { face, guests, site, scheduler, connectionOf }: RoutesOptions,
): void {
  const { headers } = request;
  const connection = connectionOf(request);
  const host = hostOf(request);
  site.checkHost(host);
  checkConditions(request);
  site.checkOrigin(
    headers,
    isSafe(request),
    (origin) =>
      origin === `${connection.scheme}://${host}` || (guests.isBehindProxy(connection) && origin === `https://${host}`),
  );
  if (isOpen) return;
  const guest = guests.guestOf(headers, connection);
  exchange.guest = guest;
  exchange.checkGuest = () => guests.checkAgain(headers, connection, guest);
  exchange.onGuestEnd = (listener) => guests.onEnd(listener);
  exchange.visit = face.admit(guest, scheduler.now());
}

function visitOf({ visit }: Exchange): DoorVisit {
  if (visit === undefined)
    throw new InternalError('not-let-in', 'A request was answered before anybody asked who it is from.');
  return visit;
}
