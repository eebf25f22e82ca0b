/**
 * One association: the records between two ends under one set of keys, and the handshake that makes them (RFC 6347 §4.2).
 * It knows where its peer is, and leaves who may know of it to the table and the engine.
 */
import type { Address, Endpoint } from '../core/datagram.ts';
import type { Instant } from '../core/duration.ts';
import type { Principal } from '../core/principal.ts';
import type { Timer } from '../core/timer-wheel.ts';
import type { PeerIdentity } from './credentials.ts';
import { anonymous } from './credentials.ts';
import type { CipherSuite } from './cipher-suites.ts';
import type { Handshake } from './handshake.ts';
import type { HandshakeChannel } from './handshake-channel.ts';
import type { Side } from './key-schedule.ts';
import type { LastFlight } from './last-flight.ts';
import type { PathCheck } from './return-routability.ts';
import type { RecordView } from './record.ts';
import type { RecordLayer } from './record-layer.ts';

/**
 * An association as the application sees it: an endpoint whose key stays the same while its peer's address changes
 * (RFC 7252 §9.1, RFC 9146).
 */
export class AssociationEndpoint implements Endpoint {
  readonly key: string;
  readonly association: Association;
  /** Set by whoever knows the identities, as soon as the handshake is over. */
  principal: Principal | undefined = undefined;
  note: unknown = undefined;

  constructor(association: Association) {
    this.key = `dtls ${association.id}`;
    this.association = association;
  }

  get remote(): Address {
    return this.association.whereabouts.remote;
  }
  get local(): Address {
    return this.association.whereabouts.local;
  }
  get loopback(): boolean {
    return this.association.whereabouts.loopback;
  }
  get verified(): boolean {
    return !this.association.unverifiedAddress;
  }
}

export type AssociationState = 'handshaking' | 'established' | 'closed';

export interface EarlyRecord {
  readonly record: RecordView;
  readonly peer: Endpoint;
}

export class Association {
  readonly id: string;
  readonly side: Side;
  readonly layer: RecordLayer;
  readonly application: AssociationEndpoint;
  /** Where the peer is, by what the transport calls it. */
  endpoint: Endpoint;
  /** The key of the endpoint at which the peer was last known to receive: by the handshake, or since. */
  verifiedAt: string;
  /** Asks whether the peer receives where it was seen (RFC 9853). */
  pathCheck: PathCheck | undefined = undefined;
  /**
   * Of a process before this one: what that one had read and not yet marked may be replayed, from anywhere. So a new address
   * is only a detour, until it is verified.
   */
  restored = false;
  /** Where a restored association's peer was heard and is answered, while its address stays what it was. */
  detour: { readonly endpoint: Endpoint; until: Instant } | undefined = undefined;
  state: AssociationState = 'handshaking';
  identity: PeerIdentity = anonymous;
  suite: CipherSuite | undefined = undefined;
  resumed = false;
  returnRoutability = false;
  /** By which the session can be forgotten. */
  sessionId: Uint8Array | undefined = undefined;
  /** Where the journal has it; below 0 for nowhere. */
  journalSlot = -1;
  /** While it is under way. */
  handshake: Handshake | undefined = undefined;
  channel: HandshakeChannel | undefined = undefined;
  /** Afterwards, as long as it may be asked for again. */
  lastFlight: LastFlight | undefined = undefined;
  /** A server's: tells a repeated ClientHello from that of a new handshake. */
  clientRandom: Uint8Array | undefined = undefined;
  /** By which the peer's records find this association (RFC 9146); empty where they do not. */
  ownCid: Uint8Array;
  /** Records of epoch 1 that have overtaken the messages whose keys they need (RFC 6347 §4.1 lets them be kept or dropped). */
  early: EarlyRecord[] = [];
  /** Application datagrams that wait for the end of a client's handshake, or for sequence numbers. */
  queue: Uint8Array[] = [];
  timer: Timer<Association> | undefined = undefined;
  lastUsed: Instant;

  constructor(id: string, side: Side, endpoint: Endpoint, layer: RecordLayer, ownCid: Uint8Array, now: Instant) {
    this.id = id;
    this.side = side;
    this.endpoint = endpoint;
    this.verifiedAt = endpoint.key;
    this.layer = layer;
    this.ownCid = ownCid;
    this.lastUsed = now;
    this.application = new AssociationEndpoint(this);
  }

  /** The peer was seen where it has not shown yet that it receives. */
  get unverifiedAddress(): boolean {
    return this.whereabouts.key !== this.verifiedAt;
  }

  /** Where what is sent goes. */
  get whereabouts(): Endpoint {
    return this.detour?.endpoint ?? this.endpoint;
  }
}

/** The association that an endpoint is; undefined for one of a transport without security. */
export const associationOf = (endpoint: Endpoint): Association | undefined =>
  endpoint instanceof AssociationEndpoint ? endpoint.association : undefined;
