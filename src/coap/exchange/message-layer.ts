/**
 * The message layer (RFC 7252 §4): what comes in is sorted by type and code, duplicates get what their
 * originals got, and what cannot be processed is rejected or ignored.
 *
 *   code            CON                          NON                     ACK, RST
 *   malformed       Reset                        ignored                 ignored
 *   0.00 Empty      Reset (CoAP ping, §4.3)      ignored                 settles a transmission
 *   0.01-0.31       request                      request                 ignored
 *   2.xx 4.xx 5.xx  response, else Reset         response, else Reset    settles, then response
 *   reserved        Reset                        ignored                 ignored
 *
 * By multicast only NON requests are processed (§8.1); all else is ignored.
 */
import { emptyBytes, hash32 } from '../../core/bytes.ts';
import type { Datagram, Endpoint } from '../../core/datagram.ts';
import type { Instant } from '../../core/duration.ts';
import { TimerWheel } from '../../core/timer-wheel.ts';
import { emptyCode, isRequestCode, isResponseCode, isSafeMethod } from '../codec/codes.ts';
import { messageType, type Message, type MessageType } from '../codec/message.ts';
import { decodeMessage, encodeMessage, isMalformed, MessageHead } from '../codec/rfc7252.ts';
import { checkOptions } from '../option-check.ts';
import { Slab } from '../../core/slab.ts';
import { Wordings, type Wording } from '../wording.ts';
import { Deduplicator, type DeduplicationOptions } from './deduplication.ts';
import type { Expected } from './duplicate.ts';
import type { KeptRequest, Ledger } from './ledger.ts';
import { PeerTable, type Peer, type PeerTableOptions } from './peer.ts';
import { ServerExchange, type ExchangeHost } from './server-exchange.ts';
import { Transmissions, type Expiring } from './transmission.ts';
import { UnsafeRecord } from './unsafe-records.ts';

export interface MessageLayerOptions extends DeduplicationOptions, PeerTableOptions {
  readonly maxWordings: number;
  /** Undefined: deduplication ends with the process. */
  readonly ledger: Ledger | undefined;
  /** A peer that could be elsewhere has shown that it receives at its address. */
  readonly onVerified: (endpoint: Endpoint, now: Instant) => void;
}

/**
 * Why a request must not run: there is no room for the sender, or for the record of an unsafe request; that record cannot be
 * written; a process before this one has begun it.
 */
export type NotRun = 'no-room' | 'unwritten' | 'interrupted';

/** What stands above: the server role for requests, the client role for responses. */
export interface MessageHandler {
  request(exchange: ServerExchange, wording: Wording, now: Instant): void;
  refuse(exchange: ServerExchange, wording: Wording, reason: NotRun, now: Instant): void;
  /** Whether someone waits for this response; if not it is rejected. */
  awaits(peer: Peer, message: Message): boolean;
  /** Whether it waits for this response, but not yet: it is handed over again later. */
  holds(peer: Peer, message: Message, bytes: Uint8Array): boolean;
  response(peer: Peer, message: Message, now: Instant): void;
}

/** Datagrams that are read before the first of them is answered. */
const readAhead = 64;

/** A request that has been read and not yet answered; used again for others. */
class Incoming extends MessageHead implements Expected {
  /** Undefined where it is no request that can be answered. */
  wording: Wording | undefined = undefined;
  fingerprint = 0;
  /** Undefined also where there is no room for it. */
  peer: Peer | undefined = undefined;

  /** The peer is not dropped for one that comes after it in the same batch. */
  hold(peer: Peer | undefined): void {
    this.peer = peer;
    if (peer !== undefined) peer.holds++;
  }

  release(): void {
    if (this.peer !== undefined) this.peer.holds--;
    this.peer = undefined;
  }
}

export class MessageLayer implements ExchangeHost {
  readonly wheel: TimerWheel<Expiring>;
  readonly peers: PeerTable;
  readonly deduplicator: Deduplicator;
  readonly transmissions: Transmissions;
  readonly random: () => number;
  pending = 0;
  pendingBytes = 0;
  malformed = 0;
  duplicates = 0;
  rejected = 0;
  undelivered = 0;
  /** Datagrams of peers that there was no room for. */
  refusedPeers = 0;

  readonly #handler: MessageHandler;
  readonly #incoming = Array.from({ length: readAhead }, () => new Incoming());
  readonly #wordings: Wordings;
  readonly #ledger: Ledger | undefined;
  readonly #onVerified: (endpoint: Endpoint, now: Instant) => void;
  readonly #slab = new Slab(16 << 10);
  #output: Datagram[] = [];

  constructor(options: MessageLayerOptions, handler: MessageHandler, now: Instant) {
    this.#handler = handler;
    this.random = options.random;
    this.#ledger = options.ledger;
    this.#onVerified = options.onVerified;
    const key = options.ledger?.fingerprintKey ?? Math.floor(options.random() * 0x1_0000_0000);
    this.#wordings = new Wordings(options.maxWordings, key);
    this.wheel = new TimerWheel(now);
    this.peers = new PeerTable(options);
    this.deduplicator = new Deduplicator(options);
    this.transmissions = new Transmissions(this.wheel, (datagram) => this.output(datagram), options.random);
  }

  output(datagram: Datagram): void {
    this.#output.push(datagram);
  }

  takeOutput(): readonly Datagram[] {
    const taken = this.#output;
    if (taken.length > 0) this.#output = [];
    return taken;
  }

  /** Memory for a datagram that is sent once. */
  room(length: number): Uint8Array {
    return this.#slab.take(length);
  }

  /**
   * In two passes: all are read before the first is answered. So memory that lies anywhere is fetched for many of them
   * at once, and not for one after the other, which a processor waits for.
   */
  receive(batch: readonly Datagram[], now: Instant): void {
    for (let from = 0; from < batch.length; from += readAhead) {
      const count = Math.min(readAhead, batch.length - from);
      let next = 0;
      try {
        for (let i = 0; i < count; i++) this.#read(batch[from + i], this.#incoming[i]);
        this.deduplicator.lookAhead(this.#incoming, count);
        while (next < count) this.#process(batch[from + next], this.#incoming[next++], now);
      } finally {
        for (; next < count; next++) this.#incoming[next]?.release();
      }
    }
  }

  #read(datagram: Datagram | undefined, incoming: Incoming | undefined): void {
    if (datagram === undefined || incoming === undefined) return;
    const { bytes, endpoint, multicast } = datagram;
    incoming.wording = undefined;
    if (incoming.read(bytes) !== undefined || !isRequestCode(incoming.code)) return;
    const { type } = incoming;
    const wording = this.#wordings.read(incoming, bytes);
    if (typeof wording === 'string') return;
    // By multicast only NON; and an ACK or RST is no request, whatever its code says.
    if (type !== messageType.NON && (type !== messageType.CON || multicast)) return;
    incoming.wording = wording;
    incoming.fingerprint = this.#wordings.fingerprint;
    incoming.hold(this.peers.get(endpoint));
  }

  #process(datagram: Datagram | undefined, incoming: Incoming | undefined, now: Instant): void {
    if (datagram === undefined || incoming === undefined) return;
    const { wording } = incoming;
    // Where there was no room when it was read, there may be some since those before it are answered.
    const peer = incoming.peer ?? (wording && this.peers.get(datagram.endpoint));
    incoming.release();
    if (wording === undefined) this.#receiveOther(datagram, now);
    else if (peer === undefined) {
      this.refusedPeers++;
      const exchange = new ServerExchange(this, this.peers.stranger(datagram.endpoint), undefined, incoming, datagram);
      this.#handler.refuse(exchange, wording, 'no-room', now);
    } else this.#request(peer, incoming, wording, datagram, now);
  }

  #receiveOther(datagram: Datagram, now: Instant): void {
    const message = decodeMessage(datagram.bytes);
    if (isMalformed(message)) {
      this.#receiveMalformed(datagram, message.type, message.messageId);
      return;
    }
    const { type, code, messageId } = message;
    if (datagram.multicast || isRequestCode(code)) return;
    // Only a request makes a peer: what else comes from strangers, whose addresses may be forged, leaves no trace.
    const known = this.peers.find(datagram.endpoint);
    if (type === messageType.ACK || type === messageType.RST) {
      if (known !== undefined) this.#settle(known, message, now);
    } else if (isResponseCode(code) && known !== undefined) this.#response(known, message, datagram.bytes, now);
    else if (type === messageType.CON || isResponseCode(code)) this.#reject(datagram.endpoint, messageId);
    if (known !== undefined) this.transmissions.heard(known, now);
  }

  #receiveMalformed(datagram: Datagram, type: MessageType | undefined, messageId: number | undefined): void {
    this.malformed++;
    // RFC 7252 §4.2: a CON with a format error is rejected, §4.3: a NON is ignored.
    if (type === messageType.CON && messageId !== undefined && !datagram.multicast) {
      this.#reject(datagram.endpoint, messageId);
    }
  }

  #request(peer: Peer, head: Incoming, wording: Wording, datagram: Datagram, now: Instant): void {
    const { messageId, fingerprint } = head;
    const safe = isSafeMethod(wording.code) || wording.isIntermediate;
    const duplicate = this.deduplicator.find(peer, messageId, fingerprint, safe, now);
    const confirmable = head.type === messageType.CON;
    if (duplicate !== undefined) {
      this.duplicates++;
      // §4.2: each copy of a CON is acknowledged in the same way; §4.3: further copies of a NON are ignored.
      if (!confirmable) return;
      if (duplicate.reply !== undefined) this.output(peer.datagram(duplicate.reply));
      else if (duplicate.interrupted) {
        const record = duplicate instanceof UnsafeRecord ? duplicate : undefined;
        this.#handler.refuse(new ServerExchange(this, peer, record, head, datagram), wording, 'interrupted', now);
      }
      return;
    }
    const record = this.deduplicator.open(peer, messageId, fingerprint, safe, confirmable, now);
    const exchange = new ServerExchange(this, peer, record === 'full' ? undefined : record, head, datagram);
    if (record === 'full') this.#handler.refuse(exchange, wording, 'no-room', now);
    else if (record instanceof UnsafeRecord && this.#ledger?.keeps(peer.endpoint) === true)
      this.#requestWhenWritten(this.#ledger, exchange, record, wording, now);
    else {
      this.#handler.request(exchange, wording, now);
      if (exchange.state === 'open') exchange.defer(now);
    }
  }

  /** The request waits until it cannot be run a second time, whenever the process ends. */
  #requestWhenWritten(
    ledger: Ledger,
    exchange: ServerExchange,
    record: UnsafeRecord,
    wording: Wording,
    now: Instant,
  ): void {
    const { endpoint } = exchange.peer;
    const { fingerprint, expires } = record;
    const { confirmable, messageId } = exchange;
    exchange.defer(now);
    record.entry = ledger.begin({ endpoint, messageId, fingerprint, confirmable, expires }, (written, now) => {
      if (written) this.#handler.request(exchange, wording, now);
      else this.#handler.refuse(exchange, wording, 'unwritten', now);
    });
    if (record.entry === undefined) this.#handler.refuse(exchange, wording, 'unwritten', now);
  }

  /** Unsafe requests of a peer that a process before this one has begun. False where there is no room for all of them. */
  restore(endpoint: Endpoint, kept: readonly KeptRequest[], now: Instant): boolean {
    const peer = this.peers.get(endpoint);
    return peer !== undefined && kept.every((one) => this.deduplicator.restore(peer, one, now));
  }

  /** A peer has shown that it receives at its address. */
  verified(peer: Peer, now: Instant): void {
    if (peer.endpoint.verified === false) this.#onVerified(peer.endpoint, now);
  }

  #response(peer: Peer, message: Message, bytes: Uint8Array, now: Instant): void {
    if (message.type === messageType.NON) {
      // §4.3 leaves it open: a Reset tells a server that we no longer observe (RFC 7641 §3.6).
      if (this.#handler.awaits(peer, message)) this.#handler.response(peer, message, now);
      else this.#reject(peer.endpoint, message.messageId);
      return;
    }
    const { messageId } = message;
    const fingerprint = hash32(bytes) | 0;
    const duplicate = this.deduplicator.find(peer, messageId, fingerprint, true, now);
    if (duplicate !== undefined) {
      this.duplicates++;
      if (duplicate.reply !== undefined) this.output(peer.datagram(duplicate.reply));
      return;
    }
    // What is not acknowledged is sent again, and sends nothing behind it: that is how who observes slows down a stream.
    if (this.#handler.holds(peer, message, bytes)) return;
    const awaited = this.#handler.awaits(peer, message);
    // RFC 7252 §5.4.1: with a critical option that is not understood it ends the request, and is rejected.
    const accepted = awaited && typeof checkOptions(message.options) !== 'number';
    if (!accepted) this.rejected++;
    const empty = encodeEmpty(accepted ? messageType.ACK : messageType.RST, messageId);
    const record = this.deduplicator.open(peer, messageId, fingerprint, true, true, now);
    const reply = this.deduplicator.room(record === 'full' ? undefined : record, empty.length);
    reply.set(empty);
    this.output(peer.datagram(reply));
    if (awaited) this.#handler.response(peer, message, now);
  }

  #settle(peer: Peer, message: Message, now: Instant): void {
    const isReset = message.type === messageType.RST;
    if (message.code !== emptyCode && (isReset || !isResponseCode(message.code))) return;
    // Over an association an ACK is authentic. In the clear it is not, whatever its Message ID.
    if (this.transmissions.settle(peer, message, !isReset, now)) this.verified(peer, now);
    if (isReset) peer.resetListeners.get(message.messageId)?.reset(now);
  }

  #reject(endpoint: Endpoint, messageId: number): void {
    this.rejected++;
    this.output({ bytes: encodeEmpty(messageType.RST, messageId), endpoint, multicast: false });
  }
}

const encodeEmpty = (type: 2 | 3, messageId: number): Uint8Array =>
  encodeMessage({ type, code: emptyCode, messageId, token: emptyBytes, options: [], payload: emptyBytes });
