/**
 * What makes associations outlive the process: an association as data, and who is told of all that must not be forgotten.
 * Storage and its encryption are elsewhere.
 *
 * No nonce is used twice, whenever the process ends: sequence numbers are reserved in blocks, a block is used only once it is known
 * to be durable, and a restored association begins behind the last block that was asked for. No record is read twice:
 * a restored one accepts nothing at or below its receive mark.
 */
import type { Endpoint } from '../core/datagram.ts';
import type { PeerIdentity } from './credentials.ts';
import type { Side } from './key-schedule.ts';
import type { WriteKeys } from './record-protection.ts';

export interface AssociationSnapshot {
  readonly id: string;
  readonly side: Side;
  /** Where the peer was last. */
  readonly endpoint: Endpoint;
  readonly identity: PeerIdentity;
  readonly cipherSuite: number;
  readonly readKeys: WriteKeys;
  readonly writeKeys: WriteKeys;
  readonly ownCid: Uint8Array;
  readonly peerCid: Uint8Array;
  /** The first sequence number of epoch 1 that was never reserved. */
  readonly sendSequence: number;
  /** The newest sequence number that was received; -1 where none was. */
  readonly receiveMark: number;
  readonly maxContentBytes: number;
  readonly returnRoutability: boolean;
}

/** Told of changes as they happen; none of it is waited for but reservations. */
export interface AssociationJournal {
  /** A handshake is over. The snapshot counts the first block as reserved. */
  opened(snapshot: AssociationSnapshot): void;
  /** Numbers below `until` are wanted. `DtlsEngine.reserved` is called when that is durable. */
  reserve(id: string, until: number): void;
  /** A record newer than all before it was accepted. */
  received(id: string, mark: number): void;
  /** The peer is at another address. */
  moved(id: string, endpoint: Endpoint): void;
  closed(id: string): void;
}
