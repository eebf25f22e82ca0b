/**
 * /obs and /obs-non (OBS rows; RFC 7641): a text that changes at every interval until one is PUT, which then stays.
 *
 * An observation promises text. What breaks the promise ends all observations with an error (§4.2): DELETE with 4.04,
 * PUT in another format with 4.06. Either lasts until the resource is PUT or observed again, so that the table's
 * tests can run one after the other. Left out: If-Match, and observing anything but text.
 */
import { method, responseCode } from '../../../../src/coap/codec/codes.ts';
import type { Observation } from '../../../../src/coap/observe/observation.ts';
import { findUint, optionNumber } from '../../../../src/coap/codec/options.ts';
import type { Request } from '../../../../src/coap/request.ts';
import { response, type Response } from '../../../../src/coap/response.ts';
import { contentFormat } from '../../../../src/cbor/content-format.ts';
import type { Instant, Milliseconds } from '../../../../src/core/duration.ts';
import { CallError } from '../../../../src/functions/call-error.ts';
import type { Answer, Resource, Visit } from '../../../../src/gateway/resource.ts';
import type { Scheduler } from '../../../../src/core/clock.ts';
import { nothingHere, read, received, text, type Representation } from '../representation.ts';

export interface ObservableOptions {
  /** Notifications are CON; else NON. */
  readonly confirmable: boolean;
  readonly interval: Milliseconds;
  readonly scheduler: Scheduler;
  readonly observe: (request: Request, onEnd: () => void, now: Instant) => Observation | undefined;
  /** There is output to be fetched. */
  readonly wake: () => void;
}

export class ObservableResource implements Resource {
  readonly methods: readonly number[] = [method.GET, method.PUT, method.DELETE];
  readonly conditional = false;
  readonly multicast = false;
  readonly #options: ObservableOptions;
  readonly #observations = new Set<Observation>();
  #count = 0;
  #put: Representation | undefined;
  #deleted = false;
  #stop: (() => void) | undefined;

  constructor(options: ObservableOptions) {
    this.#options = options;
  }

  handle({ request, now }: Visit): Answer {
    switch (request.code) {
      case method.PUT:
        return { response: this.#replace(received(request), now) };
      case method.DELETE:
        this.#deleted = true;
        this.#put = undefined;
        this.#notify(response(responseCode.notFound, { maxAge: 0 }), now);
        return { response: response(responseCode.deleted) };
      default:
        return { response: this.#get(request, now) };
    }
  }

  /** Forgets all observers without a word, as a server that starts anew (OBS_04). */
  forget(now: Instant): void {
    for (const observation of [...this.#observations]) observation.end(now);
  }

  close(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  #get(request: Request, now: Instant): Response {
    const { observe, interval } = this.#options;
    if (findUint(request.options, optionNumber.observe) === 0) this.#keepPromise(request);
    if (this.#deleted) throw nothingHere();
    // Before the registration: a request that fails does not observe.
    const answer = read(request, this.#current, { maxAge: maxAge(interval) });
    const observation = observe(request, () => this.#left(observation), now);
    if (observation !== undefined) {
      this.#observations.add(observation);
      this.#stop ??= this.#scheduleChange();
    }
    return { ...answer, observation };
  }

  /** An observation starts with text. */
  #keepPromise(request: Request): void {
    if ((findUint(request.options, optionNumber.accept) ?? contentFormat.text) !== contentFormat.text) {
      throw new CallError('not-acceptable', 'This is observed as text (Content-Format 0) only.');
    }
    this.#deleted = false;
    if (this.#put?.format !== contentFormat.text) this.#put = undefined;
  }

  #replace(representation: Representation, now: Instant): Response {
    const code = this.#deleted ? responseCode.created : responseCode.changed;
    this.#deleted = false;
    this.#put = representation;
    const isText = representation.format === contentFormat.text;
    this.#notify(isText ? this.#state() : response(responseCode.notAcceptable, { maxAge: 0 }), now);
    return response(code);
  }

  #change(): void {
    this.#count++;
    this.#notify(this.#state(), this.#options.scheduler.now());
    this.#stop = this.#observations.size > 0 ? this.#scheduleChange() : undefined;
    this.#options.wake();
  }

  /** §4.3.1: a new notification before the last one grows too old, changed or not. */
  #scheduleChange(): () => void {
    return this.#options.scheduler.after(this.#options.interval, () => this.#change());
  }

  #notify(state: Response, now: Instant): void {
    for (const observation of [...this.#observations]) observation.notify(state, this.#options.confirmable, now);
  }

  get #current(): Representation {
    return this.#put ?? text(`${this.#count} changes`);
  }

  #state(): Response {
    const { format, body } = this.#current;
    return response(responseCode.content, {
      contentFormat: format,
      maxAge: maxAge(this.#options.interval),
      payload: body,
    });
  }

  #left(observation: Observation | undefined): void {
    if (observation !== undefined) this.#observations.delete(observation);
  }
}

const maxAge = (interval: Milliseconds): number => Math.ceil(interval / 1000);
