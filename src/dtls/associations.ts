/**
 * The associations of an endpoint from their beginning to their end: handshakes under way, their timers and their failure; what
 * is sent over them and what waits; their addresses; and the journal that is told of it all.
 *
 *     begin  →  handshaking  →  established  →  closed          restore  →  established
 *                    ↓ fail                                     what both come to, engine.ts decides
 */
import { emptyBytes, hex } from '../core/bytes.ts';
import type { Datagram, Endpoint } from '../core/datagram.ts';
import { after, seconds, type Instant } from '../core/duration.ts';
import { TimerWheel } from '../core/timer-wheel.ts';
import { encodeAlert, FatalAlert, type AlertDescription, type AlertLevel } from './alert.ts';
import type { RestoredAssociation } from './association-journal.ts';
import { Association } from './association.ts';
import { AssociationTable } from './association-table.ts';
import { cipherSuiteOf, type CipherSuite } from './cipher-suites.ts';
import type { CloseReason, DtlsEvent } from './event.ts';
import type { Established, Handshake, HandshakeContext } from './handshake.ts';
import { HandshakeChannel, type ChannelStart } from './handshake-channel.ts';
import { recordProtection, type KeyBlock, type Side } from './key-schedule.ts';
import type { DtlsOptions } from './options.ts';
import { contentType } from './record.ts';
import { RecordLayer } from './record-layer.ts';
import { reservedBlock, Reservations } from './reservations.ts';
import { Transcript } from './transcript.ts';

export interface Beginning {
  readonly side: Side;
  readonly peer: Endpoint;
  readonly start: ChannelStart;
  /** Where record numbers of epoch 0 begin. */
  readonly recordSequence: number;
  /** Makes the handshake, which sends its first flight. @throws FatalAlert */
  readonly make: (context: HandshakeContext, association: Association) => Handshake;
}

/**
 * How long a peer is answered where it was last heard and not verified: what was asked from there is answered by then. It is
 * EXCHANGE_LIFETIME of RFC 7252 §4.8.2, rounded up.
 */
const detourLifetime = seconds(250);

export class Associations {
  readonly table: AssociationTable = new AssociationTable();
  readonly #options: DtlsOptions;
  readonly #onEvent: (event: DtlsEvent, now: Instant) => void;
  readonly #wheel: TimerWheel<Association>;
  readonly #reservations: Reservations | undefined;
  #output: Datagram[] = [];
  #unsent = 0;

  constructor(options: DtlsOptions, onEvent: (event: DtlsEvent, now: Instant) => void, now: Instant) {
    this.#options = options;
    this.#onEvent = onEvent;
    this.#wheel = new TimerWheel(now);
    this.#reservations = options.journal === undefined ? undefined : new Reservations(options.journal);
  }

  get timers(): number {
    return this.#wheel.size;
  }

  /** Application datagrams that could not be sent. */
  get unsent(): number {
    return this.#unsent;
  }

  nextDeadline(): Instant | undefined {
    return this.#wheel.nextDeadline();
  }

  /** Repeats flights and gives up handshakes that are due. */
  poll(now: Instant): void {
    this.#wheel.advance(now, (association) => {
      association.timer = undefined;
      if (association.channel?.expire(now) === true) this.arm(association);
      else this.fail(association, 'user_canceled', 'The peer does not answer', now, false);
    });
  }

  takeOutput(): readonly Datagram[] {
    const taken = this.#output;
    this.#output = [];
    return taken;
  }

  transmit(bytes: Uint8Array, endpoint: Endpoint): void {
    this.#output.push({ bytes, endpoint, multicast: false });
  }

  /** A handshake begins, in place of one that was under way there. */
  begin({ side, peer, start, recordSequence, make }: Beginning, now: Instant): Association {
    const { crypto, limits, retransmission, maxDatagramBytes } = this.#options;
    const before = this.table.handshakingAt(peer);
    if (before !== undefined) this.fail(before, 'user_canceled', 'The peer has begun anew', now, false);
    if (side === 'server' && this.table.handshakingCount >= limits.maxHandshakes) {
      const oldest = this.table.oldestHandshake();
      if (oldest !== undefined) this.fail(oldest, 'internal_error', 'There are too many handshakes', now, false);
    }
    const layer = new RecordLayer(recordSequence);
    const ownCid = this.table.newCid(this.#options);
    const association = new Association(hex(crypto.randomBytes(8)), side, peer, layer, ownCid, now);
    const transcript = new Transcript(crypto);
    const channelOptions = { retransmission, maxDatagramBytes, maxMessageBytes: limits.maxMessageBytes };
    const transmit = (bytes: Uint8Array): void => this.transmit(bytes, association.whereabouts);
    const channel = new HandshakeChannel(channelOptions, layer, transcript, transmit, start);
    association.channel = channel;
    this.table.add(association);
    const established = (result: Established, keys: KeyBlock, now: Instant): void => {
      transcript.clear();
      this.#established(association, result, keys, now);
    };
    this.guard(association, now, () => {
      const context = { options: this.#options, layer, channel, transcript, ownCid, established };
      association.handshake = make(context, association);
    });
    return association;
  }

  /** Does something with a handshake, ends it where that fails, and sets its timer. False where it failed. */
  guard(association: Association, now: Instant, act: () => void): boolean {
    let failed = false;
    try {
      act();
    } catch (error) {
      if (!(error instanceof FatalAlert)) throw error;
      failed = true;
      // What comes after a handshake and is wrong changes nothing of what was agreed.
      if (association.state === 'handshaking') this.fail(association, error.description, error.message, now);
    }
    this.arm(association);
    return !failed;
  }

  /** Sets the timer by what the handshake waits for. */
  arm(association: Association): void {
    const deadline = association.state === 'closed' ? undefined : association.channel?.deadline;
    if (association.timer?.deadline === deadline) return;
    if (association.timer !== undefined) this.#wheel.cancel(association.timer);
    association.timer = deadline === undefined ? undefined : this.#wheel.arm(deadline, association);
  }

  /** @param tells the peer, with an alert. */
  fail(association: Association, alert: AlertDescription, reason: string, now: Instant, tells = true): void {
    if (tells) this.sendAlert(association, 'fatal', alert);
    this.#forget(association);
    const { endpoint: peer, application: endpoint } = association;
    this.#onEvent({ type: 'failed', peer, endpoint, alert, by: tells ? 'us' : 'peer', reason }, now);
  }

  close(association: Association, reason: CloseReason, now: Instant): void {
    this.#forget(association);
    this.#options.journal?.closed(association.id);
    this.#onEvent({ type: 'closed', endpoint: association.application, reason }, now);
  }

  /** An association of a process before this one. Undefined where its suite or its Connection ID is not spoken any more. */
  restore(snapshot: RestoredAssociation, now: Instant): Association | undefined {
    const { crypto, connectionId } = this.#options;
    const { id, side, endpoint, ownCid, peerCid, readKeys, writeKeys, sendSequence, receiveMark } = snapshot;
    const suite = cipherSuiteOf(snapshot.cipherSuite);
    if (suite === undefined || (ownCid.length > 0 && ownCid.length !== connectionId?.length)) return undefined;
    const layer = new RecordLayer();
    layer.protectWrites(recordProtection(crypto, suite.cipher, writeKeys), peerCid, sendSequence);
    layer.protectReads(recordProtection(crypto, suite.cipher, readKeys), ownCid, receiveMark);
    layer.maxContentBytes = snapshot.maxContentBytes;
    const association = new Association(id, side, endpoint, layer, ownCid, now);
    association.identity = snapshot.identity;
    association.journalSlot = snapshot.slot;
    association.suite = suite;
    association.returnRoutability = snapshot.returnRoutability;
    association.state = 'established';
    association.restored = true;
    this.table.establish(association);
    this.#makeRoom(now);
    this.#reservations?.open(association, sendSequence);
    this.#reservations?.used(association);
    return association;
  }

  /** The journal has made durable that numbers below `until` are reserved. */
  reserved(id: string, until: number, now: Instant): void {
    const association = this.#reservations?.granted(id, until);
    if (association !== undefined) this.#flushQueue(association, now);
  }

  /** An authentic record, newer than all before, came from elsewhere (RFC 9146 §6). */
  move(association: Association, peer: Endpoint, now: Instant): void {
    const from = association.whereabouts.remote;
    // What is answered from where the peer was says nothing of where it is.
    association.pathCheck = undefined;
    if (!association.restored) {
      this.table.move(association, peer);
      this.#options.journal?.moved(association.id, peer);
    } else {
      const isBack = peer.key === association.endpoint.key;
      association.detour = isBack ? undefined : { endpoint: peer, until: after(now, detourLifetime) };
    }
    this.#onEvent({ type: 'moved', endpoint: association.application, from }, now);
  }

  /** It was heard once more from where it is not verified. */
  prolongDetour({ detour }: Association, now: Instant): void {
    if (detour !== undefined) detour.until = after(now, detourLifetime);
  }

  /** The peer is known to receive where it is. */
  verify(association: Association, now: Instant): void {
    if (!association.unverifiedAddress || association.state === 'closed') return;
    const { detour } = association;
    if (detour !== undefined) {
      association.detour = undefined;
      this.table.move(association, detour.endpoint);
      this.#options.journal?.moved(association.id, detour.endpoint);
    }
    association.restored = false;
    association.verifiedAt = association.endpoint.key;
    association.pathCheck = undefined;
    this.#onEvent({ type: 'verified', endpoint: association.application }, now);
  }

  /** A datagram of the application. Before the end of a client's handshake, and without a number that is reserved, it waits. */
  send(association: Association, bytes: Uint8Array, now: Instant): void {
    association.lastUsed = now;
    if (association.detour !== undefined && now >= association.detour.until) {
      this.move(association, association.endpoint, now);
    }
    const { layer, queue, state } = association;
    const waits = state === 'handshaking' || queue.length > 0;
    if (state === 'established' && !waits && this.sendProtected(association, contentType.applicationData, bytes))
      return;
    // What is too large will not become smaller.
    const canWait = state !== 'closed' && bytes.length <= layer.maxProtectedBytes;
    if (canWait && queue.length < this.#options.limits.maxQueuedDatagrams) queue.push(bytes);
    else this.#unsent++;
  }

  /** An application datagram to nobody that is known. */
  drop(): void {
    this.#unsent++;
  }

  /** A record of epoch 1, to where the peer is or to another place. False where no number may be used. */
  sendProtected(association: Association, type: number, content: Uint8Array, peer?: Endpoint): boolean {
    const record = association.layer.seal(1, type, content);
    if (record === undefined) return false;
    this.transmit(record, peer ?? association.whereabouts);
    this.#reservations?.used(association);
    return true;
  }

  /** The last flight once more, where the peer repeats its own: of a handshake message that came after the end. */
  repeatLastFlight(association: Association, content: Uint8Array, epoch: number): void {
    const { lastFlight, layer, whereabouts } = association;
    for (const datagram of lastFlight?.repeatFor(content, epoch, layer, this.#options.maxDatagramBytes) ?? [])
      this.transmit(datagram, whereabouts);
  }

  sendAlert(association: Association, level: AlertLevel, description: AlertDescription): void {
    const epoch = association.layer.writesProtected ? 1 : 0;
    const record = association.layer.seal(epoch, contentType.alert, encodeAlert(level, description));
    if (record !== undefined) this.transmit(record, association.whereabouts);
  }

  #established(association: Association, result: Established, keys: KeyBlock, now: Instant): void {
    const { layer } = association;
    const { identity } = result;
    association.state = 'established';
    association.handshake = undefined;
    association.lastFlight = association.channel?.lastFlight;
    association.channel = undefined;
    association.clientRandom = undefined;
    association.identity = identity;
    association.suite = result.suite;
    association.resumed = result.resumed;
    association.returnRoutability = result.returnRoutability;
    association.sessionId = result.sessionId;
    if (layer.ownCid.length === 0) {
      this.table.removeCid(association);
      association.ownCid = emptyBytes;
    }
    const before = this.table.establish(association);
    // RFC 6347 §4.2.8; but behind one address there may be several peers, one after the other, that Connection IDs tell apart.
    const samePeer = before?.identity.kind === identity.kind && before.identity.name === identity.name;
    if (before !== undefined && (samePeer || before.ownCid.length === 0)) {
      this.close(before, { kind: 'replaced' }, now);
    }
    this.#makeRoom(now);
    this.#keep(association, result.suite, keys);
    this.#onEvent({ type: 'established', endpoint: association.application, result }, now);
    this.#flushQueue(association, now);
  }

  /** Tells the journal of a new association. */
  #keep(association: Association, suite: CipherSuite, keys: KeyBlock): void {
    const { id, side, endpoint, identity, layer, returnRoutability } = association;
    if (this.#options.journal === undefined) return;
    const sendSequence = layer.nextSequence + reservedBlock;
    this.#reservations?.open(association, sendSequence);
    association.journalSlot = this.#options.journal.opened({
      id,
      side,
      endpoint,
      identity,
      cipherSuite: suite.id,
      readKeys: side === 'server' ? keys.client : keys.server,
      writeKeys: side === 'server' ? keys.server : keys.client,
      ownCid: layer.ownCid,
      peerCid: layer.peerCid,
      sendSequence,
      receiveMark: layer.receiveMark,
      maxContentBytes: layer.maxContentBytes,
      returnRoutability,
    });
  }

  #makeRoom(now: Instant): void {
    while (this.table.establishedCount > this.#options.limits.maxAssociations) {
      const quietest = this.table.quietest();
      if (quietest === undefined) return;
      this.sendAlert(quietest, 'warning', 'close_notify');
      this.close(quietest, { kind: 'evicted' }, now);
    }
  }

  #flushQueue(association: Association, now: Instant): void {
    const waiting = association.queue;
    association.queue = [];
    for (const bytes of waiting) this.send(association, bytes, now);
  }

  #forget(association: Association): void {
    association.state = 'closed';
    association.handshake = undefined;
    association.channel = undefined;
    association.lastFlight = undefined;
    association.early = [];
    association.queue = [];
    association.layer.close();
    this.table.remove(association);
    this.#reservations?.close(association);
    this.arm(association);
  }
}
