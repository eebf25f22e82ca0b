/**
 * Pure functions that are observed over CoAP (RFC 7641). Each state is a confirmable notification with its ETag, and Max-Age is
 * the time after which there is another one in any case; one that the peer is known to have (RFC 7641 §4.3.2) is 2.03.
 */
import type { ValueFormat } from '../../cbor/content-format.ts';
import { responseCode } from '../../coap/codec/codes.ts';
import type { Observation, ObservationEnd } from '../../coap/observe/observation.ts';
import type { Request } from '../../coap/request.ts';
import { response, type Response } from '../../coap/response.ts';
import type { Clock } from '../../core/clock.ts';
import type { Endpoint } from '../../core/datagram.ts';
import type { Instant } from '../../core/duration.ts';
import { CallError } from '../../functions/call-error.ts';
import type { WatchWords } from '../control-words.ts';
import { asCallError, reportFault } from '../faults.ts';
import { problemResponse } from '../problem-response.ts';
import type { Answer, Visit } from '../resource.ts';
import { isCurrent } from '../resources/formats.ts';
import { defaultPmax, type Watched, type WatchedState } from './function-watch.ts';
import type { Watches } from './watches.ts';

export interface CoapWatchesOptions {
  readonly watches: Watches;
  readonly clock: Clock;
  readonly observe: (request: Request, onEnd: ObservationEnd, now: Instant) => Observation | undefined;
  /** Whether the association of a peer is over: it is not who it was. */
  readonly isGone: (endpoint: Endpoint) => boolean;
  readonly wake: () => void;
  readonly showInternals: boolean;
}

/** A call to be observed. */
export interface WatchCall {
  readonly first: Watched;
  readonly again: (before: Watched) => Watched;
  readonly format: ValueFormat;
  readonly words: WatchWords;
}

export class CoapWatches {
  readonly #options: CoapWatchesOptions;

  constructor(options: CoapWatchesOptions) {
    this.#options = options;
  }

  /** Undefined where there is no room for another observer: it is then answered like one that does not ask for it. */
  async answer(visit: Visit, { first, again, format, words }: WatchCall): Promise<Answer | undefined> {
    const { watches, clock, observe, isGone, wake } = this.#options;
    const { request, caller, correlationId } = visit;
    const { endpoint } = request.peer;
    let observation: Observation | undefined;
    const stateOf = (state: WatchedState): Response => this.#response(request, format, words, state);
    const watch = watches.add({
      first,
      again: (before) => {
        if (isGone(endpoint)) throw gone();
        const now = again(before);
        visit.access.checkFunction(now.fn, visit);
        return now;
      },
      caller,
      asker: endpoint,
      correlationId,
      format,
      words,
      tell: (state) => {
        observation?.notify(stateOf(state), true, clock.now());
        wake();
      },
      fail: (thrown) => {
        watches.end(watch, asCallError(thrown));
        if (isGone(endpoint)) observation?.end(clock.now());
        else observation?.notify(this.#problem(visit, thrown), true, clock.now());
        wake();
      },
    });
    try {
      const state = await watch.begin();
      observation = observe(request, () => watches.end(watch), clock.now());
      if (observation !== undefined) {
        watches.opened(watch);
        return { response: { ...stateOf(state), observation } };
      }
    } catch (error) {
      watches.end(watch);
      throw error;
    }
    watches.refuse(watch);
    return undefined;
  }

  #response(request: Request, format: ValueFormat, words: WatchWords, { bytes, etag }: WatchedState): Response {
    const maxAge = (words.pmax ?? defaultPmax) / 1000;
    if (isCurrent(request, etag)) return response(responseCode.valid, { etag, maxAge });
    return response(responseCode.content, { etag, maxAge, contentFormat: format, payload: bytes, kept: true });
  }

  #problem(visit: Visit, thrown: unknown): Response {
    const error = asCallError(thrown);
    reportFault(error, thrown, visit);
    return problemResponse(error, visit.request.options, this.#options.showInternals);
  }
}

const gone = (): CallError => new CallError('identity-needed', 'The association is over; begin again over a new one.');
