/**
 * One UDP socket of node:dgram: binding, sending, and the ways both can fail. Addresses are literal, so
 * no name is ever looked up; IPv6 sockets are IPv6 only, so that no IPv4-mapped address comes in.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import type { Clock } from '../core/clock.ts';
import type { Address, Datagram, DatagramReceiver, Endpoint } from '../core/datagram.ts';
import { UsageError } from '../core/error.ts';
import { familyOf, formatAddress, zoneOf } from './address.ts';
import { EndpointTable } from './endpoint-table.ts';
import { Inbox } from './inbox.ts';
import { Notices, systemCode } from './notices.ts';
import { setReceiveBuffer } from './receive-buffer.ts';

/** Datagrams handed to one socket that the kernel has not taken yet. No RFC's number. */
export const maxUnsent = 16_384;

export interface SocketEvents {
  readonly message: (bytes: Uint8Array, remote: RemoteInfo) => void;
  readonly error: (error: Error) => void;
}

export interface BindOptions {
  readonly address: string;
  readonly port: number;
  readonly receiveBufferBytes: number;
  /** Several sockets on one address and port: for multicast groups only. */
  readonly shared?: boolean;
  /** Several sockets of one user on one address and port, among which Linux divides the peers. */
  readonly reusePort?: boolean;
}

export interface BoundSocket {
  readonly socket: Socket;
  readonly local: Address;
  readonly receiveBufferBytes: number;
}

/** @throws the system's error, as it is */
export function bindSocket(options: BindOptions, events: SocketEvents): Promise<BoundSocket> {
  const family = familyOf(options.address);
  const socket = createSocket({
    type: family === 'IPv4' ? 'udp4' : 'udp6',
    ipv6Only: family === 'IPv6',
    reuseAddr: options.shared ?? false,
    reusePort: options.reusePort ?? false,
    lookup: (address, _options, callback) => callback(null, address, family === 'IPv4' ? 4 : 6),
  });
  // From the start: a datagram that comes between two awaits must not be lost.
  socket.on('message', events.message);
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => {
      socket.close();
      reject(error);
    };
    socket.once('error', failed);
    socket.bind({ address: options.address, port: options.port, exclusive: true }, () => {
      socket.off('error', failed);
      socket.on('error', events.error);
      const receiveBufferBytes = setReceiveBuffer(socket, options.receiveBufferBytes);
      resolve({ socket, local: { address: options.address, port: socket.address().port }, receiveBufferBytes });
    });
  });
}

export function closeSocket(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.close(resolve);
  });
}

export interface UdpSocketOwner {
  readonly inbox: Inbox;
  readonly notices: Notices;
  /** Called for every datagram that did not leave, also within `send`. */
  readonly failed: (endpoint: Endpoint, code: string) => void;
}

export function udpSocketOwner(clock: Clock, receiver: DatagramReceiver): UdpSocketOwner {
  const notices = new Notices(clock);
  const inbox = new Inbox((batch) => {
    notices.received += batch.length;
    receiver.receive(batch);
  });
  const failed = (endpoint: Endpoint, code: string): void => {
    if (inbox.closed) return;
    notices.sendFailure(endpoint, code);
    receiver.sendFailed({ endpoint, code });
  };
  return { inbox, notices, failed };
}

/** A socket that sends and receives for one local address. */
export class UdpSocket {
  readonly local: Address;
  /** Really granted. */
  readonly receiveBufferBytes: number;
  readonly #socket: Socket;
  readonly #endpoints: EndpointTable;
  readonly #owner: UdpSocketOwner;
  #unsent = 0;
  #closed = false;

  /** @throws the system's error, as it is */
  static async open(options: BindOptions, owner: UdpSocketOwner): Promise<UdpSocket> {
    let opened: UdpSocket | undefined;
    const bound = await bindSocket(options, {
      message: (bytes, remote) => opened?.deliver(bytes, remote, false),
      error: (error) => owner.notices.socketError(options.address, error),
    });
    opened = new UdpSocket(bound, owner);
    return opened;
  }

  private constructor({ socket, local, receiveBufferBytes }: BoundSocket, owner: UdpSocketOwner) {
    this.#socket = socket;
    this.local = local;
    this.receiveBufferBytes = receiveBufferBytes;
    this.#endpoints = new EndpointTable(local);
    this.#owner = owner;
  }

  endpoint(address: string, port: number): Endpoint {
    return this.#endpoints.get(address, port);
  }

  /** Takes in what arrived here, or through a group of this address' interface. */
  deliver(bytes: Uint8Array, remote: RemoteInfo, multicast: boolean): void {
    // Nothing could be answered to port 0.
    if (remote.port === 0) this.#owner.notices.dropped++;
    else
      this.#owner.inbox.push({
        bytes: plain(bytes),
        endpoint: this.#endpoints.get(remote.address, remote.port),
        multicast,
      });
  }

  send({ bytes, endpoint }: Datagram): void {
    const { address, port } = endpoint.remote;
    if (this.#closed) return this.#owner.failed(endpoint, 'EBADF');
    if (port < 1 || port > 65_535) return this.#owner.failed(endpoint, 'EINVAL');
    if (this.#unsent >= maxUnsent) return this.#owner.failed(endpoint, 'ENOBUFS');
    this.#unsent++;
    this.#owner.notices.sent++;
    this.#socket.send(bytes, port, address, this.#sent);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await closeSocket(this.#socket);
  }

  /** One for all datagrams: an error of the system says itself where it was meant to go. */
  readonly #sent = (error: Error | null): void => {
    this.#unsent--;
    if (error === null || this.#closed) return;
    if (!('address' in error && typeof error.address === 'string')) return;
    if (!('port' in error && typeof error.port === 'number')) return;
    this.#owner.failed(this.#endpoints.get(error.address, error.port), systemCode(error));
  };
}

/** Buffers slice and print differently: above the transport there are plain byte arrays only. */
export const plain = (bytes: Uint8Array): Uint8Array =>
  new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Why no socket could be bound, for the person who can change it. */
export function bindError(local: Address, error: unknown): UsageError {
  return new UsageError('cannot-listen', `Cannot listen on UDP ${formatAddress(local)}: ${advice(local, error)}`, {
    cause: error,
  });
}

/** None of the addresses could be bound: why not the first, or that there is none. */
export function nothingBound(
  listen: readonly string[],
  first: { readonly address: string; readonly error: unknown } | undefined,
  port: number,
): UsageError {
  if (first !== undefined) return bindError({ address: first.address, port }, first.error);
  const asked = listen.join(', ');
  return new UsageError('cannot-listen', `No interface has an address for ${asked}: give the addresses to listen on.`);
}

function advice({ address, port }: Address, error: unknown): string {
  const code = systemCode(error);
  switch (code) {
    case 'EADDRINUSE':
      return `another program has this port. See which with "ss -ulpn 'sport = :${port}'", then stop it or choose another port.`;
    case 'EACCES':
      return `the system does not permit this port. Choose one from 1024 on, or permit it (on Linux CAP_NET_BIND_SERVICE).`;
    case 'EADDRNOTAVAIL':
      return `no interface of this machine has the address ${address}. See those it has with "ip address".`;
    case 'EINVAL':
      return zoneOf(address) === undefined && address.startsWith('fe80')
        ? `a link-local address needs its interface, such as ${address}%eth0.`
        : 'the system refuses the address (EINVAL).';
    case 'EAFNOSUPPORT':
      return `this machine has no ${familyOf(address)}. Listen on the other IP version only.`;
    default:
      return `the system says ${code}.`;
  }
}
