/**
 * Where identities are kept. Several processes use one store at once: the gateways and the command line. Stores are
 * adapters in store/, all held to test/contract/identity-store.ts.
 */
import type { TimeOfDay } from '../core/time-of-day.ts';
import type { Credential, Identity, NewCredential, NewIdentity } from './identity.ts';

export interface IdentityChanges {
  /** As they are now, each once. */
  readonly identities: readonly Identity[];
  /** To be handed to the next `changes`. */
  readonly revision: number;
}

export interface IdentityStore {
  /**
   * A name that was revoked may be given again: its earlier credentials stay ended.
   * @throws UsageError 'identity-exists', 'credential-taken'
   */
  enroll(identity: NewIdentity): Promise<Identity>;
  /**
   * Gives a further credential. Those before it end at `overlapUntil`, or earlier where they were to.
   * @throws UsageError 'no-such-identity', 'identity-ended', 'credential-taken'
   */
  rotate(name: string, credential: NewCredential, now: TimeOfDay, overlapUntil: TimeOfDay): Promise<Identity>;
  /** Revoking once more changes nothing. @throws UsageError 'no-such-identity' */
  revoke(name: string, now: TimeOfDay): Promise<Identity>;
  find(name: string): Promise<Identity | undefined>;
  /** Sorted by name. */
  list(): Promise<readonly Identity[]>;
  /** What changed after a revision, whoever changed it; since 0: everything. */
  changes(since: number): Promise<IdentityChanges>;
  /** Told soon after any process has changed something. What it returns ends that. */
  onChange(listener: () => void): () => void;
  /**
   * The pre-shared key of a credential. At once: it waits for no disk and no network.
   * @throws UsageError 'sealed-secret' where what is stored was changed by anybody else
   */
  keyOf(credential: Credential): Uint8Array;
  close(): Promise<void>;
}
