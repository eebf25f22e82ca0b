/**
 * Those who call without an identity are one, `local`, and share its room; of that one address has a part, so that none takes the room
 * of all others. Ports are for the asking, so they do not count, and neither do the lower halves of IPv6 addresses, of which a host
 * has as many as it likes (RFC 8981). This machine is one address, so its own callers share what there is.
 */
import { anonymous } from '../core/principal.ts';
import type { Caller } from '../functions/call.ts';
import { familyOf, isLoopback } from '../transport/address.ts';
import { addressText, addressWords } from '../transport/address-words.ts';

/** Undefined of an identity, and of this machine. */
export function anonymousNetwork({ identity, peer }: Pick<Caller, 'identity' | 'peer'>): string | undefined {
  const address = peer.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  if (identity !== anonymous.name || isLoopback(address)) return undefined;
  return familyOf(address) === 'IPv6' ? `${addressText(networkOf(address), 0, 'IPv6')}/64` : address;
}

const networkOf = (address: string): Int32Array => addressWords(address).fill(0, 2);
