/** Streams over CoAP: observed, or read in blocks. */
import { contentFormat } from '../../cbor/content-format.ts';
import { isSafeMethod, responseCode } from '../../coap/codec/codes.ts';
import { findOption, findUint, optionNumber } from '../../coap/codec/options.ts';
import type { Observation, ObservationEnd } from '../../coap/observe/observation.ts';
import type { Request } from '../../coap/request.ts';
import { response, type Response } from '../../coap/response.ts';
import { emptyBytes, hex } from '../../core/bytes.ts';
import type { Scheduler } from '../../core/clock.ts';
import { after, milliseconds, type Instant, type Milliseconds } from '../../core/duration.ts';
import { CallError } from '../../functions/call-error.ts';
import type { Call } from '../../functions/call.ts';
import type { FunctionDescription } from '../../functions/description.ts';
import type { StreamWords } from '../control-words.ts';
import { asCallError, reportFault } from '../faults.ts';
import { problemResponse } from '../problem-response.ts';
import type { Answer, Visit } from '../resource.ts';
import { BlockStream } from './block-stream.ts';
import { ObservedStream } from './observed-stream.ts';
import type { Streams } from './streams.ts';

export interface CoapStreamsOptions {
  readonly streams: Streams;
  readonly scheduler: Scheduler;
  readonly observe: (request: Request, onEnd: ObservationEnd, now: Instant) => Observation | undefined;
  readonly respond: (request: Request, response: Response, now: Instant) => void;
  readonly wake: () => void;
  /** For functions that declare no limit of their own; and for a block of a stream. */
  readonly timeLimit: Milliseconds;
  readonly showInternals: boolean;
}

/** A call of a stream, bound. */
export interface StreamCall {
  readonly fn: FunctionDescription;
  readonly args: Call['args'];
  /** Of a method: its object, whose id is the first argument. */
  readonly home?: Call['home'];
  /** The arguments' part of a key. */
  readonly part: string | undefined;
  readonly words: StreamWords;
}

interface Told {
  readonly stream: ObservedStream;
  /** The same words ask for the same. */
  readonly call: StreamCall;
}

export class CoapStreams {
  readonly #options: CoapStreamsOptions;
  /** By peer and token: who registers again under its token goes on (RFC 7641 §4.1). */
  readonly #told = new Map<string, Told>();

  constructor(options: CoapStreamsOptions) {
    this.#options = options;
  }

  async answer(visit: Visit, asked: StreamCall, now: Instant): Promise<Answer> {
    const { request } = visit;
    // RFC 7641 §3.6: who leaves wants no items, and the function is not begun for it.
    if (request.wording.observe === 1 && isSafeMethod(request.code)) return { response: nothingYet() };
    const name = `${request.peer.id} ${hex(request.exchange.token)}`;
    const before = this.#told.get(name);
    const isAgain = before !== undefined && isSame(before.call, asked);
    const from = isAgain ? before.stream.position : asked.words.from;
    const { fn, args, home, part, words } = asked;
    const { caller, correlationId } = visit;
    const deadline = after(now, fn.timeLimit ?? this.#options.timeLimit);
    const call: Call = { function: fn, args, caller, correlationId, deadline, ...(home && { home }) };
    const run = await this.#options.streams.open({ call, part, from, run: words.run });
    const until = (words.from ?? 0) + (words.count ?? Infinity);
    const common = {
      run,
      from: from ?? 0,
      until,
      check: () => visit.access.checkFunction(fn, visit),
      after: (span: Milliseconds, fire: () => void) => this.#options.scheduler.after(span, fire),
      now: () => this.#options.scheduler.now(),
    };
    if (!isObserving(request)) {
      const { timeLimit, streams } = this.#options;
      const blockLimit = milliseconds(Math.min(fn.timeLimit ?? timeLimit, streams.settings.itemLimit));
      const respond = (later: Request, answer: Promise<Response>): void => this.#respond(visit, later, answer);
      return { response: await new BlockStream({ ...common, blockLimit, respond }).answer(request) };
    }
    const { itemLimit, lifetime } = this.#options.streams.settings;
    const stream: ObservedStream = new ObservedStream({
      ...common,
      itemLimit,
      lifetime,
      failed: (error) => this.#problem(visit, request, error),
      wake: this.#options.wake,
      over: () => {
        if (this.#told.get(name)?.stream === stream) this.#told.delete(name);
      },
    });
    const observation = this.#options.observe(request, stream.onEnd, this.#options.scheduler.now());
    if (observation === undefined) {
      run.leave(stream);
      throw new CallError('overloaded', 'There is no room for another observer; read it without Observe.', {
        retryAfter: milliseconds(5000),
      });
    }
    stream.observe(observation);
    this.#told.set(name, { stream, call: asked });
    return { response: stream.opening() };
  }

  #respond(visit: Visit, request: Request, answer: Promise<Response>): void {
    const send = (response: Response): void => {
      this.#options.respond(request, response, this.#options.scheduler.now());
      this.#options.wake();
    };
    answer.then(send, (error: unknown) => send(this.#problem(visit, request, error)));
  }

  #problem(visit: Visit, { options }: Request, thrown: unknown): Response {
    const error = asCallError(thrown);
    reportFault(error, thrown, visit);
    return problemResponse(error, options, this.#options.showInternals);
  }
}

/** A sequence without items. */
const nothingYet = (): Response =>
  response(responseCode.content, { contentFormat: contentFormat.cborSequence, maxAge: 0, payload: emptyBytes });

/** What can be refused before the function runs: a stream is a CBOR sequence, and there is no other form of it here. */
export function checkStreamFormat({ options }: Request): void {
  if (findOption(options, optionNumber.accept) === undefined) return;
  if (findUint(options, optionNumber.accept) === contentFormat.cborSequence) return;
  throw new CallError('not-acceptable', 'A stream is a CBOR sequence: accept 63, or leave Accept out.');
}

export const isObserving = ({ code, multicast, wording }: Request): boolean =>
  wording.observe === 0 && isSafeMethod(code) && !multicast;

const isSame = (one: StreamCall, other: StreamCall): boolean =>
  one.fn === other.fn &&
  one.part !== undefined &&
  one.part === other.part &&
  one.words.from === other.words.from &&
  one.words.count === other.words.count &&
  one.words.run === other.words.run;
