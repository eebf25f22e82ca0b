/**
 * Carries the handshake messages of one handshake over records that get lost (RFC 6347 §4.2): puts fragments together and
 * messages in order, numbers what is sent, and repeats the last flight when its timer expires or the peer repeats its own.
 *
 *     | state (§4.2.4)   | a flight to answer came | the timer expires        | the peer repeats its last flight |
 *     | preparing        | sending                 |                          |                                  |
 *     | waiting          | preparing or finished   | flight again, wait twice | flight again                     |
 *     | finished         |                         |                          | last-flight.ts                   |
 */
import type { Instant } from '../core/duration.ts';
import { FatalAlert } from './alert.ts';
import { Flight, type FlightItem, type RetransmissionOptions } from './flight.ts';
import {
  decodeFragments,
  endsMessage,
  isInItsEpoch,
  type HandshakeMessage,
  type HandshakeType,
} from './handshake-message.ts';
import { LastFlight } from './last-flight.ts';
import { Reassembly } from './reassembly.ts';
import type { RecordLayer } from './record-layer.ts';
import type { Transcript } from './transcript.ts';

export interface ChannelOptions {
  readonly retransmission: RetransmissionOptions;
  readonly maxMessageBytes: number;
  readonly maxDatagramBytes: number;
}

/** Which message_seq comes next in each direction; more than 0 where a cookie was exchanged without state. */
export interface ChannelStart {
  readonly send: number;
  readonly receive: number;
}

export class HandshakeChannel {
  readonly #options: ChannelOptions;
  readonly #layer: RecordLayer;
  readonly #transcript: Transcript;
  readonly #transmit: (datagram: Uint8Array) => void;
  readonly #reassembly: Reassembly;
  #sendSequence: number;
  #pending: FlightItem[] = [];
  #flight: Flight | undefined = undefined;
  /** The last message of the peer's flight that ours answers. */
  #answered = -1;
  #deadline: Instant | undefined = undefined;
  /** No message is expected any more. */
  #over = false;

  constructor(
    options: ChannelOptions,
    layer: RecordLayer,
    transcript: Transcript,
    transmit: (datagram: Uint8Array) => void,
    start: ChannelStart,
  ) {
    this.#options = options;
    this.#layer = layer;
    this.#transcript = transcript;
    this.#transmit = transmit;
    this.#reassembly = new Reassembly(options.maxMessageBytes, start.receive);
    this.#sendSequence = start.send;
  }

  get deadline(): Instant | undefined {
    return this.#deadline;
  }

  get heldBytes(): number {
    return this.#reassembly.bytes;
  }

  /**
   * Hands every message that is due to `handle`. Those that are encrypted come in epoch 1 and no others do: a fragment of the
   * other epoch is dropped.
   */
  receive(content: Uint8Array, epoch: number, now: Instant, handle: (message: HandshakeMessage) => void): void {
    const fragments = decodeFragments(content);
    if (fragments === undefined) throw new FatalAlert('decode_error', 'A handshake fragment lies about its length');
    for (const fragment of fragments) {
      if (!isInItsEpoch(fragment, epoch)) continue;
      // The end of the message that our flight answers.
      if (endsMessage(fragment, this.#answered)) this.repeat(now);
      else if (!this.#over) for (const message of this.#reassembly.add(fragment)) handle(message);
    }
  }

  /** Adds a message to the flight that is being prepared, and to the transcript. */
  add(type: HandshakeType, body: Uint8Array, epoch: 0 | 1 = 0): void {
    const message = { type, sequence: this.#sendSequence++, body };
    this.#transcript.add(message);
    this.#pending.push({ kind: 'handshake', epoch, message });
  }

  addChangeCipherSpec(): void {
    this.#pending.push({ kind: 'change_cipher_spec' });
  }

  /** @param final the peer has nothing to answer: it is repeated only when the peer repeats (§4.2.4), by `lastFlight`. */
  send(now: Instant, final: boolean): void {
    this.#flight = new Flight(this.#pending, this.#options.retransmission);
    this.#pending = [];
    this.#answered = this.#reassembly.next - 1;
    this.#deadline = undefined;
    this.#over = final;
    this.#transmitFlight();
    if (!final) this.#deadline = this.#flight.deadlineAfter(now);
  }

  /** The peer's last flight has come: ours is not needed any more. */
  finish(): void {
    this.#flight = undefined;
    this.#over = true;
    this.#deadline = undefined;
  }

  /** What the peer may want again when all is over; undefined where its own flight was the last. */
  get lastFlight(): LastFlight | undefined {
    return this.#over && this.#flight !== undefined ? new LastFlight(this.#flight, this.#answered) : undefined;
  }

  /** The peer has said again what our flight answers. */
  repeat(now: Instant): void {
    if (this.#flight === undefined || !this.#flight.mayRepeat) return;
    this.#transmitFlight();
    if (this.#deadline !== undefined) this.#deadline = this.#flight.deadlineAfter(now);
  }

  /** The deadline has come. False when the flight was sent often enough. */
  expire(now: Instant): boolean {
    if (this.#flight?.backOff() !== true) return false;
    this.#transmitFlight();
    this.#deadline = this.#flight.deadlineAfter(now);
    return true;
  }

  #transmitFlight(): void {
    for (const datagram of this.#flight?.transmit(this.#layer, this.#options.maxDatagramBytes) ?? [])
      this.#transmit(datagram);
  }
}
