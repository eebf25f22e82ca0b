/** /clock: the time of day once a second, to whoever observes it (RFC 7641). text/plain, RFC 3339, confirmable. */
import { contentFormat } from '../../cbor/content-format.ts';
import { method, responseCode } from '../../coap/codec/codes.ts';
import { findUint, optionNumber } from '../../coap/codec/options.ts';
import type { Observation } from '../../coap/observe/observation.ts';
import type { Request } from '../../coap/request.ts';
import { response, type ResponseFields } from '../../coap/response.ts';
import { utf8 } from '../../core/bytes.ts';
import { milliseconds, type Instant, type Milliseconds } from '../../core/duration.ts';
import { CallError } from '../../functions/call-error.ts';
import type { Answer, Resource, Visit } from '../resource.ts';

export interface ClockOptions {
  readonly timeOfDay: () => Date;
  /** Calls back once; what it returns cancels. */
  readonly after: (span: Milliseconds, fire: () => void) => () => void;
  readonly now: () => Instant;
  readonly observe: (request: Request, onEnd: () => void, now: Instant) => Observation | undefined;
  /** There is output to be fetched. */
  readonly wake: () => void;
}

const everySecond = 1000;

export class ClockResource implements Resource {
  readonly methods: readonly number[] = [method.GET];
  readonly conditional = false;
  readonly multicast = false;
  readonly #options: ClockOptions;
  readonly #observations = new Set<Observation>();
  #stop: (() => void) | undefined;
  /** The second that is told next, in milliseconds of the time of day. */
  #next = 0;
  #closed = false;

  constructor(options: ClockOptions) {
    this.#options = options;
  }

  handle({ request, now }: Visit): Answer {
    if ((findUint(request.options, optionNumber.accept) ?? contentFormat.text) !== contentFormat.text) {
      throw new CallError('not-acceptable', 'The clock is text (Content-Format 0) only.');
    }
    const observation = this.#closed ? undefined : this.#options.observe(request, () => this.#left(observation), now);
    if (observation !== undefined) {
      this.#observations.add(observation);
      this.#stop ??= this.#scheduleTick();
    }
    const time = Math.floor(this.#milliseconds() / everySecond) * everySecond;
    return { response: response(responseCode.content, { ...stateAt(time), observation }) };
  }

  close(): void {
    this.#closed = true;
    this.#stop?.();
    this.#stop = undefined;
  }

  #tick(): void {
    // The second that was meant: a timer may fire a little before it.
    const state = response(responseCode.content, stateAt(this.#next));
    const now = this.#options.now();
    for (const observation of this.#observations) observation.notify(state, true, now);
    this.#stop = this.#observations.size > 0 ? this.#scheduleTick() : undefined;
    this.#options.wake();
  }

  /** On the second, so that all clocks of a room tick together. */
  #scheduleTick(): () => void {
    const now = this.#milliseconds();
    const following = this.#next + everySecond;
    const wait = following - now;
    // Anything else is the first tick, a late one, or a clock that was set.
    const isNear = wait > 0 && wait < 1.5 * everySecond;
    this.#next = isNear ? following : Math.floor(now / everySecond) * everySecond + everySecond;
    return this.#options.after(milliseconds(this.#next - now), () => this.#tick());
  }

  #milliseconds(): number {
    return this.#options.timeOfDay().getTime();
  }

  #left(observation: Observation | undefined): void {
    if (observation !== undefined) this.#observations.delete(observation);
  }
}

function stateAt(time: number): ResponseFields {
  const text = `${new Date(time).toISOString().slice(0, 19)}Z`;
  return { contentFormat: contentFormat.text, maxAge: 1, payload: utf8(text) };
}
