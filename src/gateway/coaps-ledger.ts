/** Unsafe requests over associations, kept beside them: the ledger of the CoAP engine over the store of associations. */
import type { BegunRequest, KeptRequest, Ledger, LedgerEntry } from '../coap/exchange/ledger.ts';
import type { Clock } from '../core/clock.ts';
import type { Endpoint } from '../core/datagram.ts';
import { after, milliseconds, type Instant, type Milliseconds } from '../core/duration.ts';
import { InternalError } from '../core/error.ts';
import { later, type TimeOfDay } from '../core/time-of-day.ts';
import { associationOf } from '../dtls/association.ts';
import type { AssociationStore } from '../store/associations/association-store.ts';
import type { StoredRequest } from '../store/associations/request-entry.ts';

export interface LedgerParts {
  readonly clock: Clock;
  readonly timeOfDay: () => TimeOfDay;
  /** Uniform in [0, 1). */
  readonly uniform: () => number;
  /** There is output to be fetched. */
  readonly wake: () => void;
}

/** Keeps nothing until there is a store: the door can be opened while the engine runs. */
export class CoapsLedger implements Ledger {
  readonly fingerprintKey: number;
  readonly #parts: LedgerParts;
  #store: AssociationStore | undefined;

  /** @param store undefined: there is none, for now */
  constructor(store: AssociationStore | undefined, parts: LedgerParts) {
    this.fingerprintKey = store?.fingerprintKey ?? Math.floor(parts.uniform() * 0x1_0000_0000);
    this.#parts = parts;
    this.#store = store;
  }

  /** A store that was told the key of this ledger. */
  use(store: AssociationStore | undefined): void {
    if (store !== undefined && store.fingerprintKey !== this.fingerprintKey)
      throw new InternalError('foreign-store', 'The store of associations tells requests apart by another key.');
    this.#store = store;
  }

  keeps(endpoint: Endpoint): boolean {
    const association = associationOf(endpoint);
    return association !== undefined && this.#store?.keeps(association.id) === true;
  }

  begin(
    { endpoint, messageId, fingerprint, confirmable, expires }: BegunRequest,
    settled: (written: boolean, now: Instant) => void,
  ): LedgerEntry | undefined {
    const { clock, timeOfDay, wake } = this.#parts;
    const association = associationOf(endpoint);
    if (association === undefined) return undefined;
    const left = milliseconds(expires - clock.now());
    const { receiveMark } = association.layer;
    const answered = this.#store?.begin(
      {
        associationId: association.id,
        receiveMark,
        messageId,
        confirmable,
        fingerprint,
        expires: later(timeOfDay(), left),
      },
      (written) => {
        // Whoever was revoked meanwhile runs nothing any more.
        settled(written && association.state === 'established', clock.now());
        wake();
      },
    );
    return answered && { answered };
  }
}

/** What a process before this one kept, for the engine of this one. @param longest no record lives longer, however clocks were set */
export function keptRequests(
  requests: readonly StoredRequest[],
  { clock, timeOfDay }: Pick<LedgerParts, 'clock' | 'timeOfDay'>,
  longest: Milliseconds,
): KeptRequest[] {
  const [now, today] = [clock.now(), timeOfDay()];
  return requests.flatMap(({ messageId, fingerprint, confirmable, expires, reply }) => {
    const left = milliseconds(Math.min(expires - today, longest));
    return left <= 0 ? [] : [{ messageId, fingerprint, confirmable, expires: after(now, left), reply }];
  });
}
