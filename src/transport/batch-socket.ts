/**
 * One UDP socket of the native addon: binding, groups, and the queue of what the kernel does not take at once.
 * The system's errors are raised as `SystemError`, as node:dgram raises them.
 */
import type { Address, Datagram, Endpoint, HelloShares, SendFailure } from '../core/datagram.ts';
import { familyOf, isWildcard, zoneOf, type Family } from './address.ts';
import { addressWords } from './address-words.ts';
import type { BatchBuffers } from './batch-buffers.ts';
import type { DatagramSink } from './batch-endpoint.ts';
import { allHellos, errnoName, openFlag, openWords, udpEvent, type UdpAddon, type UdpHandle } from './native/addon.ts';
import { SystemError } from './system-error.ts';
import { maxUnsent } from './udp-socket.ts';

export interface BatchSocketOwner {
  readonly addon: UdpAddon;
  readonly buffers: BatchBuffers;
  /** So many descriptors of this socket stand in the buffer, until it returns. */
  readonly received: (socket: BatchSocket, count: number) => void;
  /** Called for every datagram that did not leave, also within `send`. */
  readonly failed: (endpoint: Endpoint, code: string) => void;
  readonly socketError: (address: string, error: Error) => void;
}

export interface BatchBindOptions {
  readonly address: string;
  readonly port: number;
  readonly receiveBufferBytes: number;
  /** Bound to a group, as others may be. */
  readonly shared?: boolean;
  /** As others of this user may be: Linux divides the peers among them. */
  readonly reusePort?: boolean;
  /** Of a socket on this address that another process holds for this one, instead of a new one. */
  readonly descriptor?: number | undefined;
}

function optionWords(bind: BatchBindOptions, addon: UdpAddon): Int32Array {
  const { address, port, receiveBufferBytes, shared = false, reusePort = false, descriptor } = bind;
  const options = new Int32Array(openWords.length);
  options[openWords.family] = familyOf(address) === 'IPv4' ? 4 : 6;
  options[openWords.port] = port;
  // Elsewhere the address it is bound to says all there is to say.
  options[openWords.flags] =
    (shared ? openFlag.shared : 0) |
    (shared || isWildcard(address) ? openFlag.packetInfo : 0) |
    (reusePort ? openFlag.reusePort : 0) |
    (descriptor === undefined ? 0 : openFlag.adopt);
  options[openWords.receiveBufferBytes] = Math.min(receiveBufferBytes, 0x7fff_ffff);
  options.set(addressWords(address), openWords.address);
  options[openWords.scope] = addon.interfaceIndex(zoneOf(address) ?? '');
  options[openWords.descriptor] = descriptor ?? -1;
  return options;
}

/**
 * Binds a socket for other processes to adopt; this one never reads it. It is closed with `fs.closeSync`.
 * @throws SystemError
 */
export function holdSocket(addon: UdpAddon, bind: BatchBindOptions): number {
  const descriptor = addon.hold(optionWords(bind, addon));
  if (descriptor < 0) throw new SystemError(errnoName(-descriptor));
  return descriptor;
}

/**
 * Of sockets that share an address and a port, each gets the DTLS records whose Connection ID begins with its number (RFC 9146),
 * wherever they come from: 1 for the first that was bound. Whatever else comes is divided as before.
 * @param descriptor of any of them
 * @throws SystemError
 */
export function divideByConnectionId(addon: UdpAddon, descriptor: number): void {
  const result = addon.divideByConnectionId(descriptor);
  if (result < 0) throw new SystemError(errnoName(-result));
}

export class BatchSocket implements DatagramSink {
  readonly local: Address;
  readonly family: Family;
  readonly wildcard: boolean;
  /** Really granted. */
  readonly receiveBufferBytes: number;
  readonly handle: UdpHandle;
  readonly #owner: BatchSocketOwner;
  readonly #adopted: boolean;
  /** From `#head` on: handed over, not taken by the kernel yet. */
  #queue: Datagram[] = [];
  #head = 0;
  #closed = false;

  /** @throws SystemError */
  constructor(bind: BatchBindOptions, owner: BatchSocketOwner) {
    const { address } = bind;
    this.#owner = owner;
    this.family = familyOf(address);
    this.wildcard = isWildcard(address);
    this.#adopted = bind.descriptor !== undefined;
    const options = optionWords(bind, owner.addon);
    const handle = owner.addon.open(options, this.#event);
    if (typeof handle === 'number') throw new SystemError(errnoName(-handle));
    this.handle = handle;
    this.local = { address, port: options[openWords.port] ?? 0 };
    this.receiveBufferBytes = options[openWords.receiveBufferBytes] ?? 0;
  }

  /** Hands over those from `from` up to `to`, whose endpoints are of this socket's transport. */
  send(batch: readonly Datagram[], from: number, to: number): void {
    const failures: SendFailure[] = [];
    let next = from;
    if (this.#closed) while (next < to) refuse(batch[next++], 'EBADF', failures);
    if (this.#unsent === 0) next = this.#owner.buffers.transmit(this, batch, next, to, failures);
    for (; next < to; next++) {
      const datagram = batch[next];
      if (datagram === undefined) continue;
      if (this.#unsent < maxUnsent) this.#queue.push(datagram);
      else refuse(datagram, 'ENOBUFS', failures);
    }
    this.#report(failures);
  }

  /** @throws SystemError */
  join(group: string, interfaceIndex: number): void {
    const result = this.#owner.addon.membership(this.handle, true, membershipWords(group, interfaceIndex));
    // The process that had it before may have joined already.
    const isMember = this.#adopted && result < 0 && errnoName(-result) === 'EADDRINUSE';
    if (result < 0 && !isMember) throw new SystemError(errnoName(-result));
  }

  /** Harmless where it is no member, or the interface is gone. */
  leave(group: string, interfaceIndex: number): void {
    this.#owner.addon.membership(this.handle, false, membershipWords(group, interfaceIndex));
  }

  /** Where the system refuses it, more are handed over than need be. */
  admit({ fresh, returning }: HelloShares): void {
    const words = [Math.round(fresh * allHellos), Math.round(returning * allHellos)] as const;
    const result = this.#owner.addon.admitHellos(this.handle, ...words);
    if (result < 0) this.#owner.socketError(this.local.address, new SystemError(errnoName(-result)));
  }

  close(): void {
    this.#closed = true;
    this.#queue = [];
    this.#head = 0;
    this.#owner.addon.close(this.handle);
  }

  get #unsent(): number {
    return this.#queue.length - this.#head;
  }

  readonly #event = (event: number, value: number): void => {
    if (this.#closed) return;
    if (event === udpEvent.received) this.#owner.received(this, value);
    else if (event === udpEvent.writable) this.#drain();
    else this.#owner.socketError(this.local.address, new SystemError(errnoName(value)));
  };

  #drain(): void {
    const failures: SendFailure[] = [];
    this.#head = this.#owner.buffers.transmit(this, this.#queue, this.#head, this.#queue.length, failures);
    if (this.#unsent === 0) {
      this.#queue = [];
      this.#head = 0;
    } else if (this.#head >= maxUnsent) {
      this.#queue.splice(0, this.#head);
      this.#head = 0;
    }
    this.#report(failures);
  }

  /** Last of all: whoever is told may send again. */
  #report(failures: readonly SendFailure[]): void {
    for (const { endpoint, code } of failures) this.#owner.failed(endpoint, code);
  }
}

function refuse(datagram: Datagram | undefined, code: string, failures: SendFailure[]): void {
  if (datagram !== undefined) failures.push({ endpoint: datagram.endpoint, code });
}

const membershipWords = (group: string, interfaceIndex: number): Int32Array =>
  Int32Array.of(...addressWords(group), interfaceIndex);
