/**
 * A gateway's HTTP door (docs/http.md), over Node's own fetch: FETCH is QUERY, codes are statuses with the same digits (RFC 8075 §7).
 * Left out: authorities and client certificates of one's own, which fetch does not take (NODE_EXTRA_CA_CERTS names authorities).
 */
import { contentFormat } from '../../cbor/content-format.ts';
import { decodeRepresentation } from '../../cbor/representation.ts';
import { codeClass, responseCode } from '../../coap/codec/codes.ts';
import { encodeUriSegment } from '../../coap/codec/uri.ts';
import type { Scheduler } from '../../core/clock.ts';
import { concatBytes, emptyBytes, hex, utf8 } from '../../core/bytes.ts';
import { milliseconds, seconds, type Milliseconds } from '../../core/duration.ts';
import { recordOf } from '../../functions/converter.ts';
import { RequestError } from '../request-error.ts';
import { valueOfJson } from './answer-value.ts';
import { passed } from './retries.ts';
import { placeWords, type Door, type DoorAnswer, type DoorRequest, type FollowRequest } from './door.ts';
import type { StreamEvent, StreamPlace, StreamRequest, WatchEvent } from './door.ts';
import { notAGateway } from './errors.ts';
import { HttpExchanges } from './http-exchange.ts';
import { readEvents, type ServerSentEvent } from './server-sent-events.ts';

export interface HttpDoorOptions {
  readonly origin: string;
  readonly scheduler: Scheduler;
  /** What `funcoap token` printed. */
  readonly token: string | undefined;
  readonly maxResponseBytes: number;
}

/** It was this side that ended it. */
const given: ReadonlySet<string> = new Set(['request-aborted', 'request-closed']);

/** No RFC's numbers. */
const afterTheEnd = milliseconds(50);
const patience = seconds(5);

const eventStream = 'text/event-stream';
/** Three of the comments that the gateway writes into a silent stream (docs/streams.md) did not come. */
const silence = seconds(45);

/** What the head of an answer says of the events that follow. */
interface Head {
  /** Their ETag. */
  readonly run: string;
}

const formats: ReadonlyMap<string, number> = new Map([
  ['application/cbor', contentFormat.cbor],
  ['application/json', contentFormat.json],
  ['application/problem+json', contentFormat.json],
  ['text/plain', contentFormat.text],
  ['application/octet-stream', contentFormat.octetStream],
]);

export class HttpDoor implements Door {
  readonly origin: string;
  readonly #options: HttpDoorOptions;
  readonly #exchanges: HttpExchanges;
  readonly #leaving = new Set<Promise<void>>();

  constructor(options: HttpDoorOptions) {
    this.origin = options.origin;
    this.#options = options;
    this.#exchanges = new HttpExchanges(options.scheduler);
  }

  async ask(request: DoorRequest): Promise<DoorAnswer> {
    const exchange = this.#exchanges.begin(this.#urlOf(request), request.timeout, request.signal);
    try {
      const response = await fetch(exchange.url, this.#initOf(request, exchange.signal, 'application/cbor'));
      return await this.#answerOf(response, exchange.url, codeOf(response.status, request.method === 'POST'));
    } catch (error) {
      throw exchange.failure(error);
    } finally {
      exchange.end();
    }
  }

  async *stream(request: StreamRequest): AsyncGenerator<StreamEvent, void> {
    let { place } = request;
    let isLeft = true;
    try {
      for await (const told of this.#events({ ...request, query: [...placeWords(place), ...request.query] })) {
        if ('run' in told) {
          place = { ...place, run: told.run };
          yield { type: 'begun', run: told.run };
          continue;
        }
        isLeft = !('code' in told) && told.event !== 'end';
        if ('code' in told) yield { type: 'failed', answer: told };
        else if (!isLeft) yield { type: 'end' };
        else {
          const index = Number(told.id);
          place = { ...place, from: index + 1 };
          yield { type: 'item', index, value: valueOfJson(told.data, request.type) };
        }
      }
      isLeft = false;
    } catch (error) {
      // What was lost is gone on with.
      isLeft &&= error instanceof RequestError && given.has(error.code);
      throw error;
    } finally {
      if (isLeft) this.#leave(request, place);
    }
  }

  /**
   * The gateway keeps a stream whose connection has ended for whoever comes back. That nobody will is said by asking for no more
   * items of it, a moment later, so that it has seen the end of the connection. If that does not arrive, its time runs out.
   */
  #leave(request: StreamRequest, { from, run }: StreamPlace): void {
    // Without the name of its run it has not begun to give anything, and its time runs out.
    if (run === undefined) return;
    const query = [...placeWords({ from, run }), '_n=0', ...request.query];
    const leaving = new Promise<void>((resolve) => {
      this.#options.scheduler.after(afterTheEnd, () => {
        const init = this.#initOf(request, AbortSignal.timeout(patience), 'application/cbor-seq');
        fetch(this.#urlOf({ ...request, query }), init)
          .then(async (response) => await response.body?.cancel())
          .catch(() => undefined)
          .finally(() => {
            this.#leaving.delete(leaving);
            resolve();
          });
      });
    });
    this.#leaving.add(leaving);
  }

  async *watch(request: FollowRequest): AsyncGenerator<WatchEvent, void> {
    for await (const told of this.#events(request)) {
      if ('code' in told) yield { type: 'failed', answer: told };
      else if ('event' in told)
        yield { type: 'state', value: valueOfJson(told.data, request.type), etag: etagOf(told.id) };
    }
  }

  /** Events as they come, read when they are wanted; the answer instead where there are none, or what failed. */
  async *#events(request: FollowRequest): AsyncGenerator<Head | ServerSentEvent | DoorAnswer, void> {
    const { maxResponseBytes } = this.#options;
    const exchange = this.#exchanges.begin(this.#urlOf(request), request.timeout, request.signal);
    try {
      const response = await fetch(exchange.url, this.#initOf(request, exchange.signal, eventStream));
      if (response.status !== 200 || response.body === null) {
        yield await this.#answerOf(response, exchange.url, codeOf(response.status, false));
        return;
      }
      if (typeOf(response.headers) !== eventStream) throw notAGateway(this.origin);
      exchange.answered();
      const tag = quoted(response.headers.get('etag'));
      if (tag !== undefined) yield { run: tag };
      const body = exchange.whileAlive(response.body, silence, this.#options.scheduler);
      const tooLong = (): Error => new RequestError('too-large', exchange.url);
      for await (const told of readEvents(body, maxResponseBytes, tooLong))
        yield told.event === 'error' ? problemIn(told.data) : told;
    } catch (error) {
      throw exchange.failure(error);
    } finally {
      exchange.cancel();
    }
  }

  async ended(request: DoorRequest, pending: () => void): Promise<DoorAnswer> {
    for (;;) {
      const answer = await this.ask(request);
      if (answer.code !== responseCode.serviceUnavailable) return answer;
      pending();
      const comeBack = milliseconds(Math.max(afterTheEnd, answer.maxAge));
      await passed(comeBack, this.#options.scheduler, request.signal, this.origin);
    }
  }

  /** HTTP always answers: what it says is not looked at. */
  async tell(request: DoorRequest): Promise<void> {
    await this.ask(request);
  }

  async ping(): Promise<Milliseconds> {
    const { scheduler } = this.#options;
    const started = scheduler.now();
    const nothing = { query: [], payload: undefined, etag: undefined, signal: undefined };
    await this.ask({ ...nothing, method: 'GET', path: ['func'], timeout: seconds(30) });
    return milliseconds(scheduler.now() - started);
  }

  async close(): Promise<void> {
    this.#exchanges.close();
    await Promise.all(this.#leaving);
  }

  #urlOf({ path, query }: DoorRequest): string {
    const items = query.length === 0 ? '' : `?${query.join('&')}`;
    return `${this.origin}/${path.map(encodeUriSegment).join('/')}${items}`;
  }

  #initOf({ method, payload, etag }: DoorRequest, signal: AbortSignal, accept: string): RequestInit {
    const headers: Record<string, string> = { accept };
    const { token } = this.#options;
    if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
    if (etag !== undefined) headers['if-none-match'] = `"${hex(etag)}"`;
    if (payload !== undefined) headers['content-type'] = 'application/cbor';
    return {
      // RFC 10008: what FETCH is over CoAP; without arguments GET says the same.
      method: method === 'FETCH' ? (payload === undefined ? 'GET' : 'QUERY') : method,
      headers,
      redirect: 'error',
      signal,
      ...(payload !== undefined && { body: Uint8Array.from(payload) }),
    };
  }

  async #answerOf({ headers, body }: Response, url: string, code: number): Promise<DoorAnswer> {
    const spans = [/max-age=(\d+)/.exec(headers.get('cache-control') ?? '')?.[1], headers.get('retry-after')];
    return {
      code,
      contentFormat: formats.get(typeOf(headers)),
      payload: await this.#read(body, url),
      etag: etagOf(quoted(headers.get('etag'))),
      maxAge: seconds(Number(spans.find((span) => span != null && /^\d+$/.test(span)) ?? 0)),
      location: headers.get('location')?.replace(/^\//, '').split('/'),
    };
  }

  async #read(body: Response['body'], url: string): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    let length = 0;
    const chunks: AsyncIterable<Uint8Array> | undefined = body ?? undefined;
    if (chunks === undefined) return emptyBytes;
    for await (const part of chunks) {
      length += part.length;
      if (length > this.#options.maxResponseBytes) throw new RequestError('too-large', url);
      parts.push(part);
    }
    return concatBytes(parts);
  }
}

/** The code with the digits of a status; of the successful ones what CoAP would say. */
function codeOf(status: number, unsafe: boolean): number {
  if (status === 304) return responseCode.valid;
  if (status === 201) return responseCode.created;
  // RFC 9110 §15.3.3: a job is taken, or has not ended.
  if (status === 202) return unsafe ? responseCode.created : responseCode.serviceUnavailable;
  if (status < 300) return unsafe ? responseCode.changed : responseCode.content;
  const code = (Math.floor(status / 100) << 5) | ((status % 100) & 0x1f);
  return codeClass(code) === 5 ? code : Math.max(code, responseCode.badRequest);
}

const typeOf = (headers: Headers): string =>
  (headers.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';

const etagOf = (text = ''): Uint8Array | undefined =>
  /^(?:[\da-f]{2}){1,8}$/.test(text) ? new Uint8Array(Buffer.from(text, 'hex')) : undefined;

const quoted = (etag: string | null): string | undefined => /^"(.*)"$/.exec(etag ?? '')?.[1];

/** An event `error` is the answer that there would have been (RFC 9457). */
function problemIn(json: string): DoorAnswer {
  const payload = utf8(json);
  const problem = decodeRepresentation(payload, contentFormat.json);
  const status = Number(recordOf(problem)?.['status'] ?? 500);
  return {
    code: codeOf(status, false),
    contentFormat: contentFormat.json,
    payload,
    etag: undefined,
    maxAge: seconds(0),
  };
}
