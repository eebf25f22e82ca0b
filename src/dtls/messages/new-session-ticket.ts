/**
 * NewSessionTicket (RFC 5077 §3.3):
 *
 *     | ticket_lifetime_hint 4, seconds | ticket <0..> 2+ |
 */
import { concatBytes } from '../../core/bytes.ts';
import { Reader, uint, vector } from '../presentation.ts';

export interface NewSessionTicket {
  readonly lifetimeSeconds: number;
  readonly ticket: Uint8Array;
}

export function decodeNewSessionTicket(body: Uint8Array): NewSessionTicket {
  const reader = new Reader(body);
  const lifetimeSeconds = reader.uint(4);
  const ticket = reader.vector(2);
  reader.end();
  return { lifetimeSeconds, ticket };
}

export const encodeNewSessionTicket = ({ lifetimeSeconds, ticket }: NewSessionTicket): Uint8Array =>
  concatBytes([uint(lifetimeSeconds, 4), vector(2, ticket)]);
