/**
 * Multicast groups: one socket per group and interface, bound to the group's address, so that whatever
 * arrives there came by multicast (RFC 7252 §8). Its endpoints are those of the interface's unicast
 * address, from which the replies leave.
 *
 * Linux gives a datagram of one interface to the group's sockets of all interfaces (ip(7),
 * IP_MULTICAST_ALL, which node:dgram cannot clear), so each socket takes only what came through its own:
 * told by the IPv6 zone or the subnet of the source; a routed source is taken by the first interface.
 */
import type { RemoteInfo, Socket } from 'node:dgram';
import { familyOf, isMulticast, normaliseAddress, zoneOf } from './address.ts';
import { UsageError } from '../core/error.ts';
import type { LocalAddress } from './local-addresses.ts';
import { systemCode, type Notices } from './notices.ts';
import { chooseLocal } from './source-address.ts';
import { bindSocket, closeSocket, type UdpSocket } from './udp-socket.ts';

/** @throws UsageError for what is not a multicast address */
export function checkedGroups(texts: readonly string[]): string[] {
  const groups = texts.map(normaliseAddress);
  const wrong = groups.find((group) => !isMulticast(group));
  if (wrong !== undefined)
    throw new UsageError(
      'invalid-address',
      `${wrong} is not a multicast group: give one such as 224.0.1.187 or ff02::fd.`,
    );
  return groups;
}

interface Membership {
  readonly group: string;
  readonly interface: string;
  readonly socket: Socket;
}

export class Groups {
  readonly #groups: readonly string[];
  readonly #receiveBufferBytes: number;
  readonly #notices: Notices;
  readonly #memberships = new Map<string, Membership>();
  /** The listening unicast addresses beyond loopback, and the sockets bound to them. */
  #local: readonly LocalAddress[] = [];
  #sockets: ReadonlyMap<string, UdpSocket> = new Map();

  /** The groups have been looked at: `checkedGroups`. */
  constructor(groups: readonly string[], receiveBufferBytes: number, notices: Notices) {
    this.#groups = groups;
    this.#receiveBufferBytes = receiveBufferBytes;
    this.#notices = notices;
  }

  /** Makes the memberships those of the addresses that are listened on now. */
  async join(local: readonly LocalAddress[], sockets: ReadonlyMap<string, UdpSocket>, port: number): Promise<void> {
    this.#local = local.filter(({ address, loopback }) => !loopback && sockets.has(address));
    this.#sockets = sockets;
    for (const [key, membership] of this.#memberships) {
      if (this.#addressesOf(membership.interface, membership.group).length > 0) continue;
      this.#memberships.delete(key);
      await closeSocket(membership.socket);
    }
    for (const group of this.#groups) {
      for (const name of new Set(this.#local.map((one) => one.interface))) {
        const [address] = this.#addressesOf(name, group);
        const key = `${group}%${name}`;
        if (address === undefined || this.#memberships.has(key)) continue;
        try {
          this.#memberships.set(key, { group, interface: name, socket: await this.#open(group, name, address, port) });
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

  async close(): Promise<void> {
    const memberships = [...this.#memberships.values()];
    this.#memberships.clear();
    await Promise.all(memberships.map(({ socket }) => closeSocket(socket)));
  }

  #addressesOf(name: string, group: string): string[] {
    return this.#local
      .filter((one) => one.interface === name && one.family === familyOf(group))
      .map(({ address }) => address);
  }

  async #open(group: string, name: string, address: string, port: number): Promise<Socket> {
    const ipv4 = familyOf(group) === 'IPv4';
    const receiveBufferBytes = this.#receiveBufferBytes;
    const events = {
      message: (bytes: Uint8Array, remote: RemoteInfo): void => this.#message(group, name, bytes, remote),
      error: (error: Error): void => this.#notices.socketError(`${group}%${name}`, error),
    };
    const bind = (to: string): Promise<{ socket: Socket }> =>
      bindSocket({ address: to, port, receiveBufferBytes, shared: true }, events);
    const { socket } = await bind(ipv4 ? group : `${group}%${name}`).catch(() =>
      // Windows binds to addresses of its own only; unicast has sockets that match better.
      bind(ipv4 ? '0.0.0.0' : '::'),
    );
    try {
      socket.addMembership(group, ipv4 ? address : `::%${name}`);
    } catch (error) {
      await closeSocket(socket);
      throw error;
    }
    return socket;
  }

  #message(group: string, name: string, bytes: Uint8Array, remote: RemoteInfo): void {
    if (this.#cameThrough(remote.address, group) !== name) return;
    const local = chooseLocal(remote.address, this.#addressesOf(name, group), this.#local);
    if (local !== undefined) this.#sockets.get(local)?.deliver(bytes, remote, true);
  }

  #cameThrough(remote: string, group: string): string | undefined {
    const zone = zoneOf(remote);
    if (zone !== undefined) return zone;
    const family = familyOf(group);
    const here = this.#local.filter((one) => one.family === family);
    return (here.find((one) => one.onLink(remote)) ?? here[0])?.interface;
  }
}
