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
  /** By id: up to where a block was asked for. */
  readonly #asked = new Map<string, { readonly association: Association; until: number }>();

  constructor(journal: AssociationJournal) {
    this.#journal = journal;
  }

  /** The association is new, or restored: `until` is durable. */
  open(association: Association, until: number): void {
    association.layer.reservation = { until };
    this.#asked.set(association.id, { association, until });
  }

  /** To be called when numbers were used. */
  used({ id, layer }: Association): void {
    const asked = this.#asked.get(id);
    if (asked === undefined || asked.until - layer.nextSequence > reservedBlock / 2) return;
    if (asked.until >= maxSequence) return;
    asked.until = Math.min(asked.until + reservedBlock, maxSequence);
    this.#journal.reserve(id, asked.until);
  }

  /** Numbers below `until` are durable now. Returns the association that may go on. */
  granted(id: string, until: number): Association | undefined {
    const asked = this.#asked.get(id);
    if (asked === undefined || until > asked.until) return undefined;
    const { layer } = asked.association;
    if (until > layer.reservation.until) layer.reservation = { until };
    return asked.association;
  }

  close({ id }: Association): void {
    this.#asked.delete(id);
  }
}
