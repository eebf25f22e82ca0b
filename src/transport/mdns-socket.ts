/**
 * Sockets of multicast DNS (RFC 6762 §3, §11) on one interface: for a responder on port 5353, beside other responders of this
 * machine, and for one-shot queries from any port.
 *
 * Linux gives a datagram of one interface to the group's sockets of all (ip(7), IP_MULTICAST_ALL), so only what comes from
 * this link is handed on: RFC 6762 §11 wants that for itself.
 */
import type { RemoteInfo, Socket } from 'node:dgram';
import type { Address } from '../core/datagram.ts';
import { familyOf, isLinkLocal, zoneOf, type Family } from './address.ts';
import type { LocalAddress } from './local-addresses.ts';
import { bindSocket, closeSocket, plain } from './udp-socket.ts';

/** RFC 6762 §3 */
const port = 5353;
const groups: Readonly<Record<Family, string>> = { IPv4: '224.0.0.251', IPv6: 'ff02::fb' };
/** RFC 6762 §11 */
const hops = 255;
const receiveBufferBytes = 262_144;

export interface MdnsSocketOptions {
  /** Of one interface and IP version; not empty. */
  readonly local: readonly LocalAddress[];
  /** On port 5353, in the group; otherwise on a port of its own, for answers to it alone. */
  readonly responder: boolean;
  readonly receive: (bytes: Uint8Array, from: Address) => void;
  /** Sending or receiving went wrong; the socket stays open. */
  readonly failed: (error: Error) => void;
}

export class MdnsSocket {
  readonly #socket: Socket;
  readonly #family: Family;
  readonly #interface: string;
  readonly #failed: (error: Error) => void;

  /** @throws the system's error, as it is */
  static async open({ local, responder, receive, failed }: MdnsSocketOptions): Promise<MdnsSocket> {
    const [first] = local;
    if (first === undefined) throw new RangeError('no address');
    const { family, interface: name } = first;
    const onLink = (address: string): boolean =>
      isLinkLocal(address) ? zoneOf(address) === name : local.some((one) => one.onLink(address));
    const message = (bytes: Uint8Array, { address, port: from }: RemoteInfo): void => {
      if (onLink(address)) receive(plain(bytes), { address, port: from });
    };
    const bind = (address: string): Promise<{ socket: Socket }> =>
      bindSocket(
        { address, port: responder ? port : 0, receiveBufferBytes, shared: responder },
        { message, error: failed },
      );
    const any = family === 'IPv4' ? '0.0.0.0' : '::';
    const group = family === 'IPv4' ? groups.IPv4 : `${groups.IPv6}%${name}`;
    // Windows binds to addresses of its own only.
    const { socket } = await (responder ? bind(group).catch(() => bind(any)) : bind(any));
    try {
      const through = family === 'IPv4' ? first.address : `::%${name}`;
      if (responder) socket.addMembership(groups[family], through);
      socket.setMulticastInterface(through);
      socket.setMulticastTTL(hops);
      if (family === 'IPv4') socket.setTTL(hops);
    } catch (error) {
      await closeSocket(socket);
      throw error;
    }
    return new MdnsSocket(socket, family, name, failed);
  }

  private constructor(socket: Socket, family: Family, name: string, failed: (error: Error) => void) {
    this.#socket = socket;
    this.#family = family;
    this.#interface = name;
    this.#failed = failed;
  }

  multicast(bytes: Uint8Array): void {
    const group = groups[this.#family];
    this.#send(bytes, { address: this.#family === 'IPv4' ? group : `${group}%${this.#interface}`, port });
  }

  /** Nothing happens for an address of the other IP version. */
  unicast(bytes: Uint8Array, to: Address): void {
    if (familyOf(to.address) === this.#family) this.#send(bytes, to);
  }

  /** What was sent before still leaves. */
  close(): Promise<void> {
    return closeSocket(this.#socket);
  }

  #send(bytes: Uint8Array, { address, port: to }: Address): void {
    this.#socket.send(bytes, to, address, (error) => {
      if (error !== null) this.#failed(error);
    });
  }
}
