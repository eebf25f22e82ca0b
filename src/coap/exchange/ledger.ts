/**
 * What of deduplication (RFC 7252 §4.5) outlives the process, where somebody keeps it: which unsafe requests have begun, and how
 * they were answered. A request that is kept runs only after that is written. Plain CoAP has no ledger: its peers' records are
 * those of addresses, which prove nothing.
 */
import type { Endpoint } from '../../core/datagram.ts';
import type { Instant } from '../../core/duration.ts';

export interface BegunRequest {
  readonly endpoint: Endpoint;
  readonly messageId: number;
  readonly fingerprint: number;
  readonly confirmable: boolean;
  readonly expires: Instant;
}

/** A request that a process before this one has begun. */
export interface KeptRequest extends Omit<BegunRequest, 'endpoint'> {
  /** The ACK that it got; undefined where none is known: nobody can tell whether it ran to its end. */
  readonly reply: Uint8Array | undefined;
}

export interface LedgerEntry {
  /** The ACK, with the response or empty. Nobody waits until it is written. */
  answered(reply: Uint8Array): void;
}

export interface Ledger {
  /** The key of fingerprints: the same in all processes that read what one of them wrote. */
  readonly fingerprintKey: number;
  /** Whether requests of this endpoint are kept; all others run at once. */
  keeps(endpoint: Endpoint): boolean;
  /**
   * `settled` is called once, later: true when the request may run, false when it must not.
   * Undefined where it cannot be kept: it must not run either.
   */
  begin(request: BegunRequest, settled: (written: boolean, now: Instant) => void): LedgerEntry | undefined;
}
