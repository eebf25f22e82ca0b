/**
 * UDP over node:dgram: one socket per local address, so that every datagram says which address was asked
 * and every reply leaves from it (RFC 7252 §5.3.2); docs/decisions/0003-one-socket-per-address.md says why.
 * Wildcards follow the machine's addresses as they change.
 *
 * Failures of sending are facts of life: reported to the receiver, counted, never thrown.
 * Left out: names (addresses are literal), and anything about what is in a datagram.
 */
import type { Address, Datagram, DatagramReceiver, DatagramTransport, Endpoint } from '../core/datagram.ts';
import { seconds, type Milliseconds } from '../core/duration.ts';
import { UsageError } from '../core/error.ts';
import { familyOf, formatAddress, isWildcard, normaliseAddress } from './address.ts';
import {
  expandListen,
  localAddresses,
  readInterfaces,
  type LocalAddress,
  type ReadInterfaces,
} from './local-addresses.ts';
import { defaultMaxEndpoints } from './endpoint-table.ts';
import { checkedGroups, Groups } from './multicast.ts';
import { systemCode, type TransportCounters } from './notices.ts';
import { defaultReceiveBufferBytes, reportReceiveBuffer } from './receive-buffer.ts';
import type { Scheduler } from '../core/clock.ts';
import { systemScheduler } from './scheduler.ts';
import { chooseLocal } from './source-address.ts';
import { bindError, nothingBound, UdpSocket, udpSocketOwner, type UdpSocketOwner } from './udp-socket.ts';

export interface UdpOptions {
  /** IP addresses; 0.0.0.0 and :: are every address of that IP version. */
  readonly listen: readonly string[];
  /** 0 is any free port, the same on every address. */
  readonly port: number;
  readonly receiveBufferBytes: number;
  /** Peers known by address at a time, about 0.5 kB each; more are made anew when they come again. Of the native transport. */
  readonly maxEndpoints: number;
  /** SO_REUSEPORT: other processes of this user listen on the same addresses and port, each for a part of the peers. */
  readonly reusePort: boolean;
  /**
   * Descriptors of sockets that another process holds for this one, by address or wildcard: the peers that Linux
   * has given them stay with them. For the native transport; the portable one binds its own.
   */
  readonly held: ReadonlyMap<string, number>;
  /** Groups to join, on every interface beyond loopback that is listened on. */
  readonly groups: readonly string[];
  /** How often to look for addresses that came or went. */
  readonly interfaceInterval: Milliseconds;
  readonly interfaces: ReadInterfaces;
  readonly scheduler: Scheduler;
}

export const defaultUdpOptions: UdpOptions = {
  listen: ['127.0.0.1', '::1'],
  port: 5683, // RFC 7252 §6.1
  receiveBufferBytes: defaultReceiveBufferBytes,
  maxEndpoints: defaultMaxEndpoints,
  reusePort: false,
  held: new Map(),
  groups: [],
  interfaceInterval: seconds(5),
  interfaces: readInterfaces,
  scheduler: systemScheduler,
};

export interface UdpTransport extends DatagramTransport {
  readonly counters: TransportCounters;
  /** Looks for addresses that came or went, now instead of at the next interval. */
  refresh(): Promise<void>;
}

/**
 * An address that cannot be bound is a warning while there is another.
 * @throws UsageError when none can be, with what to do about it
 */
export async function openUdp(options: Partial<UdpOptions>, receiver: DatagramReceiver): Promise<UdpTransport> {
  const listener = new UdpListener({ ...defaultUdpOptions, ...options }, receiver);
  try {
    await listener.open();
  } catch (error) {
    await listener.close();
    throw error;
  }
  return listener;
}

/** How often any free port is tried when it is not free on all addresses. */
export const freePortAttempts = 8;

class UdpListener implements UdpTransport {
  readonly #options: UdpOptions;
  readonly #owner: UdpSocketOwner;
  readonly #sockets = new Map<string, UdpSocket>();
  readonly #groups: Groups;
  #local: readonly LocalAddress[] = [];
  #port: number;
  #grantedBytes = Infinity;
  #cancelRefresh: (() => void) | undefined = undefined;
  #refreshing: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: UdpOptions, receiver: DatagramReceiver) {
    this.#options = options;
    this.#port = options.port;
    this.#owner = udpSocketOwner(options.scheduler, receiver);
    this.#groups = new Groups(checkedGroups(options.groups), options.receiveBufferBytes, this.#owner.notices);
  }

  get addresses(): readonly Address[] {
    return [...this.#sockets.values()].map(({ local }) => local);
  }

  get counters(): TransportCounters {
    return this.#owner.notices.counters;
  }

  endpoint(remote: Address): Endpoint {
    const address = normaliseAddress(remote.address);
    const local = chooseLocal(address, [...this.#sockets.keys()], this.#local);
    const socket = local === undefined ? undefined : this.#sockets.get(local);
    if (socket === undefined)
      throw new UsageError(
        'no-local-address',
        `Nothing can be sent to ${formatAddress(remote)}: the gateway listens on no ${familyOf(address)} address.`,
      );
    return socket.endpoint(address, remote.port);
  }

  send(batch: readonly Datagram[]): void {
    for (const datagram of batch) {
      const socket = this.#sockets.get(datagram.endpoint.local.address);
      if (socket === undefined) this.#owner.failed(datagram.endpoint, 'EADDRNOTAVAIL');
      else socket.send(datagram);
    }
  }

  async open(): Promise<void> {
    const { listen, groups, interfaceInterval, receiveBufferBytes } = this.#options;
    this.#local = localAddresses(this.#options.interfaces() ?? {});
    const failures = await this.#bindAll(expandListen(listen, this.#local));
    if (this.#sockets.size === 0) {
      throw nothingBound(listen, failures[0], this.#port);
    }
    for (const { address, error } of failures) this.#bindFailed(address, error);
    reportReceiveBuffer(this.#grantedBytes, receiveBufferBytes);
    await this.#groups.join(this.#local, this.#sockets, this.#port);
    if (failures.length > 0 || groups.length > 0 || listen.some((text) => isWildcard(normaliseAddress(text))))
      this.#refreshAfter(interfaceInterval);
  }

  refresh(): Promise<void> {
    this.#refreshing = this.#refreshing.then(() => this.#refresh());
    return this.#refreshing;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#owner.inbox.close();
    this.#cancelRefresh?.();
    await this.#refreshing;
    const sockets = [...this.#sockets.values()];
    this.#sockets.clear();
    await Promise.all([this.#groups.close(), ...sockets.map((socket) => socket.close())]);
  }

  /** All addresses on one port. With port 0 the first one gets any, and the others must get it too. */
  async #bindAll(addresses: readonly string[]): Promise<{ address: string; error: unknown }[]> {
    for (let attempt = 1; ; attempt++) {
      const failures: { address: string; error: unknown }[] = [];
      for (const address of addresses) {
        try {
          await this.#bind(address);
        } catch (error) {
          failures.push({ address, error });
        }
      }
      const taken = failures.some(({ error }) => systemCode(error) === 'EADDRINUSE');
      if (this.#options.port !== 0 || !taken || attempt === freePortAttempts) return failures;
      await Promise.all([...this.#sockets.values()].map((socket) => socket.close()));
      this.#sockets.clear();
      this.#port = 0;
    }
  }

  async #bind(address: string): Promise<void> {
    const { receiveBufferBytes, reusePort } = this.#options;
    const socket = await UdpSocket.open({ address, port: this.#port, receiveBufferBytes, reusePort }, this.#owner);
    this.#sockets.set(address, socket);
    this.#owner.notices.settle(`bind ${address}`);
    this.#port = socket.local.port;
    this.#grantedBytes = Math.min(this.#grantedBytes, socket.receiveBufferBytes);
  }

  #refreshAfter(span: Milliseconds): void {
    if (this.#closed) return;
    this.#cancelRefresh = this.#options.scheduler.after(span, () => {
      void this.refresh().then(() => this.#refreshAfter(span));
    });
  }

  async #refresh(): Promise<void> {
    const interfaces = this.#options.interfaces();
    if (this.#closed || interfaces === undefined) return;
    this.#local = localAddresses(interfaces);
    const wanted = new Set(expandListen(this.#options.listen, this.#local));
    for (const [address, socket] of this.#sockets) {
      if (wanted.has(address)) continue;
      this.#sockets.delete(address);
      await socket.close();
    }
    for (const address of wanted) {
      if (this.#sockets.has(address) || this.#closed) continue;
      try {
        await this.#bind(address);
      } catch (error) {
        this.#bindFailed(address, error);
      }
    }
    await this.#groups.join(this.#local, this.#sockets, this.#port);
  }

  #bindFailed(address: string, error: unknown): void {
    const { message } = bindError({ address, port: this.#port }, error);
    this.#owner.notices.publishOnce('socket-error', `bind ${address}`, message);
  }
}
