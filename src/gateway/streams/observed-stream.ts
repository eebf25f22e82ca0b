/**
 * A stream that is observed (RFC 7641): each item is one confirmable notification, a CBOR sequence of `[index, item]`, and is
 * asked of the function when the peer has acknowledged the one before. The end is told by `[count]` in a response without
 * Observe, a failure by its error.
 */
import { contentFormat } from '../../cbor/content-format.ts';
import { responseCode } from '../../coap/codec/codes.ts';
import type { Option } from '../../coap/codec/options.ts';
import type { Observation, ObservationEnd } from '../../coap/observe/observation.ts';
import { response, type OpenedObservation, type Response } from '../../coap/response.ts';
import { emptyBytes } from '../../core/bytes.ts';
import type { Instant, Milliseconds } from '../../core/duration.ts';
import { endCbor, indexedCbor } from './item-forms.ts';
import type { StreamConsumer, StreamRun } from './stream-run.ts';

export interface ObservedStreamParts {
  readonly run: StreamRun;
  readonly from: number;
  /** The index of the first item that is not wanted. */
  readonly until: number;
  /** Within this time there is another item, or the end. */
  readonly itemLimit: Milliseconds;
  /** How long a peer may take to fetch the rest of an item that is longer than a block. */
  readonly lifetime: Milliseconds;
  /** @throws CallError where the caller may not read it any more */
  readonly check: () => void;
  /** What is told of an error. */
  readonly failed: (error: unknown) => Response;
  readonly after: (span: Milliseconds, fire: () => void) => () => void;
  readonly now: () => Instant;
  /** There is output to be fetched. */
  readonly wake: () => void;
  readonly over: (stream: ObservedStream) => void;
}

export class ObservedStream implements StreamConsumer, OpenedObservation {
  /** The item that the peer has not acknowledged yet. */
  position: number;
  readonly #parts: ObservedStreamParts;
  #observation: Observation | undefined;
  #isOver = false;
  #began = false;
  #arrived: (() => void) | undefined;
  #stopTimer: (() => void) | undefined;

  constructor(parts: ObservedStreamParts) {
    this.#parts = parts;
    this.position = parts.from;
    parts.run.attach(this);
  }

  /** To be called once, with what the engine made of it. */
  observe(observation: Observation): void {
    this.#observation = observation;
    observation.onDelivered = (cut) => {
      if (!cut) this.#goOn();
      else this.#stopTimer ??= this.#parts.after(this.#parts.lifetime, () => this.#giveUp());
    };
  }

  readonly onEnd: ObservationEnd = (_now, how) => {
    if (this.#isOver) return;
    this.#isOver = true;
    // Who vanished may come back; who ends it wants no more.
    if (how === 'lost') this.#parts.run.detach(this);
    else this.#parts.run.leave(this);
    this.#finish();
  };

  /**
   * The answer that opens the observation says that there is nothing yet, so that it need not wait for the first item. Its ETag
   * names the run of the function: who comes back asks for that one.
   */
  opening(): Response {
    return { ...this.#state(emptyBytes, this.#parts.run.tag), observation: this };
  }

  /** The opening answer leaves now: what comes after it may follow. */
  sequenceOption(): Option {
    if (this.#observation === undefined) throw new TypeError('An observation is opened before it is answered.');
    if (!this.#began) {
      this.#began = true;
      void this.#tellAll(this.#observation);
    }
    return this.#observation.sequenceOption();
  }

  end(now: Instant): void {
    this.#observation?.end(now);
  }

  /** The same stream is read by another request of its caller. */
  replaced(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#observation?.end(this.#parts.now());
    this.#finish();
  }

  async #tellAll(observation: Observation): Promise<void> {
    const { run, until, check, failed, now, wake } = this.#parts;
    try {
      for (; this.position < until; this.position++) {
        const item = await run.take(this.position);
        if (this.#isOver) return;
        if (item === undefined) break;
        check();
        const payload = indexedCbor(this.position, item);
        const arrival = this.#arrival();
        observation.notify({ ...this.#state(payload), fetched: () => this.#goOn() }, true, now());
        wake();
        await arrival;
        if (this.#isOver) return;
      }
      observation.finish(this.#state(endCbor(this.position)), now());
    } catch (error) {
      if (this.#isOver) return;
      observation.finish(failed(error), now());
    }
    wake();
  }

  #arrival(): Promise<void> {
    return new Promise((resolve) => {
      this.#arrived = resolve;
    });
  }

  #goOn(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    this.#arrived?.();
  }

  #giveUp(): void {
    this.#observation?.end(this.#parts.now());
    this.#parts.wake();
  }

  #finish(): void {
    this.#goOn();
    this.#parts.over(this);
  }

  #state(payload: Uint8Array, etag?: Uint8Array): Response {
    return response(responseCode.content, {
      etag,
      contentFormat: contentFormat.cborSequence,
      maxAge: this.#parts.itemLimit / 1000,
      payload,
      kept: true,
    });
  }
}
