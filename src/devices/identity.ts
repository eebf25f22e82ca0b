/**
 * An identity: a device or a person that calls over coaps, and the credentials it proves itself with.
 *
 * An identity has one credential, or, while it is rotated, an old and a new one that are both valid. A credential
 * that has ended (`until`) proves nothing. Left out: what an identity may do (gateway/access-rules.ts).
 */
import { hex, utf8 } from '../core/bytes.ts';
import { UsageError } from '../core/error.ts';
import { anonymous, type Principal } from '../core/principal.ts';
import { timeOfDay, type TimeOfDay } from '../core/time-of-day.ts';

export type CredentialKind = 'psk' | 'x509' | 'rpk';

export interface NewCredential {
  readonly kind: CredentialKind;
  /**
   * What a peer shows, by which the credential is found: the PSK identity (RFC 4279 §2), or the SHA-256 of the
   * certificate, or of the SubjectPublicKeyInfo (RFC 7250 §3), both in DER.
   */
  readonly shown: Uint8Array;
  /** The pre-shared key; undefined for the other kinds: their private keys are the device's alone. */
  readonly key: Uint8Array | undefined;
  /** Of a certificate, in hexadecimal: what a revocation list names. */
  readonly serial: string | undefined;
}

export interface Credential extends Omit<NewCredential, 'key'> {
  /** Given once, never used again. */
  readonly id: string;
  readonly created: TimeOfDay;
  /** From then on it proves nothing: the identity was rotated or revoked. */
  readonly until: TimeOfDay | undefined;
  /** The pre-shared key, encrypted: `IdentityStore.keyOf` opens it. */
  readonly sealedKey: Uint8Array | undefined;
}

export interface NewIdentity extends Omit<Principal, 'enrolled'> {
  readonly created: TimeOfDay;
  readonly expires: TimeOfDay | undefined;
  /** Sessions without extended master secret (RFC 7627) are accepted from it, and are never resumed. */
  readonly allowLegacyMasterSecret: boolean;
  readonly credential: NewCredential;
}

export interface Identity extends Omit<NewIdentity, 'credential'> {
  readonly revoked: TimeOfDay | undefined;
  /** The newest first; ended ones too, as long as they are kept. */
  readonly credentials: readonly Credential[];
}

const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/** @throws UsageError 'bad-identity' where it cannot name an identity or a group */
export function checkIdentityName(name: string, what: 'identity' | 'group' = 'identity'): void {
  if (!namePattern.test(name)) {
    throw new UsageError(
      'bad-identity',
      `${JSON.stringify(name)} cannot be the name of ${what === 'group' ? 'a group' : 'an identity'}; use letters, digits, ".", "_" and "-", beginning with a letter or digit, at most 63 characters.`,
    );
  }
  if (what === 'identity' && name === anonymous.name) {
    throw new UsageError('bad-identity', `${name} is who calls without an identity; choose another name.`);
  }
}

/** When a credential ends: by itself, or with its identity. */
export function validUntil({ expires, revoked }: Identity, { until }: Credential): TimeOfDay | undefined {
  const ends = [expires, revoked, until].filter((end) => end !== undefined);
  return ends.length === 0 ? undefined : timeOfDay(Math.min(...ends));
}

/** Revoked is revoked, whatever the clock says: it may have been set back since. */
export const isValid = (identity: Identity, credential: Credential, now: TimeOfDay): boolean =>
  identity.revoked === undefined && now < (validUntil(identity, credential) ?? Infinity);

export type IdentityState = 'valid' | 'expired' | 'revoked';

export function identityState({ expires, revoked }: Identity, now: TimeOfDay): IdentityState {
  if (revoked !== undefined) return 'revoked';
  return expires !== undefined && expires <= now ? 'expired' : 'valid';
}

/**
 * The PSK identity for the next credential of `name`: the name, or while that is in use `name:2`, `name:3`, … No name
 * has a colon, so they never meet another identity's.
 */
export function nextPskIdentity(name: string, credentials: readonly Credential[]): string {
  const used = new Set(credentials.map(({ shown }) => hex(shown)));
  for (let count = 1; ; count++) {
    const candidate = count === 1 ? name : `${name}:${count}`;
    if (!used.has(hex(utf8(candidate)))) return candidate;
  }
}
