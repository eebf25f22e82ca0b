/**
 * One request of ours and its response, client side (RFC 7252 §5.3): matched by peer and token, piggybacked or
 * separate. Under an observation the exchange stays open for notifications (RFC 7641 §3). One that is paced takes
 * confirmable notifications one by one: the next is neither acknowledged nor looked at before `resume`.
 */
import { seconds, type Instant, type Milliseconds } from '../../core/duration.ts';
import { equalBytes } from '../../core/bytes.ts';
import { emptyCode } from '../codec/codes.ts';
import { messageType, type Message } from '../codec/message.ts';
import { findUint, optionNumber, type Option } from '../codec/options.ts';
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

/** For one response, for notifications as they come, or for one notification after the other. */
export type KeepOpen = 'no' | 'yes' | 'paced';

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
  open(peer: Peer, keepOpen: KeepOpen, listener: ExchangeListener): ClientExchange {
    let token = this.#randomBytes(4);
    while (this.#byToken.has(keyOf(peer, token))) token = this.#randomBytes(4);
    const exchange = new ClientExchange(this, peer, token, keepOpen, listener);
    this.#byToken.set(keyOf(peer, token), exchange);
    peer.holds++;
    return exchange;
  }

  find(peer: Peer, token: Uint8Array): ClientExchange | undefined {
    const found = this.#byToken.get(keyOf(peer, token));
    // What still comes to an observer that leaves is rejected, which says the same (RFC 7641 §3.6).
    return found?.isLeaving === true ? undefined : found;
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

/** RFC 7252 §4.7: so long an endpoint that does not respond is left in peace for so many bytes. */
const probingTime = ({ parameters }: Peer, bytes: number): Milliseconds =>
  seconds(bytes / parameters.probingBytesPerSecond);

/** RFC 7967: of no class. */
const wantsNoResponse = (options: readonly Option[]): boolean =>
  ((findUint(options, optionNumber.noResponse) ?? 0) & noResponseAtAll) === noResponseAtAll;
const noResponseAtAll = 26;

export class ClientExchange implements TransmissionOwner {
  readonly peer: Peer;
  readonly token: Uint8Array;
  readonly #exchanges: ClientExchanges;
  readonly #keepOpen: KeepOpen;
  readonly #listener: ExchangeListener;
  #transmission: Transmission | undefined;
  #isUnconfirmed = false;
  #isLeaving = false;
  #isPaused = false;
  #isReplaced = false;
  /** A datagram that came while it was paused; the newest, since the peer sends the others again. */
  #held: Uint8Array | undefined;

  constructor(
    exchanges: ClientExchanges,
    peer: Peer,
    token: Uint8Array,
    keepOpen: KeepOpen,
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

  /** It waits for the end of its own observation, and for nothing else. */
  get isLeaving(): boolean {
    return this.#isLeaving;
  }

  /** Whether a confirmable message has to wait for `resume`. */
  hold(bytes: Uint8Array): boolean {
    if (this.#isPaused) this.#held = bytes.slice();
    return this.#isPaused || this.#isReplaced;
  }

  /** Whoever takes notifications one by one takes the next. */
  resume(now: Instant): void {
    this.#isPaused = false;
    this.#receiveHeld(now);
  }

  /**
   * Nobody observes any more (RFC 7641 §3.6): what was held is rejected; where nothing was, the server is told.
   *
   * @param request the one that it was registered with, with Observe 1
   */
  leave(request: OutgoingRequest, now: Instant): void {
    this.#isPaused = false;
    this.#isLeaving = true;
    if (this.#held === undefined) this.send(request, now);
    else {
      this.#receiveHeld(now);
      this.close(now);
    }
  }

  /**
   * It is registered under another token, and the server may not know yet: what it tells is neither acknowledged nor rejected, which
   * would end what goes on under the other (RFC 7641 §3.6).
   */
  replace(now: Instant): void {
    this.#stopSending(now);
    this.#isPaused = false;
    this.#isReplaced = true;
    this.#held = undefined;
  }

  #receiveHeld(now: Instant): void {
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined) this.#exchanges.layer.receive([this.peer.datagram(held)], now);
  }

  /** What it has sent may still be answered or, where it is confirmable, is sent again. */
  get isSending(): boolean {
    return this.#transmission !== undefined && this.#transmission.state !== 'done';
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
    if (!request.confirmable && wantsNoResponse(options)) {
      layer.output(this.peer.datagram(bytes));
      return;
    }
    const { transmissions } = layer;
    this.#transmission = request.confirmable
      ? transmissions.send(this.peer, messageId, bytes, this, now)
      : transmissions.sendOnce(this.peer, messageId, bytes, this, now, probingTime(this.peer, bytes.length));
    if (this.#transmission === undefined) this.#fail('congested', now);
  }

  receive(message: Message, now: Instant): void {
    if (this.#isReplaced) return;
    // RFC 7252 §5.2.2: a response is an acknowledgement too.
    if (this.#transmission !== undefined) this.#exchanges.layer.transmissions.answered(this.#transmission, now);
    this.#transmission = undefined;
    this.#isUnconfirmed = false;
    const options = checkOptions(message.options);
    if (typeof options === 'number') {
      this.#fail('bad-option', now);
      return;
    }
    if (this.#keepOpen === 'no') this.#exchanges.close(this);
    this.#isPaused = this.#keepOpen === 'paced';
    this.#listener.answered(message, options, now);
  }

  close(now: Instant): void {
    this.#stopSending(now);
    this.#exchanges.close(this);
  }

  acknowledged(message: Message, now: Instant): void {
    this.#transmission = undefined;
    if (this.#isLeaving) this.close(now);
    else if (message.code !== emptyCode && equalBytes(message.token, this.token)) this.receive(message, now);
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
    if (!this.#isLeaving) this.#listener.failed(reason, now);
  }
}
