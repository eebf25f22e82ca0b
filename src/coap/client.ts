/**
 * The client role: requests of ours, observations we hold, and pings, each with a time limit.
 * Left out: multicast requests (RFC 7252 §8), which have as many answers as there are servers.
 */
import { emptyBytes } from '../core/bytes.ts';
import type { Endpoint } from '../core/datagram.ts';
import { after, milliseconds, seconds, type Instant, type Milliseconds } from '../core/duration.ts';
import type { Timer } from '../core/timer-wheel.ts';
import { emptyCode } from './codec/codes.ts';
import { messageType, type Message } from './codec/message.ts';
import { findUint, optionNumber, type Option } from './codec/options.ts';
import { encodeMessage } from './codec/rfc7252.ts';
import { ClientTransfer, type TransferListener, type TransferRequest } from './blockwise/client-transfer.ts';
import { ClientExchanges, type RequestFailure } from './exchange/client-exchange.ts';
import type { MessageLayer } from './exchange/message-layer.ts';
import type { Peer } from './exchange/peer.ts';
import type { Expiring, Transmission, TransmissionOwner } from './exchange/transmission.ts';
import { NotificationOrder } from './observe/notification-order.ts';

export interface ClientRequest extends TransferRequest {
  /** For the answer; under an observation, for the first one. */
  readonly timeout: Milliseconds;
  /** Under an observation: registers again when nothing was told for so long; undefined: when Max-Age is over (RFC 7641 §3.3.1). */
  readonly renewAfter?: Milliseconds | undefined;
  /** Under an observation: what it registers again with in place of `options`; undefined: the same. */
  readonly renewed?: (() => readonly Option[]) | undefined;
  /** After so much silence the peer that owes an answer is pinged, and the request fails where it is not there. */
  readonly pingAfter?: Milliseconds | undefined;
}

export interface PingListener {
  answered(now: Instant): void;
  failed(reason: RequestFailure, now: Instant): void;
}

/** RFC 7641 §3.3.1: how long after the end of Max-Age the observer registers again, and its random part. */
const refreshAfter = { atLeast: seconds(5), spread: seconds(10) };
const defaultMaxAgeSeconds = 60;

export class ClientRole {
  readonly #layer: MessageLayer;
  readonly #exchanges: ClientExchanges;
  readonly #randomBytes: (length: number) => Uint8Array;

  constructor(layer: MessageLayer, randomBytes: (length: number) => Uint8Array) {
    this.#layer = layer;
    this.#randomBytes = randomBytes;
    this.#exchanges = new ClientExchanges(layer, randomBytes);
  }

  /** Exchanges that wait for a response. */
  get open(): number {
    return this.#exchanges.size;
  }

  request(endpoint: Endpoint, request: ClientRequest, listener: TransferListener, now: Instant): PendingRequest {
    const peer = this.#layer.peers.get(endpoint);
    const pending = new PendingRequest(this.#layer, this.#exchanges, peer, request, this.#randomBytes(4), listener);
    pending.start(now);
    return pending;
  }

  /** CoAP ping (RFC 7252 §4.3): an Empty CON, answered by a Reset. */
  ping(endpoint: Endpoint, listener: PingListener, now: Instant): void {
    const peer = this.#layer.peers.get(endpoint);
    if (peer === undefined) {
      listener.failed('congested', now);
      return;
    }
    if (sendPing(this.#layer, peer, listener, now) === undefined) listener.failed('congested', now);
  }

  /** Nothing listens there: what waits for an acknowledgement or, not having asked for one, for an answer, fails. */
  unreachable(endpoint: Endpoint, now: Instant): void {
    const peer = this.#layer.peers.find(endpoint);
    if (peer === undefined) return;
    this.#layer.transmissions.unreachable(peer, now);
    this.#exchanges.unreachable(peer, now);
  }

  /** What was sent there lately went unacknowledged to its end, and nothing else has come. */
  isSilent(endpoint: Endpoint): boolean {
    const peer = this.#layer.peers.find(endpoint);
    return peer?.outbox.isSilent(peer.parameters) === true;
  }

  awaits(peer: Peer, message: Message): boolean {
    return this.#exchanges.find(peer, message.token) !== undefined;
  }

  /** Whether it has to wait, and is not to be acknowledged. */
  holds(peer: Peer, message: Message, bytes: Uint8Array): boolean {
    return this.#exchanges.find(peer, message.token)?.hold(bytes) === true;
  }

  receive(peer: Peer, message: Message, now: Instant): void {
    this.#exchanges.find(peer, message.token)?.receive(message, now);
  }
}

/** RFC 7252 §4.3. Undefined where there is no room for it. */
function sendPing(layer: MessageLayer, peer: Peer, listener: PingListener, now: Instant): Transmission | undefined {
  const messageId = peer.nextMessageId();
  const empty = { code: emptyCode, token: emptyBytes, options: [], payload: emptyBytes };
  const bytes = encodeMessage({ ...empty, type: messageType.CON, messageId });
  const owner: TransmissionOwner = {
    acknowledged: (_message, at) => listener.answered(at),
    reset: (at) => listener.answered(at),
    timedOut: (at) => listener.failed('timeout', at),
    unreachable: (at) => listener.failed('unreachable', at),
  };
  return layer.transmissions.send(peer, messageId, bytes, owner, now);
}

/** A request under way, or an observation that is held; its owner may give it up. */
export class PendingRequest implements TransferListener, Expiring {
  readonly #layer: MessageLayer;
  readonly #request: ClientRequest;
  readonly #listener: TransferListener;
  readonly #peer: Peer | undefined;
  readonly #transfer: ClientTransfer | undefined;
  #order = new NotificationOrder();
  #timer: Timer<Expiring> | undefined;
  #pingTimer: Timer<Expiring> | undefined;
  #ping: Transmission | undefined;
  #state: 'waiting' | 'observing' | 'done' = 'waiting';

  constructor(
    layer: MessageLayer,
    exchanges: ClientExchanges,
    peer: Peer | undefined,
    request: ClientRequest,
    requestTag: Uint8Array,
    listener: TransferListener,
  ) {
    this.#layer = layer;
    this.#request = request;
    this.#listener = listener;
    this.#peer = peer;
    this.#transfer = peer && new ClientTransfer(exchanges, peer, request, requestTag, this);
  }

  start(now: Instant): void {
    if (this.#transfer === undefined) {
      this.failed('congested', now);
      return;
    }
    this.#arm(this.#request.timeout, now);
    this.#armPing(now);
    this.#transfer.start(now);
  }

  /** Nobody waits any more; who is observed is told. */
  cancel(now: Instant): void {
    this.#end(now);
    this.#transfer?.leave(now);
  }

  /** Under a paced observation: the next notification is wanted. */
  resume(now: Instant): void {
    this.#transfer?.resume(now);
  }

  expire(now: Instant): void {
    this.#timer = undefined;
    if (this.#state === 'observing') this.#refresh(now);
    else if (this.#state === 'waiting') {
      this.#transfer?.stop(now);
      this.failed('timeout', now);
    }
  }

  answered(
    answer: { code: number; options: readonly Option[]; payload: Uint8Array; exchanges: number },
    now: Instant,
  ): void {
    if (this.#state === 'done') return;
    const sequence = findUint(answer.options, optionNumber.observe);
    if (!this.#request.observe || sequence === undefined) this.#end(now);
    else {
      this.#state = 'observing';
      if (!this.#order.isNewer(sequence, now)) return;
      this.#armRefresh(answer.options, now);
      this.#stopPing(now);
    }
    this.#listener.answered(answer, now);
  }

  failed(reason: RequestFailure, now: Instant): void {
    if (this.#state === 'done') return;
    this.#end(now);
    this.#listener.failed(reason, now);
  }

  progress(progress: { sentBytes: number; receivedBytes: number }): void {
    this.#listener.progress(progress);
  }

  /** A server that has restarted counts anew; one that does not hear is told again. */
  #refresh(now: Instant): void {
    this.#order = new NotificationOrder();
    this.#arm(this.#request.timeout, now);
    this.#armPing(now);
    this.#transfer?.refresh(this.#request.renewed?.(), now);
  }

  /** Whoever waits may never send anything: only by asking now and then does it hear that nobody is there. */
  #armPing(now: Instant): void {
    this.#stopPing(now);
    const { pingAfter } = this.#request;
    if (pingAfter !== undefined) this.#pingTimer = this.#layer.wheel.arm(after(now, pingAfter), this.#pinging);
  }

  readonly #pinging: Expiring = {
    expire: (now) => {
      const answered = (at: Instant): void => {
        this.#ping = undefined;
        this.#armPing(at);
      };
      const failed = (reason: RequestFailure, at: Instant): void => {
        this.#ping = undefined;
        this.#transfer?.stop(at);
        this.failed(reason, at);
      };
      this.#pingTimer = undefined;
      this.#ping = this.#peer && sendPing(this.#layer, this.#peer, { answered, failed }, now);
      // So much is on its way to this peer that it will be known anyway.
      if (this.#ping === undefined) this.#armPing(now);
    },
  };

  #stopPing(now: Instant): void {
    if (this.#pingTimer !== undefined) this.#layer.wheel.cancel(this.#pingTimer);
    if (this.#ping !== undefined) this.#layer.transmissions.cancel(this.#ping, now);
    this.#pingTimer = undefined;
    this.#ping = undefined;
  }

  #armRefresh(options: readonly Option[], now: Instant): void {
    const maxAge = findUint(options, optionNumber.maxAge) ?? defaultMaxAgeSeconds;
    const extra = refreshAfter.atLeast + this.#layer.random() * refreshAfter.spread;
    const { renewAfter = Infinity } = this.#request;
    this.#arm(milliseconds(Math.min(maxAge * 1000 + extra, renewAfter)), now);
  }

  #arm(span: Milliseconds, now: Instant): void {
    if (this.#timer !== undefined) this.#layer.wheel.cancel(this.#timer);
    this.#timer = this.#layer.wheel.arm(after(now, span), this);
  }

  #end(now: Instant): void {
    this.#state = 'done';
    this.#stopPing(now);
    if (this.#timer !== undefined) this.#layer.wheel.cancel(this.#timer);
  }
}
