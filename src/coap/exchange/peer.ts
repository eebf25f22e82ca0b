/**
 * What is remembered of one peer (RFC 7252 §1.2: an endpoint, or a security association), and the bounded
 * table of them. A peer with work under way, or with a record that must outlive it, is never dropped.
 */
import type { Datagram, Endpoint } from '../../core/datagram.ts';
import type { Instant } from '../../core/duration.ts';
import { GenerationalMap } from '../../core/generational-map.ts';
import type { Szx } from '../blockwise/block-option.ts';
import type { TransmissionParameters } from '../parameters.ts';
import { Outbox } from './transmission.ts';

export class Peer {
  readonly endpoint: Endpoint;
  /** Never used again, so records keyed by it cannot meet those of another peer. */
  readonly id: number;
  readonly parameters: TransmissionParameters;
  /** The block size the peer stated last (RFC 7959 §2.4: honoured from then on). */
  szx: Szx | undefined;
  /** Until then the peer's address counts as verified (RFC 9175 §2.3). */
  verifiedUntil: Instant;
  /** Reasons not to drop this peer: exchanges, transmissions, observations, unsafe records. */
  holds = 0;
  /** How often it was heard from another address than before. */
  moves = 0;
  /** Its association is over: nothing reaches it any more. */
  gone = false;

  /** The Echo value that this peer, as a server, wants back with the next request (RFC 9175 §2.3). */
  echo: Uint8Array | undefined;

  /** The table's when it was last asked for this peer. */
  era: object | undefined = undefined;

  #messageId: number;
  #notifications = 0;
  // Most peers need neither of these ever.
  #outbox: Outbox | undefined = undefined;
  #resetListeners: Map<number, { reset(now: Instant): void }> | undefined = undefined;
  #name: string | undefined = undefined;

  constructor(endpoint: Endpoint, id: number, parameters: TransmissionParameters, firstMessageId: number) {
    this.endpoint = endpoint;
    this.id = id;
    this.parameters = parameters;
    this.#messageId = firstMessageId;
    this.verifiedUntil = unverifiedUntil(endpoint);
  }

  /** Confirmable messages of ours. */
  get outbox(): Outbox {
    this.#outbox ??= new Outbox();
    return this.#outbox;
  }

  /** Who wants to know of a Reset to a NON of ours: observations, by the Message ID of their last one. */
  get resetListeners(): Map<number, { reset(now: Instant): void }> {
    this.#resetListeners ??= new Map();
    return this.#resetListeners;
  }

  /** For people: address and port. */
  get name(): string {
    const { address, port } = this.endpoint.remote;
    this.#name ??= `${address}:${port}`;
    return this.#name;
  }

  /** RFC 7252 §4.4: counts up from a random start, so an ID comes back only after 65,535 others, and not while it is under way. */
  nextMessageId(): number {
    do this.#messageId = (this.#messageId + 1) & 0xffff;
    while (this.#outbox?.outstanding.has(this.#messageId) === true);
    return this.#messageId;
  }

  /**
   * RFC 7641 §4.4: the number of a notification, one count for all that this peer observes, so that it goes on where the peer
   * registers again under a token. No other peer's notifications use it up: 2^23 in 256 s are more than there are Message IDs.
   */
  nextSequence(): number {
    this.#notifications = (this.#notifications + 1) & 0xffffff;
    return this.#notifications;
  }

  isVerified(now: Instant): boolean {
    return now < this.verifiedUntil || this.endpoint.verified === true;
  }

  /** An association goes on from another address (RFC 9146 §6), where nothing is verified yet. */
  moved(): void {
    this.moves++;
    this.verifiedUntil = unverifiedUntil(this.endpoint);
    this.#name = undefined;
  }

  datagram(bytes: Uint8Array): Datagram {
    return { bytes, endpoint: this.endpoint, multicast: false };
  }
}

/** On this machine nobody can speak from another's address. */
const unverifiedUntil = ({ loopback }: Endpoint): Instant => (loopback ? Infinity : -Infinity) as Instant;

export interface PeerTableOptions {
  /** Peers remembered at most. */
  readonly maxPeers: number;
  readonly parametersFor: (endpoint: Endpoint) => TransmissionParameters;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

export class PeerTable {
  readonly #options: PeerTableOptions;
  readonly #peers: GenerationalMap<string, Peer>;
  #lastId = 0;

  constructor(options: PeerTableOptions) {
    this.#options = options;
    this.#peers = new GenerationalMap({ maxEntries: options.maxPeers, pinned: (peer: Peer) => peer.holds > 0 });
  }

  get size(): number {
    return this.#peers.size;
  }

  /** Undefined when the table is full of peers that cannot be dropped now. */
  get(endpoint: Endpoint): Peer | undefined {
    const { note } = endpoint;
    // Asked for since the table last dropped anybody: it is there.
    if (note instanceof Peer && note.era === this.#peers.era) return note;
    let peer = this.#peers.get(endpoint.key);
    if (peer === undefined) {
      peer = this.stranger(endpoint);
      if (!this.#peers.set(endpoint.key, peer)) return undefined;
    }
    peer.era = this.#peers.era;
    endpoint.note = peer;
    return peer;
  }

  /** A peer that is not remembered. */
  stranger(endpoint: Endpoint): Peer {
    const { parametersFor, random } = this.#options;
    const firstMessageId = Math.floor(random() * 0x10000);
    return new Peer(endpoint, ++this.#lastId, parametersFor(endpoint), firstMessageId);
  }

  find(endpoint: Endpoint): Peer | undefined {
    return this.#peers.get(endpoint.key);
  }
}
