/** What the two kinds of deduplication records have in common (RFC 7252 §4.5). */
import type { Peer } from './peer.ts';

/** A message is a copy of another. */
export interface Duplicate {
  /** The ACK with the response, or the empty ACK; undefined while there is nothing yet, and for a NON. */
  readonly reply: Uint8Array | undefined;
  /** A process before this one had begun it, and did not live to answer. */
  readonly interrupted: boolean;
}

/** A message that is about to be looked up. */
export interface Expected {
  readonly peer: Peer | undefined;
  readonly messageId: number;
  readonly fingerprint: number;
}
