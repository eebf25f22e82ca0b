/**
 * A UDP socket that speaks to one peer only. The system tells a connected socket what ICMP says of that
 * peer, "port unreachable" as ECONNREFUSED (RFC 1122 §4.1.3.3); one for all peers is never told.
 */
import { createSocket, type Socket } from 'node:dgram';
import type { Datagram, Endpoint } from '../core/datagram.ts';
import { familyOf } from './address.ts';
import { systemCode } from './notices.ts';
import { closeSocket, maxUnsent, plain, type UdpSocketOwner } from './udp-socket.ts';

export class ConnectedSocket {
  readonly #endpoint: Endpoint;
  readonly #owner: UdpSocketOwner;
  readonly #useless: () => void;
  readonly #socket: Socket;
  /** What is to be sent once it is connected; undefined from then on. */
  #early: Uint8Array[] | undefined = [];
  #unsent = 0;
  #closed = false;

  /** `useless` is called when it will never send again. */
  constructor(endpoint: Endpoint, owner: UdpSocketOwner, useless: () => void) {
    this.#endpoint = endpoint;
    this.#owner = owner;
    this.#useless = useless;
    const { address, port } = endpoint.remote;
    const family = familyOf(address);
    this.#socket = createSocket({
      type: family === 'IPv4' ? 'udp4' : 'udp6',
      ipv6Only: family === 'IPv6',
      lookup: (literal, _options, callback) => callback(null, literal, family === 'IPv4' ? 4 : 6),
    });
    // Before it is connected anybody could send to it.
    this.#socket.on('message', (bytes) => {
      if (this.#early === undefined) owner.inbox.push({ bytes: plain(bytes), endpoint, multicast: false });
    });
    this.#socket.on('error', (error) => this.#failed(error));
    this.#socket.on('connect', () => {
      const early = this.#early ?? [];
      this.#early = undefined;
      if (!this.#closed) for (const bytes of early) this.#socket.send(bytes, this.#sent);
    });
    this.#socket.connect(port, address);
  }

  send({ bytes }: Datagram): void {
    if (this.#closed) return this.#owner.failed(this.#endpoint, 'EBADF');
    if (this.#unsent >= maxUnsent) return this.#owner.failed(this.#endpoint, 'ENOBUFS');
    this.#unsent++;
    this.#owner.notices.sent++;
    if (this.#early === undefined) this.#socket.send(bytes, this.#sent);
    else this.#early.push(bytes);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await closeSocket(this.#socket);
  }

  readonly #sent = (error: Error | null): void => {
    this.#unsent--;
    if (error !== null) this.#failed(error);
  };

  #failed(error: Error): void {
    if (this.#closed) return;
    const code = systemCode(error);
    // It keeps the local address of its beginning. Where that leads nowhere any more, another one is to be made.
    if (code !== 'ECONNREFUSED' && code !== 'EMSGSIZE') this.#useless();
    this.#owner.failed(this.#endpoint, code);
  }
}
