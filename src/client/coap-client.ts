/** CoAP requests with promises: the engine's client role over UDP. The command line and the SDK stand on it. */
import { CoapEngine, defaultEngineLimits } from '../coap/engine.ts';
import type { PendingRequest } from '../coap/client.ts';
import { codeClass, method as methods, responseCode } from '../coap/codec/codes.ts';
import { findUint, optionNumber, type Option } from '../coap/codec/options.ts';
import { parseCoapUri } from '../coap/codec/uri.ts';
import type { RequestFailure } from '../coap/exchange/client-exchange.ts';
import { defaultTransmissionOptions, deriveParameters, type TransmissionOptions } from '../coap/parameters.ts';
import { response } from '../coap/response.ts';
import type { Address, DatagramReceiver, DatagramTransport, Endpoint } from '../core/datagram.ts';
import { seconds, type Instant, type Milliseconds } from '../core/duration.ts';
import { UsageError } from '../core/error.ts';
import { emptyBytes } from '../core/bytes.ts';
import { isMulticast } from '../transport/address.ts';
import { drive } from '../transport/driver.ts';
import { systemRandomness } from '../transport/randomness.ts';
import type { Scheduler } from '../core/clock.ts';
import { systemScheduler, systemTimeOfDay } from '../transport/scheduler.ts';
import { openSecured, type SecuredTransport } from '../transport/secured-transport.ts';
import { openUdpClient } from '../transport/udp-client.ts';
import { JoinedTransport } from '../transport/joined-transport.ts';
import { defaultDtlsOptions } from '../dtls/options.ts';
import { nodeCrypto } from '../dtls/crypto.ts';
import type { ClientCredentials } from '../dtls/credentials.ts';
import type { DtlsEvent } from '../dtls/event.ts';
import { watched } from '../transport/watched-engine.ts';
import { failedHandshake, lossOf, orHandshake } from './security-failure.ts';
import { requestOptions, szxOf, toResponse, type CoapRequest, type CoapResponse } from './coap-request.ts';
import { addressOf } from './host-address.ts';
import { RequestError, type GivenUp, type SecurityFailure } from './request-error.ts';

export interface CoapClientOptions {
  readonly transmission: TransmissionOptions;
  readonly scheduler: Scheduler;
  /** Sees every datagram as it is received or sent. */
  readonly onMessage: ((direction: 'in' | 'out', bytes: Uint8Array) => void) | undefined;
  /** Another transport than UDP, for tests. */
  readonly openTransport: (receiver: DatagramReceiver) => Promise<DatagramTransport> | DatagramTransport;
  /** With what it proves itself to coaps: URIs; undefined: it speaks coap: only. */
  readonly credentials: ClientCredentials | undefined;
  /** Whether it asks for Connection IDs (RFC 9146), so that it may change its address; default true. */
  readonly connectionId: boolean;
}

export interface PingOptions {
  readonly signal?: AbortSignal | undefined;
  /** Undefined: as long as it is sent again (MAX_TRANSMIT_WAIT, RFC 7252 §4.8.2). */
  readonly timeout?: Milliseconds | undefined;
}

export interface ObserveOptions {
  /**
   * For what must not be skipped: each confirmable notification is acknowledged when the loop wants it, so that who tells waits.
   * Default false: they are acknowledged as they come, and those that nobody takes wait, the newest of them.
   */
  readonly paced?: boolean | undefined;
  /** Registers again after so much silence; default: when Max-Age is over. */
  readonly renewAfter?: Milliseconds | undefined;
  /** What it registers again with; default: the same request. */
  readonly renewed?: (() => CoapRequest) | undefined;
}

const defaultTimeout = seconds(120);
const defaultMaxResponseBytes = 64 << 20;
/** Notifications that wait for whoever observes; the oldest go first, since the newest is the state (RFC 7641 §1.3). */
const maxWaiting = 1024;

export async function openCoapClient(options: Partial<CoapClientOptions> = {}): Promise<CoapClient> {
  const { credentials, connectionId: offersConnectionId = true, onMessage } = options;
  const { scheduler = systemScheduler, transmission = defaultTransmissionOptions } = options;
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
  const tell =
    onMessage && watched(engine, { looks: () => true, see: (direction, { bytes }) => onMessage(direction, bytes) });
  let client: CoapClient | undefined;
  const onEvent = (event: DtlsEvent): void => {
    // What nobody answered, or nobody listens to, was not refused.
    if (event.type === 'failed' && event.alert !== 'user_canceled') {
      const { failure, detail } = failedHandshake(event);
      client?.lost(event.endpoint, failure, detail);
    }
    if (event.type === 'closed') client?.lost(event.endpoint, lossOf(event.reason));
  };
  const secure = (receiver: DatagramReceiver): ReturnType<typeof openSecured> =>
    openSecured(
      {
        dtls: { ...defaultDtlsOptions, crypto: nodeCrypto, wallClock: systemTimeOfDay, offersConnectionId },
        client: credentials,
        scheduler,
        admit: () => true,
        onEvent,
        open: (records) => openUdpClient({ scheduler }, records),
      },
      receiver,
    );
  const driven = await drive(
    tell ?? engine,
    (receiver) => JoinedTransport.open(open, credentials === undefined ? undefined : secure, receiver),
    scheduler,
  );
  client = new CoapClient(engine, driven, scheduler);
  return client;
}

type GiveUp = (reason: RequestFailure | GivenUp | SecurityFailure, detail?: string) => void;

export class CoapClient {
  readonly #engine: CoapEngine;
  readonly #driven: Awaited<ReturnType<typeof drive<JoinedTransport<DatagramTransport>>>>;
  readonly #scheduler: Scheduler;
  /** Ends each request, observation and ping that is under way. */
  readonly #underWay = new Map<GiveUp, Endpoint>();
  #closed = false;

  constructor(
    engine: CoapEngine,
    driven: Awaited<ReturnType<typeof drive<JoinedTransport<DatagramTransport>>>>,
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
      this.#start(request, endpoint, options, undefined, listener);
    });
  }

  /**
   * Sends a request that nobody answers (RFC 7967 §2: NON, No-Response 26). Resolves when it has been handed to the network.
   * @throws UsageError `too-large-for-one-datagram` where its body takes several blocks: those have to be answered
   */
  async tell(request: CoapRequest): Promise<void> {
    if ((request.payload?.length ?? 0) > (request.blockSize ?? 1024)) {
      throw new UsageError(
        'too-large-for-one-datagram',
        'A request that nobody answers has a body of one block; send a longer one as a request with an answer.',
      );
    }
    const { endpoint, options } = await this.#resolve(request.uri);
    const unanswered = { ...request, confirmable: false, noResponse: 26 };
    await new Promise<void>((resolve, reject) => {
      this.#start(unanswered, endpoint, options, undefined, { answered: () => {}, failed: reject }).stop();
      resolve();
    });
  }

  /** The resource's state now and whenever it changes (RFC 7641), until the loop is left, which the server is told, or it ends it. */
  async *observe(request: CoapRequest, how: ObserveOptions = {}): AsyncGenerator<CoapResponse, void, undefined> {
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
    const { stop, resume } = this.#start(request, endpoint, options, how, {
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
        if (queue.length > 0) continue;
        const arriving = arrival();
        resume();
        await arriving;
      }
    } finally {
      stop();
    }
  }

  /** How long an Empty CON and its Reset took (RFC 7252 §4.3). */
  async ping(uri: string, { signal, timeout }: PingOptions = {}): Promise<Milliseconds> {
    const { endpoint } = await this.#resolve(uri);
    const started = this.#scheduler.now();
    return await new Promise((resolve, reject) => {
      const over = (): void => {
        this.#underWay.delete(fail);
        signal?.removeEventListener('abort', abort);
        stopTimer();
      };
      const fail = (reason: RequestFailure | GivenUp | SecurityFailure, detail?: string): void => {
        over();
        reject(new RequestError(orHandshake(reason, endpoint), uri, detail));
      };
      const abort = (): void => fail('aborted');
      const stopTimer = timeout === undefined ? () => {} : this.#scheduler.after(timeout, () => fail('timeout'));
      signal?.addEventListener('abort', abort, { once: true });
      const answered = (now: Instant): void => {
        over();
        resolve((now - started) as Milliseconds);
      };
      const listener = { answered, failed: (reason: RequestFailure) => fail(reason) };
      this.#underWay.set(fail, endpoint);
      this.#engine.ping(endpoint, listener, started);
      this.#driven.wake();
    });
  }

  /** An association is over: so is what was asked over it. */
  lost(association: Endpoint, reason: RequestFailure | SecurityFailure, detail?: string): void {
    for (const [giveUp, endpoint] of this.#underWay) if (endpoint === association) giveUp(reason, detail);
    // What was said at last, as that an observation is not wanted any more, is not repeated.
    this.#engine.closed(association, this.#scheduler.now());
  }

  /** What is under way fails. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const giveUp of this.#underWay.keys()) giveUp('closed');
    await this.#driven.close();
  }

  /** Returns what ends it without a word to the listener, and what wants the next of a paced observation. */
  #start(
    request: CoapRequest,
    endpoint: Endpoint,
    uriOptions: readonly Option[],
    observe: ObserveOptions | undefined,
    listener: { answered(answer: CoapResponse): void; failed(error: RequestError): void },
  ): { readonly stop: () => void; readonly resume: () => void } {
    const { uri, signal } = request;
    const { renewed } = observe ?? {};
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
    const giveUp: GiveUp = (reason, detail) => {
      stop();
      listener.failed(new RequestError(reason, uri, detail));
    };
    const abort = (): void => giveUp('aborted');
    if (signal?.aborted === true) {
      listener.failed(new RequestError('aborted', uri));
      return { stop: over, resume: over };
    }
    this.#underWay.set(giveUp, endpoint);
    signal?.addEventListener('abort', abort, { once: true });
    const pending: PendingRequest = this.#engine.request(
      endpoint,
      {
        code: methods[request.method],
        options: requestOptions(request, uriOptions),
        payload: request.payload ?? emptyBytes,
        confirmable: request.confirmable ?? true,
        szx: szxOf(request.blockSize ?? 1024),
        observe: observe !== undefined,
        paced: observe?.paced,
        renewAfter: observe?.renewAfter,
        renewed: renewed && ((): readonly Option[] => optionsOf(renewed())),
        pingAfter: request.pingAfter,
        timeout: request.timeout ?? defaultTimeout,
        maxResponseBytes: request.maxResponseBytes ?? defaultMaxResponseBytes,
      },
      {
        answered: (answer, now) => {
          if (observe === undefined) over();
          listener.answered(toResponse(answer, (now - started) as Milliseconds));
        },
        failed: (reason) => {
          over();
          listener.failed(new RequestError(orHandshake(reason, endpoint), uri));
        },
        progress: (progress) => request.onProgress?.(progress),
      },
      started,
    );
    const resume = (): void => {
      pending.resume(this.#scheduler.now());
      this.#driven.wake();
    };
    this.#driven.wake();
    return { stop, resume };
  }

  async #resolve(uri: string): Promise<{ readonly endpoint: Endpoint; readonly options: readonly Option[] }> {
    const { scheme, host, port, options } = parseCoapUri(uri);
    const { plain, secured } = this.#driven.transport;
    if (scheme === 'coaps' && secured === undefined) {
      throw new UsageError(
        'no-credentials',
        `${host} is to be asked over DTLS, and nothing was given to prove oneself with: give an identity and its key (--identity and --key-file on the command line, or --certificate).`,
      );
    }
    const address = await addressOf(host);
    if (this.#closed) throw new UsageError('client-closed', 'This client is closed: open another one.');
    if (isMulticast(address)) {
      throw new UsageError(
        'multicast-destination',
        `${host} is a multicast group, and a request of this client has one answer: ask one gateway. \`funcoap discover\` finds those that are there.`,
      );
    }
    const at = { address, port };
    const endpoint = scheme === 'coaps' && secured !== undefined ? this.#associated(secured, at) : plain.endpoint(at);
    return { endpoint, options };
  }

  /** A peer that is silent may have forgotten the association, which nothing says (RFC 6347 §4.1.2.7): it is not asked over it again. */
  #associated(secured: SecuredTransport, at: Address): Endpoint {
    const known = secured.endpoint(at);
    const isLost = known.association.state === 'established' && this.#engine.isSilent(known);
    if (!isLost) return known;
    // Where it is there nevertheless, it need not keep its end.
    secured.end(known, { kind: 'silent' });
    return secured.endpoint(at);
  }
}

const optionsOf = (request: CoapRequest): readonly Option[] =>
  requestOptions(request, parseCoapUri(request.uri).options);
