/**
 * Multicast groups of the native transport. A socket bound to a wildcard is a member itself; beside sockets
 * bound to addresses there is one for each group, bound to the group (of the link: for each interface). The packet information says through
 * which interface a datagram came; the endpoints are those of a unicast address of that interface, from
 * which the replies leave (RFC 7252 §8).
 */
import { familyOf, type Family } from './address.ts';
import type { LocalPort } from './batch-endpoint.ts';
import { BatchSocket, type BatchSocketOwner } from './batch-socket.ts';
import type { LocalAddress } from './local-addresses.ts';
import { systemCode, type Notices } from './notices.ts';
import { chooseLocal } from './source-address.ts';

interface Membership {
  readonly group: string;
  readonly interface: string;
  readonly interfaceIndex: number;
  readonly socket: BatchSocket;
}

export interface Listening {
  readonly local: readonly LocalAddress[];
  /** By address. */
  readonly ports: ReadonlyMap<string, LocalPort>;
  readonly wildcards: ReadonlyMap<Family, BatchSocket>;
  readonly port: number;
}

export class BatchGroups {
  readonly #groups: readonly string[];
  readonly #receiveBufferBytes: number;
  readonly #owner: BatchSocketOwner;
  readonly #notices: Notices;
  readonly #sockets = new Map<string, BatchSocket>();
  readonly #memberships = new Map<string, Membership>();
  readonly #names = new Map<number, string | undefined>();
  /** The listening unicast addresses beyond loopback. */
  #local: readonly LocalAddress[] = [];
  #ports: ReadonlyMap<string, LocalPort> = new Map();

  /** The groups have been looked at: `checkedGroups`. */
  constructor(groups: readonly string[], receiveBufferBytes: number, owner: BatchSocketOwner, notices: Notices) {
    this.#groups = groups;
    this.#receiveBufferBytes = receiveBufferBytes;
    this.#owner = owner;
    this.#notices = notices;
  }

  /** Makes the memberships those of the addresses that are listened on now. */
  join(listening: Listening): void {
    const { local, ports } = listening;
    this.#local = local.filter(({ address, loopback }) => !loopback && ports.has(address));
    this.#ports = ports;
    this.#names.clear();
    for (const [key, { group, interface: name, interfaceIndex, socket }] of this.#memberships) {
      // An interface that was made anew has another index.
      if (this.#addressesOf(name, familyOf(group)).length > 0 && this.#indexOf(name) === interfaceIndex) continue;
      this.#memberships.delete(key);
      if (this.#sockets.delete(key)) socket.close();
      else socket.leave(group, interfaceIndex);
    }
    for (const group of this.#groups) {
      for (const name of new Set(this.#local.map((one) => one.interface))) {
        const key = `${group}%${name}`;
        if (this.#addressesOf(name, familyOf(group)).length === 0 || this.#memberships.has(key)) continue;
        try {
          const socket = this.#socketOf(group, name, listening);
          const interfaceIndex = this.#indexOf(name);
          socket.join(group, interfaceIndex);
          this.#memberships.set(key, { group, interface: name, interfaceIndex, socket });
          this.#notices.settle(`join ${key}`);
        } catch (error) {
          const message =
            `Cannot join the multicast group ${group} on ${name}: the system says ${systemCode(error)}. ` +
            'Multicast requests do not arrive there.';
          this.#notices.publishOnce('socket-error', `join ${key}`, message);
        }
      }
    }
  }

  /** The address of ours to answer from what came to a group through an interface. */
  localFor(remote: string, interfaceIndex: number): LocalPort | undefined {
    if (!this.#names.has(interfaceIndex))
      this.#names.set(interfaceIndex, this.#owner.addon.interfaceName(interfaceIndex));
    const name = this.#names.get(interfaceIndex);
    if (name === undefined) return undefined;
    const address = chooseLocal(remote, this.#addressesOf(name, familyOf(remote)), this.#local);
    return address === undefined ? undefined : this.#ports.get(address);
  }

  close(): void {
    this.#memberships.clear();
    for (const socket of this.#sockets.values()) socket.close();
    this.#sockets.clear();
  }

  #addressesOf(name: string, family: Family): string[] {
    return this.#local.filter((one) => one.interface === name && one.family === family).map(({ address }) => address);
  }

  #indexOf(name: string): number {
    return this.#owner.addon.interfaceIndex(name);
  }

  #socketOf(group: string, name: string, { wildcards, port }: Listening): BatchSocket {
    // A group of the link cannot be bound without its interface (RFC 4007 §6).
    const address = isLinkLocalGroup(group) ? `${group}%${name}` : group;
    const known = wildcards.get(familyOf(group)) ?? this.#sockets.get(address);
    if (known !== undefined) return known;
    const receiveBufferBytes = this.#receiveBufferBytes;
    const socket = new BatchSocket({ address, port, receiveBufferBytes, shared: true }, this.#owner);
    this.#sockets.set(address, socket);
    return socket;
  }
}

/** ffx1::/16 and ffx2::/16 (RFC 4291 §2.7) */
const isLinkLocalGroup = (group: string): boolean => /^ff[0-9a-f][12]:/.test(group);
