/**
 * One request and its response, server side (RFC 7252 §5.2): piggybacked, separate or non-confirmable.
 *
 *   request  state         input                     output, next state
 *   CON      open          response                  ACK with it                         → done
 *   CON      open          piggyback window over     empty ACK                           → acknowledged
 *   CON      acknowledged  response                  CON with it, sent reliably          → done
 *   NON      open          response                  NON with it                         → done
 *   NON      open          response, by multicast    armed for a random part of Leisure  → leisure
 *   NON      leisure       time over                 NON with it                         → done
 *   any      open          silence                   empty ACK for CON, nothing for NON  → done
 */
import { emptyBytes } from '../../core/bytes.ts';
import type { Datagram } from '../../core/datagram.ts';
import { after, milliseconds, type Instant } from '../../core/duration.ts';
import type { Timer, TimerWheel } from '../../core/timer-wheel.ts';
import { emptyCode } from '../codec/codes.ts';
import { messageType, type MessageType } from '../codec/message.ts';
import {
  contentLength,
  encodeMessage,
  headLength,
  writeContent,
  writeHead,
  type MessageContent,
  type MessageHead,
} from '../codec/rfc7252.ts';
import type { DeduplicationRecord, Deduplicator } from './deduplication.ts';
import type { Peer } from './peer.ts';
import type { Expiring, TransmissionOwner, Transmissions } from './transmission.ts';

/** The message layer, as an exchange uses it. */
export interface ExchangeHost {
  readonly wheel: TimerWheel<Expiring>;
  readonly deduplicator: Deduplicator;
  readonly transmissions: Transmissions;
  readonly random: () => number;
  /** Requests that were not answered at once and are not answered yet, those included that wait for the leisure. */
  pending: number;
  /** Their bodies. */
  pendingBytes: number;
  /** Separate responses that the peer never acknowledged. */
  undelivered: number;
  output(datagram: Datagram): void;
  /** Memory for a datagram that is sent once. */
  room(length: number): Uint8Array;
}

/** An answer of this size is sent to anybody. */
const alwaysAllowedBytes = 136;
const amplificationFactor = 3;

export class ServerExchange implements Expiring, TransmissionOwner {
  readonly peer: Peer;
  readonly type: MessageType;
  readonly messageId: number;
  readonly tokenLength: number;
  readonly multicast: boolean;
  /** Of the datagram that carried the request: what amplification is measured against. */
  readonly bytesIn: number;
  state: 'open' | 'acknowledged' | 'leisure' | 'done' = 'open';
  /** Of the datagram that carried the response, once it is answered. */
  bytesOut = 0;

  readonly #layer: ExchangeHost;
  readonly #record: DeduplicationRecord;
  /** The datagram of the request: the token is in it. */
  readonly #request: Uint8Array;
  readonly #tokenAt: number;
  #timer: Timer<Expiring> | undefined;
  #deferred = false;
  /** Of the body, where it was assembled from blocks the whole of it: what is held until it is answered. */
  #bodyBytes = 0;
  #afterLeisure: Uint8Array = emptyBytes;

  constructor(
    layer: ExchangeHost,
    peer: Peer,
    record: DeduplicationRecord,
    head: MessageHead,
    datagram: Pick<Datagram, 'bytes' | 'multicast'>,
  ) {
    this.#layer = layer;
    this.#record = record;
    this.peer = peer;
    this.type = head.type;
    this.messageId = head.messageId;
    this.#request = datagram.bytes;
    this.#tokenAt = head.tokenAt;
    this.tokenLength = head.contentAt - head.tokenAt;
    this.multicast = datagram.multicast;
    this.bytesIn = datagram.bytes.length;
    peer.holds++;
  }

  get token(): Uint8Array {
    return this.#request.subarray(this.#tokenAt, this.#tokenAt + this.tokenLength);
  }

  /** RFC 7252 §11.3: what may go to the peer for this request while its address is not verified, in bytes. */
  get unverifiedBudget(): number {
    return Math.max(amplificationFactor * this.bytesIn, alwaysAllowedBytes);
  }

  /** Holds so many bytes of a body, until it is answered. */
  holdBody(bytes: number): void {
    if (this.#deferred) this.#layer.pendingBytes += bytes - this.#bodyBytes;
    this.#bodyBytes = bytes;
  }

  get confirmable(): boolean {
    return this.type === messageType.CON;
  }

  /** The response is not ready at once: from now on the piggyback window runs. */
  defer(now: Instant): void {
    this.#countPending();
    if (this.confirmable) {
      this.#timer = this.#layer.wheel.arm(after(now, this.peer.parameters.piggybackWindow), this);
    }
  }

  expire(): void {
    this.#timer = undefined;
    if (this.state === 'leisure') {
      this.#layer.output(this.peer.datagram(this.#afterLeisure));
      this.#finish();
    } else if (this.state === 'open') {
      this.#acknowledge();
      this.state = 'acknowledged';
    }
  }

  /**
   * Sends the response; a second one for the same request is dropped.
   *
   * @param encoded the content's bytes, where they are there already
   */
  respond(code: number, content: MessageContent, encoded: Uint8Array | undefined, now: Instant): void {
    const { peer } = this;
    if (this.state === 'acknowledged') {
      const { token } = this;
      const messageId = peer.nextMessageId();
      const { options, payload } = content;
      const bytes = encodeMessage({ type: messageType.CON, code, messageId, token, options, payload });
      this.bytesOut = bytes.length;
      this.#finish();
      if (this.#layer.transmissions.send(peer, messageId, bytes, this, now, this.unverifiedBudget) === undefined)
        this.#layer.undelivered++;
      return;
    }
    if (this.state !== 'open') return;
    const head = headLength(this.tokenLength);
    const length = head + (encoded?.length ?? contentLength(content));
    const { confirmable } = this;
    const type = confirmable ? messageType.ACK : messageType.NON;
    const messageId = confirmable ? this.messageId : peer.nextMessageId();
    const bytes = confirmable ? this.#layer.deduplicator.room(this.#record, length) : this.#layer.room(length);
    writeHead(bytes, type, code, messageId, this.#request, this.#tokenAt, this.tokenLength);
    if (encoded === undefined) writeContent(bytes, head, content);
    else copyShort(bytes, head, encoded);
    this.bytesOut = length;
    if (confirmable) this.#layer.deduplicator.answered(this.#record);
    if (this.multicast) this.#waitForLeisure(bytes, now);
    else {
      this.#layer.output(peer.datagram(bytes));
      this.#finish();
    }
  }

  /** Answers with no response at all (RFC 7967 §2, RFC 7252 §8.1): a CON is still acknowledged. */
  silence(): void {
    if (this.state === 'open' && this.confirmable) this.#acknowledge();
    this.#finish();
  }

  acknowledged(): void {}
  reset(): void {}
  timedOut(): void {
    this.#layer.undelivered++;
  }

  #acknowledge(): void {
    const bytes = this.#layer.deduplicator.room(this.#record, headLength(0));
    writeHead(bytes, messageType.ACK, emptyCode, this.messageId, emptyBytes, 0, 0);
    this.#layer.deduplicator.answered(this.#record);
    this.#layer.output(this.peer.datagram(bytes));
  }

  /** RFC 7252 §8.2: at a random time within the leisure period, so that not all answer at once. */
  #waitForLeisure(bytes: Uint8Array, now: Instant): void {
    const delay = milliseconds(this.#layer.random() * this.peer.parameters.leisure);
    this.#afterLeisure = bytes;
    this.#countPending();
    this.state = 'leisure';
    this.#timer = this.#layer.wheel.arm(after(now, delay), this);
  }

  #countPending(): void {
    if (this.#deferred) return;
    this.#deferred = true;
    this.#layer.pending++;
    this.#layer.pendingBytes += this.#bodyBytes;
  }

  #finish(): void {
    if (this.state === 'done') return;
    this.state = 'done';
    this.peer.holds--;
    if (this.#deferred) {
      this.#layer.pending--;
      this.#layer.pendingBytes -= this.#bodyBytes;
    }
    if (this.#timer !== undefined) this.#layer.wheel.cancel(this.#timer);
  }
}

/** A loop beats `set` up to some fifty bytes. */
function copyShort(into: Uint8Array, at: number, bytes: Uint8Array): void {
  if (bytes.length > 48) into.set(bytes, at);
  else for (let i = 0; i < bytes.length; i++) into[at + i] = bytes[i] ?? 0;
}
