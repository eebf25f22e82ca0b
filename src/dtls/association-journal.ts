/**
 * What makes associations outlive the process: an association as data, and who is told of all that must not be forgotten.
 * Storage and its encryption are elsewhere.
 *
 * No nonce is used twice, whenever the process ends: sequence numbers are reserved in blocks, a block is used only once it is known
 * to be durable, and a restored association begins behind the last block that was asked for. No record is read twice:
 * a restored one accepts nothing at or below its receive mark.
 */
import { concatBytes, textOf, utf8 } from '../core/bytes.ts';
import type { Endpoint } from '../core/datagram.ts';
import { peerKinds, type PeerIdentity } from './credentials.ts';
import type { Side } from './key-schedule.ts';
import { Reader, uint, vector } from './presentation.ts';
import type { WriteKeys } from './record-protection.ts';
import type { Session, SessionJournal } from './session.ts';

/** What never changes: keys, and what was agreed. */
export interface AssociationSecrets {
  readonly id: string;
  readonly side: Side;
  readonly identity: PeerIdentity;
  readonly cipherSuite: number;
  readonly readKeys: WriteKeys;
  readonly writeKeys: WriteKeys;
  readonly ownCid: Uint8Array;
  readonly peerCid: Uint8Array;
  readonly maxContentBytes: number;
  readonly returnRoutability: boolean;
}

export interface AssociationSnapshot extends AssociationSecrets {
  /** Where the peer was last. */
  readonly endpoint: Endpoint;
  /** The first sequence number of epoch 1 that was never reserved. */
  readonly sendSequence: number;
  /** The newest sequence number that was received; -1 where none was. */
  readonly receiveMark: number;
}

/** One that a process before this one has left. */
export interface RestoredAssociation extends AssociationSnapshot {
  /** Where the journal has it. */
  readonly slot: number;
}

/** Told of changes as they happen; none of it is waited for but reservations. */
export interface AssociationJournal extends SessionJournal {
  /** A handshake is over. The snapshot counts the first block as reserved. Returns where the journal has it, a number below 0 for nowhere. */
  opened(snapshot: AssociationSnapshot): number;
  /** Numbers below `until` are wanted. `DtlsEngine.reserved` is called when that is durable. */
  reserve(id: string, until: number): void;
  /** A record newer than all before it was accepted. By slot: it is said of nearly every record. */
  received(slot: number, mark: number): void;
  /** The peer is at another address. */
  moved(id: string, endpoint: Endpoint): void;
  closed(id: string): void;
}

const sides = ['client', 'server'] as const;

const encodeKeys = ({ macKey, key, iv }: WriteKeys): Uint8Array =>
  vector(1, vector(1, macKey), vector(1, key), vector(1, iv));

function decodeKeys(reader: Reader): WriteKeys {
  const keys = new Reader(reader.vector(1));
  return { macKey: keys.vector(1), key: keys.vector(1), iv: keys.vector(1) };
}

/** | id 1+ | side 1 | cipher suite 2 | kind 1 | name 2+ | read keys 1+ | write keys 1+ | CIDs 1+, 1+ | content 2 | RRC 1 | */
export const encodeSecrets = (secrets: AssociationSecrets): Uint8Array =>
  concatBytes([
    vector(1, utf8(secrets.id)),
    uint(sides.indexOf(secrets.side), 1),
    uint(secrets.cipherSuite, 2),
    uint(peerKinds.indexOf(secrets.identity.kind), 1),
    vector(2, utf8(secrets.identity.name)),
    encodeKeys(secrets.readKeys),
    encodeKeys(secrets.writeKeys),
    vector(1, secrets.ownCid),
    vector(1, secrets.peerCid),
    uint(secrets.maxContentBytes, 2),
    uint(secrets.returnRoutability ? 1 : 0, 1),
  ]);

/** Of bytes that this process or one before it has written and sealed. @throws FatalAlert where they are others. */
export function decodeSecrets(bytes: Uint8Array): AssociationSecrets | undefined {
  const reader = new Reader(bytes);
  const id = textOf(reader.vector(1));
  const side = sides[reader.uint(1)];
  const cipherSuite = reader.uint(2);
  const kind = peerKinds[reader.uint(1)];
  const name = textOf(reader.vector(2));
  const [readKeys, writeKeys] = [decodeKeys(reader), decodeKeys(reader)];
  const [ownCid, peerCid] = [reader.vector(1), reader.vector(1)];
  const maxContentBytes = reader.uint(2);
  const returnRoutability = reader.uint(1) === 1;
  if (id === undefined || side === undefined || kind === undefined || name === undefined) return undefined;
  const identity: PeerIdentity = { kind, name };
  return { id, side, identity, cipherSuite, readKeys, writeKeys, ownCid, peerCid, maxContentBytes, returnRoutability };
}

/** One that can be resumed by its ID. */
export interface RememberedSession {
  readonly id: Uint8Array;
  readonly session: Session;
}
