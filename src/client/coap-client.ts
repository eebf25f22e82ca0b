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

type GivenUp = 'aborted' | 'closed';

const failureWords: Readonly<Record<RequestFailure | GivenUp, string>> = {
  'timeout': 'did not answer in time; see that a gateway is running there',
  'reset': 'rejected the message: a CoAP endpoint is there, but it does not take this request',
  'bad-option': 'answered with a critical option that is not understood',
  'congested': 'has too many requests waiting already; wait for answers before sending more',
  'too-large': 'sent more than the limit for one answer; raise maxResponseBytes if you expect that much',
  'changed': 'changed the representation while it was being read, again and again; try later',
  'bad-block': 'answered with a block that was not asked for',
  'aborted': 'was given up',
  'closed': 'was given up, because the client was closed',
};

/** A request that got no answer. `code` is `request-` and one of `RequestFailure`, `aborted` or `closed`. */
export class RequestError extends FuncoapError {
  readonly family: ErrorFamily = 'peer';

  constructor(reason: RequestFailure | GivenUp, uri: string) {
    super(`request-${reason}`, `${uri} ${failureWords[reason]}.`);
  }
}

const defaultTimeout = seconds(120);
const defaultMaxResponseBytes = 64 << 20;
/** Notifications that wait for whoever observes; the oldest go first, since the newest is the state (RFC 7641 §1.3). */
const maxWaiting = 1024;

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
  /** Ends each request, observation and ping that is under way. */
  readonly #underWay = new Set<(reason: GivenUp) => void>();
  #closed = false;

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
   * @throws RequestError where there is no answer; UsageError for a URI that cannot be asked, or a closed client
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
      if (queue.push(item) > maxWaiting) queue.shift();
      arrived();
    };
    const arrival = async (): Promise<void> =>
      await new Promise((resolve) => {
        arrived = resolve;
      });
    const stop = this.#start(request, endpoint, options, true, {
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
      stop();
    }
  }

  /** How long an Empty CON and its Reset took (RFC 7252 §4.3). */
  async ping(uri: string): Promise<Milliseconds> {
    const { endpoint } = await this.#resolve(uri);
    const started = this.#scheduler.now();
    return await new Promise((resolve, reject) => {
      const fail = (reason: RequestFailure | GivenUp): void => {
        this.#underWay.delete(fail);
        reject(new RequestError(reason, uri));
      };
      const answered = (now: Instant): void => {
        this.#underWay.delete(fail);
        resolve((now - started) as Milliseconds);
      };
      const listener = { answered, failed: fail };
      this.#underWay.add(fail);
      this.#engine.ping(endpoint, listener, started);
      this.#driven.wake();
    });
  }

  /** What is under way fails. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const giveUp of this.#underWay) giveUp('closed');
    await this.#driven.close();
  }

  /** Returns what ends it without a word to the listener. */
  #start(
    request: CoapRequest,
    endpoint: Endpoint,
    uriOptions: readonly Option[],
    observe: boolean,
    listener: { answered(answer: CoapResponse): void; failed(error: RequestError): void },
  ): () => void {
    const { uri, signal } = request;
    const started = this.#scheduler.now();
    const over = (): void => {
      this.#underWay.delete(giveUp);
      signal?.removeEventListener('abort', abort);
    };
    const stop = (): void => {
      over();
      pending.cancel(this.#scheduler.now());
      this.#driven.wake();
    };
    const giveUp = (reason: GivenUp): void => {
      stop();
      listener.failed(new RequestError(reason, uri));
    };
    const abort = (): void => giveUp('aborted');
    if (signal?.aborted === true) {
      listener.failed(new RequestError('aborted', uri));
      return over;
    }
    this.#underWay.add(giveUp);
    signal?.addEventListener('abort', abort, { once: true });
    const pending: PendingRequest = this.#engine.request(
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
          if (!observe) over();
          listener.answered(toResponse(answer, (now - started) as Milliseconds));
        },
        failed: (reason) => {
          over();
          listener.failed(new RequestError(reason, uri));
        },
        progress: (progress) => request.onProgress?.(progress),
      },
      started,
    );
    this.#driven.wake();
    return stop;
  }

  async #resolve(uri: string): Promise<{ readonly endpoint: Endpoint; readonly options: readonly Option[] }> {
    const { scheme, host, port, options } = parseCoapUri(uri);
    if (scheme !== 'coap') {
      throw new UsageError('unsupported-scheme', `${scheme}: is not spoken yet; use a coap: URI.`);
    }
    const address = await addressOf(host);
    if (this.#closed) throw new UsageError('client-closed', 'This client is closed: open another one.');
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
