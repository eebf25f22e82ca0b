/**
 * A CoAP endpoint as one sans-IO state machine: datagrams and the time go in, datagrams come out.
 *
 *   receive(batch, now), poll(now)  →  takeOutput()        nextDeadline() says when to poll
 *
 * It is both client and server over the same message layer. It reads no clock and opens no socket.
 */
import type { Datagram, Endpoint, SendFailure } from '../core/datagram.ts';
import { minutes, type Instant } from '../core/duration.ts';
import { ClientRole, type ClientRequest, type PendingRequest, type PingListener } from './client.ts';
import type { TransferListener } from './blockwise/client-transfer.ts';
import type { Message } from './codec/message.ts';
import type { Seal } from './echo.ts';
import type { KeptRequest, Ledger } from './exchange/ledger.ts';
import { MessageLayer, type NotRun } from './exchange/message-layer.ts';
import type { Peer } from './exchange/peer.ts';
import type { ServerExchange } from './exchange/server-exchange.ts';
import type { Observation, ObservationEnd } from './observe/observation.ts';
import type { TransmissionParameters } from './parameters.ts';
import type { RefusalPayload } from './refusal.ts';
import type { Request } from './request.ts';
import type { Response } from './response.ts';
import { ServerRole, type RequestHandler } from './server.ts';
import type { Wording } from './wording.ts';

/** Bounds on everything that peers can make grow. */
export interface EngineLimits {
  readonly maxPeers: number;
  /** Requests answered later than at once. */
  readonly maxPending: number;
  /** Records of POST, PUT, DELETE kept for their whole lifetime. */
  readonly maxUnsafeRecords: number;
  /** Records of GET and FETCH, oldest out. */
  readonly maxSafeRecordBytes: number;
  /** Wordings of requests remembered: what is not costs more to answer, and no more. */
  readonly maxWordings: number;
  /** Request bodies under assembly, together; and again those of requests that are not answered yet. */
  readonly maxAssemblyBytes: number;
  readonly maxAssemblies: number;
  /** Responses read block by block, together. */
  readonly maxKeptBytes: number;
  readonly maxKeptResponses: number;
  readonly maxObservations: number;
  readonly maxObservationsPerPeer: number;
  readonly maxTokenBytes: number;
}

export const defaultEngineLimits: EngineLimits = {
  maxPeers: 131_072,
  maxPending: 10_000,
  maxUnsafeRecords: 60_000,
  maxSafeRecordBytes: 32 << 20,
  maxWordings: 16_384,
  maxAssemblyBytes: 64 << 20,
  maxAssemblies: 10_000,
  maxKeptBytes: 64 << 20,
  maxKeptResponses: 10_000,
  maxObservations: 10_000,
  maxObservationsPerPeer: 64,
  maxTokenBytes: 64,
};

/** Chance, handed in so that tests can repeat it. */
export interface Randomness {
  /** Uniform in [0, 1). */
  readonly uniform: () => number;
  readonly bytes: (length: number) => Uint8Array;
}

export interface EngineOptions {
  readonly limits: EngineLimits;
  readonly parametersFor: (endpoint: Endpoint) => TransmissionParameters;
  readonly random: Randomness;
  readonly seal: Seal;
  /** How the engine's own refusals are told to peers; undefined tells them by their code alone. */
  readonly refusalPayload?: RefusalPayload;
  /** Keeps unsafe requests beyond the end of the process; left out, deduplication ends with it. */
  readonly ledger?: Ledger | undefined;
  /** An association's peer, heard at another address, has shown that it receives there. */
  readonly onVerified?: (endpoint: Endpoint, now: Instant) => void;
  /** Where the engine's time starts. */
  readonly now: Instant;
}

export interface EngineCounters {
  readonly peers: number;
  readonly pending: number;
  readonly malformed: number;
  readonly duplicates: number;
  readonly rejected: number;
  readonly retransmissions: number;
  readonly undelivered: number;
  readonly refusedPeers: number;
  readonly unsafeRecords: number;
  readonly safeRecords: number;
  readonly safeRecordBytes: number;
  readonly assemblyBytes: number;
  readonly keptBytes: number;
  readonly observations: number;
  readonly timers: number;
}

/** Unfinished transfers are forgotten after EXCHANGE_LIFETIME of a slow link, rounded up; RFC 7959 leaves it open. */
const transferLifetime = minutes(5);
const retryAfterSeconds = 5;

export class CoapEngine {
  readonly #layer: MessageLayer;
  readonly #server: ServerRole;
  readonly #client: ClientRole;

  constructor(options: EngineOptions, handler: RequestHandler) {
    const { limits, random, parametersFor, seal } = options;
    const layerOptions = {
      maxPeers: limits.maxPeers,
      maxUnsafe: limits.maxUnsafeRecords,
      maxSafeBytes: limits.maxSafeRecordBytes,
      maxWordings: limits.maxWordings,
      parametersFor,
      random: random.uniform,
      ledger: options.ledger,
      onVerified: options.onVerified ?? (() => undefined),
    };
    this.#layer = new MessageLayer(layerOptions, this.#messageHandler(), options.now);
    this.#client = new ClientRole(this.#layer, random.bytes);
    const serverOptions = {
      assembly: {
        maxBytes: limits.maxAssemblyBytes,
        maxBodies: limits.maxAssemblies,
        lifetime: transferLifetime,
      },
      kept: { maxBytes: limits.maxKeptBytes, maxResponses: limits.maxKeptResponses, lifetime: transferLifetime },
      maxPending: limits.maxPending,
      maxTokenBytes: limits.maxTokenBytes,
      maxObservations: limits.maxObservations,
      maxObservationsPerPeer: limits.maxObservationsPerPeer,
      retryAfterSeconds,
      seal,
      refusalPayload: options.refusalPayload,
    };
    this.#server = new ServerRole(serverOptions, handler, this.#layer);
  }

  receive(batch: readonly Datagram[], now: Instant): void {
    this.poll(now); // what was due before these came, comes first
    this.#layer.receive(batch, now);
  }

  /**
   * Does what is due: retransmissions, empty acknowledgements, leisure, time limits; and lets go of what is kept for
   * peers when its time is over. The latter sets no deadline: it is bounded, and waits for whatever comes next.
   */
  poll(now: Instant): void {
    this.#layer.wheel.advance(now, (expiring) => expiring.expire(now));
    this.#layer.deduplicator.expire(now);
    this.#server.expire(now);
  }

  /**
   * RFC 7252 §4.2: a transmission may be given up early, such as on an ICMP error. Nothing listens there, so what we
   * asked fails at once, from loopback and elsewhere alike: whoever forges the error has to know our port and be
   * faster than the answer, and gains a failed request that may be made again. What a server sends is not given up.
   */
  sendFailed({ endpoint, code }: SendFailure, now: Instant): void {
    if (code === 'ECONNREFUSED') this.#client.unreachable(endpoint, now);
  }

  /** Unsafe requests of an endpoint that a process before this one has begun: before anything of it is received. False where there is no room. */
  restore(endpoint: Endpoint, kept: readonly KeptRequest[], now: Instant): boolean {
    return this.#layer.restore(endpoint, kept, now);
  }

  /** An association's peer was heard from another address. */
  moved(endpoint: Endpoint): void {
    this.#layer.peers.find(endpoint)?.moved();
  }

  /**
   * An association is over: nothing of it will be acknowledged, so whatever waits for that ends now, observations too. What runs
   * for its peer goes on, and its answer goes nowhere.
   */
  closed(endpoint: Endpoint, now: Instant): void {
    const peer = this.#layer.peers.find(endpoint);
    if (peer === undefined) return;
    peer.gone = true;
    this.#layer.transmissions.abandon(peer, now);
    this.#server.observations.lose(peer, now);
  }

  nextDeadline(): Instant | undefined {
    return this.#layer.wheel.nextDeadline();
  }

  /** The datagrams to send, each handed out once. */
  takeOutput(): readonly Datagram[] {
    return this.#layer.takeOutput();
  }

  /** Answers a request that the handler was given; returns the bytes of the datagram, 0 where none is sent. */
  respond(request: Request, response: Response, now: Instant): number {
    return this.#server.respond(request, response, now);
  }

  /** Registers the sender of a request as an observer, if it asks for that and there is room (RFC 7641 §4.1). */
  observe(request: Request, onEnd: ObservationEnd, now: Instant): Observation | undefined {
    return this.#server.observe(request, onEnd, now);
  }

  request(endpoint: Endpoint, request: ClientRequest, listener: TransferListener, now: Instant): PendingRequest {
    return this.#client.request(endpoint, request, listener, now);
  }

  /** What was sent there lately went unacknowledged to its end (MAX_TRANSMIT_WAIT, RFC 7252 §4.8.2), and nothing else has come. */
  isSilent(endpoint: Endpoint): boolean {
    return this.#client.isSilent(endpoint);
  }

  ping(endpoint: Endpoint, listener: PingListener, now: Instant): void {
    this.#client.ping(endpoint, listener, now);
  }

  counters(): EngineCounters {
    const { peers, deduplicator, transmissions, wheel, pending } = this.#layer;
    const { malformed, duplicates, rejected, undelivered, refusedPeers } = this.#layer;
    return {
      peers: peers.size,
      pending,
      malformed,
      duplicates,
      rejected,
      retransmissions: transmissions.retransmissions,
      undelivered,
      refusedPeers,
      unsafeRecords: deduplicator.unsafeRecords,
      safeRecords: deduplicator.safeRecords,
      safeRecordBytes: deduplicator.safeBytes,
      assemblyBytes: this.#server.assemblies.bytes,
      keptBytes: this.#server.kept.bytes,
      observations: this.#server.observations.size,
      timers: wheel.size,
    };
  }

  #messageHandler(): ConstructorParameters<typeof MessageLayer>[1] {
    return {
      request: (exchange: ServerExchange, wording: Wording, now: Instant) =>
        this.#server.receive(exchange, wording, now),
      refuse: (exchange: ServerExchange, wording: Wording, reason: NotRun, now: Instant) =>
        this.#server.refuse(exchange, wording, reason, now),
      awaits: (peer: Peer, message: Message) => this.#client.awaits(peer, message),
      holds: (peer: Peer, message: Message, bytes: Uint8Array) => this.#client.holds(peer, message, bytes),
      response: (peer: Peer, message: Message, now: Instant) => this.#client.receive(peer, message, now),
    };
  }
}
