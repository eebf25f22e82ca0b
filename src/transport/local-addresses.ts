/**
 * Which local addresses a listen setting means. A wildcard is every address of every interface, because
 * only a socket of its own says which address was asked, and lets the reply leave from it.
 */
import { networkInterfaces } from 'node:os';
import { BlockList } from 'node:net';
import { familyOf, isLinkLocal, isWildcard, normaliseAddress, type Family } from './address.ts';

/** One address of one interface. */
export interface LocalAddress {
  /** With its zone where it is link-local. */
  readonly address: string;
  readonly family: Family;
  readonly interface: string;
  /** Of the interface: lo and the like. */
  readonly loopback: boolean;
  /** Whether an address, without zone, is of this address' subnet. */
  readonly onLink: (address: string) => boolean;
}

/** The part of os.networkInterfaces() that is used here. */
export type Interfaces = Readonly<
  Record<
    string,
    readonly { readonly address: string; readonly cidr: string | null; readonly internal: boolean }[] | undefined
  >
>;

/** Undefined where the system does not say (some permit no program to ask). */
export type ReadInterfaces = () => Interfaces | undefined;

export const readInterfaces: ReadInterfaces = () => {
  try {
    return networkInterfaces();
  } catch {
    return undefined;
  }
};

export function localAddresses(interfaces: Interfaces): LocalAddress[] {
  const found: LocalAddress[] = [];
  for (const [name, addresses = []] of Object.entries(interfaces)) {
    for (const { address, cidr, internal } of addresses) {
      const family = familyOf(address);
      found.push({
        address: isLinkLocal(address) ? `${address}%${name}` : address,
        family,
        interface: name,
        loopback: internal,
        onLink: subnet(address, cidr, family),
      });
    }
  }
  return found;
}

/** The addresses to bind for a listen setting, in its order and without repetition. */
export function expandListen(listen: readonly string[], local: readonly LocalAddress[]): string[] {
  const wanted = new Set<string>();
  for (const text of listen) {
    const address = normaliseAddress(text);
    if (!isWildcard(address)) wanted.add(address);
    else for (const one of local) if (one.family === familyOf(address)) wanted.add(one.address);
  }
  return [...wanted];
}

function subnet(address: string, cidr: string | null, family: Family): (other: string) => boolean {
  const prefix = Number(cidr?.split('/')[1] ?? (family === 'IPv4' ? 32 : 128));
  const type = family === 'IPv4' ? 'ipv4' : 'ipv6';
  const list = new BlockList();
  list.addSubnet(address, prefix, type);
  return (other) => familyOf(other) === family && list.check(other, type);
}
