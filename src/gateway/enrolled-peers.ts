/** Who has an identity now: what goes on for longer than a moment is of use only as long as its caller has one. */
import type { Principal } from '../core/principal.ts';
import type { Caller } from '../functions/call.ts';

/** Who has an identity, and is told of each that ends. */
export interface EnrolledPeers {
  byName(name: string): Pick<Principal, 'enrolled'> | undefined;
  onEnd(listener: () => void): () => void;
}

/** Whoever calls without an identity is as good as before. A name that was given again is somebody else's. */
export const isStillEnrolled = (
  { identity, enrolled }: Pick<Caller, 'identity' | 'enrolled'>,
  peers: EnrolledPeers | undefined,
): boolean => enrolled === undefined || peers?.byName(identity)?.enrolled === enrolled;
