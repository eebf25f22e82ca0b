/**
 * Who may come in and as whom: what the handshake asks of the store of identities, which lives elsewhere. All of it answers at
 * once, because a handshake does not wait.
 */
import type { CertificatePayload } from './messages/certificate.ts';
import type { CertificateType } from './messages/extensions.ts';
import type { AlertDescription } from './alert.ts';
import type { SigningKey } from './primitives.ts';

/** In the order of their numbers at rest. */
export const peerKinds = ['psk', 'x509', 'raw_public_key', 'anonymous'] as const;

/** Who is at the other end of an association. */
export interface PeerIdentity {
  readonly kind: (typeof peerKinds)[number];
  /** The name that access rules speak of; empty for an anonymous peer. */
  readonly name: string;
}

export const anonymous: PeerIdentity = { kind: 'anonymous', name: '' };

export interface PreSharedKey {
  readonly name: string;
  readonly key: Uint8Array;
  /** Handshakes without extended master secret (RFC 7627) are taken from this one; they do not resume. */
  readonly allowLegacyMasterSecret: boolean;
}

/** A certificate chain or raw public key of this end, and the key that signs for it. */
export interface OwnCertificate {
  readonly type: CertificateType;
  readonly payload: CertificatePayload;
  readonly signingKey: SigningKey;
}

export interface PresentedCertificate {
  readonly type: CertificateType;
  readonly payload: CertificatePayload;
}

/** Whether a certificate or key is believed, and as whose; the alert goes to the peer, the reason to the log. */
export type Verdict =
  | { readonly accepted: true; readonly name: string }
  | { readonly accepted: false; readonly alert: AlertDescription; readonly reason: string };

export interface ServerCredentials {
  /** By the psk_identity of the client; without this no PSK suite is spoken. */
  readonly preSharedKey?: (identity: Uint8Array) => PreSharedKey | undefined;
  /** Whether any pre-shared key allows it; where none does, such a ClientHello is refused at once. */
  readonly allowLegacyMasterSecret: boolean;
  /** At most one of each type; without any no certificate suite is spoken. */
  readonly certificates: readonly OwnCertificate[];
  /** Whether clients with certificate suites must, may or need not show one; undefined asks for none. */
  readonly clientCertificates?: {
    readonly types: readonly CertificateType[];
    readonly required: boolean;
    readonly verify: (presented: PresentedCertificate) => Verdict;
  };
  /** Asked before a session is resumed: an identity may have been revoked since. */
  readonly mayResume: (identity: PeerIdentity) => boolean;
}

/** What a client shows and believes. */
export interface ClientCredentials {
  readonly preSharedKey?: { readonly identity: Uint8Array; readonly key: Uint8Array };
  readonly certificate?: OwnCertificate;
  /** Without this no certificate suite is offered. */
  readonly serverCertificates?: {
    readonly types: readonly CertificateType[];
    readonly verify: (presented: PresentedCertificate) => Verdict;
  };
  /** A DNS name, sent as server_name (RFC 6066 §3). */
  readonly serverName?: string;
}
