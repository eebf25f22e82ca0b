/** Which of our own addresses to speak from to a peer, where the peer has not chosen it by asking. */
import { familyOf, isLinkLocal, isLoopback, zoneOf } from './address.ts';
import type { LocalAddress } from './local-addresses.ts';

/**
 * In the spirit of RFC 6724 §5, rules 2 and 5: the scope of the remote address, then its subnet, then
 * any address that is routed. Undefined when none is of its IP version.
 */
export function chooseLocal(
  remote: string,
  addresses: readonly string[],
  local: readonly LocalAddress[],
): string | undefined {
  const candidates = addresses.filter((address) => familyOf(address) === familyOf(remote));
  const zone = zoneOf(remote);
  const bare = remote.split('%')[0] ?? remote;
  const known = (address: string): LocalAddress | undefined => local.find((one) => one.address === address);
  const first = (...tests: ((address: string) => boolean)[]): string | undefined => {
    for (const test of tests) {
      const found = candidates.find(test);
      if (found !== undefined) return found;
    }
    return candidates[0];
  };

  if (isLoopback(remote)) return first((address) => address === remote, isLoopback);
  if (zone !== undefined)
    return first(
      (address) => isLinkLocal(address) && zoneOf(address) === zone,
      (address) => known(address)?.interface === zone,
    );
  return first(
    (address) => !isLoopback(address) && known(address)?.onLink(bare) === true,
    (address) => !isLoopback(address) && !isLinkLocal(address),
    (address) => !isLoopback(address),
  );
}
