/**
 * UDP for a client: a connected socket for each peer, so that a closed port is known at once, and for the
 * rest one ephemeral port per IP version. They are bound to no address, so that the system chooses where
 * requests leave from. Otherwise as udp.ts.
 */
import type { Address, Datagram, DatagramReceiver, Endpoint } from '../core/datagram.ts';
import { UsageError } from '../core/error.ts';
import { familyOf, formatAddress, isMulticast, normaliseAddress, type Family } from './address.ts';
import { ConnectedSocket } from './connected-socket.ts';
import type { TransportCounters } from './notices.ts';
import { defaultReceiveBufferBytes, reportReceiveBuffer } from './receive-buffer.ts';
import type { Scheduler } from '../core/clock.ts';
import { systemScheduler } from './scheduler.ts';
import type { UdpTransport } from './udp.ts';
import { bindError, UdpSocket, udpSocketOwner, type UdpSocketOwner } from './udp-socket.ts';

export interface UdpClientOptions {
  readonly receiveBufferBytes: number;
  readonly scheduler: Scheduler;
}

const defaultUdpClientOptions: UdpClientOptions = {
  receiveBufferBytes: defaultReceiveBufferBytes,
  scheduler: systemScheduler,
};

/**
 * A machine without one of the IP versions speaks the other.
 * @throws UsageError when neither can be had
 */
export async function openUdpClient(
  options: Partial<UdpClientOptions>,
  receiver: DatagramReceiver,
): Promise<UdpTransport> {
  const client = new UdpClient({ ...defaultUdpClientOptions, ...options }, receiver);
  await client.open();
  return client;
}

/** Each costs a file descriptor, of which a process may have 1024. No RFC's number. */
const maxConnected = 64;

class UdpClient implements UdpTransport {
  readonly #options: UdpClientOptions;
  readonly #owner: UdpSocketOwner;
  readonly #sockets = new Map<Family, UdpSocket>();
  /** By the endpoint's key; whoever comes when it is full shares a socket. */
  readonly #connected = new Map<string, ConnectedSocket>();
  #closed = false;

  constructor(options: UdpClientOptions, receiver: DatagramReceiver) {
    this.#options = options;
    this.#owner = udpSocketOwner(options.scheduler, receiver);
  }

  get addresses(): readonly Address[] {
    return [...this.#sockets.values()].map(({ local }) => local);
  }

  get counters(): TransportCounters {
    return this.#owner.notices.counters;
  }

  endpoint(remote: Address): Endpoint {
    const address = normaliseAddress(remote.address);
    const socket = this.#sockets.get(familyOf(address));
    if (socket === undefined)
      throw new UsageError(
        'no-local-address',
        `Nothing can be sent to ${formatAddress(remote)}: this machine has no ${familyOf(address)}.`,
      );
    return socket.endpoint(address, remote.port);
  }

  send(batch: readonly Datagram[]): void {
    for (const datagram of batch) {
      const socket = this.#sockets.get(familyOf(datagram.endpoint.local.address));
      if (socket === undefined) this.#owner.failed(datagram.endpoint, 'EAFNOSUPPORT');
      else (this.#connectedTo(datagram.endpoint) ?? socket).send(datagram);
    }
  }

  #connectedTo(endpoint: Endpoint): ConnectedSocket | undefined {
    const { key, remote } = endpoint;
    const known = this.#connected.get(key);
    if (known !== undefined) return known;
    const isOne = remote.port >= 1 && remote.port <= 65_535 && !isMulticast(remote.address);
    if (!isOne || this.#closed || this.#connected.size >= maxConnected) return undefined;
    const socket: ConnectedSocket = new ConnectedSocket(endpoint, this.#owner, () => {
      if (this.#connected.get(key) === socket) this.#connected.delete(key);
      void socket.close();
    });
    this.#connected.set(key, socket);
    return socket;
  }

  async open(): Promise<void> {
    const { receiveBufferBytes } = this.#options;
    let grantedBytes = Infinity;
    let failure: UsageError | undefined;
    for (const address of ['0.0.0.0', '::']) {
      try {
        const socket = await UdpSocket.open({ address, port: 0, receiveBufferBytes }, this.#owner);
        this.#sockets.set(familyOf(address), socket);
        grantedBytes = Math.min(grantedBytes, socket.receiveBufferBytes);
      } catch (error) {
        failure = bindError({ address, port: 0 }, error);
      }
    }
    if (this.#sockets.size === 0 && failure !== undefined) throw failure;
    reportReceiveBuffer(grantedBytes, receiveBufferBytes);
  }

  /** Addresses do not matter to a client. */
  refresh(): Promise<void> {
    return Promise.resolve();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#owner.inbox.close();
    await Promise.all([...this.#sockets.values(), ...this.#connected.values()].map((socket) => socket.close()));
  }
}
