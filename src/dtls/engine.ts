/**
 * A DTLS 1.2 endpoint (RFC 6347) as one sans-IO state machine, server and client: datagrams of the network and the time go in,
 * datagrams of the application come out, and the other way.
 *
 *     receive(batch, now)  →  takePlaintext()           send(batch, now), poll(now)  →  takeOutput()
 *
 * Left out: renegotiation (refused, RFC 5746 signalled), compression, DTLS 1.0 and 1.3. Longer than most files because it is
 * where a record, an association and the application meet; what each of them is, is elsewhere.
 */
import { emptyBytes, equalBytes, hex } from '../core/bytes.ts';
import type { Datagram, Endpoint } from '../core/datagram.ts';
import type { Instant } from '../core/duration.ts';
import { TimerWheel } from '../core/timer-wheel.ts';
import { decodeAlert, encodeAlert, FatalAlert, type AlertDescription, type AlertLevel } from './alert.ts';
import type { AssociationSnapshot } from './association-journal.ts';
import { Association, AssociationEndpoint } from './association.ts';
import { AssociationTable } from './association-table.ts';
import { cipherSuiteOf } from './cipher-suites.ts';
import { ClientHandshake } from './client-handshake.ts';
import type { ClientCredentials } from './credentials.ts';
import type { CloseReason, DtlsEvent } from './event.ts';
import type { Established, Handshake, HandshakeContext } from './handshake.ts';
import { HandshakeChannel, type ChannelStart } from './handshake-channel.ts';
import { handshakeTypes } from './handshake-message.ts';
import { beginsWithClientHello, HelloListener, type VerifiedHello } from './hello-listener.ts';
import { recordProtection, type Side } from './key-schedule.ts';
import type { DtlsOptions } from './options.ts';
import { RateLimit } from './rate-limit.ts';
import { contentType, decodeRecords, type RecordView } from './record.ts';
import { RecordLayer, type OpenedRecord } from './record-layer.ts';
import { reservedBlock, Reservations } from './reservations.ts';
import { decodePathMessage, encodePathMessage, PathCheck } from './return-routability.ts';
import { ServerHandshake } from './server-handshake.ts';
import { SessionCache, type ClientSession } from './session.ts';
import { Transcript } from './transcript.ts';

export interface DtlsCounters {
  readonly associations: number;
  readonly handshakes: number;
  readonly sessions: number;
  readonly timers: number;
  /** Held for messages of handshakes that are not whole. */
  readonly reassemblyBytes: number;
  /** Records that were not well-formed, not authentic, not new or not expected. */
  readonly droppedRecords: number;
  /** Application datagrams that could not be sent: no association, too large, or too many waiting. */
  readonly unsent: number;
}

export class DtlsEngine {
  readonly #options: DtlsOptions;
  readonly #onEvent: (event: DtlsEvent, now: Instant) => void;
  readonly #wheel: TimerWheel<Association>;
  readonly #table = new AssociationTable();
  readonly #sessions: SessionCache;
  readonly #listener: HelloListener;
  readonly #handshakeRate: RateLimit;
  readonly #reservations: Reservations | undefined;
  readonly #cidLength: number;
  #output: Datagram[] = [];
  #plaintext: Datagram[] = [];
  #droppedRecords = 0;
  #unsent = 0;

  constructor(options: DtlsOptions, onEvent: (event: DtlsEvent, now: Instant) => void, now: Instant) {
    this.#options = options;
    this.#onEvent = onEvent;
    this.#wheel = new TimerWheel(now);
    this.#sessions = new SessionCache(options.limits.maxSessions, options.sessionLifetimeMs);
    this.#listener = new HelloListener(options.crypto);
    this.#handshakeRate = new RateLimit(options.limits.maxHandshakesPerSecond);
    this.#reservations = options.journal === undefined ? undefined : new Reservations(options.journal);
    this.#cidLength = options.connectionId?.length ?? 0;
  }

  receive(batch: readonly Datagram[], now: Instant): void {
    this.poll(now); // what was due before these came, comes first
    for (const { bytes, endpoint, multicast } of batch) {
      // A group has no association (RFC 6347 knows of two ends).
      if (multicast) continue;
      for (const record of decodeRecords(bytes, this.#cidLength)) this.#receiveRecord(record, endpoint, now);
    }
  }

  /** The application's datagrams that have come; their endpoints are associations. */
  takePlaintext(): readonly Datagram[] {
    const taken = this.#plaintext;
    this.#plaintext = [];
    return taken;
  }

  /** Datagrams of the application, to endpoints that came from here. */
  send(batch: readonly Datagram[], now: Instant): void {
    for (const { bytes, endpoint } of batch) {
      if (endpoint instanceof AssociationEndpoint) this.#sendPlaintext(endpoint.association, bytes, now);
      else this.#unsent++;
    }
  }

  /** What is to leave, each handed out once. */
  takeOutput(): readonly Datagram[] {
    const taken = this.#output;
    this.#output = [];
    return taken;
  }

  /** Repeats flights and gives up handshakes that are due. */
  poll(now: Instant): void {
    this.#wheel.advance(now, (association) => {
      association.timer = undefined;
      if (association.channel?.expire(now) === true) this.#arm(association);
      else this.#fail(association, 'user_canceled', 'The peer does not answer', now, false);
    });
  }

  nextDeadline(): Instant | undefined {
    return this.#wheel.nextDeadline();
  }

  /** Begins a handshake as a client. What is sent to the endpoint meanwhile waits for its end. */
  connect(peer: Endpoint, credentials: ClientCredentials, now: Instant, session?: ClientSession): AssociationEndpoint {
    const association = this.#begin('client', peer, { send: 0, receive: 0 }, 0, now, (context) =>
      new ClientHandshake(context, credentials, session, now),
    );
    return association.application;
  }

  /** The association with a peer of the transport, by its address. */
  at(peer: Endpoint): AssociationEndpoint | undefined {
    return this.#table.establishedAt(peer)?.application;
  }

  /** Nobody listens there: a client's handshake is given up at once. */
  unreachable(peer: Endpoint, now: Instant): void {
    const handshaking = this.#table.handshakingAt(peer);
    if (handshaking?.side === 'client') this.#fail(handshaking, 'user_canceled', 'Nobody listens there', now, false);
  }

  /** Says that it is over (RFC 5246 §7.2.1) and forgets the association. */
  close(endpoint: AssociationEndpoint, now: Instant): void {
    const { association } = endpoint;
    if (association.state === 'closed') return;
    this.#sendAlert(association, 'warning', 'close_notify');
    this.#close(association, { kind: 'by-us' }, now);
  }

  /** The application knows that the peer receives at its address (RFC 9175 §2.3). */
  verify(endpoint: AssociationEndpoint, now: Instant): void {
    const { association } = endpoint;
    if (!association.unverifiedAddress || association.state === 'closed') return;
    association.verifiedAt = association.endpoint.key;
    association.pathCheck = undefined;
    if (association.restored) this.#options.journal?.moved(association.id, association.endpoint);
    association.restored = false;
    this.#onEvent({ type: 'verified', endpoint }, now);
  }

  /** An association of a process before this one goes on, where nothing of it was sent or read before. */
  restore(snapshot: AssociationSnapshot, now: Instant): AssociationEndpoint | undefined {
    const { crypto } = this.#options;
    const suite = cipherSuiteOf(snapshot.cipherSuite);
    if (suite === undefined || (snapshot.ownCid.length > 0 && snapshot.ownCid.length !== this.#cidLength)) return undefined;
    const layer = new RecordLayer();
    layer.protectWrites(recordProtection(crypto, suite.cipher, snapshot.writeKeys), snapshot.peerCid, snapshot.sendSequence);
    layer.protectReads(recordProtection(crypto, suite.cipher, snapshot.readKeys), snapshot.ownCid, snapshot.receiveMark);
    layer.maxContentBytes = snapshot.maxContentBytes;
    const association = new Association(snapshot.id, snapshot.side, snapshot.endpoint, layer, snapshot.ownCid, now);
    association.identity = snapshot.identity;
    association.suite = suite;
    association.returnRoutability = snapshot.returnRoutability;
    association.state = 'established';
    association.restored = true;
    this.#table.establish(association);
    this.#makeRoom(now);
    this.#reservations?.open(association, snapshot.sendSequence);
    this.#reservations?.used(association);
    return association.application;
  }

  /** The journal has made durable that numbers below `until` are reserved. */
  reserved(id: string, until: number, now: Instant): void {
    const association = this.#reservations?.granted(id, until);
    if (association !== undefined) this.#flushQueue(association, now);
  }

  counters(): DtlsCounters {
    return {
      associations: this.#table.establishedCount,
      handshakes: this.#table.handshakingCount,
      sessions: this.#sessions.size,
      timers: this.#wheel.size,
      reassemblyBytes: this.#table.reassemblyBytes(),
      droppedRecords: this.#droppedRecords,
      unsent: this.#unsent,
    };
  }

  #receiveRecord(record: RecordView, peer: Endpoint, now: Instant): void {
    if (record.type === contentType.connectionId) {
      const association = this.#table.byCid(record.cid);
      if (association === undefined || !this.#open(association, record, peer, now)) this.#droppedRecords++;
      return;
    }
    if (this.#options.server !== undefined && beginsWithClientHello(record)) {
      this.#clientHello(record, peer, now);
      return;
    }
    // Nothing of epoch 0 concerns an association that has keys: whoever repeats a flight repeats its Finished too. A record of
    // epoch 1 is its own if it is authentic, and may else be of the handshake that is to replace it (RFC 6347 §4.2.8).
    const established = record.epoch === 0 ? undefined : this.#table.establishedAt(peer);
    if (established !== undefined && this.#open(established, record, peer, now)) return;
    const handshaking = this.#table.handshakingAt(peer);
    if (handshaking === undefined || !this.#open(handshaking, record, peer, now)) this.#droppedRecords++;
  }

  /** False where the record is none of this association. */
  #open(association: Association, record: RecordView, peer: Endpoint, now: Instant): boolean {
    const opened = association.layer.open(record);
    if (opened === undefined) {
      if (keepEarly(association, record, peer)) return true;
      this.#guard(association, now, () => refuseFirstProtected(association, record));
      return false;
    }
    association.lastUsed = now;
    if (opened.newest && association.state === 'established') {
      if (association.endpoint.key !== peer.key) this.#move(association, peer, now);
      this.#options.journal?.received(association.id, record.sequence);
      if (association.unverifiedAddress && association.returnRoutability) this.#checkPath(association, now);
    }
    if (opened.type === contentType.returnRoutabilityCheck) this.#pathMessage(association, opened, peer, now);
    else this.#guard(association, now, () => this.#handle(association, opened, now));
    if (association.early.length > 0 && association.layer.readsProtected) {
      for (const { record, peer } of association.early.splice(0)) this.#open(association, record, peer, now);
    }
    return true;
  }

  #handle(association: Association, opened: OpenedRecord, now: Instant): void {
    switch (opened.type) {
      case contentType.applicationData:
        if (association.state !== 'established' || opened.content.length === 0) return;
        // The peer has read our last flight: it need not be kept for it.
        association.channel = undefined;
        this.#plaintext.push({ bytes: opened.content, endpoint: association.application, multicast: false });
        return;
      case contentType.handshake:
        this.#handshake(association, opened, now);
        return;
      case contentType.changeCipherSpec:
        // RFC 5246 §7.1: one byte, 1. In epoch 1 there is none, because nothing is renegotiated.
        if (opened.epoch === 0 && opened.content.length === 1 && opened.content[0] === 1) association.handshake?.changeCipherSpec();
        return;
      case contentType.alert:
        this.#alert(association, opened, now);
        return;
      default:
        return;
    }
  }

  #handshake(association: Association, { content, epoch }: OpenedRecord, now: Instant): void {
    const { handshake, channel } = association;
    const begins = content[0];
    if (epoch === 1 && (begins === handshakeTypes.client_hello || begins === handshakeTypes.hello_request)) {
      // RFC 5246 §7.2.2: a renegotiation is refused, and the association goes on.
      this.#sendAlert(association, 'warning', 'no_renegotiation');
      return;
    }
    channel?.receive(content, epoch, now, (message) => handshake?.receive(message, now));
  }

  #alert(association: Association, { content }: OpenedRecord, now: Instant): void {
    const alert = decodeAlert(content);
    if (alert === undefined || (alert.level === 'warning' && alert.description !== 'close_notify')) return;
    if (association.state === 'handshaking') {
      const description = alert.description ?? 'user_canceled';
      this.#fail(association, description, `The peer refused the handshake: ${description}`, now);
      return;
    }
    if (alert.level === 'fatal') this.#sessions.delete(association.sessionId ?? emptyBytes);
    // RFC 5246 §7.2.1
    else this.#sendAlert(association, 'warning', 'close_notify');
    this.#close(association, { kind: 'by-peer', alert: alert.description }, now);
  }

  /** A ClientHello, which may belong to a handshake that is under way, or begin one beside an association (§4.2.8). */
  #clientHello(record: RecordView, peer: Endpoint, now: Instant): void {
    const verified = this.#listener.receive(record, peer, now);
    if (verified === undefined) {
      this.#droppedRecords++;
    } else if (verified instanceof Uint8Array) {
      this.#output.push({ bytes: verified, endpoint: peer, multicast: false });
    } else {
      const before = this.#table.handshakingAt(peer);
      if (before?.clientRandom !== undefined && equalBytes(before.clientRandom, verified.hello.random)) {
        before.channel?.repeat(now);
        this.#arm(before);
      } else if (this.#handshakeRate.take(now)) {
        this.#accept(verified, record.sequence, peer, now);
      } else {
        this.#droppedRecords++;
      }
    }
  }

  #accept({ hello, message }: VerifiedHello, recordSequence: number, peer: Endpoint, now: Instant): void {
    const { server } = this.#options;
    if (server === undefined) return;
    // RFC 6347 §4.2.1, §4.2.2: numbers go on from where the ClientHello is, as nobody has counted before it.
    const start = { send: message.sequence, receive: message.sequence + 1 };
    this.#begin('server', peer, start, recordSequence, now, (context, association) => {
      association.clientRandom = hello.random;
      return new ServerHandshake(context, server, this.#sessions, hello, message, now);
    });
  }

  #begin(
    side: Side,
    peer: Endpoint,
    start: ChannelStart,
    recordSequence: number,
    now: Instant,
    make: (context: HandshakeContext, association: Association) => Handshake,
  ): Association {
    const { crypto, limits, retransmission, maxDatagramBytes } = this.#options;
    const before = this.#table.handshakingAt(peer);
    if (before !== undefined) this.#fail(before, 'user_canceled', 'The peer has begun anew', now, false);
    if (this.#table.handshakingCount >= limits.maxHandshakes) {
      const oldest = this.#table.oldestHandshake();
      if (oldest !== undefined) this.#fail(oldest, 'internal_error', 'There are too many handshakes', now, false);
    }
    const layer = new RecordLayer(recordSequence);
    const ownCid = this.#newCid();
    const association = new Association(hex(crypto.randomBytes(8)), side, peer, layer, ownCid, now);
    const transcript = new Transcript(crypto);
    const channelOptions = { retransmission, maxDatagramBytes, maxMessageBytes: limits.maxMessageBytes };
    const transmit = (bytes: Uint8Array): void => this.#transmit(association, bytes);
    const channel = new HandshakeChannel(channelOptions, layer, transcript, transmit, start);
    association.channel = channel;
    this.#table.add(association);
    const established = (result: Established, now: Instant): void => {
      transcript.clear();
      this.#established(association, result, now);
    };
    this.#guard(association, now, () => {
      const context = { options: this.#options, layer, channel, transcript, ownCid, established };
      association.handshake = make(context, association);
    });
    return association;
  }

  #established(association: Association, result: Established, now: Instant): void {
    const { layer } = association;
    association.state = 'established';
    association.handshake = undefined;
    association.clientRandom = undefined;
    association.identity = result.identity;
    association.suite = result.suite;
    association.resumed = result.resumed;
    association.returnRoutability = result.returnRoutability;
    association.sessionId = result.sessionId;
    if (layer.ownCid.length === 0) {
      this.#table.removeCid(association);
      association.ownCid = emptyBytes;
    }
    const before = this.#table.establish(association);
    // RFC 6347 §4.2.8; but behind one address there may be several peers, one after the other, that Connection IDs tell apart.
    const samePeer = before !== undefined && before.identity.kind === result.identity.kind && before.identity.name === result.identity.name;
    if (before !== undefined && (samePeer || before.ownCid.length === 0)) this.#close(before, { kind: 'replaced' }, now);
    this.#makeRoom(now);
    this.#keep(association, result);
    this.#onEvent({ type: 'established', endpoint: association.application, result }, now);
    this.#flushQueue(association, now);
  }

  /** Tells the journal of a new association. */
  #keep(association: Association, { keys, suite }: Established): void {
    const { id, side, endpoint, identity, layer, returnRoutability } = association;
    if (this.#options.journal === undefined || keys === undefined) return;
    const sendSequence = layer.nextSequence + reservedBlock;
    this.#reservations?.open(association, sendSequence);
    this.#options.journal.opened({
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
    while (this.#table.establishedCount > this.#options.limits.maxAssociations) {
      const quietest = this.#table.quietest();
      if (quietest === undefined) return;
      this.#close(quietest, { kind: 'evicted' }, now);
    }
  }

  #move(association: Association, peer: Endpoint, now: Instant): void {
    const from = association.endpoint.remote;
    this.#table.move(association, peer);
    // What was read before the process ended may not have been marked in time, and may be replayed from anywhere.
    if (!association.restored) this.#options.journal?.moved(association.id, peer);
    this.#onEvent({ type: 'moved', endpoint: association.application, from }, now);
  }

  #checkPath(association: Association, now: Instant): void {
    const { endpoint, pathCheck } = association;
    if (pathCheck?.isOver(endpoint.key, now) === false) return;
    association.pathCheck = new PathCheck(this.#options.crypto, endpoint.key, now);
    this.#sendPathMessage(association, association.pathCheck.challenge, endpoint);
  }

  #pathMessage(association: Association, { content }: OpenedRecord, peer: Endpoint, now: Instant): void {
    const message = association.returnRoutability ? decodePathMessage(content) : undefined;
    if (message === undefined) return;
    if (message.type === 'path_challenge') {
      // RFC 9853 §6.3: on the path that is asked about.
      this.#sendPathMessage(association, encodePathMessage({ type: 'path_response', cookie: message.cookie }), peer);
    } else if (association.pathCheck?.isAnsweredBy(message, peer.key) === true) {
      this.verify(association.application, now);
    }
  }

  #sendPathMessage(association: Association, content: Uint8Array, peer: Endpoint): void {
    const record = association.layer.seal(1, contentType.returnRoutabilityCheck, content);
    if (record !== undefined) this.#output.push({ bytes: record, endpoint: peer, multicast: false });
    this.#reservations?.used(association);
  }

  #sendPlaintext(association: Association, bytes: Uint8Array, now: Instant): void {
    association.lastUsed = now;
    const { layer, queue, state } = association;
    const waits = state === 'handshaking' || queue.length > 0;
    const record = state === 'established' && !waits ? layer.seal(1, contentType.applicationData, bytes) : undefined;
    if (record !== undefined) {
      this.#transmit(association, record);
      this.#reservations?.used(association);
      return;
    }
    // Without a number it waits for one; what is too large will not become smaller.
    const canWait = state !== 'closed' && bytes.length <= layer.maxContentBytes;
    if (canWait && queue.length < this.#options.limits.maxQueuedDatagrams) queue.push(bytes);
    else this.#unsent++;
  }

  #flushQueue(association: Association, now: Instant): void {
    const waiting = association.queue;
    association.queue = [];
    for (const bytes of waiting) this.#sendPlaintext(association, bytes, now);
  }

  #sendAlert(association: Association, level: AlertLevel, description: AlertDescription): void {
    const epoch = association.layer.writesProtected ? 1 : 0;
    const record = association.layer.seal(epoch, contentType.alert, encodeAlert(level, description));
    if (record !== undefined) this.#transmit(association, record);
  }

  #transmit(association: Association, bytes: Uint8Array): void {
    this.#output.push({ bytes, endpoint: association.endpoint, multicast: false });
  }

  /** Does something with a handshake, ends it where that fails, and sets its timer. */
  #guard(association: Association, now: Instant, act: () => void): void {
    try {
      act();
    } catch (error) {
      if (!(error instanceof FatalAlert)) throw error;
      if (association.state === 'handshaking') this.#fail(association, error.description, error.message, now);
      // What comes after a handshake and is wrong changes nothing of what was agreed.
      else this.#droppedRecords++;
    }
    this.#arm(association);
  }

  #arm(association: Association): void {
    const deadline = association.state === 'closed' ? undefined : association.channel?.deadline;
    if (association.timer?.deadline === deadline) return;
    if (association.timer !== undefined) this.#wheel.cancel(association.timer);
    association.timer = deadline === undefined ? undefined : this.#wheel.arm(deadline, association);
  }

  #fail(association: Association, alert: AlertDescription, reason: string, now: Instant, tells = true): void {
    if (tells) this.#sendAlert(association, 'fatal', alert);
    this.#forget(association);
    this.#onEvent({ type: 'failed', peer: association.endpoint, endpoint: association.application, alert, reason }, now);
  }

  #close(association: Association, reason: CloseReason, now: Instant): void {
    this.#forget(association);
    this.#options.journal?.closed(association.id);
    this.#onEvent({ type: 'closed', endpoint: association.application, reason }, now);
  }

  #forget(association: Association): void {
    association.state = 'closed';
    association.handshake = undefined;
    association.channel = undefined;
    association.early = [];
    association.queue = [];
    association.layer.close();
    this.#table.remove(association);
    this.#reservations?.close(association);
    this.#arm(association);
  }

  #newCid(): Uint8Array {
    const { connectionId, crypto } = this.#options;
    if (connectionId === undefined) return emptyBytes;
    for (;;) {
      const cid = crypto.randomBytes(connectionId.length);
      cid[0] = connectionId.node;
      if (this.#table.byCid(cid) === undefined) return cid;
    }
  }
}

/** A Finished, and what comes right after it. No RFC's numbers. */
const maxEarlyRecords = 3;
const maxEarlyBytes = 512;

/** Keeps a record that has come before its keys; false where it is none. */
function keepEarly({ state, layer, early }: Association, record: RecordView, peer: Endpoint): boolean {
  const comesEarly = state === 'handshaking' && record.epoch === 1 && !layer.readsProtected;
  if (!comesEarly || early.length >= maxEarlyRecords || record.fragment.length > maxEarlyBytes) return false;
  // The datagram's bytes are the transport's.
  early.push({ record: { ...record, cid: new Uint8Array(record.cid), fragment: new Uint8Array(record.fragment) }, peer });
  return true;
}

/**
 * RFC 4279 §2: a wrong key shows as a Finished message that does not decrypt, and the peer learns at once that it is wrong. It
 * would be as right to drop the record and let the handshake time out (RFC 6347 §4.1.2.7); whoever can forge this record can
 * also forge the unprotected ones of a handshake.
 */
function refuseFirstProtected({ state, layer }: Association, { type, epoch }: RecordView): void {
  const isFirst = state === 'handshaking' && layer.readsProtected && layer.receiveMark < 0;
  if (isFirst && epoch === 1 && (type === contentType.handshake || type === contentType.connectionId)) {
    throw new FatalAlert('decrypt_error', 'The peer uses other keys: the identity is unknown, or its key is not the same');
  }
}
