/** What processes before this one have left in a part, decoded; nothing where it cannot be believed. */
import { FatalAlert } from '../../dtls/alert.ts';
import { decodeSecrets, type AssociationSecrets, type RememberedSession } from '../../dtls/association-journal.ts';
import { decodeSession, encodeSession, type Session } from '../../dtls/session.ts';
import { readMarks } from './mark-file.ts';
import type { PartFiles } from './part-files.ts';
import { decodePlace, placeBytes, type Place } from './place.ts';
import type { StoredRequest } from './request-entry.ts';
import type { RequestLog } from './request-log.ts';
import type { SealedSlots, SlotLayout } from './sealed-slots.ts';

/** Secrets take about 180 bytes, and more with long Connection IDs. The tail lies in one page, and so is written as a whole. */
export const associationSlots: SlotLayout = { name: 'associations', slotBytes: 640, tailBytes: placeBytes };
export const sessionSlots: SlotLayout = { name: 'sessions', slotBytes: 256, tailBytes: 0 };

export interface KeptAssociation extends AssociationSecrets {
  readonly slot: number;
  readonly place: Place;
  readonly receiveMark: number;
  readonly sendSequence: number;
  readonly requests: readonly StoredRequest[];
}

export interface KeptSession extends RememberedSession {
  readonly slot: number;
}

export interface KeptPart {
  readonly associations: readonly KeptAssociation[];
  readonly sessions: readonly KeptSession[];
  readonly usedSlots: number;
  readonly nextSession: number;
  /** Why something was left behind, for people. */
  readonly trouble: string | undefined;
}

export function readPart(part: PartFiles, slots: SealedSlots, sessions: SealedSlots, log: RequestLog): KeptPart {
  const forget = (trouble: string | undefined): KeptPart => {
    part.clear();
    log.clear();
    return { associations: [], sessions: [], usedSlots: 0, nextSession: 0, trouble };
  };
  if (part.isNew) return forget(undefined);
  if (!part.isBelieved) {
    return forget(
      'DTLS sessions of before are forgotten, and devices shake hands again: the machine was not stopped in order, the disk did not take what was to be written, the files are copies, or nobody was enrolled when the gateway began',
    );
  }
  const requests = log.read();
  if (requests === undefined) {
    return forget(
      'DTLS sessions of before are forgotten, and devices shake hands again: the log of their requests is damaged',
    );
  }
  const byAssociation = Map.groupBy(requests.values(), ({ associationId }) => associationId);
  const marks = part.read('marks');
  const found = slots.read();
  const associations = found.slots.flatMap(({ slot, content, tail }) => {
    const secrets = decoded(() => decodeSecrets(content));
    const place = decodePlace(tail);
    const own = secrets && readMarks(marks, slot, secrets.id);
    if (secrets === undefined || place === undefined || own === undefined) return [];
    const begun = byAssociation.get(secrets.id) ?? [];
    const receiveMark = begun.reduce((mark, one) => Math.max(mark, one.receiveMark), own.receiveMark);
    return [{ ...secrets, slot, place, receiveMark, sendSequence: own.sendSequence, requests: begun }];
  });
  const remembered = sessions.read();
  const lost = found.slots.length + found.damaged - associations.length;
  return {
    associations,
    sessions: remembered.slots.flatMap(({ slot, content }) => {
      const session = decodeSessionSlot(content);
      return session === undefined ? [] : [{ ...session, slot }];
    }),
    usedSlots: found.count,
    nextSession: remembered.count,
    trouble:
      lost === 0
        ? undefined
        : `${lost} of ${lost + associations.length} DTLS sessions of before do not open and are forgotten: they were being written when the process ended, or are damaged, or the key file is another one`,
  };
}

export function encodeSessionSlot(id: Uint8Array, session: Session): Uint8Array {
  return Uint8Array.of(id.length, ...id, ...encodeSession(session));
}

function decodeSessionSlot(content: Uint8Array): RememberedSession | undefined {
  const length = content[0] ?? 0;
  const session = decoded(() => decodeSession(content.slice(1 + length)));
  return session === undefined ? undefined : { id: content.slice(1, 1 + length), session };
}

/** Sealed by a process of another version, perhaps. */
function decoded<T>(decode: () => T | undefined): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (error instanceof FatalAlert) return undefined;
    throw error;
  }
}
