/**
 * Observations that peers hold on resources of ours (RFC 7641 §4), and the bounded registry of them.
 *
 * An entry ends by: a GET or FETCH with Observe 1, a Reset, a CON notification that is never acknowledged, the end of the
 * peer's association, an error notification, a new registration under the same token, or the resource itself.
 *
 * A state may be skipped for a newer one. What must not be (items of a stream) is handed over when `onDelivered` says that
 * the one before has arrived, and its end is told by `finish`.
 */
import { after, seconds, type Instant, type Milliseconds } from '../../core/duration.ts';
import { codeClass } from '../codec/codes.ts';
import { messageType } from '../codec/message.ts';
import { optionNumber, uintOption, type Option } from '../codec/options.ts';
import { encodeMessage } from '../codec/rfc7252.ts';
import type { MessageLayer } from '../exchange/message-layer.ts';
import type { Peer } from '../exchange/peer.ts';
import type { Transmission, TransmissionOwner } from '../exchange/transmission.ts';
import type { Fitted } from '../blockwise/response-fit.ts';
import type { Request } from '../request.ts';
import type { Response } from '../response.ts';

/** RFC 7641 §4.5: a notification is confirmable at least this often. */
const confirmAtLeastEvery: Milliseconds = seconds(24 * 3600);

/** RFC 7641 §4.5.1: nothing more goes to a peer so soon after a non-confirmable notification, where the round trip is not known. */
const nonWaitingTime: Milliseconds = seconds(3);

/** Datagrams and bodies of the requests that are observed with, all together. No RFC's number. */
const maxRequestBytes = 16 << 20;

/** Cuts a notification to what the peer takes; the first block of it where it is long. */
export type NotificationFit = (request: Request, response: Response, extra: readonly Option[], now: Instant) => Fitted;

/** `lost`: the peer never acknowledged a notification, or its association is over. */
export type ObservationEnd = (now: Instant, how: 'lost' | 'over') => void;

interface Notification {
  readonly response: Response;
  readonly confirmable: boolean;
  /** No other follows: it carries no Observe option (§3.2). */
  readonly last: boolean;
}

export class Observation implements TransmissionOwner {
  readonly request: Request;
  ended = false;
  readonly #registry: ObservationRegistry;
  readonly #onEnd: ObservationEnd;
  /** A confirmable notification was acknowledged, and no newer one waits. `cut`: the peer has to fetch more of it. */
  onDelivered: ((cut: boolean, now: Instant) => void) | undefined;
  #transmission: Transmission | undefined;
  /** The newest state, while an older one is still under way (§4.5.2). */
  #newer: Notification | undefined;
  /** The notification under way is the first block of its representation. */
  #cut = false;
  #nonMessageId: number | undefined;
  #confirmBy: Instant;

  constructor(registry: ObservationRegistry, request: Request, onEnd: ObservationEnd, now: Instant) {
    this.#registry = registry;
    this.request = request;
    this.#onEnd = onEnd;
    this.#confirmBy = after(now, confirmAtLeastEvery);
  }

  /** The next Observe option; each one is newer than all before. */
  sequenceOption(): Option {
    return uintOption(optionNumber.observe, this.request.peer.nextSequence());
  }

  /**
   * Sends the new state. An error ends the observation (§4.2). A confirmable notification that is still under way
   * is superseded by this one at its next retransmission, or when it is acknowledged.
   */
  notify(response: Response, confirmable: boolean, now: Instant): void {
    this.#tell({ response, confirmable, last: codeClass(response.code) !== 2 }, now);
  }

  /** Sends the last state, as a response that ends the observation (§3.2: it has no Observe option). */
  finish(response: Response, now: Instant): void {
    this.#tell({ response, confirmable: true, last: true }, now);
  }

  #tell(notification: Notification, now: Instant): void {
    if (this.ended) return;
    // §4.2: an error that still waits has taken the entry off the list, and no later state puts it back.
    if (this.#newer?.last === true) return;
    // §7: to a peer that may not be there, nothing is sent before it has acknowledged what was sent before.
    const mustConfirm = notification.last || now >= this.#confirmBy || !this.request.peer.isVerified(now);
    if (this.#transmission !== undefined) this.#newer = notification;
    else if (notification.confirmable || mustConfirm) this.#sendConfirmable(notification, now);
    else this.#sendNonConfirmable(notification, now);
    if (notification.last && this.#newer === undefined) this.#leave(now);
  }

  end(now: Instant): void {
    if (this.#transmission !== undefined) this.#registry.layer.transmissions.cancel(this.#transmission, now);
    this.#leave(now);
  }

  /** The peer is gone for good. */
  lost(now: Instant): void {
    this.#leave(now, 'lost');
  }

  acknowledged(_message: unknown, now: Instant): void {
    this.#transmission = undefined;
    const newer = this.#newer;
    this.#newer = undefined;
    if (newer !== undefined) this.#tell({ ...newer, confirmable: true }, now);
    else if (!this.ended) this.onDelivered?.(this.#cut, now);
  }

  /** To a NON it may come while a CON is under way, or waits: that one is taken back. */
  reset(now: Instant): void {
    this.end(now);
  }

  timedOut(now: Instant): void {
    this.#transmission = undefined;
    this.#leave(now, 'lost');
  }

  /** Of a non-confirmable notification. */
  elapsed(now: Instant): void {
    this.#transmission = undefined;
    const newer = this.#newer;
    this.#newer = undefined;
    if (newer !== undefined) this.#tell(newer, now);
  }

  supersede(now: Instant): { readonly messageId: number; readonly bytes: Uint8Array } | undefined {
    const newer = this.#newer;
    if (newer === undefined) return undefined;
    this.#newer = undefined;
    const encoded = this.#encode(newer, messageType.CON, now);
    if (newer.last) this.#leave(now);
    return encoded;
  }

  #sendConfirmable(notification: Notification, now: Instant): void {
    const { messageId, bytes } = this.#encode(notification, messageType.CON, now);
    this.#confirmBy = after(now, confirmAtLeastEvery);
    this.#transmission = this.#registry.layer.transmissions.send(
      this.request.peer,
      messageId,
      bytes,
      this,
      now,
      this.request.exchange.unverifiedBudget,
    );
    if (this.#transmission === undefined) this.#leave(now);
  }

  #sendNonConfirmable(notification: Notification, now: Instant): void {
    const { peer } = this.request;
    const { messageId, bytes } = this.#encode(notification, messageType.NON, now);
    this.#forgetNonMessageId();
    this.#nonMessageId = messageId;
    peer.resetListeners.set(messageId, this);
    const { layer } = this.#registry;
    // On this machine a round trip takes no time.
    if (peer.endpoint.loopback) layer.output(peer.datagram(bytes));
    else {
      this.#transmission = layer.transmissions.sendOnce(peer, messageId, bytes, this, now, nonWaitingTime);
      if (this.#transmission === undefined) this.#leave(now);
    }
  }

  #encode({ response, last }: Notification, type: 0 | 1, now: Instant): { messageId: number; bytes: Uint8Array } {
    const { peer, exchange } = this.request;
    const extra = last ? [] : [this.sequenceOption()];
    const { options, payload, cut = false } = this.#registry.fit(this.request, response, extra, now);
    this.#cut = cut;
    const messageId = peer.nextMessageId();
    const { token } = exchange;
    return { messageId, bytes: encodeMessage({ type, code: response.code, messageId, token, options, payload }) };
  }

  #forgetNonMessageId(): void {
    if (this.#nonMessageId !== undefined) this.request.peer.resetListeners.delete(this.#nonMessageId);
  }

  #leave(now: Instant, how: 'lost' | 'over' = 'over'): void {
    if (this.ended) return;
    this.ended = true;
    this.#newer = undefined;
    this.#forgetNonMessageId();
    this.#registry.remove(this);
    this.#onEnd(now, how);
  }
}

export interface ObservationLimits {
  readonly maxObservations: number;
  readonly maxObservationsPerPeer: number;
}

export class ObservationRegistry {
  readonly layer: MessageLayer;
  readonly fit: NotificationFit;
  readonly #limits: ObservationLimits;
  readonly #byPeer = new Map<Peer, Map<string, Observation>>();
  #size = 0;
  #requestBytes = 0;

  constructor(layer: MessageLayer, fit: NotificationFit, limits: ObservationLimits) {
    this.layer = layer;
    this.fit = fit;
    this.#limits = limits;
  }

  get size(): number {
    return this.#size;
  }

  /** §4.1. Undefined where there is no room: the request is then answered like one without Observe. */
  register(request: Request, onEnd: ObservationEnd, now: Instant): Observation | undefined {
    this.end(request.peer, request.exchange.token, now);
    if (request.peer.gone) return undefined;
    const ofPeer = this.#byPeer.get(request.peer) ?? new Map<string, Observation>();
    const requestBytes = this.#requestBytes + heldBytes(request);
    if (this.#size >= this.#limits.maxObservations || ofPeer.size >= this.#limits.maxObservationsPerPeer) {
      return undefined;
    }
    if (requestBytes > maxRequestBytes) return undefined;
    this.#requestBytes = requestBytes;
    const observation = new Observation(this, request, onEnd, now);
    ofPeer.set(tokenKey(request.exchange.token), observation);
    this.#byPeer.set(request.peer, ofPeer);
    this.#size++;
    request.peer.holds++;
    return observation;
  }

  /** §3.6: the peer does not want to observe any more. */
  end(peer: Peer, token: Uint8Array, now: Instant): void {
    this.#byPeer.get(peer)?.get(tokenKey(token))?.end(now);
  }

  /** Those of a peer that is gone for good. */
  lose(peer: Peer, now: Instant): void {
    for (const observation of this.#byPeer.get(peer)?.values() ?? []) observation.lost(now);
  }

  remove(observation: Observation): void {
    const { peer, exchange } = observation.request;
    const ofPeer = this.#byPeer.get(peer);
    if (ofPeer?.get(tokenKey(exchange.token)) !== observation) return;
    ofPeer.delete(tokenKey(exchange.token));
    if (ofPeer.size === 0) this.#byPeer.delete(peer);
    this.#size--;
    this.#requestBytes -= heldBytes(observation.request);
    peer.holds--;
  }
}

const heldBytes = ({ exchange, payload }: Request): number => exchange.bytesIn + payload.length;

const tokenKey = (token: Uint8Array): string => String.fromCharCode(...token);
