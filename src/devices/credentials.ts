/**
 * Who is behind what a peer shows in a handshake: an index over the identity store, in memory, so that a stranger's
 * handshake costs no disk and a change is one read of what changed. It is as large as the operator's list of
 * identities; peers cannot make it grow. Pre-shared keys stay encrypted in it until one is asked for.
 *
 * Left out: the chain of a certificate and its signatures, which the handshake checks before it asks here.
 */
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { hex } from '../core/bytes.ts';
import type { Principal } from '../core/principal.ts';
import type { TimeOfDay } from '../core/time-of-day.ts';
import { isValid, validUntil, type Credential, type CredentialKind, type Identity } from './identity.ts';
import type { IdentityStore } from './identity-store.ts';

/** An identity that has shown a valid credential. The same object for the same credential, until it changes. */
export interface KnownPeer extends Principal {
  readonly credentialId: string;
  readonly kind: CredentialKind;
  readonly allowLegacyMasterSecret: boolean;
  readonly validUntil: TimeOfDay | undefined;
}

/** The same shape, and a key in any case, whether the identity is known or not: RFC 4279 §2, an unknown one behaves as a wrong key. */
export interface PskAnswer {
  readonly key: Uint8Array;
  readonly peer: KnownPeer | undefined;
}

export interface CredentialsOptions {
  readonly store: IdentityStore;
  readonly timeOfDay: () => TimeOfDay;
  /** A stored key that cannot be opened, or a store that cannot be read: for the log. What was known stays known. */
  readonly onFault: (error: unknown) => void;
}

interface Entry {
  readonly credential: Credential;
  readonly peer: KnownPeer;
}

/** Of a key that `enroll` makes. */
const usualKeyBytes = 22;

export class Credentials {
  readonly #options: CredentialsOptions;
  readonly #byShown = new Map<string, Entry>();
  readonly #byId = new Map<string, Entry>();
  readonly #idsByName = new Map<string, readonly string[]>();
  readonly #endListeners = new Set<(peer: KnownPeer) => void>();
  #taken: (revision: number) => void = () => undefined;
  readonly #decoySecret = randomBytes(32);
  #decoy: Entry | undefined;
  #revision = 0;
  #nextEnd = Infinity;
  #allowsLegacy = false;
  #stop: () => void = () => undefined;
  #refreshing: Promise<void> = Promise.resolve();
  /** Something has changed that could not be read. */
  #isBehind = false;

  private constructor(options: CredentialsOptions) {
    this.#options = options;
  }

  /** Reads all identities. */
  static async open(options: CredentialsOptions): Promise<Credentials> {
    const credentials = new Credentials(options);
    await credentials.#refresh();
    credentials.#stop = options.store.onChange(() => credentials.#refreshSoon());
    return credentials;
  }

  /** The key of a PSK identity; for one that is not known a key that nobody has, always the same for the same identity. */
  psk(shown: Uint8Array): PskAnswer {
    // All is done in any case, so that the time it takes does not tell them apart.
    const decoy = createHmac('sha256', this.#decoySecret).update(shown).digest().subarray(0, usualKeyBytes);
    const found = this.#byShown.get(keyFor('psk', shown));
    const entry = found ?? this.#decoy;
    const key = entry && this.#open(entry, found !== undefined);
    const peer = found && entry && this.#isValid(entry) ? entry.peer : undefined;
    return key === undefined || peer === undefined ? { key: decoy, peer: undefined } : { key, peer };
  }

  /** @param der the end-entity certificate */
  certificate(der: Uint8Array): KnownPeer | undefined {
    return this.#valid(this.#byShown.get(keyFor('x509', sha256(der))))?.peer;
  }

  /** @param spki the SubjectPublicKeyInfo in DER (RFC 7250 §3) */
  publicKey(spki: Uint8Array): KnownPeer | undefined {
    return this.#valid(this.#byShown.get(keyFor('rpk', sha256(spki))))?.peer;
  }

  /** Whoever once proved itself with this credential, if it is still valid: for resumption and for associations that are taken up again. */
  byId(credentialId: string): KnownPeer | undefined {
    return this.#valid(this.#byId.get(credentialId))?.peer;
  }

  /** An identity that has a valid credential, by its newest. */
  byName(name: string): KnownPeer | undefined {
    for (const id of this.#idsByName.get(name) ?? []) {
      const peer = this.byId(id);
      if (peer !== undefined) return peer;
    }
    return undefined;
  }

  /** Whether anybody may come without extended master secret: where nobody may, such a handshake can be refused at once. */
  get allowsLegacyMasterSecret(): boolean {
    return this.#allowsLegacy;
  }

  /** Told of every credential that has ended, by revocation, rotation or (at `expire`) its time: so must associations made with it. */
  onEnd(listener: (peer: KnownPeer) => void): () => void {
    this.#endListeners.add(listener);
    return () => this.#endListeners.delete(listener);
  }

  /** Tells a listener, now and after each change, up to which revision of the store all of it counts here. */
  onTaken(listener: (revision: number) => void): void {
    this.#taken = listener;
    listener(this.#revision);
  }

  /**
   * Lets go of what has expired by now, and reads once more what could not be read: to be called now and then (a map
   * look-up, unless there is something to do).
   */
  expire(): void {
    if (this.#isBehind) this.#refreshSoon();
    if (this.#options.timeOfDay() < this.#nextEnd) return;
    for (const entry of this.#byId.values()) if (!this.#isValid(entry)) this.#forget(entry);
    this.#survey();
  }

  close(): void {
    this.#stop();
  }

  #refreshSoon(): void {
    this.#isBehind = false;
    this.#refreshing = this.#refreshing
      .then(() => this.#refresh())
      .catch((error: unknown) => {
        // The store tells of each change once, and this may be a revocation.
        this.#isBehind = true;
        this.#options.onFault(error);
      });
  }

  async #refresh(): Promise<void> {
    const { identities, revision } = await this.#options.store.changes(this.#revision);
    this.#revision = revision;
    for (const identity of identities) this.#replace(identity);
    this.#survey();
    // Last: who waits for it may rely on it.
    this.#taken(revision);
  }

  #replace(identity: Identity): void {
    const now = this.#options.timeOfDay();
    const valid = identity.credentials.filter((credential) => isValid(identity, credential, now));
    const before = this.#idsByName.get(identity.name) ?? [];
    for (const credential of valid) this.#remember(identity, credential);
    const kept = new Set(valid.map(({ id }) => id));
    for (const id of before) {
      const entry = kept.has(id) ? undefined : this.#byId.get(id);
      if (entry !== undefined) this.#forget(entry);
    }
    if (kept.size === 0) this.#idsByName.delete(identity.name);
    else this.#idsByName.set(identity.name, [...kept]);
  }

  #remember(identity: Identity, credential: Credential): void {
    const { name, groups, created, allowLegacyMasterSecret } = identity;
    const peer: KnownPeer = {
      name,
      groups,
      enrolled: created,
      credentialId: credential.id,
      kind: credential.kind,
      allowLegacyMasterSecret,
      validUntil: validUntil(identity, credential),
    };
    const entry: Entry = { credential, peer };
    this.#byId.set(credential.id, entry);
    this.#byShown.set(keyFor(credential.kind, credential.shown), entry);
    if (credential.kind === 'psk') this.#decoy ??= entry;
  }

  #forget({ credential, peer }: Entry): void {
    this.#byId.delete(credential.id);
    const shown = keyFor(credential.kind, credential.shown);
    // The same may have been shown for a newer credential since.
    if (this.#byShown.get(shown)?.credential.id === credential.id) this.#byShown.delete(shown);
    for (const listener of this.#endListeners) listener(peer);
  }

  #survey(): void {
    this.#nextEnd = Infinity;
    this.#allowsLegacy = false;
    for (const { peer } of this.#byId.values()) {
      this.#nextEnd = Math.min(this.#nextEnd, peer.validUntil ?? Infinity);
      this.#allowsLegacy ||= peer.allowLegacyMasterSecret;
    }
  }

  #valid(entry: Entry | undefined): Entry | undefined {
    return entry !== undefined && this.#isValid(entry) ? entry : undefined;
  }

  #isValid({ peer }: Entry): boolean {
    return this.#options.timeOfDay() < (peer.validUntil ?? Infinity);
  }

  #open({ credential }: Entry, report: boolean): Uint8Array | undefined {
    try {
      return this.#options.store.keyOf(credential);
    } catch (error) {
      if (report) this.#options.onFault(error);
      return undefined;
    }
  }
}

const keyFor = (kind: CredentialKind, shown: Uint8Array): string => `${kind} ${hex(shown)}`;

export const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest());
