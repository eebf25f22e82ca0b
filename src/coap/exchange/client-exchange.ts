/**
 * One request of ours and its response, client side (RFC 7252 §5.3): matched by peer and token, piggybacked or
 * separate. Under an observation the exchange stays open for notifications (RFC 7641 §3).
 */
import type { Instant } from '../../core/duration.ts';
import { equalBytes } from '../../core/bytes.ts';
import { emptyCode } from '../codec/codes.ts';
import { messageType, type Message } from '../codec/message.ts';
import type { Option } from '../codec/options.ts';
import { encodeMessage } from '../codec/rfc7252.ts';
import { checkOptions } from '../option-check.ts';
import type { MessageLayer } from './message-layer.ts';
import type { Peer } from './peer.ts';
import type { Transmission, TransmissionOwner } from './transmission.ts';

/** Why there is no response. */
export type RequestFailure =
  /** No acknowledgement after all retransmissions, or no response in time. */
  | 'timeout'
  /** The network says that nothing listens there. */
  | 'unreachable'
  /** The peer rejected the message. */
  | 'reset'
  /** The response has a critical option that is not understood (RFC 7252 §5.4.1). */
  | 'bad-option'
  /** Too many messages wait for this peer. */
  | 'congested'
  /** The response is larger than its limit. */
  | 'too-large'
  /** The representation changed between its blocks, again and again (RFC 7959 §2.4). */
  | 'changed'
  /** A block is not the one asked for. */
  | 'bad-block';

export interface ExchangeListener {
  answered(message: Message, options: readonly Option[], now: Instant): void;
  failed(reason: RequestFailure, now: Instant): void;
}

export interface OutgoingRequest {
  readonly code: number;
  /** Ascending. */
  readonly options: readonly Option[];
  readonly payload: Uint8Array;
  readonly confirmable: boolean;
}

export class ClientExchanges {
  readonly layer: MessageLayer;
  readonly #randomBytes: (length: number) => Uint8Array;
  readonly #byToken = new Map<string, ClientExchange>();

  constructor(layer: MessageLayer, randomBytes: (length: number) => Uint8Array) {
    this.layer = layer;
    this.#randomBytes = randomBytes;
  }

  get size(): number {
    return this.#byToken.size;
  }

  /** RFC 7252 §5.3.1: 32 random bits make a token that an attacker off the path does not guess. */
  open(peer: Peer, keepOpen: boolean, listener: ExchangeListener): ClientExchange {
    let token = this.#randomBytes(4);
    while (this.#byToken.has(keyOf(peer, token))) token = this.#randomBytes(4);
    const exchange = new ClientExchange(this, peer, token, keepOpen, listener);
    this.#byToken.set(keyOf(peer, token), exchange);
    peer.holds++;
    return exchange;
  }

  find(peer: Peer, token: Uint8Array): ClientExchange | undefined {
    return this.#byToken.get(keyOf(peer, token));
  }

  /** Transmissions know it by themselves; non-confirmable requests do not have one. */
  unreachable(peer: Peer, now: Instant): void {
    for (const exchange of this.#byToken.values()) {
      if (exchange.peer === peer && exchange.isUnconfirmed) exchange.unreachable(now);
    }
  }

  close(exchange: ClientExchange): void {
    if (this.#byToken.delete(keyOf(exchange.peer, exchange.token))) exchange.peer.holds--;
  }
}

const keyOf = (peer: Peer, token: Uint8Array): string => `${peer.id} ${String.fromCharCode(...token)}`;

export class ClientExchange implements TransmissionOwner {
  readonly peer: Peer;
  readonly token: Uint8Array;
  readonly #exchanges: ClientExchanges;
  /** For notifications: the first response does not close it. */
  readonly #keepOpen: boolean;
  readonly #listener: ExchangeListener;
  #transmission: Transmission | undefined;
  #isUnconfirmed = false;

  constructor(
    exchanges: ClientExchanges,
    peer: Peer,
    token: Uint8Array,
    keepOpen: boolean,
    listener: ExchangeListener,
  ) {
    this.#exchanges = exchanges;
    this.peer = peer;
    this.token = token;
    this.#keepOpen = keepOpen;
    this.#listener = listener;
  }

  /** A NON was sent and nothing has come back. */
  get isUnconfirmed(): boolean {
    return this.#isUnconfirmed;
  }

  /** Under an observation, a second time to register again (RFC 7641 §3.3.1). */
  send(request: OutgoingRequest, now: Instant): void {
    const { layer } = this.#exchanges;
    this.#stopSending(now);
    const messageId = this.peer.nextMessageId();
    const type = request.confirmable ? messageType.CON : messageType.NON;
    const { code, options, payload } = request;
    const bytes = encodeMessage({ type, code, messageId, token: this.token, options, payload });
    this.#isUnconfirmed = !request.confirmable;
    if (!request.confirmable) {
      layer.output(this.peer.datagram(bytes));
      return;
    }
    this.#transmission = layer.transmissions.send(this.peer, messageId, bytes, this, now);
    if (this.#transmission === undefined) this.#fail('congested', now);
  }

  receive(message: Message, now: Instant): void {
    // RFC 7252 §5.2.2: a response is an acknowledgement too.
    this.#stopSending(now);
    this.#isUnconfirmed = false;
    const options = checkOptions(message.options);
    if (typeof options === 'number') {
      this.#fail('bad-option', now);
      return;
    }
    if (!this.#keepOpen) this.#exchanges.close(this);
    this.#listener.answered(message, options, now);
  }

  close(now: Instant): void {
    this.#stopSending(now);
    this.#exchanges.close(this);
  }

  acknowledged(message: Message, now: Instant): void {
    this.#transmission = undefined;
    if (message.code !== emptyCode && equalBytes(message.token, this.token)) this.receive(message, now);
  }

  reset(now: Instant): void {
    this.#transmission = undefined;
    this.#fail('reset', now);
  }

  timedOut(now: Instant): void {
    this.#transmission = undefined;
    this.#fail('timeout', now);
  }

  unreachable(now: Instant): void {
    this.#transmission = undefined;
    this.#fail('unreachable', now);
  }

  #stopSending(now: Instant): void {
    if (this.#transmission !== undefined) this.#exchanges.layer.transmissions.cancel(this.#transmission, now);
    this.#transmission = undefined;
  }

  #fail(reason: RequestFailure, now: Instant): void {
    this.close(now);
    this.#listener.failed(reason, now);
  }
}
