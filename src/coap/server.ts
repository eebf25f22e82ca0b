/**
 * The server role: what a request goes through between the message layer and the resource, and its response on
 * the way back.
 *
 *   in:   options understood (RFC 7252 §5.4) → Echo (RFC 9175) → Block1 assembly, Block2 of a kept response
 *         (RFC 7959) → Observe (RFC 7641) → resource
 *   out:  No-Response (RFC 7967), multicast suppression (RFC 7252 §8.2) → blocks, amplification limit → exchange
 */
import { after, minutes, type Instant } from '../core/duration.ts';
import { encodeBlock, findBlock, type Block } from './blockwise/block-option.ts';
import { KeptResponses, type KeptResponseOptions } from './blockwise/kept-responses.ts';
import { RequestAssemblies, type AssemblyOptions, type AssemblyResult } from './blockwise/request-assembly.ts';
import { fitResponse, type Fitted } from './blockwise/response-fit.ts';
import { codeClass, isSafeMethod, responseCode, type ResponseCode } from './codec/codes.ts';
import type { Message } from './codec/message.ts';
import { findOption, findUint, opaqueOption, optionNumber, type Option } from './codec/options.ts';
import { EchoVerifier, type Seal } from './echo.ts';
import type { MessageLayer } from './exchange/message-layer.ts';
import type { ServerExchange } from './exchange/server-exchange.ts';
import { ObservationRegistry, type Observation, type ObservationLimits } from './observe/observation.ts';
import { checkOptions } from './option-check.ts';
import { refusalResponse, type Refusal, type RefusalPayload } from './refusal.ts';
import type { Request } from './request.ts';
import { response, type Response } from './response.ts';

/** A verified address stays so for this long. */
const verifiedFor = minutes(10);

export interface ServerOptions extends ObservationLimits {
  readonly assembly: AssemblyOptions;
  readonly kept: KeptResponseOptions;
  /** Requests answered later than at once; further ones get 5.03. */
  readonly maxPending: number;
  /** RFC 8974: longer tokens get 4.00. */
  readonly maxTokenBytes: number;
  /** When a peer that is turned away for lack of room should come back. */
  readonly retryAfterSeconds: number;
  readonly seal: Seal;
  /** How refusals are told to peers; undefined tells them by their code alone. */
  readonly refusalPayload: RefusalPayload | undefined;
}

/** The application: answers each request once, now or later, through `ServerRole.respond`. */
export interface RequestHandler {
  handle(request: Request, now: Instant): void;
  /** The engine has refused a request by itself: for whoever keeps a log. */
  refused?(refused: RefusedRequest, now: Instant): void;
}

export interface RefusedRequest {
  readonly refusal: Refusal;
  readonly exchange: ServerExchange;
  /** The method, and the options as they came. */
  readonly request: Pick<Message, 'code' | 'options'>;
  /** The response's code. */
  readonly code: ResponseCode;
}

export class ServerRole {
  readonly observations: ObservationRegistry;
  readonly assemblies: RequestAssemblies;
  readonly kept: KeptResponses;
  readonly #options: ServerOptions;
  readonly #handler: RequestHandler;
  readonly #layer: MessageLayer;
  readonly #echo: EchoVerifier;

  constructor(options: ServerOptions, handler: RequestHandler, layer: MessageLayer) {
    this.#options = options;
    this.#handler = handler;
    this.#layer = layer;
    this.#echo = new EchoVerifier(options.seal);
    this.assemblies = new RequestAssemblies(options.assembly);
    this.kept = new KeptResponses(options.kept);
    this.observations = new ObservationRegistry(
      layer,
      (request, notification, extra, now) => this.#fit(request, notification, { num: 0, extra }, now),
      options,
    );
  }

  receive(exchange: ServerExchange, message: Message, now: Instant): void {
    const { peer } = exchange;
    const options = checkOptions(message.options);
    if (typeof options === 'number') {
      // RFC 7252 §5.4.1: a CON gets 4.02, a NON is rejected, which §4.3 lets us do in silence.
      if (!exchange.confirmable) exchange.silence();
      else this.#refuse(exchange, message, badOption(options), now);
      return;
    }
    if (exchange.token.length > this.#options.maxTokenBytes) {
      this.#refuse(exchange, message, tokenTooLong, now); // RFC 8974 §2.2.2
      return;
    }
    if (isForProxy(options)) {
      this.#refuse(exchange, message, noProxy, now);
      return;
    }
    const echo = findOption(options, optionNumber.echo);
    if (echo !== undefined && !peer.isVerified(now) && this.#echo.isFresh(peer.endpoint, echo, now)) {
      peer.verifiedUntil = after(now, verifiedFor);
    }
    const block1 = findBlock(options, optionNumber.block1);
    const block2 = findBlock(options, optionNumber.block2);
    if (block1 === 'invalid' || block2 === 'invalid') {
      this.#refuse(exchange, message, badBlock, now); // RFC 7959 §2.2
      return;
    }
    if (block2 !== undefined) peer.szx = block2.szx;
    const { code, payload } = message;
    const { confirmable, multicast } = exchange;
    const request = { peer, code, options, payload, confirmable, multicast, block1, block2, exchange };
    if (block1 !== undefined) this.#assemble(request, block1, now);
    else if (block2 !== undefined && block2.num > 0) this.#continueKept(request, block2, now);
    else this.#deliver(request, now);
  }

  /** Lets go of transfers that nobody has gone on with. */
  expire(now: Instant): void {
    this.assemblies.expire(now);
    this.kept.expire(now);
  }

  /** There is no room for the sender, or for the record of an unsafe request (RFC 7252 §4.5): it must not run. */
  refuse(exchange: ServerExchange, message: Message, now: Instant): void {
    this.#refuse(exchange, message, this.#busy(), now);
  }

  /** RFC 7641 §4.1: undefined where the request does not ask for it, or there is no room. */
  observe(request: Request, onEnd: (now: Instant) => void, now: Instant): Observation | undefined {
    if (request.multicast || !isSafeMethod(request.code)) return undefined;
    if (findUint(request.options, optionNumber.observe) !== 0) return undefined;
    return this.observations.register(request, onEnd, now);
  }

  /** Sends the response to a request; returns the bytes of its datagram, 0 where none is sent. */
  respond(request: Request, answer: Response, now: Instant): number {
    const { exchange } = request;
    if (exchange.state === 'done') return 0;
    if (isSuppressed(request, answer)) {
      exchange.silence();
      answer.observation?.end(now);
      return 0;
    }
    const extra: Option[] = [];
    if (request.block1 !== undefined) {
      const more = answer.code === responseCode.continue;
      extra.push(opaqueOption(optionNumber.block1, encodeBlock({ ...request.block1, more })));
    }
    if (answer.observation !== undefined) {
      if (codeClass(answer.code) === 2) extra.push(answer.observation.sequenceOption());
      else answer.observation.end(now);
    }
    // RFC 7959 §2.4: blocks are of a representation; an error and a 2.31 are none, and are sent from their start.
    const isOfBlocks = codeClass(answer.code) === 2 && answer.code !== responseCode.continue;
    const num = isOfBlocks ? (request.block2?.num ?? 0) : 0;
    const fitted = this.#fit(request, answer, { num, extra }, now);
    if (fitted.code !== answer.code) answer.observation?.end(now);
    this.#complete(request, fitted, now);
    return exchange.bytesOut;
  }

  /** What was an answer may have become an error since: there is no such block of it. */
  #complete(request: Request, fitted: Fitted & { readonly code: ResponseCode }, now: Instant): void {
    if (isSuppressed(request, fitted)) request.exchange.silence();
    else request.exchange.respond(fitted.code, fitted.options, fitted.payload, now);
  }

  #deliver(request: Request, now: Instant): void {
    if (request.payload.length > request.peer.parameters.maxBodyBytes) {
      this.#respondRefusal(request, tooLarge(request), now);
      return;
    }
    // RFC 7641 §2, RFC 8132 §2.4: Observe means something with GET and FETCH; §8.1 of RFC 7252 keeps groups out of it.
    if (isSafeMethod(request.code) && !request.multicast && findUint(request.options, optionNumber.observe) === 1) {
      this.observations.end(request.peer, request.exchange.token, now);
    }
    request.exchange.bodyBytes = request.payload.length;
    if (this.#isFull(request)) this.#respondRefusal(request, this.#busy(), now);
    else this.#handler.handle(request, now);
  }

  /** What is not answered yet may hold as many bytes of bodies as those under assembly. */
  #isFull({ payload }: Request): boolean {
    const { pending, pendingBytes } = this.#layer;
    const { maxPending, assembly } = this.#options;
    return pending >= maxPending || (payload.length > 0 && pendingBytes >= assembly.maxBytes);
  }

  #assemble(request: Request, block1: Block, now: Instant): void {
    const { peer, code, options, payload } = request;
    const result = this.assemblies.add(peer, code, options, block1, payload, now);
    if (result.kind === 'complete') this.#deliver({ ...request, payload: result.body }, now);
    else if (result.kind === 'continue') this.respond(request, response(responseCode.continue), now);
    else this.#respondRefusal(request, assemblyRefusal(request, result), now);
  }

  #continueKept(request: Request, block2: Block, now: Instant): void {
    const kept = this.kept.find(request, now);
    if (kept === undefined) this.#deliver(request, now);
    else this.#send(request, kept, block2, now);
  }

  #send(request: Request, kept: Response, block2: Block, now: Instant): void {
    const fitted = this.#fit(request, kept, { num: block2.num, extra: [] }, now);
    this.#complete(request, fitted, now);
  }

  #fit(
    request: Request,
    answer: Response,
    { num, extra }: { readonly num: number; readonly extra: readonly Option[] },
    now: Instant,
  ): Fitted & { readonly code: ResponseCode } {
    const { peer, exchange, block2 } = request;
    const fitted = fitResponse(answer, {
      block: { num, szx: block2?.szx ?? peer.szx ?? peer.parameters.szx },
      tokenLength: exchange.token.length,
      wantsSize: codeClass(answer.code) === 2 && findOption(request.options, optionNumber.size2) !== undefined,
      extra,
      unverified: peer.isVerified(now)
        ? undefined
        : { budget: exchange.unverifiedBudget, echo: () => this.#echo.value(peer.endpoint, now) },
    });
    if (fitted === undefined) {
      const { code, options, payload } = refusalResponse(pastTheEnd, request.options, this.#options.refusalPayload);
      return { code, options, payload, cut: false };
    }
    if (fitted.cut && answer.kept === true && num === 0) this.kept.keep(request, answer, now);
    return { ...fitted, code: answer.code };
  }

  /** An error for a request that did not get as far as being one. */
  #refuse(exchange: ServerExchange, message: Message, refusal: Refusal, now: Instant): void {
    const { options } = message;
    const answer = refusalResponse(refusal, options, this.#options.refusalPayload);
    if (isSuppressed({ options, multicast: exchange.multicast }, answer)) exchange.silence();
    else exchange.respond(answer.code, answer.options, answer.payload, now);
    this.#handler.refused?.({ refusal, exchange, request: message, code: answer.code }, now);
  }

  #respondRefusal(request: Request, refusal: Refusal, now: Instant): void {
    const answer = refusalResponse(refusal, request.options, this.#options.refusalPayload);
    this.respond(request, answer, now);
    this.#handler.refused?.({ refusal, exchange: request.exchange, request, code: answer.code }, now);
  }

  #busy(): Refusal {
    const { retryAfterSeconds } = this.#options;
    return { reason: 'overloaded', message: 'The gateway has no room for it; come back later.', retryAfterSeconds };
  }
}

function assemblyRefusal(
  request: Request,
  result: Exclude<AssemblyResult, { kind: 'complete' | 'continue' }>,
): Refusal {
  switch (result.kind) {
    case 'incomplete':
      return { reason: 'incomplete', message: 'A block of the body is missing; begin again at block 0.' };
    case 'too-large':
      return tooLarge(request);
    case 'bad-size':
      return { reason: 'bad-request', message: 'A block that is not the last has not the size that Block1 states.' };
  }
}

function tooLarge({ peer }: Request): Refusal {
  const size1 = peer.parameters.maxBodyBytes;
  return { reason: 'too-large', message: `The body is longer than ${size1} bytes.`, size1 };
}

const badOption = (number: number): Refusal => ({
  reason: 'bad-option',
  message: `Option ${number} is critical and not understood, or has a length or count that it may not have.`,
});
const tokenTooLong: Refusal = { reason: 'bad-request', message: 'The token is longer than what is taken here.' };
const noProxy: Refusal = {
  reason: 'proxying-not-supported',
  message: 'This is no proxy: leave Proxy-Uri and Proxy-Scheme out.',
};
const badBlock: Refusal = { reason: 'bad-request', message: 'Block1 or Block2 has the reserved size exponent 7.' };
const pastTheEnd: Refusal = { reason: 'bad-request', message: 'The block asked for lies past the end of the answer.' };

const isForProxy = (options: readonly Option[]): boolean =>
  findOption(options, optionNumber.proxyUri) !== undefined ||
  findOption(options, optionNumber.proxyScheme) !== undefined;

function isSuppressed(request: Pick<Request, 'options' | 'multicast'>, answer: { readonly code: number }): boolean {
  // RFC 7252 §8.2: nothing useful to say to a multicast request is not said.
  if (request.multicast && codeClass(answer.code) !== 2) return true;
  const noResponse = findUint(request.options, optionNumber.noResponse) ?? 0;
  // RFC 7967 §2.1: bit n - 1 suppresses class n. A 2.31 carries the transfer on and is no final response.
  return answer.code !== responseCode.continue && (noResponse & (1 << (codeClass(answer.code) - 1))) !== 0;
}
