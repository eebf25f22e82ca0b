/** Unsafe requests over associations, kept beside them: the ledger of the CoAP engine over the store of associations. */
import type { Ledger, KeptRequest } from '../coap/exchange/ledger.ts';
import type { Clock } from '../core/clock.ts';
import { after, milliseconds, type Milliseconds } from '../core/duration.ts';
import { later, type TimeOfDay } from '../core/time-of-day.ts';
import { associationOf } from '../dtls/association.ts';
import type { AssociationStore } from '../store/associations/association-store.ts';
import type { StoredRequest } from '../store/associations/request-entry.ts';

export interface LedgerParts {
  readonly store: AssociationStore;
  readonly clock: Clock;
  readonly timeOfDay: () => TimeOfDay;
  /** There is output to be fetched. */
  readonly wake: () => void;
}

export function coapsLedger({ store, clock, timeOfDay, wake }: LedgerParts): Ledger {
  return {
    fingerprintKey: store.fingerprintKey,
    keeps: (endpoint) => {
      const association = associationOf(endpoint);
      return association !== undefined && store.keeps(association.id);
    },
    begin: ({ endpoint, messageId, fingerprint, confirmable, expires }, settled) => {
      const association = associationOf(endpoint);
      if (association === undefined) return undefined;
      const left = milliseconds(expires - clock.now());
      const { receiveMark } = association.layer;
      const answered = store.begin(
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
    },
  };
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
