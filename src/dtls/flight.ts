/**
 * A flight: the messages that are sent, and sent again, as one (RFC 6347 §4.2.4), and the timer that says when (§4.2.4.1).
 * Each transmission is packed anew into records with numbers of their own, fragmented where a message does not fit.
 */
import { after, type Instant, type Milliseconds } from '../core/duration.ts';
import { concatBytes } from '../core/bytes.ts';
import { encodeFragment, handshakeHeaderLength, handshakeTypes, type HandshakeMessage } from './handshake-message.ts';
import { contentType } from './record.ts';
import type { RecordLayer } from './record-layer.ts';

export type FlightItem =
  | { readonly kind: 'handshake'; readonly epoch: 0 | 1; readonly message: HandshakeMessage }
  | { readonly kind: 'change_cipher_spec' };

export interface RetransmissionOptions {
  /** RFC 6347 §4.2.4.1: 1 s; RFC 7925 §11: 9 s where the links are slow. */
  readonly initial: Milliseconds;
  /** The back-off doubles up to here; at least 60 s (RFC 6347 §4.2.4.1). */
  readonly longest: Milliseconds;
  /** Transmissions of a flight before the handshake is given up: 12 get through where half of all datagrams are lost. */
  readonly attempts: number;
}

/** RFC 6347 §4.1.1.1: what still gets through where larger datagrams seem not to; IPv4's 576 without its headers. */
const smallDatagramBytes = 548;
const expirationsBeforeSmall = 2;
/** Together with those that the peer asks for by repeating itself. No RFC's number. */
const maxTransmissions = 64;

/** The body that every change_cipher_spec has (RFC 5246 §7.1). */
const changeCipherSpec: Uint8Array = Uint8Array.of(1);

export class Flight {
  readonly #items: readonly FlightItem[];
  readonly #options: RetransmissionOptions;
  #transmissions = 0;
  #expirations = 0;
  #timeout: Milliseconds;

  constructor(items: readonly FlightItem[], options: RetransmissionOptions) {
    this.#items = items;
    this.#options = options;
    this.#timeout = options.initial;
  }

  /** When it is due again after a transmission at `now`. */
  deadlineAfter(now: Instant): Instant {
    return after(now, this.#timeout);
  }

  /** Whoever repeats itself without end does not get the flight without end. */
  get mayRepeat(): boolean {
    return this.#transmissions < maxTransmissions;
  }

  /** The timer has expired: the next wait is twice as long; false when the flight was sent often enough. */
  backOff(): boolean {
    this.#timeout = Math.min(this.#timeout * 2, this.#options.longest) as Milliseconds;
    return ++this.#expirations < this.#options.attempts;
  }

  /** Its datagrams, each of at most `maxDatagramBytes`. */
  transmit(layer: RecordLayer, maxDatagramBytes: number): Uint8Array[] {
    const room =
      this.#expirations >= expirationsBeforeSmall ? Math.min(maxDatagramBytes, smallDatagramBytes) : maxDatagramBytes;
    this.#transmissions++;
    const datagrams: Uint8Array[] = [];
    let records: Uint8Array[] = [];
    let used = 0;
    const put = (record: Uint8Array | undefined): void => {
      if (record === undefined) return;
      if (used + record.length > room && used > 0) {
        datagrams.push(concatBytes(records));
        records = [];
        used = 0;
      }
      records.push(record);
      used += record.length;
    };
    for (const item of this.#items) {
      if (item.kind === 'change_cipher_spec') {
        put(layer.seal(0, contentType.changeCipherSpec, changeCipherSpec));
        continue;
      }
      const { epoch, message } = item;
      const fits = Math.min(room - layer.overhead(epoch), layer.maxContentBytes) - handshakeHeaderLength;
      // A server answers a ClientHello without state, so it does not put one together (hello-listener.ts).
      const most = message.type === 'client_hello' ? message.body.length : fits;
      let offset = 0;
      do {
        const length = Math.min(most, message.body.length - offset);
        const fragment = encodeFragment(handshakeTypes[message.type], message.sequence, message.body, offset, length);
        put(layer.seal(epoch, contentType.handshake, fragment));
        offset += length;
      } while (offset < message.body.length);
    }
    if (records.length > 0) datagrams.push(concatBytes(records));
    return datagrams;
  }
}
