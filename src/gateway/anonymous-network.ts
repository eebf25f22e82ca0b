/**
 * Those who call without an identity are one, `local`, and share its room; of that one address has a part, so that none takes the room
 * of all others. Ports are for the asking, so they do not count. This machine is one address, so its own callers share what there is.
 */
import { anonymous } from '../core/principal.ts';
import type { Caller } from '../functions/call.ts';
import { isLoopback } from '../transport/address.ts';
import { networkOf } from '../transport/network.ts';

/** Undefined of an identity, and of this machine. */
export function anonymousNetwork({ identity, peer }: Pick<Caller, 'identity' | 'peer'>): string | undefined {
  const address = peer.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  return identity !== anonymous.name || isLoopback(address) ? undefined : networkOf(address);
}
