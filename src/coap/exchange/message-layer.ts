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
import { emptyBytes } from '../../core/bytes.ts';
import type { Datagram, Endpoint } from '../../core/datagram.ts';
import type { Instant } from '../../core/duration.ts';
import { TimerWheel } from '../../core/timer-wheel.ts';
import { emptyCode, isRequestCode, isResponseCode, isSafeMethod } from '../codec/codes.ts';
import { findBlock } from '../blockwise/block-option.ts';
import { messageType, type Message } from '../codec/message.ts';
import { optionNumber } from '../codec/options.ts';
import { decodeMessage, encodeMessage, isMalformed } from '../codec/rfc7252.ts';
import { checkOptions } from '../option-check.ts';
import { Deduplicator, type DeduplicationOptions } from './deduplication.ts';
import { PeerTable, type Peer, type PeerTableOptions } from './peer.ts';
import { ServerExchange, type ExchangeHost } from './server-exchange.ts';
import { Transmissions, type Expiring } from './transmission.ts';

export interface MessageLayerOptions extends DeduplicationOptions, PeerTableOptions {}

/** What stands above: the server role for requests, the client role for responses. */
export interface MessageHandler {
  request(exchange: ServerExchange, message: Message, now: Instant): void;
  /** There is no room for the sender, or for the record of an unsafe request: it must not run. */
  refuse(exchange: ServerExchange, message: Message, now: Instant): void;
  /** Whether someone waits for this response; if not it is rejected. */
  awaits(peer: Peer, message: Message): boolean;
  response(peer: Peer, message: Message, now: Instant): void;
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
  #output: Datagram[] = [];

  constructor(options: MessageLayerOptions, handler: MessageHandler, now: Instant) {
    this.#handler = handler;
    this.random = options.random;
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

  receive(datagram: Datagram, now: Instant): void {
    const message = decodeMessage(datagram.bytes);
    if (isMalformed(message)) {
      this.malformed++;
      // RFC 7252 §4.2: a CON with a format error is rejected, §4.3: a NON is ignored.
      if (message.type === messageType.CON && message.messageId !== undefined && !datagram.multicast) {
        this.#reject(datagram.endpoint, message.messageId);
      }
      return;
    }
    if (datagram.multicast && !(message.type === messageType.NON && isRequestCode(message.code))) return;
    const { type, code, messageId } = message;
    // Only a request makes a peer: what else comes from strangers, whose addresses may be forged, leaves no trace.
    const known = this.peers.find(datagram.endpoint);
    if (type === messageType.ACK || type === messageType.RST) {
      if (known !== undefined) this.#settle(known, message, now);
    } else if (isRequestCode(code)) {
      const peer = known ?? this.peers.get(datagram.endpoint);
      if (peer !== undefined) this.#request(peer, message, datagram, now);
      else {
        this.refusedPeers++;
        this.#refuse(this.peers.stranger(datagram.endpoint), message, datagram, now);
      }
    } else if (isResponseCode(code) && known !== undefined) this.#response(known, message, datagram.bytes, now);
    else if (type === messageType.CON || isResponseCode(code)) this.#reject(datagram.endpoint, messageId);
  }

  #request(peer: Peer, message: Message, datagram: Datagram, now: Instant): void {
    const confirmable = message.type === messageType.CON;
    const safe = isSafeMethod(message.code) || isIntermediateBlock(message);
    const admitted = this.deduplicator.admit(peer, message.messageId, datagram.bytes, { safe, confirmable }, now);
    if (admitted === 'full') {
      this.#refuse(peer, message, datagram, now);
      return;
    }
    const { record } = admitted;
    if (admitted.duplicate) {
      this.duplicates++;
      // §4.2: each copy of a CON is acknowledged in the same way; §4.3: further copies of a NON are ignored.
      if (confirmable && record.reply !== undefined) this.output(peer.datagram(record.reply));
      return;
    }
    const exchange = new ServerExchange(this, record, message, datagram);
    this.#handler.request(exchange, message, now);
    if (exchange.state === 'open') exchange.defer(now);
  }

  #refuse(peer: Peer, message: Message, datagram: Datagram, now: Instant): void {
    const unrecorded = this.deduplicator.unrecorded(peer, message.messageId, now);
    this.#handler.refuse(new ServerExchange(this, unrecorded, message, datagram), message, now);
  }

  #response(peer: Peer, message: Message, bytes: Uint8Array, now: Instant): void {
    if (message.type === messageType.NON) {
      // §4.3 leaves it open: a Reset tells a server that we no longer observe (RFC 7641 §3.6).
      if (this.#handler.awaits(peer, message)) this.#handler.response(peer, message, now);
      else this.#reject(peer.endpoint, message.messageId);
      return;
    }
    const kind = { safe: true, confirmable: true };
    const admitted = this.deduplicator.admit(peer, message.messageId, bytes, kind, now);
    if (admitted === 'full') return;
    const { record, duplicate } = admitted;
    const awaited = !duplicate && this.#handler.awaits(peer, message);
    if (duplicate) this.duplicates++;
    else {
      // RFC 7252 §5.4.1: with a critical option that is not understood it ends the request, and is rejected.
      const accepted = awaited && typeof checkOptions(message.options) !== 'number';
      if (!accepted) this.rejected++;
      const type = accepted ? messageType.ACK : messageType.RST;
      this.deduplicator.reply(record, encodeEmpty(type, message.messageId));
    }
    if (record.reply !== undefined) this.output(peer.datagram(record.reply));
    if (awaited) this.#handler.response(peer, message, now);
  }

  #settle(peer: Peer, message: Message, now: Instant): void {
    const isReset = message.type === messageType.RST;
    if (message.code !== emptyCode && (isReset || !isResponseCode(message.code))) return;
    this.transmissions.settle(peer, message, !isReset, now);
    if (isReset) peer.resetListeners.get(message.messageId)?.reset(now);
  }

  #reject(endpoint: Endpoint, messageId: number): void {
    this.rejected++;
    this.output({ bytes: encodeEmpty(messageType.RST, messageId), endpoint, multicast: false });
  }
}

/** A block of a body that is not the last runs nothing, whatever the method (RFC 7959 §2.5): no need to remember it long. */
function isIntermediateBlock({ options }: Message): boolean {
  const block1 = findBlock(options, optionNumber.block1);
  return block1 !== undefined && block1 !== 'invalid' && block1.more;
}

const encodeEmpty = (type: 2 | 3, messageId: number): Uint8Array =>
  encodeMessage({ type, code: emptyCode, messageId, token: emptyBytes, options: [], payload: emptyBytes });
