/**
 * A gateway's HTTP door (docs/http.md), over Node's own fetch: FETCH is QUERY, codes are statuses with the same digits (RFC 8075 §7).
 * Left out: authorities and client certificates of one's own, which fetch does not take (NODE_EXTRA_CA_CERTS names authorities).
 */
import { contentFormat } from '../../cbor/content-format.ts';
import { codeClass, responseCode } from '../../coap/codec/codes.ts';
import { encodeUriSegment } from '../../coap/codec/uri.ts';
import type { Scheduler } from '../../core/clock.ts';
import { concatBytes, emptyBytes, hex } from '../../core/bytes.ts';
import { milliseconds, seconds, type Milliseconds } from '../../core/duration.ts';
import { UsageError } from '../../core/error.ts';
import { RequestError, type GivenUp } from '../request-error.ts';
import type { Door, DoorAnswer, DoorRequest } from './door.ts';

export interface HttpDoorOptions {
  readonly origin: string;
  readonly scheduler: Scheduler;
  /** What `funcoap token` printed. */
  readonly token: string | undefined;
  readonly maxResponseBytes: number;
}

const formats: ReadonlyMap<string, number> = new Map([
  ['application/cbor', contentFormat.cbor],
  ['application/json', contentFormat.json],
  ['application/problem+json', contentFormat.json],
  ['text/plain', contentFormat.text],
  ['application/octet-stream', contentFormat.octetStream],
]);

type Ended = GivenUp | 'timeout';

export class HttpDoor implements Door {
  readonly origin: string;
  readonly #options: HttpDoorOptions;
  /** Ends each request that is under way. */
  readonly #underWay = new Set<(reason: Ended) => void>();
  #closed = false;

  constructor(options: HttpDoorOptions) {
    this.origin = options.origin;
    this.#options = options;
  }

  async ask(request: DoorRequest): Promise<DoorAnswer> {
    if (this.#closed) throw new UsageError('client-closed', 'This connection is closed: open another one.');
    const { scheduler } = this.#options;
    const controller = new AbortController();
    const ended: { reason: Ended | undefined } = { reason: undefined };
    const end = (reason: Ended): void => {
      ended.reason ??= reason;
      controller.abort();
    };
    const abort = (): void => end('aborted');
    const stop = scheduler.after(request.timeout, () => end('timeout'));
    request.signal?.addEventListener('abort', abort, { once: true });
    if (request.signal?.aborted === true) abort();
    this.#underWay.add(end);
    const url = this.#urlOf(request);
    try {
      const response = await fetch(url, this.#initOf(request, controller.signal));
      return await this.#answerOf(response, url, codeOf(response.status, request.method === 'POST'));
    } catch (error) {
      throw ended.reason === undefined ? failureOf(error, url) : new RequestError(ended.reason, url);
    } finally {
      stop();
      request.signal?.removeEventListener('abort', abort);
      this.#underWay.delete(end);
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

  close(): Promise<void> {
    this.#closed = true;
    for (const end of this.#underWay) end('closed');
    return Promise.resolve();
  }

  #urlOf({ path, query }: DoorRequest): string {
    const items = query.length === 0 ? '' : `?${query.join('&')}`;
    return `${this.origin}/${path.map(encodeUriSegment).join('/')}${items}`;
  }

  #initOf({ method, payload, etag }: DoorRequest, signal: AbortSignal): RequestInit {
    const headers: Record<string, string> = { accept: 'application/cbor' };
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
    const type = (headers.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
    const spans = [/max-age=(\d+)/.exec(headers.get('cache-control') ?? '')?.[1], headers.get('retry-after')];
    const tag = /^"((?:[\da-f]{2}){1,8})"$/.exec(headers.get('etag') ?? '')?.[1];
    return {
      code,
      contentFormat: formats.get(type),
      payload: await this.#read(body, url),
      etag: tag === undefined ? undefined : new Uint8Array(Buffer.from(tag, 'hex')),
      maxAge: seconds(Number(spans.find((span) => span != null && /^\d+$/.test(span)) ?? 0)),
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
  if (status < 300) return unsafe ? responseCode.changed : responseCode.content;
  const code = (Math.floor(status / 100) << 5) | ((status % 100) & 0x1f);
  return codeClass(code) === 5 ? code : Math.max(code, responseCode.badRequest);
}

const unreachable: ReadonlySet<unknown> = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH']);

/** What fetch throws is a TypeError whose cause says what happened. */
function failureOf(error: unknown, url: string): unknown {
  if (!(error instanceof TypeError)) return error;
  const { cause } = error;
  const code: unknown = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    const words = `The name in ${url} cannot be resolved to an address; check its spelling or use an address.`;
    return new UsageError('unknown-host', words, { cause: error });
  }
  if (unreachable.has(code)) return new RequestError('unreachable', url);
  return new RequestError('reset', url, cause instanceof Error ? cause.message : error.message);
}
