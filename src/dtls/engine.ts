/**
 * A DTLS 1.2 endpoint (RFC 6347) as one sans-IO state machine, server and client: datagrams of the network and the time go in,
 * datagrams of the application come out, and the other way.
 *
 *     receive(batch, now)  →  takePlaintext()           send(batch, now), poll(now)  →  takeOutput()
 *
 * Here a record finds its association and what is in it finds its use; what associations are is in associations.ts.
 * Left out: renegotiation (refused, RFC 5746 signalled), compression, DTLS 1.0 and 1.3.
 */
import { emptyBytes, equalBytes } from '../core/bytes.ts';
import type { Datagram, Endpoint, HelloShares } from '../core/datagram.ts';
import type { Instant } from '../core/duration.ts';
import { decodeAlert, FatalAlert } from './alert.ts';
import type { RestoredAssociation } from './association-journal.ts';
import { associationOf, type Association, type AssociationEndpoint } from './association.ts';
import { Associations } from './associations.ts';
import { ClientHandshake } from './client-handshake.ts';
import type { ClientCredentials } from './credentials.ts';
import { keepEarly } from './early-record.ts';
import type { CloseReason, DtlsEvent } from './event.ts';
import { handshakeTypes } from './handshake-message.ts';
import { beginsWithClientHello, HelloListener, type VerifiedHello } from './hello-listener.ts';
import type { DtlsOptions } from './options.ts';
import { PathChecks } from './path-checks.ts';
import { RateLimit } from './rate-limit.ts';
import { contentType, decodeRecords, type RecordView } from './record.ts';
import type { OpenedRecord } from './record-layer.ts';
import { ServerHandshake } from './server-handshake.ts';
import { SessionCache, type ClientSession, type Session } from './session.ts';

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

const byUs: CloseReason = { kind: 'by-us' };

export class DtlsEngine {
  readonly #options: DtlsOptions;
  readonly #associations: Associations;
  readonly #sessions: SessionCache;
  readonly #listener: HelloListener;
  readonly #handshakeRate: RateLimit;
  readonly #paths: PathChecks;
  readonly #cidLength: number;
  #plaintext: Datagram[] = [];
  #droppedRecords = 0;

  constructor(options: DtlsOptions, onEvent: (event: DtlsEvent, now: Instant) => void, now: Instant) {
    this.#options = options;
    this.#associations = new Associations(options, onEvent, now);
    this.#sessions = new SessionCache(options.limits.maxSessions, options.sessionLifetimeMs, options.journal);
    this.#listener = new HelloListener(options.crypto, options.limits.maxHellosPerSecond);
    this.#handshakeRate = new RateLimit(options.limits.maxHandshakesPerSecond);
    this.#paths = new PathChecks(options.crypto, this.#associations);
    this.#cidLength = options.connectionId?.length ?? 0;
  }

  /** Before anything is made of a datagram: a flood of ClientHellos is not to cost what looking at each would. */
  refuses(bytes: Uint8Array, from: number, length: number, now: Instant): boolean {
    if (!this.#listener.refuses(bytes, from, length, now)) return false;
    this.#droppedRecords++;
    return true;
  }

  /** What is of use of the ClientHellos that come; another object when that changes. */
  get helloShares(): HelloShares {
    return this.#listener.shares;
  }

  receive(batch: readonly Datagram[], now: Instant): void {
    this.poll(now); // what was due before these came, comes first
    for (const { bytes, endpoint, multicast } of batch) {
      // A group has no association (RFC 6347 knows of two ends).
      if (multicast) continue;
      let saidHello = false;
      for (const record of decodeRecords(bytes, this.#cidLength)) {
        const isHello = beginsWithClientHello(record);
        // Nobody has two in a datagram, whose second one would take the place of somebody else's in a flood.
        const isOneTooMany = isHello && saidHello;
        saidHello ||= isHello;
        if (isOneTooMany || !this.#receiveRecord(record, endpoint, now)) this.#droppedRecords++;
      }
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
      const association = associationOf(endpoint);
      if (association === undefined) this.#associations.drop();
      else this.#associations.send(association, bytes, now);
    }
  }

  /** What is to leave, each handed out once. */
  takeOutput(): readonly Datagram[] {
    return this.#associations.takeOutput();
  }

  poll(now: Instant): void {
    this.#associations.poll(now);
    this.#listener.poll(now);
  }

  nextDeadline(): Instant | undefined {
    const [timers, hellos] = [this.#associations.nextDeadline(), this.#listener.nextDeadline()];
    if (timers === undefined || hellos === undefined) return timers ?? hellos;
    return timers < hellos ? timers : hellos;
  }

  /** Begins a handshake as a client. What is sent to the endpoint meanwhile waits for its end. */
  connect(peer: Endpoint, credentials: ClientCredentials, now: Instant, session?: ClientSession): AssociationEndpoint {
    const association = this.#associations.begin(
      {
        side: 'client',
        peer,
        start: { send: 0, receive: 0 },
        recordSequence: 0,
        make: (context) => new ClientHandshake(context, credentials, session, now),
      },
      now,
    );
    return association.application;
  }

  /** The association with a peer of the transport, by its address. */
  at(peer: Endpoint): AssociationEndpoint | undefined {
    return this.#associations.table.establishedAt(peer)?.application;
  }

  /**
   * Nobody listens there: a client's handshake is given up at once, and so is its association, whose keys may have gone with
   * whoever listened. Whoever forges the ICMP error (it is not protected) brings about one more handshake, a short one.
   */
  unreachable(peer: Endpoint, now: Instant): void {
    const { table } = this.#associations;
    const [handshaking, established] = [table.handshakingAt(peer), table.establishedAt(peer)];
    if (handshaking?.side === 'client') {
      this.#associations.fail(handshaking, 'user_canceled', 'Nobody listens there', now, false);
    }
    if (established?.side === 'client') this.#associations.close(established, { kind: 'unreachable' }, now);
  }

  /** Says that it is over (RFC 5246 §7.2.1) and forgets the association. */
  close({ association }: AssociationEndpoint, now: Instant, reason: CloseReason = byUs): void {
    if (association.state === 'closed') return;
    this.#associations.sendAlert(association, 'warning', 'close_notify');
    this.#associations.close(association, reason, now);
  }

  /** The application knows that the peer receives at its address (RFC 9175 §2.3). */
  verify({ association }: AssociationEndpoint, now: Instant): void {
    this.#associations.verify(association, now);
  }

  /** An association of a process before this one goes on, where nothing of it was sent or read before. */
  restore(snapshot: RestoredAssociation, now: Instant): AssociationEndpoint | undefined {
    return this.#associations.restore(snapshot, now)?.application;
  }

  /** A session that a process before this one has remembered can be resumed by its ID. */
  restoreSession(id: Uint8Array, session: Session): void {
    this.#sessions.restore(id, session);
  }

  /** The journal has made durable that numbers below `until` are reserved. */
  reserved(id: string, until: number, now: Instant): void {
    this.#associations.reserved(id, until, now);
  }

  counters(): DtlsCounters {
    const { table, timers, unsent } = this.#associations;
    return {
      associations: table.establishedCount,
      handshakes: table.handshakingCount,
      sessions: this.#sessions.size,
      timers,
      reassemblyBytes: table.reassemblyBytes(),
      droppedRecords: this.#droppedRecords,
      unsent,
    };
  }

  /** False where nobody wants it. */
  #receiveRecord(record: RecordView, peer: Endpoint, now: Instant): boolean {
    const { table } = this.#associations;
    if (record.type === contentType.connectionId) {
      const association = table.byCid(record.cid);
      return association !== undefined && this.#open(association, record, peer, now);
    }
    if (this.#options.server !== undefined && beginsWithClientHello(record))
      return this.#clientHello(record, peer, now);
    // Nothing of epoch 0 concerns an association that has keys: whoever repeats a flight repeats its Finished too. A record of
    // epoch 1 is its own if it is authentic, and may else be of the handshake that is to replace it (RFC 6347 §4.2.8).
    const established = record.epoch === 0 ? undefined : table.establishedAt(peer);
    if (established !== undefined && this.#open(established, record, peer, now)) return true;
    const handshaking = table.handshakingAt(peer);
    return handshaking !== undefined && this.#open(handshaking, record, peer, now);
  }

  /** False where the record is none of this association. */
  #open(association: Association, record: RecordView, peer: Endpoint, now: Instant): boolean {
    const opened = association.layer.open(record);
    if (opened === undefined) {
      if (keepEarly(association, record, peer)) return true;
      const wornOut = association.layer.forged > this.#options.limits.maxForgedRecords;
      if (wornOut && association.state === 'established') this.close(association.application, now);
      this.#associations.guard(association, now, () => refuseFirstProtected(association, record));
      return false;
    }
    association.lastUsed = now;
    if (opened.newest && association.state === 'established') this.#heardFrom(association, record, peer, now);
    const used = this.#use(association, opened, peer, now);
    if (association.early.length > 0 && association.layer.readsProtected) {
      for (const early of association.early.splice(0)) this.#open(association, early.record, early.peer, now);
    }
    return used;
  }

  /** A record newer than all before it says where the peer is (RFC 9146 §6). */
  #heardFrom(association: Association, record: RecordView, peer: Endpoint, now: Instant): void {
    if (association.whereabouts.key !== peer.key) this.#associations.move(association, peer, now);
    else this.#associations.prolongDetour(association, now);
    this.#options.journal?.received(association.journalSlot, record.sequence);
    if (association.unverifiedAddress && association.returnRoutability) this.#paths.check(association, now);
  }

  /** False where it is of no use. */
  #use(association: Association, opened: OpenedRecord, peer: Endpoint, now: Instant): boolean {
    const { type, content, epoch } = opened;
    switch (type) {
      case contentType.applicationData:
        if (association.state !== 'established' || content.length === 0) return false;
        // The peer has read our last flight: it need not be kept for it.
        association.lastFlight = undefined;
        this.#plaintext.push({ bytes: content, endpoint: association.application, multicast: false });
        return true;
      case contentType.handshake:
        return this.#associations.guard(association, now, () => this.#handshake(association, opened, now));
      case contentType.changeCipherSpec:
        // RFC 5246 §7.1: one byte, 1. In epoch 1 there is none, because nothing is renegotiated.
        if (epoch !== 0 || content.length !== 1 || content[0] !== 1) return false;
        association.handshake?.changeCipherSpec();
        return true;
      case contentType.alert:
        this.#alert(association, content, now);
        return true;
      case contentType.returnRoutabilityCheck:
        return epoch === 1 && this.#paths.receive(association, content, peer, now);
      default:
        return false;
    }
  }

  #handshake(association: Association, { content, epoch }: OpenedRecord, now: Instant): void {
    const { handshake, channel } = association;
    const begins = content[0];
    if (epoch === 1 && (begins === handshakeTypes.client_hello || begins === handshakeTypes.hello_request)) {
      // RFC 5246 §7.2.2: a renegotiation is refused, and the association goes on.
      this.#associations.sendAlert(association, 'warning', 'no_renegotiation');
    } else if (channel === undefined) {
      this.#associations.repeatLastFlight(association, content, epoch);
    } else {
      channel.receive(content, epoch, now, (message) => handshake?.receive(message, now));
    }
  }

  #alert(association: Association, content: Uint8Array, now: Instant): void {
    const alert = decodeAlert(content);
    if (alert === undefined || (alert.level === 'warning' && alert.description !== 'close_notify')) return;
    if (association.state === 'handshaking') {
      const description = alert.description ?? 'user_canceled';
      this.#associations.fail(association, description, `The peer refused the handshake: ${description}`, now, false);
      return;
    }
    // RFC 5246 §7.2.1, §7.2.2
    if (alert.level === 'fatal') this.#sessions.delete(association.sessionId ?? emptyBytes);
    else this.#associations.sendAlert(association, 'warning', 'close_notify');
    this.#associations.close(association, { kind: 'by-peer', alert: alert.description }, now);
  }

  /** A ClientHello, which may belong to a handshake that is under way, or begin one beside an association (§4.2.8). */
  #clientHello(record: RecordView, peer: Endpoint, now: Instant): boolean {
    const verified = this.#listener.receive(record, peer, now);
    if (verified === undefined) return false;
    if (verified instanceof Uint8Array) {
      this.#associations.transmit(verified, peer);
      return true;
    }
    const before = this.#associations.table.handshakingAt(peer);
    if (before?.clientRandom !== undefined && equalBytes(before.clientRandom, verified.hello.random)) {
      before.channel?.repeat(now);
      this.#associations.arm(before);
      return true;
    }
    if (!this.#handshakeRate.take(now)) return false;
    this.#accept(verified, record.sequence, peer, now);
    return true;
  }

  #accept({ hello, message }: VerifiedHello, recordSequence: number, peer: Endpoint, now: Instant): void {
    const { server } = this.#options;
    if (server === undefined) return;
    this.#associations.begin(
      {
        side: 'server',
        peer,
        // RFC 6347 §4.2.1, §4.2.2: numbers go on from where the ClientHello is, as nobody has counted before it.
        start: { send: message.sequence, receive: message.sequence + 1 },
        recordSequence,
        make: (context, association) => {
          association.clientRandom = hello.random;
          return new ServerHandshake(context, server, this.#sessions, hello, message, now);
        },
      },
      now,
    );
  }
}

/**
 * RFC 4279 §2: a wrong key shows as a Finished message that does not decrypt, and the peer learns at once that it is wrong. It
 * would be as right to drop the record and let the handshake time out (RFC 6347 §4.1.2.7); whoever can forge this record can
 * also forge the unprotected ones of a handshake.
 */
function refuseFirstProtected({ state, layer }: Association, { type, epoch }: RecordView): void {
  const isFirst = state === 'handshaking' && layer.readsProtected && layer.receiveMark < 0;
  if (isFirst && epoch === 1 && (type === contentType.handshake || type === contentType.connectionId)) {
    throw new FatalAlert(
      'decrypt_error',
      'The peer uses other keys: the identity is unknown, or its key is not the same',
    );
  }
}
