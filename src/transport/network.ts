/** What is counted as one where addresses are counted. */
import { familyOf, normaliseAddress } from './address.ts';
import { addressText, addressWords } from './address-words.ts';

/** An IPv4 address; of IPv6 the network, in which a host has as many addresses as it likes (RFC 8981): `2001:db8::/64`. */
export function networkOf(address: string): string {
  const plain = normaliseAddress(address);
  return familyOf(plain) === 'IPv6' ? `${addressText(addressWords(plain).fill(0, 2), 0, 'IPv6')}/64` : plain;
}
