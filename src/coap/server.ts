/**
 * The server role: what a request goes through between the message layer and the resource, and its response on
 * the way back.
 *
 *   in:   options understood (RFC 7252 §5.4) → Echo (RFC 9175) → Block1 assembly, Block2 of a kept response
 *         (RFC 7959) → Observe (RFC 7641) → resource
 *   out:  No-Response (RFC 7967), multicast suppression (RFC 7252 §8.2) → blocks, amplification limit → exchange
 */
import { emptyBytes } from '../core/bytes.ts';
import { after, minutes, type Instant } from '../core/duration.ts';
import { blockSize, encodeBlock, type Block } from './blockwise/block-option.ts';
import { KeptResponses, type KeptResponseOptions } from './blockwise/kept-responses.ts';
import { RequestAssemblies, type AssemblyOptions, type AssemblyResult } from './blockwise/request-assembly.ts';
import { fitResponse, type Fitted } from './blockwise/response-fit.ts';
import { codeClass, isSafeMethod, responseCode, type ResponseCode } from './codec/codes.ts';
import type { Message } from './codec/message.ts';
import { opaqueOption, optionNumber, type Option } from './codec/options.ts';
import { EchoVerifier, type Seal } from './echo.ts';
import type { MessageLayer, NotRun } from './exchange/message-layer.ts';
import type { ServerExchange } from './exchange/server-exchange.ts';
import {
  ObservationRegistry,
  type Observation,
  type ObservationEnd,
  type ObservationLimits,
} from './observe/observation.ts';
import { refusalResponse, type Refusal, type RefusalPayload } from './refusal.ts';
import { Request } from './request.ts';
import { encodedResponse, response, type Response } from './response.ts';
import type { TermsFault } from './terms.ts';
import type { Wording } from './wording.ts';

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
      (request, notification, extra, now) => this.#fit(request, notification, 0, extra, now) ?? notification,
      options,
    );
  }

  receive(exchange: ServerExchange, wording: Wording, now: Instant): void {
    const { peer } = exchange;
    if (wording.badOption !== undefined) {
      // RFC 7252 §5.4.1: a CON gets 4.02, a NON is rejected, which §4.3 lets us do in silence.
      if (!exchange.confirmable) exchange.silence();
      else this.#refuse(exchange, wording, badOption(wording.badOption), now);
      return;
    }
    if (exchange.tokenLength > this.#options.maxTokenBytes) {
      this.#refuse(exchange, wording, tokenTooLong, now); // RFC 8974 §2.2.2
      return;
    }
    if (wording.fault !== undefined) {
      this.#refuse(exchange, wording, faults[wording.fault], now);
      return;
    }
    const { echo, block1, block2 } = wording;
    if (echo !== undefined && !peer.isVerified(now) && this.#echo.isFresh(peer.endpoint, echo, now)) {
      peer.verifiedUntil = after(now, verifiedFor);
      this.#layer.verified(peer, now);
    }
    if (block2 !== undefined) peer.szx = block2.szx;
    const request = new Request(exchange, wording, block1, block2);
    if (block1 !== undefined) this.#assemble(request, block1, now);
    else this.#receiveWhole(request, now);
  }

  /** Lets go of transfers that nobody has gone on with. */
  expire(now: Instant): void {
    this.assemblies.expire(now);
    this.kept.expire(now);
  }

  /** It must not run (RFC 7252 §4.5). */
  refuse(exchange: ServerExchange, wording: Wording, reason: NotRun, now: Instant): void {
    const { retryAfterSeconds } = this.#options;
    const refusal: Refusal =
      reason === 'no-room' ? this.#busy() : { reason: 'overloaded', message: notRun[reason], retryAfterSeconds };
    this.#refuse(exchange, wording, refusal, now);
  }

  /** RFC 7641 §4.1: undefined where the request does not ask for it, or there is no room. */
  observe(request: Request, onEnd: ObservationEnd, now: Instant): Observation | undefined {
    if (request.multicast || !isSafeMethod(request.code)) return undefined;
    if (request.wording.observe !== 0) return undefined;
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
    const extra = extraOptions(request, answer);
    if (answer.observation !== undefined && codeClass(answer.code) !== 2) answer.observation.end(now);
    // RFC 7959 §2.4: blocks are of a representation; an error and a 2.31 are none, and are sent from their start.
    const isOfBlocks = codeClass(answer.code) === 2 && answer.code !== responseCode.continue;
    const num = isOfBlocks ? (request.block2?.num ?? 0) : 0;
    const fitted = this.#fit(request, answer, num, extra, now);
    if (fitted === undefined) {
      answer.observation?.end(now);
      this.#complete(request, this.#pastTheEnd(request), now);
    } else exchange.respond(answer.code, fitted, fitted.encoded, now);
    return exchange.bytesOut;
  }

  /** What was an answer has become an error: there is no such block of it. */
  #complete(request: Request, error: Response, now: Instant): void {
    if (isSuppressed(request, error)) request.exchange.silence();
    else request.exchange.respond(error.code, error, error.encoded, now);
  }

  #receiveWhole(request: Request, now: Instant): void {
    const { block2 } = request;
    if (block2 !== undefined && block2.num > 0) this.#continueKept(request, block2, now);
    else this.#deliver(request, now);
  }

  #deliver(request: Request, now: Instant): void {
    if (request.payload.length > request.peer.parameters.maxBodyBytes) {
      this.#respondRefusal(request, tooLarge(request), now);
      return;
    }
    // RFC 7641 §2, RFC 8132 §2.4: Observe means something with GET and FETCH; §8.1 of RFC 7252 keeps groups out of it.
    if (isSafeMethod(request.code) && !request.multicast && request.wording.observe === 1) {
      this.observations.end(request.peer, request.exchange.token, now);
    }
    request.exchange.holdBody(request.payload.length);
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
    if (result.kind === 'complete') {
      const whole = request.wording.withBody(result.body);
      this.#receiveWhole(new Request(request.exchange, whole, block1, request.block2), now);
    } else if (result.kind === 'continue') this.respond(request, response(responseCode.continue), now);
    else this.#respondRefusal(request, assemblyRefusal(request, result), now);
  }

  #continueKept(request: Request, block2: Block, now: Instant): void {
    const kept = this.kept.find(request, now);
    if (kept === undefined) this.#deliver(request, now);
    else if (kept.blocks === undefined) this.#send(request, kept, block2, now);
    else if (this.#isFull(request)) this.#respondRefusal(request, this.#busy(), now);
    else kept.blocks.next(request, now);
  }

  #send(request: Request, kept: Response, block2: Block, now: Instant): void {
    // Without Observe, which only the first block has (RFC 7959 §2.6).
    const fitted = this.#fit(request, kept, block2.num, block1Options(request, false), now);
    if (fitted === undefined) this.#complete(request, this.#pastTheEnd(request), now);
    else if (isSuppressed(request, kept)) request.exchange.silence();
    else request.exchange.respond(kept.code, fitted, fitted.encoded, now);
    if (fitted?.cut === false) kept.fetched?.(now);
  }

  /** Undefined where the block asked for lies past the end. */
  #fit(request: Request, answer: Response, num: number, extra: readonly Option[], now: Instant): Fitted | undefined {
    const { exchange, block2, wording } = request;
    const { peer } = exchange;
    const szx = block2?.szx ?? peer.szx ?? peer.parameters.szx;
    const wantsSize = wording.wantsSize && codeClass(answer.code) === 2;
    const isVerified = peer.isVerified(now);
    const isPlain = num === 0 && !wantsSize && extra.length === 0 && isVerified;
    if (isPlain && answer.payload.length <= blockSize(szx) && answer.blocks === undefined) return answer; // what nearly all are
    const fitted = fitResponse(answer, {
      block: { num, szx },
      tokenLength: exchange.tokenLength,
      wantsSize,
      extra,
      unverified: isVerified
        ? undefined
        : { budget: exchange.unverifiedBudget, echo: () => this.#echo.value(peer.endpoint, now) },
    });
    // What has its bytes has a Max-Age that counts down in place: the blocks of one transfer say the same.
    if (answer.blocks !== undefined && num === 0) this.kept.keep(request, { ...answer, payload: emptyBytes }, now);
    else if (fitted?.cut === true && answer.kept === true && num === 0)
      this.kept.keep(request, answer.encoded === undefined ? answer : encodedResponse(answer), now);
    return fitted;
  }

  #pastTheEnd({ wording }: Request): Response {
    return refusalResponse(pastTheEnd, wording.options, this.#options.refusalPayload);
  }

  /** An error for a request that did not get as far as being one. */
  #refuse(exchange: ServerExchange, wording: Wording, refusal: Refusal, now: Instant): void {
    const { sent: options, code } = wording;
    const answer = refusalResponse(refusal, options, this.#options.refusalPayload);
    if (isSuppressed({ wording, multicast: exchange.multicast }, answer)) exchange.silence();
    else exchange.respond(answer.code, answer, undefined, now);
    this.#handler.refused?.({ refusal, exchange, request: { code, options }, code: answer.code }, now);
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

const notRun: Readonly<Record<Exclude<NotRun, 'no-room'>, string>> = {
  unwritten: 'The gateway cannot write down that it runs this, and so does not; come back later.',
  interrupted: 'The gateway was restarted while it ran this, and cannot tell what came of it.',
};

const badOption = (number: number): Refusal => ({
  reason: 'bad-option',
  message: `Option ${number} is critical and not understood, or has a length or count that it may not have.`,
});
const tokenTooLong: Refusal = { reason: 'bad-request', message: 'The token is longer than what is taken here.' };
const faults: Readonly<Record<TermsFault, Refusal>> = {
  'proxy': {
    reason: 'proxying-not-supported', // RFC 7252 §5.7.2
    message: 'This is no proxy: leave Proxy-Uri and Proxy-Scheme out.',
  },
  'hop-limit': { reason: 'bad-request', message: 'The Hop-Limit is 0: the request has come too far.' }, // RFC 8768 §3
  'block': { reason: 'bad-request', message: 'Block1 or Block2 has the reserved size exponent 7.' }, // RFC 7959 §2.2
};
const pastTheEnd: Refusal = { reason: 'bad-request', message: 'The block asked for lies past the end of the answer.' };

const none: readonly Option[] = [];

/** What an answer says beside what the resource has put in it. */
function extraOptions(request: Request, answer: Response): readonly Option[] {
  const { observation } = answer;
  const extra = block1Options(request, answer.code === responseCode.continue);
  return observation !== undefined && codeClass(answer.code) === 2 ? [...extra, observation.sequenceOption()] : extra;
}

/** RFC 7959 §2.3: the Block1 of a request comes back with its answer. */
const block1Options = ({ block1 }: Request, more: boolean): readonly Option[] =>
  block1 === undefined ? none : [opaqueOption(optionNumber.block1, encodeBlock({ ...block1, more }))];

const isSuppressed = (
  { wording, multicast }: Pick<Request, 'wording' | 'multicast'>,
  { code }: { readonly code: number },
): boolean => wording.suppresses(code, multicast);
