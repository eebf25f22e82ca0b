/**
 * Alerts (RFC 5246 §7.2, with those of RFC 4279 §7 and RFC 5746): what one end tells the other before it gives up.
 *
 *     | level 1 | description 1 |
 */
import { PeerError } from '../core/error.ts';

export const alertLevels = { warning: 1, fatal: 2 } as const;
export type AlertLevel = keyof typeof alertLevels;

export const alertDescriptions = {
  close_notify: 0,
  unexpected_message: 10,
  bad_record_mac: 20,
  record_overflow: 22,
  handshake_failure: 40,
  bad_certificate: 42,
  unsupported_certificate: 43,
  certificate_revoked: 44,
  certificate_expired: 45,
  certificate_unknown: 46,
  illegal_parameter: 47,
  unknown_ca: 48,
  access_denied: 49,
  decode_error: 50,
  decrypt_error: 51,
  protocol_version: 70,
  insufficient_security: 71,
  internal_error: 80,
  user_canceled: 90,
  no_renegotiation: 100,
  unsupported_extension: 110,
  unknown_psk_identity: 115,
} as const;
export type AlertDescription = keyof typeof alertDescriptions;

export interface Alert {
  readonly level: AlertLevel;
  /** Undefined where it is none that is known here. */
  readonly description: AlertDescription | undefined;
}

/** The handshake cannot go on: the alert goes to the peer, the words to the log. */
export class FatalAlert extends PeerError {
  readonly description: AlertDescription;

  constructor(description: AlertDescription, message: string, options?: { cause?: unknown }) {
    super('dtls-alert', message, options);
    this.description = description;
  }
}

const nameOf = new Map<number, AlertDescription>(
  Object.entries(alertDescriptions).map(([name, number]) => [number, name as AlertDescription]),
);

export const encodeAlert = (level: AlertLevel, description: AlertDescription): Uint8Array =>
  Uint8Array.of(alertLevels[level], alertDescriptions[description]);

/** Undefined where the bytes are no alert. An unknown level counts as fatal: who sends it wants to say something grave. */
export function decodeAlert(bytes: Uint8Array): Alert | undefined {
  if (bytes.length !== 2) return undefined;
  return { level: bytes[0] === alertLevels.warning ? 'warning' : 'fatal', description: nameOf.get(bytes[1] ?? 0) };
}
