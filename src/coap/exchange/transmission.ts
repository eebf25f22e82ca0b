/**
 * Transmission of what we begin: confirmable messages, reliably (RFC 7252 §4.2), and non-confirmable requests and notifications,
 * once. All wait for a place under NSTART (§4.7; RFC 7641 §4.5.1). A NON that nobody answers keeps its place for a time, also when
 * it was given up: so much may be sent to a peer that is silent, and no more.
 *
 *   state      input                      output, next state
 *   waiting    a place under NSTART       send, arm timer                      → sent
 *   sent, CON  timer, attempts left       send again, double the timeout       → sent
 *   sent, CON  timer, none left           owner.timedOut                       → done
 *   sent, CON  ACK                        owner.acknowledged                   → done
 *   sent       RST                        owner.reset                          → done
 *   not done   peer unreachable           owner.unreachable, if it cares       → done
 *   not done   peer gone for good         owner.timedOut                       → done
 *   waiting    cancel                                                          → done
 *   sent, CON  cancel                                                          → done
 *   sent, NON  timer                      owner.elapsed                        → done
 *   sent, NON  its answer                                                      → done
 *   sent, NON  cancel                     nobody owns it                       → sent
 *   sent, NON  anything from the peer, where nobody owns it                    → done
 *
 * Before each retransmission the owner may hand over newer bytes with a new Message ID: that is how a notification
 * is superseded (RFC 7641 §4.5.2).
 */
import type { Datagram } from '../../core/datagram.ts';
import { after, longAgo, milliseconds, type Instant, type Milliseconds } from '../../core/duration.ts';
import type { Timer, TimerWheel } from '../../core/timer-wheel.ts';
import type { Message } from '../codec/message.ts';
import type { TransmissionParameters } from '../parameters.ts';

/** Anything the engine arms a timer for. */
export interface Expiring {
  expire(now: Instant): void;
}

export interface TransmissionOwner {
  /** The peer has it. `message` is the ACK, with a response piggybacked or empty. */
  acknowledged(message: Message, now: Instant): void;
  reset(now: Instant): void;
  timedOut(now: Instant): void;
  /** The time of a NON is over: its place is another's. */
  elapsed?(now: Instant): void;
  /** The network says that nothing listens there. An owner without this goes on until its attempts are used up. */
  unreachable?(now: Instant): void;
  /** Newer bytes to send in place of the old ones at the next attempt; undefined keeps them. */
  supersede?(now: Instant): { readonly messageId: number; readonly bytes: Uint8Array } | undefined;
}

/** What is under way to one peer. */
export class Outbox {
  /** Sent and not yet answered, by Message ID. */
  readonly outstanding: Map<number, Transmission> = new Map();
  /** Waiting for NSTART. */
  readonly waiting: Transmission[] = [];
  /** When a confirmable message was first sent since the peer was heard last, and when one was sent last; undefined: none was. */
  #unheard: { readonly since: Instant; until: Instant } | undefined;
  #gaveUp = false;

  sent(now: Instant): void {
    this.#unheard ??= { since: now, until: now };
    this.#unheard.until = now;
  }

  heard(): void {
    this.#unheard = undefined;
    this.#gaveUp = false;
  }

  /** What was first sent then has used up its attempts. */
  gaveUp(began: Instant): void {
    this.#gaveUp ||= this.#unheard !== undefined && this.#unheard.since <= began;
  }

  /**
   * Nothing came since a message was sent that used up its attempts or, where their owners did not wait for that, while messages
   * were sent for MAX_TRANSMIT_WAIT (RFC 7252 §4.8.2).
   */
  isSilent({ maxTransmitWait }: TransmissionParameters): boolean {
    return (
      this.#gaveUp || (this.#unheard !== undefined && this.#unheard.until - this.#unheard.since >= maxTransmitWait)
    );
  }
}

/** The peer that a message goes to. */
export interface Recipient {
  readonly parameters: TransmissionParameters;
  readonly outbox: Outbox;
  /** Counted up while something is under way. */
  holds: number;
  /** Counted up when its address changes. */
  readonly moves: number;
  /** Nothing reaches it any more: its association is over. */
  readonly gone: boolean;
  isVerified(now: Instant): boolean;
  datagram(bytes: Uint8Array): Datagram;
}

/** Confirmable messages that may wait for one peer, and that may wait or be under way altogether. No RFC's numbers. */
const maxWaiting = 1024;
const maxUnsettled = 0xffff; // one less than there are Message IDs, so that one is always free

export class Transmissions {
  readonly #wheel: TimerWheel<Expiring>;
  readonly #output: (datagram: Datagram) => void;
  readonly #random: () => number;
  retransmissions = 0;
  #unsettled = 0;

  constructor(wheel: TimerWheel<Expiring>, output: (datagram: Datagram) => void, random: () => number) {
    this.#wheel = wheel;
    this.#output = output;
    this.#random = random;
  }

  /**
   * Sends a CON, at once or when NSTART allows; undefined when too many wait already.
   *
   * @param unverifiedBytes what may be sent in all while the peer's address is not verified; at least one attempt is made
   */
  send(
    peer: Recipient,
    messageId: number,
    bytes: Uint8Array,
    owner: TransmissionOwner,
    now: Instant,
    unverifiedBytes: number = Infinity,
  ): Transmission | undefined {
    if (!this.#hasRoom(peer)) return undefined;
    return this.#add(new Transmission(this, peer, messageId, bytes, true, owner, unverifiedBytes), now);
  }

  /**
   * Sends a NON that may be answered, at once or when NSTART allows; undefined when too many wait already.
   *
   * @param keepsPlace for so long after it was sent, unless it is answered before
   */
  sendOnce(
    peer: Recipient,
    messageId: number,
    bytes: Uint8Array,
    owner: TransmissionOwner,
    now: Instant,
    keepsPlace: Milliseconds,
  ): Transmission | undefined {
    if (!this.#hasRoom(peer)) return undefined;
    const transmission = new Transmission(this, peer, messageId, bytes, false, owner, Infinity);
    transmission.timeout = keepsPlace;
    return this.#add(transmission, now);
  }

  #hasRoom({ gone, outbox }: Recipient): boolean {
    return !gone && outbox.waiting.length < maxWaiting && this.#unsettled < maxUnsettled;
  }

  #add(transmission: Transmission, now: Instant): Transmission {
    const { peer } = transmission;
    this.#unsettled++;
    peer.holds++;
    if (peer.outbox.outstanding.size < peer.parameters.nstart) this.#start(transmission, now);
    else peer.outbox.waiting.push(transmission);
    return transmission;
  }

  /**
   * An ACK or RST has come: whose it is, is told. Unknown ones are ignored (RFC 7252 §4.2).
   * True for an ACK from where the message was sent last: the peer receives there.
   */
  settle(peer: Recipient, message: Message, acknowledged: boolean, now: Instant): boolean {
    const transmission = peer.outbox.outstanding.get(message.messageId);
    // A NON is not acknowledged.
    if (transmission === undefined || (acknowledged && !transmission.confirmable)) return false;
    this.#finish(transmission, now);
    if (acknowledged) transmission.owner.acknowledged(message, now);
    else transmission.owner.reset(now);
    return acknowledged && transmission.moves === peer.moves;
  }

  /** The peer is not silent: what was given up keeps nobody waiting. */
  heard(peer: Recipient, now: Instant): void {
    peer.outbox.heard();
    for (const transmission of peer.outbox.outstanding.values())
      if (transmission.owner === nobody) this.#finish(transmission, now);
  }

  /** The response has come. */
  answered(transmission: Transmission, now: Instant): void {
    this.#finish(transmission, now);
  }

  /** Those whose owners care are given up (RFC 7252 §4.2). */
  unreachable(peer: Recipient, now: Instant): void {
    const { outstanding, waiting } = peer.outbox;
    // All are taken out first: an owner may send something new when it is told.
    const givenUp = [...waiting, ...outstanding.values()].filter(({ owner }) => owner.unreachable !== undefined);
    for (const transmission of givenUp) this.#drop(transmission, now);
    for (const { owner } of givenUp) owner.unreachable?.(now);
  }

  /** Nobody will ever acknowledge anything. */
  abandon(peer: Recipient, now: Instant): void {
    const { outstanding, waiting } = peer.outbox;
    const all = [...waiting, ...outstanding.values()];
    for (const transmission of all) this.#drop(transmission, now);
    for (const { owner } of all) owner.timedOut(now);
  }

  /** Its owner wants to hear no more of it. */
  cancel(transmission: Transmission, now: Instant): void {
    if (transmission.state === 'sent' && !transmission.confirmable) transmission.owner = nobody;
    else this.#drop(transmission, now);
  }

  #drop(transmission: Transmission, now: Instant): void {
    if (transmission.state === 'waiting') {
      const at = transmission.peer.outbox.waiting.indexOf(transmission);
      if (at >= 0) transmission.peer.outbox.waiting.splice(at, 1);
      this.#settled(transmission);
    } else this.#finish(transmission, now);
  }

  /** The timer of a message has run out. */
  expire(transmission: Transmission, now: Instant): void {
    if (transmission.confirmable) this.#retransmit(transmission, now);
    else {
      this.#finish(transmission, now);
      transmission.owner.elapsed?.(now);
    }
  }

  #retransmit(transmission: Transmission, now: Instant): void {
    const { peer, owner } = transmission;
    const isLast = transmission.attempts > peer.parameters.maxRetransmit;
    if (isLast || !isWithinBudget(transmission, now)) {
      if (isLast) peer.outbox.gaveUp(transmission.began);
      this.#finish(transmission, now);
      owner.timedOut(now);
      return;
    }
    const newer = owner.supersede?.(now);
    if (newer !== undefined) {
      peer.outbox.outstanding.delete(transmission.messageId);
      transmission.messageId = newer.messageId;
      transmission.bytes = newer.bytes;
      peer.outbox.outstanding.set(newer.messageId, transmission);
    }
    this.retransmissions++;
    transmission.timeout = milliseconds(transmission.timeout * 2);
    this.#transmit(transmission, now);
  }

  #start(transmission: Transmission, now: Instant): void {
    const { peer } = transmission;
    const { ackTimeout, ackRandomFactor } = peer.parameters;
    transmission.state = 'sent';
    transmission.began = now;
    if (transmission.confirmable)
      transmission.timeout = milliseconds(ackTimeout * (1 + this.#random() * (ackRandomFactor - 1)));
    peer.outbox.outstanding.set(transmission.messageId, transmission);
    this.#transmit(transmission, now);
  }

  #transmit(transmission: Transmission, now: Instant): void {
    transmission.attempts++;
    if (transmission.confirmable) transmission.peer.outbox.sent(now);
    transmission.moves = transmission.peer.moves;
    transmission.timer = this.#wheel.arm(after(now, transmission.timeout), transmission);
    this.#output(transmission.peer.datagram(transmission.bytes));
  }

  #finish(transmission: Transmission, now: Instant): void {
    if (transmission.state === 'done') return;
    const { peer } = transmission;
    this.#settled(transmission);
    if (transmission.timer !== undefined) this.#wheel.cancel(transmission.timer);
    peer.outbox.outstanding.delete(transmission.messageId);
    const next = peer.outbox.outstanding.size < peer.parameters.nstart ? peer.outbox.waiting.shift() : undefined;
    if (next !== undefined) this.#start(next, now);
  }

  #settled(transmission: Transmission): void {
    transmission.state = 'done';
    transmission.peer.holds--;
    this.#unsettled--;
  }
}

/** Of what was given up. */
const nobody: TransmissionOwner = { acknowledged() {}, reset() {}, timedOut() {} };

/** A lost answer to a forged address is not to be sent again and again (RFC 9175 §2.4). */
const isWithinBudget = (transmission: Transmission, now: Instant): boolean =>
  (transmission.attempts + 1) * transmission.bytes.length <= transmission.unverifiedBytes ||
  transmission.peer.isVerified(now);

export class Transmission implements Expiring {
  readonly peer: Recipient;
  readonly confirmable: boolean;
  owner: TransmissionOwner;
  messageId: number;
  bytes: Uint8Array;
  state: 'waiting' | 'sent' | 'done' = 'waiting';
  attempts = 0;
  /** When it was sent first. */
  began: Instant = longAgo;
  /** The peer's when it was sent last. */
  moves = 0;
  timeout: Milliseconds = milliseconds(0);
  timer: Timer<Expiring> | undefined;
  readonly unverifiedBytes: number;
  readonly #transmissions: Transmissions;

  constructor(
    transmissions: Transmissions,
    peer: Recipient,
    messageId: number,
    bytes: Uint8Array,
    confirmable: boolean,
    owner: TransmissionOwner,
    unverifiedBytes: number,
  ) {
    this.confirmable = confirmable;
    this.unverifiedBytes = unverifiedBytes;
    this.#transmissions = transmissions;
    this.peer = peer;
    this.messageId = messageId;
    this.bytes = bytes;
    this.owner = owner;
  }

  expire(now: Instant): void {
    this.#transmissions.expire(this, now);
  }
}
