/**
 * Who asks for a result, as far as a private one is somebody's: the same identity shares it over all its associations, two
 * identities never do; nor does a name that was revoked and enrolled again, or is in other groups, which a function may have
 * looked at. What a function makes of an address is for the peer alone that has it.
 */
import { anonymous, type Principal, type ReadCaller } from '../core/principal.ts';
import type { Address } from '../core/datagram.ts';

/** By structure an `Endpoint`. */
export interface Asker {
  readonly key: string;
  readonly remote: Address;
  readonly principal?: Principal | undefined;
}

/** Different for all who must not share. */
export function whoseKey({ key, remote, principal }: Asker, looked: 'identity' | 'peer'): string {
  // An association may go on from another address (RFC 9146).
  if (looked === 'peer') return `peer ${key} ${remote.address} ${remote.port}`;
  const { name, groups, enrolled } = principal ?? anonymous;
  return enrolled === undefined && groups.length === 0
    ? `id ${name}`
    : `id ${name} ${enrolled ?? ''} ${groups.join(' ')}`;
}

/** Whether what was computed for one may be given to another. */
export const mayShare = (looked: ReadCaller, one: Asker, other: Asker): boolean =>
  looked === false || whoseKey(one, looked) === whoseKey(other, looked);
