/** A journal in memory, with a disk that can be cut off: what is not written when the process ends is lost. */
import { hex } from '../../src/core/bytes.ts';
import type { Endpoint } from '../../src/core/datagram.ts';
import type {
  AssociationJournal,
  AssociationSnapshot,
  RestoredAssociation,
} from '../../src/dtls/association-journal.ts';
import type { Session } from '../../src/dtls/session.ts';

export class MemoryJournal implements AssociationJournal {
  /** What is durable. */
  readonly stored: Map<string, RestoredAssociation> = new Map();
  /** By slot. */
  readonly #ids: string[] = [];
  readonly sessions: Map<string, Session> = new Map();
  /** Reservations that wait to be written. */
  readonly asked: { readonly id: string; readonly until: number }[] = [];

  opened(snapshot: AssociationSnapshot): number {
    const slot = this.#ids.push(snapshot.id) - 1;
    this.stored.set(snapshot.id, { ...snapshot, slot });
    return slot;
  }
  reserve(id: string, until: number): void {
    this.asked.push({ id, until });
  }
  received(slot: number, mark: number): void {
    this.#change(this.#ids[slot] ?? '', { receiveMark: mark });
  }
  moved(id: string, endpoint: Endpoint): void {
    this.#change(id, { endpoint });
  }
  closed(id: string): void {
    this.stored.delete(id);
  }

  remembered(sessionId: Uint8Array, session: Session): void {
    this.sessions.set(hex(sessionId), session);
  }
  forgotten(sessionId: Uint8Array): void {
    this.sessions.delete(hex(sessionId));
  }

  /** Writes what was asked for; `granted` is told of each. */
  write(granted: (id: string, until: number) => void): void {
    for (const { id, until } of this.asked.splice(0)) {
      this.#change(id, { sendSequence: until });
      granted(id, until);
    }
  }

  #change(id: string, change: Partial<AssociationSnapshot>): void {
    const snapshot = this.stored.get(id);
    if (snapshot !== undefined) this.stored.set(id, { ...snapshot, ...change });
  }
}
