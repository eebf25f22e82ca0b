/**
 * Sequence numbers of epoch 1, reserved in blocks before they are used (association-journal.ts). The next block is asked for
 * when half of one is left, so that nobody waits for it but after a burst.
 */
import type { Association } from './association.ts';
import type { AssociationJournal } from './association-journal.ts';
import { maxSequence } from './record.ts';

/** No RFC's number: 2^48 last for 2^38 restarts with it. */
export const reservedBlock = 1024;

export class Reservations {
  readonly #journal: AssociationJournal;
  /** By id, for what the journal says. */
  readonly #associations = new Map<string, Association>();

  constructor(journal: AssociationJournal) {
    this.#journal = journal;
  }

  /** The association is new, or restored: `until` is durable. */
  open(association: Association, until: number): void {
    association.layer.reservedUntil = until;
    association.layer.askedUntil = until;
    this.#associations.set(association.id, association);
  }

  /** To be called when numbers were used. */
  used({ id, layer }: Association): void {
    if (layer.askedUntil - layer.nextSequence > reservedBlock / 2 || layer.askedUntil >= maxSequence) return;
    layer.askedUntil = Math.min(layer.askedUntil + reservedBlock, maxSequence);
    this.#journal.reserve(id, layer.askedUntil);
  }

  /** Numbers below `until` are durable now. Returns the association that may go on. */
  granted(id: string, until: number): Association | undefined {
    const association = this.#associations.get(id);
    if (association === undefined || until > association.layer.askedUntil) return undefined;
    association.layer.reservedUntil = Math.max(association.layer.reservedUntil, until);
    return association;
  }

  close({ id }: Association): void {
    this.#associations.delete(id);
  }
}
