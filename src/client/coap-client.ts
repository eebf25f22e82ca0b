/** CoAP requests with promises: the engine's client role over UDP. The command line and the SDK stand on it. */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { CoapEngine, defaultEngineLimits } from '../coap/engine.ts';
import type { TransferAnswer, TransferProgress } from '../coap/blockwise/client-transfer.ts';
import { szxWithin } from '../coap/blockwise/block-option.ts';
import type { PendingRequest } from '../coap/client.ts';
import { codeClass, method as methods, responseCode } from '../coap/codec/codes.ts';
import {
  findOption,
  findUint,
  opaqueOption,
  optionNumber,
  sortOptions,
  uintOption,
  type Option,
} from '../coap/codec/options.ts';
import { parseCoapUri } from '../coap/codec/uri.ts';
import type { RequestFailure } from '../coap/exchange/client-exchange.ts';
import { defaultTransmissionOptions, deriveParameters, type TransmissionOptions } from '../coap/parameters.ts';
import { response } from '../coap/response.ts';
import type { Datagram, DatagramReceiver, DatagramTransport, Endpoint } from '../core/datagram.ts';
import { seconds, type Instant, type Milliseconds } from '../core/duration.ts';
import { FuncoapError, UsageError, type ErrorFamily } from '../core/error.ts';
import { emptyBytes } from '../core/bytes.ts';
import { drive } from '../transport/driver.ts';
import { systemRandomness } from '../transport/randomness.ts';
import { systemScheduler, type Scheduler } from '../transport/scheduler.ts';
import { openUdpClient } from '../transport/udp-client.ts';

export interface CoapClientOptions {
  readonly transmission: TransmissionOptions;
  readonly scheduler: Scheduler;
  /** Sees every datagram as it is received or sent. */
  readonly onMessage: ((direction: 'in' | 'out', bytes: Uint8Array) => void) | undefined;
  /** Another transport than UDP, for tests. */
  readonly openTransport: (receiver: DatagramReceiver) => Promise<DatagramTransport> | DatagramTransport;
}

export interface CoapRequest {
  /** `coap://host:port/path?query` */
  readonly uri: string;
  readonly method: keyof typeof methods;
  readonly payload?: Uint8Array | undefined;
  readonly contentFormat?: number | undefined;
  readonly accept?: number | undefined;
  /** Answered 2.03 where it is the current one. */
  readonly etag?: Uint8Array | undefined;
  readonly confirmable?: boolean;
  /** Bytes of a block, 16 to 1024, a power of two; default 1024. */
  readonly blockSize?: number | undefined;
  readonly timeout?: Milliseconds | undefined;
  readonly maxResponseBytes?: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: TransferProgress) => void) | undefined;
}

export interface CoapResponse {
  readonly code: number;
  readonly options: readonly Option[];
  readonly payload: Uint8Array;
  readonly contentFormat: number | undefined;
  readonly etag: Uint8Array | undefined;
  /** Seconds; 60 where the response does not say (RFC 7252 §5.10.5). */
  readonly maxAge: number;
  /** Request and response pairs that it took. */
  readonly exchanges: number;
  readonly took: Milliseconds;
}

const failureWords: Readonly<Record<RequestFailure, string>> = {
  'timeout': 'did not answer in time; see that a gateway is running there',
  'reset': 'rejected the message: a CoAP endpoint is there, but it does not take this request',
  'bad-option': 'answered with a critical option that is not understood',
  'congested': 'has too many requests waiting already; wait for answers before sending more',
  'too-large': 'sent more than the limit for one answer; raise maxResponseBytes if you expect that much',
  'changed': 'changed the representation while it was being read, again and again; try later',
  'bad-block': 'answered with a block that was not asked for',
};

/** A request that got no answer. `code` is one of `RequestFailure`, or `aborted`. */
export class RequestError extends FuncoapError {
  readonly family: ErrorFamily = 'peer';

  constructor(reason: RequestFailure | 'aborted', uri: string) {
    const words = reason === 'aborted' ? 'was given up' : failureWords[reason];
    super(`request-${reason}`, `${uri} ${words}.`);
  }
}

const defaultTimeout = seconds(120);
const defaultMaxResponseBytes = 64 << 20;

export async function openCoapClient(options: Partial<CoapClientOptions> = {}): Promise<CoapClient> {
  const { onMessage, scheduler = systemScheduler, transmission = defaultTransmissionOptions } = options;
  const parameters = deriveParameters(transmission);
  const engine = new CoapEngine(
    {
      limits: defaultEngineLimits,
      parametersFor: () => parameters,
      random: systemRandomness,
      seal: () => systemRandomness.bytes(8),
      now: scheduler.now(),
    },
    // A client offers nothing yet: whoever asks is told so.
    { handle: (request, now) => engine.respond(request, response(responseCode.notFound, { maxAge: 0 }), now) },
  );
  const open = options.openTransport ?? ((receiver: DatagramReceiver) => openUdpClient({ scheduler }, receiver));
  const driven = await drive(onMessage === undefined ? engine : observed(engine, onMessage), open, scheduler);
  return new CoapClient(engine, driven, scheduler);
}

export class CoapClient {
  readonly #engine: CoapEngine;
  readonly #driven: Awaited<ReturnType<typeof drive<DatagramTransport>>>;
  readonly #scheduler: Scheduler;

  constructor(
    engine: CoapEngine,
    driven: { readonly transport: DatagramTransport; readonly wake: () => void; close(): Promise<void> },
    scheduler: Scheduler,
  ) {
    this.#engine = engine;
    this.#driven = driven;
    this.#scheduler = scheduler;
  }

  /**
   * One request, its body and its answer of any size.
   * @throws RequestError where there is no answer; UsageError for a URI that cannot be asked
   */
  async request(request: CoapRequest): Promise<CoapResponse> {
    const { endpoint, options } = await this.#resolve(request.uri);
    return await new Promise((resolve, reject) => {
      const listener = {
        answered: (answer: CoapResponse) => resolve(answer),
        failed: (error: RequestError) => reject(error),
      };
      this.#start(request, endpoint, options, false, listener);
    });
  }

  /** The resource's state now and whenever it changes (RFC 7641), until the loop is left or the server ends it. */
  async *observe(request: CoapRequest): AsyncGenerator<CoapResponse, void, undefined> {
    const { endpoint, options } = await this.#resolve(request.uri);
    const queue: (CoapResponse | RequestError | 'end')[] = [];
    let arrived = (): void => {};
    const push = (item: CoapResponse | RequestError | 'end'): void => {
      queue.push(item);
      arrived();
    };
    const arrival = async (): Promise<void> =>
      await new Promise((resolve) => {
        arrived = resolve;
      });
    const pending = this.#start(request, endpoint, options, true, {
      answered: (answer) => {
        push(answer);
        if (findUint(answer.options, optionNumber.observe) === undefined || codeClass(answer.code) !== 2) push('end');
      },
      failed: push,
    });
    try {
      for (;;) {
        const item = queue.shift();
        if (item === 'end') return;
        if (item instanceof RequestError) throw item;
        if (item !== undefined) yield item;
        else await arrival();
      }
    } finally {
      pending.cancel(this.#scheduler.now());
      this.#driven.wake();
    }
  }

  /** How long an Empty CON and its Reset took (RFC 7252 §4.3). */
  async ping(uri: string): Promise<Milliseconds> {
    const { endpoint } = await this.#resolve(uri);
    const started = this.#scheduler.now();
    return await new Promise((resolve, reject) => {
      const listener = {
        answered: (now: Instant) => resolve((now - started) as Milliseconds),
        failed: (reason: RequestFailure) => reject(new RequestError(reason, uri)),
      };
      this.#engine.ping(endpoint, listener, started);
      this.#driven.wake();
    });
  }

  async close(): Promise<void> {
    await this.#driven.close();
  }

  #start(
    request: CoapRequest,
    endpoint: Endpoint,
    uriOptions: readonly Option[],
    observe: boolean,
    listener: { answered(answer: CoapResponse): void; failed(error: RequestError): void },
  ): PendingRequest {
    const { uri, signal } = request;
    const started = this.#scheduler.now();
    const giveUp = (): void => {
      pending.cancel(this.#scheduler.now());
      listener.failed(new RequestError('aborted', uri));
    };
    const pending = this.#engine.request(
      endpoint,
      {
        code: methods[request.method],
        options: requestOptions(request, uriOptions),
        payload: request.payload ?? emptyBytes,
        confirmable: request.confirmable ?? true,
        szx: szxOf(request.blockSize ?? 1024),
        observe,
        timeout: request.timeout ?? defaultTimeout,
        maxResponseBytes: request.maxResponseBytes ?? defaultMaxResponseBytes,
      },
      {
        answered: (answer, now) => {
          if (!observe) signal?.removeEventListener('abort', giveUp);
          listener.answered(toResponse(answer, (now - started) as Milliseconds));
        },
        failed: (reason) => {
          signal?.removeEventListener('abort', giveUp);
          listener.failed(new RequestError(reason, uri));
        },
        progress: (progress) => request.onProgress?.(progress),
      },
      started,
    );
    if (signal?.aborted === true) giveUp();
    else signal?.addEventListener('abort', giveUp, { once: true });
    this.#driven.wake();
    return pending;
  }

  async #resolve(uri: string): Promise<{ readonly endpoint: Endpoint; readonly options: readonly Option[] }> {
    const { scheme, host, port, options } = parseCoapUri(uri);
    if (scheme !== 'coap') {
      throw new UsageError('unsupported-scheme', `${scheme}: is not spoken yet; use a coap: URI.`);
    }
    const address = await addressOf(host);
    return { endpoint: this.#driven.transport.endpoint({ address, port }), options };
  }
}

function requestOptions(request: CoapRequest, uriOptions: readonly Option[]): readonly Option[] {
  const { contentFormat, accept, etag } = request;
  const options = [...uriOptions];
  if (contentFormat !== undefined) options.push(uintOption(optionNumber.contentFormat, contentFormat));
  if (accept !== undefined) options.push(uintOption(optionNumber.accept, accept));
  if (etag !== undefined) options.push(opaqueOption(optionNumber.etag, etag));
  return sortOptions(options);
}

function szxOf(blockSize: number): ReturnType<typeof szxWithin> {
  const szx = szxWithin(blockSize);
  if (szx === undefined || 1 << (szx + 4) !== blockSize) {
    throw new UsageError('bad-block-size', `A block has 16, 32, 64, 128, 256, 512 or 1024 bytes, not ${blockSize}.`);
  }
  return szx;
}

function toResponse(answer: TransferAnswer, took: Milliseconds): CoapResponse {
  const { code, options, payload, exchanges } = answer;
  return {
    code,
    options,
    payload,
    contentFormat: findUint(options, optionNumber.contentFormat),
    etag: findOption(options, optionNumber.etag),
    maxAge: findUint(options, optionNumber.maxAge) ?? 60,
    exchanges,
    took,
  };
}

async function addressOf(host: string): Promise<string> {
  if (isIP(host.split('%', 1)[0] ?? '') !== 0) return host;
  try {
    const { address } = await lookup(host);
    return address;
  } catch (cause) {
    throw new UsageError(
      'unknown-host',
      `The name ${host} cannot be resolved to an address; check its spelling or use an address.`,
      { cause },
    );
  }
}

function observed(
  engine: CoapEngine,
  onMessage: (direction: 'in' | 'out', bytes: Uint8Array) => void,
): Parameters<typeof drive>[0] {
  const tell = (direction: 'in' | 'out', batch: readonly Datagram[]): readonly Datagram[] => {
    for (const { bytes } of batch) onMessage(direction, bytes);
    return batch;
  };
  return {
    receive: (batch, now) => engine.receive(tell('in', batch), now),
    poll: (now) => engine.poll(now),
    nextDeadline: () => engine.nextDeadline(),
    takeOutput: () => tell('out', engine.takeOutput()),
  };
}
