/** A gateway's CoAP door, plain or over DTLS. */
import { contentFormat } from '../../cbor/content-format.ts';
import { encodeUriSegment } from '../../coap/codec/uri.ts';
import type { Scheduler } from '../../core/clock.ts';
import type { Milliseconds } from '../../core/duration.ts';
import { systemScheduler } from '../../transport/scheduler.ts';
import { openCoapClient, type CoapClient, type CoapClientOptions } from '../coap-client.ts';
import type { CoapRequest, CoapResponse } from '../coap-request.ts';
import { placeWords, type Door, type DoorAnswer, type DoorRequest, type StreamEvent } from './door.ts';
import type { StreamRequest, WatchEvent } from './door.ts';
import { doorAnswerOf, endedJob, observedResult, observedStream, longestSilence } from './observed.ts';

/** What is sent without expecting an answer fits into one block. */
const oneBlockBytes = 1024;

/** RFC 8949 §3.3 */
const isNull = ({ payload }: CoapResponse): boolean => payload.length === 1 && payload[0] === 0xf6;

export class CoapDoor implements Door {
  readonly origin: string;
  readonly #client: CoapClient;
  readonly #scheduler: Scheduler;

  private constructor(origin: string, client: CoapClient, scheduler: Scheduler) {
    this.origin = origin;
    this.#client = client;
    this.#scheduler = scheduler;
  }

  static async open(origin: string, options: Partial<CoapClientOptions>): Promise<CoapDoor> {
    return new CoapDoor(origin, await openCoapClient(options), options.scheduler ?? systemScheduler);
  }

  async ask(request: DoorRequest): Promise<DoorAnswer> {
    return doorAnswerOf(await this.#client.request(this.#requestOf(request)));
  }

  stream(request: StreamRequest): AsyncIterable<StreamEvent> {
    return observedStream(this.#client, request.place, (place) =>
      this.#requestOf({ ...request, query: [...placeWords(place), ...request.query] }),
    );
  }

  watch(request: DoorRequest): AsyncIterable<WatchEvent> {
    return observedResult(this.#client, this.#requestOf(request), this.#scheduler);
  }

  async tell(request: DoorRequest): Promise<void> {
    if ((request.payload?.length ?? 0) <= oneBlockBytes) await this.#client.tell(this.#requestOf(request));
    else await this.#client.request(this.#requestOf(request));
  }

  async ended(request: DoorRequest, pending: () => void): Promise<DoorAnswer> {
    const asked = { ...this.#requestOf(request), accept: contentFormat.cborSequence };
    const answer = await endedJob(this.#client, asked, this.#scheduler, pending);
    // In a sequence a function that returned nothing has returned null: which it was, only the result by itself says.
    return isNull(answer) ? await this.ask(request) : doorAnswerOf(answer);
  }

  async ping(): Promise<Milliseconds> {
    return await this.#client.ping(`${this.origin}/`);
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  #requestOf({ method, path, query, payload, etag, timeout, signal }: DoorRequest): CoapRequest {
    const items = query.length === 0 ? '' : `?${query.join('&')}`;
    return {
      uri: `${this.origin}/${path.map(encodeUriSegment).join('/')}${items}`,
      method,
      payload,
      contentFormat: payload === undefined ? undefined : contentFormat.cbor,
      accept: contentFormat.cbor,
      etag,
      timeout,
      pingAfter: longestSilence,
      signal,
    };
  }
}
