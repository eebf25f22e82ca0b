/**
 * IP addresses as text: one spelling for each (RFC 5952), so that equal text is the same address.
 * An IPv6 zone (`fe80::1%eth0`, RFC 4007 §11) is kept; an IPv4-mapped address is its IPv4 address.
 */
import { isIPv4, isIPv6, SocketAddress } from 'node:net';
import type { Address } from '../core/datagram.ts';
import { UsageError } from '../core/error.ts';

export type Family = 'IPv4' | 'IPv6';

export const familyOf = (address: string): Family => (address.includes(':') ? 'IPv6' : 'IPv4');

/** `192.0.2.1:5683`, `[fe80::1%eth0]:5683` */
export const formatAddress = ({ address, port }: Address): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;

/** What a pair of addresses is called: `Endpoint.key`. */
export const endpointKey = (remote: Address, local: Address): string =>
  `${formatAddress(remote)}>${formatAddress(local)}`;

const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/;

/** @throws UsageError for what is not an IP address */
export function normaliseAddress(text: string): string {
  if (isIPv4(text)) return text;
  if (!isIPv6(text))
    throw new UsageError(
      'invalid-address',
      `"${text}" is not an IP address: give one such as 192.0.2.1 or 2001:db8::1.`,
    );
  const [address = '', zone] = text.split('%');
  const canonical = new SocketAddress({ address, family: 'ipv6' }).address;
  const ipv4 = mapped.exec(canonical)?.[1];
  if (ipv4 !== undefined) return ipv4;
  return zone === undefined ? canonical : `${canonical}%${zone}`;
}

export const zoneOf = (address: string): string | undefined => {
  const at = address.indexOf('%');
  return at < 0 ? undefined : address.slice(at + 1);
};

/** 127.0.0.0/8 or ::1 */
export const isLoopback = (address: string): boolean => address === '::1' || address.startsWith('127.');

/** 0.0.0.0 or :: */
export const isWildcard = (address: string): boolean => address === '0.0.0.0' || address === '::';

/** fe80::/10 (RFC 4291 §2.5.6) */
export const isLinkLocal = (address: string): boolean => /^fe[89ab]/.test(address);

/** 224.0.0.0/4 (RFC 5771) or ff00::/8 (RFC 4291 §2.7) */
export const isMulticast = (address: string): boolean => {
  if (address.includes(':')) return address.startsWith('ff');
  const first = Number.parseInt(address, 10);
  return first >= 224 && first < 240;
};
