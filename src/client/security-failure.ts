/** Why there is no association, or not any more, from the alert (RFC 5246 §7.2.2) and who sent it, or from silence. */
import type { AlertDescription } from '../dtls/alert.ts';
import type { RequestFailure } from '../coap/exchange/client-exchange.ts';
import type { Endpoint } from '../core/datagram.ts';
import { associationOf } from '../dtls/association.ts';
import type { CloseReason, DtlsEvent } from '../dtls/event.ts';
import type { SecurityFailure } from './request-error.ts';

export interface FailedHandshake {
  readonly failure: SecurityFailure;
  readonly detail: string | undefined;
}

/** About a certificate or raw public key, and what is to be said of ours. */
const aboutCertificates: Partial<Record<AlertDescription, string>> = {
  bad_certificate: 'it cannot be read there',
  unsupported_certificate: 'it is not meant for this',
  certificate_revoked: 'it is revoked',
  certificate_expired: 'it has expired, and `funcoap identities rotate` makes another',
  certificate_unknown: 'it is not enrolled there, or not any more',
  unknown_ca: 'no authority that is trusted there has issued it',
  access_denied: 'it is known, and may not come in',
};

const noCommonSuite: ReadonlySet<AlertDescription> = new Set([
  'handshake_failure',
  'insufficient_security',
  'protocol_version',
]);

export function failedHandshake({ alert, by, reason }: Extract<DtlsEvent, { type: 'failed' }>): FailedHandshake {
  const about = aboutCertificates[alert];
  if (by === 'us') return { failure: about === undefined ? 'handshake-broken' : 'gateway-not-trusted', detail: reason };
  if (about !== undefined) return { failure: 'credential-refused', detail: about };
  return { failure: noCommonSuite.has(alert) ? 'no-common-suite' : 'handshake', detail: undefined };
}

/** What is said of whatever was asked over an association that is over. */
export const lossOf = ({ kind }: CloseReason): RequestFailure | SecurityFailure =>
  kind === 'silent' ? 'timeout' : kind === 'unreachable' ? kind : 'association-closed';

/** What did not come in time may be the end of the handshake. */
export const orHandshake = <Reason>(reason: Reason, endpoint: Endpoint): Reason | 'handshake-timeout' =>
  reason === 'timeout' && associationOf(endpoint)?.state === 'handshaking' ? 'handshake-timeout' : reason;
