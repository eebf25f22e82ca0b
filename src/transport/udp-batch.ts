/**
 * UDP over the native addon: as udp.ts, in batches. One system call and one call into JavaScript for what has
 * come, the same for what leaves. A wildcard is one socket for each IP version: the packet information
 * (RFC 3542 §6, ip(7)) says which address was asked, and lets the reply leave from it (RFC 7252 §5.3.2).
 * docs/decisions/0004-native-batch-transport.md.
 *
 * Left out: broadcast, which is not CoAP's; and sockets of a client (udp-client.ts).
 */
import type { Address, Datagram, DatagramReceiver, Endpoint, HelloShares } from '../core/datagram.ts';
import type { Milliseconds } from '../core/duration.ts';
import { UsageError } from '../core/error.ts';
import { familyOf, formatAddress, isWildcard, normaliseAddress, type Family } from './address.ts';
import { addressText, isMappedWords, isMulticastWords } from './address-words.ts';
import { BatchBuffers } from './batch-buffers.ts';
import { BatchEndpoint, BatchEndpoints, type LocalPort } from './batch-endpoint.ts';
import { BatchGroups } from './batch-groups.ts';
import { LocalPorts } from './batch-local-ports.ts';
import { BatchSocket, type BatchSocketOwner } from './batch-socket.ts';
import { expandListen, localAddresses, type LocalAddress } from './local-addresses.ts';
import { checkedGroups } from './multicast.ts';
import { descriptorWords, word, type UdpAddon } from './native/addon.ts';
import { Notices, systemCode, type TransportCounters } from './notices.ts';
import { systemRandomness } from './randomness.ts';
import { reportReceiveBuffer } from './receive-buffer.ts';
import { chooseLocal } from './source-address.ts';
import { bindError, nothingBound } from './udp-socket.ts';
import { defaultUdpOptions, freePortAttempts, type UdpOptions, type UdpTransport } from './udp.ts';

/**
 * An address that cannot be bound is a warning while there is another.
 * @throws UsageError when none can be, with what to do about it
 */
export async function openUdpBatch(
  addon: UdpAddon,
  options: Partial<UdpOptions>,
  receiver: DatagramReceiver,
): Promise<UdpTransport> {
  const listener = new UdpBatchListener(addon, { ...defaultUdpOptions, ...options }, receiver);
  try {
    listener.open();
  } catch (error) {
    await listener.close();
    throw error;
  }
  return listener;
}

/** The longest payload of UDP: over IPv6, without jumbograms (RFC 768, RFC 8200). */
const longestDatagram = 65_527;

interface BindFailure {
  readonly address: string;
  readonly error: unknown;
}

class UdpBatchListener implements UdpTransport {
  readonly #options: UdpOptions;
  readonly #receiver: DatagramReceiver;
  readonly #notices: Notices;
  readonly #owner: BatchSocketOwner;
  readonly #endpoints: BatchEndpoints;
  readonly #groups: BatchGroups;
  readonly #wildcards = new Map<Family, BatchSocket>();
  readonly #ports: LocalPorts;
  #local: readonly LocalAddress[] = [];
  #port: number;
  #grantedBytes = Infinity;
  #cancelRefresh: (() => void) | undefined = undefined;
  #closed = false;

  constructor(addon: UdpAddon, options: UdpOptions, receiver: DatagramReceiver) {
    this.#options = options;
    this.#receiver = receiver;
    this.#port = options.port;
    this.#notices = new Notices(options.scheduler);
    this.#owner = {
      addon,
      buffers: new BatchBuffers(addon),
      received: (socket, count) => this.#received(socket, count),
      failed: (endpoint, code) => this.#failed(endpoint, code),
      socketError: (address, error) => this.#notices.socketError(address, error),
    };
    this.#endpoints = new BatchEndpoints({
      maxEndpoints: options.maxEndpoints,
      seed: systemRandomness.uniform() * 0x1_0000_0000,
      interfaceName: (index) => addon.interfaceName(index),
      interfaceIndex: (name) => addon.interfaceIndex(name),
    });
    this.#ports = new LocalPorts(addon);
    const groups = checkedGroups(options.groups);
    this.#groups = new BatchGroups(groups, options.receiveBufferBytes, this.#owner, this.#notices);
  }

  get addresses(): readonly Address[] {
    return [...this.#ports.listed.values()].map(({ address }) => address);
  }

  get counters(): TransportCounters {
    return this.#notices.counters;
  }

  endpoint(remote: Address): Endpoint {
    const address = normaliseAddress(remote.address);
    const local = chooseLocal(address, [...this.#ports.listed.keys()], this.#local);
    const via = local === undefined ? undefined : this.#ports.listed.get(local);
    if (via === undefined)
      throw new UsageError(
        'no-local-address',
        `Nothing can be sent to ${formatAddress(remote)}: the gateway listens on no ${familyOf(address)} address.`,
      );
    return this.#endpoints.of(via, { address, port: remote.port });
  }

  /** In runs of datagrams that leave through the same socket, which is all of them nearly always. */
  send(batch: readonly Datagram[]): void {
    let own: Datagram[] | undefined;
    let from = 0;
    let socket: LocalPort['socket'] | undefined;
    for (let i = 0; i < batch.length; i++) {
      const datagram = batch[i];
      if (datagram === undefined) continue;
      let { endpoint } = datagram;
      if (!(endpoint instanceof BatchEndpoint)) {
        endpoint = this.#adopt(endpoint);
        own ??= [...batch];
        own[i] = { ...datagram, endpoint };
      }
      const code = this.#fault(endpoint, datagram.bytes.length);
      const next = code === undefined && endpoint instanceof BatchEndpoint ? endpoint.via.socket : undefined;
      if (next !== socket) {
        socket?.send(own ?? batch, from, i);
        socket = next;
        from = i;
      }
      if (code === undefined) this.#notices.sent++;
      else this.#failed(datagram.endpoint, code);
    }
    socket?.send(own ?? batch, from, batch.length);
  }

  admit(shares: HelloShares): void {
    for (const socket of [...this.#wildcards.values(), ...this.#ports.sockets]) socket.admit(shares);
  }

  open(): void {
    const { listen, groups, interfaceInterval, receiveBufferBytes } = this.#options;
    this.#local = localAddresses(this.#options.interfaces() ?? {});
    const failures = this.#bindAll(expandListen(listen, this.#local));
    if (this.#ports.listed.size === 0) {
      throw nothingBound(listen, failures[0], this.#port);
    }
    for (const { address, error } of failures) this.#bindFailed(address, error);
    reportReceiveBuffer(this.#grantedBytes, receiveBufferBytes);
    this.#joinGroups();
    if (failures.length > 0 || groups.length > 0 || listen.some((text) => isWildcard(normaliseAddress(text))))
      this.#refreshAfter(interfaceInterval);
  }

  refresh(): Promise<void> {
    const interfaces = this.#closed ? undefined : this.#options.interfaces();
    if (interfaces === undefined) return Promise.resolve();
    this.#local = localAddresses(interfaces);
    const wanted = new Set(expandListen(this.#options.listen, this.#local));
    for (const [address, port] of this.#ports.listed) if (!wanted.has(address)) this.#ports.remove(port);
    for (const address of wanted) {
      if (this.#ports.listed.has(address)) continue;
      try {
        this.#listenOn(address);
      } catch (error) {
        this.#bindFailed(address, error);
      }
    }
    this.#joinGroups();
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#closed = true;
    this.#cancelRefresh?.();
    this.#groups.close();
    this.#closeSockets();
    return Promise.resolve();
  }

  /** All addresses on one port. With port 0 the first one gets any, and the others must get it too. */
  #bindAll(addresses: readonly string[]): BindFailure[] {
    for (let attempt = 1; ; attempt++) {
      const failures: BindFailure[] = [];
      const last = this.#options.port !== 0 || attempt === freePortAttempts;
      this.#bindWildcards(addresses, last, failures);
      for (const address of addresses) {
        try {
          this.#listenOn(address);
        } catch (error) {
          failures.push({ address, error });
        }
      }
      if (last || !failures.some(({ error }) => systemCode(error) === 'EADDRINUSE')) return failures;
      this.#closeSockets();
      this.#port = 0;
    }
  }

  /**
   * A wildcard that another program's socket on one address is in the way of is as many sockets as there are
   * addresses, where there is no other port to be had.
   */
  #bindWildcards(addresses: readonly string[], last: boolean, failures: BindFailure[]): void {
    for (const address of new Set(this.#options.listen.map(normaliseAddress).filter(isWildcard))) {
      if (!addresses.some((one) => familyOf(one) === familyOf(address))) continue;
      try {
        this.#wildcards.set(familyOf(address), this.#bind(address));
      } catch (error) {
        if (!last) failures.push({ address, error });
      }
    }
  }

  #bind(address: string): BatchSocket {
    const { receiveBufferBytes, reusePort, held } = this.#options;
    const descriptor = held.get(address);
    const bind = { address, port: this.#port, receiveBufferBytes, reusePort, descriptor };
    const socket = new BatchSocket(bind, this.#owner);
    this.#port = socket.local.port;
    this.#grantedBytes = Math.min(this.#grantedBytes, socket.receiveBufferBytes);
    return socket;
  }

  /** @throws SystemError */
  #listenOn(address: string): void {
    const wildcard = this.#wildcards.get(familyOf(address));
    if (wildcard === undefined) this.#ports.addOnly(this.#bind(address));
    else this.#ports.addOfWildcard(address, wildcard);
    this.#notices.settle(`bind ${address}`);
  }

  #closeSockets(): void {
    for (const socket of this.#wildcards.values()) socket.close();
    this.#wildcards.clear();
    this.#ports.clear();
  }

  #joinGroups(): void {
    this.#groups.join({ local: this.#local, ports: this.#ports.listed, wildcards: this.#wildcards, port: this.#port });
  }

  #received(socket: BatchSocket, count: number): void {
    const { buffers } = this.#owner;
    const words = buffers.received;
    const only = this.#ports.only(socket);
    const batch: Datagram[] = [];
    for (let at = 0; at < count * descriptorWords; at += descriptorWords) {
      const port = words[at + word.port] ?? 0;
      const multicast = only === undefined && isMulticastWords(words, at + word.local, socket.family);
      const via = only ?? (multicast ? this.#askedByGroup(words, at, socket) : this.#ports.askedAt(words, at, socket));
      // Nothing could be answered to port 0; a part of a datagram is none; mapped addresses stay on a machine.
      if (
        port === 0 ||
        via === undefined ||
        words[at + word.result] !== 0 ||
        buffers.refusedAt(at, this.#receiver) ||
        (socket.family === 'IPv6' && isMappedWords(words, at + word.remote))
      ) {
        this.#notices.dropped++;
        continue;
      }
      const endpoint = this.#endpoints.get(via, words, at + word.remote, words[at + word.scope] ?? 0, port);
      batch.push({ bytes: buffers.bytesAt(at), endpoint, multicast });
    }
    if (batch.length === 0) return;
    this.#notices.received += batch.length;
    this.#receiver.receive(batch);
  }

  #askedByGroup(words: Int32Array, at: number, { family }: BatchSocket): LocalPort | undefined {
    const interfaceIndex = words[at + word.interface] ?? 0;
    const remote = addressText(words, at + word.remote, family);
    const scope = words[at + word.scope] ?? 0;
    return this.#groups.localFor(
      scope === 0 ? remote : `${remote}%${this.#owner.addon.interfaceName(scope) ?? ''}`,
      interfaceIndex,
    );
  }

  /** An endpoint that was made elsewhere, as one of ours. */
  #adopt(endpoint: Endpoint): Endpoint {
    const via = this.#ports.listed.get(endpoint.local.address);
    if (via === undefined) return endpoint;
    return this.#endpoints.of(via, { address: normaliseAddress(endpoint.remote.address), port: endpoint.remote.port });
  }

  /** Why a datagram cannot be sent at all. */
  #fault(endpoint: Endpoint, bytes: number): string | undefined {
    if (!(endpoint instanceof BatchEndpoint) || !endpoint.via.open) return 'EADDRNOTAVAIL';
    const { port } = endpoint.remote;
    if (port < 1 || port > 65_535) return 'EINVAL';
    if (bytes <= longestDatagram) return undefined;
    this.#notices.sent++;
    return 'EMSGSIZE';
  }

  #failed(endpoint: Endpoint, code: string): void {
    if (this.#closed) return;
    this.#notices.sendFailure(endpoint, code);
    this.#receiver.sendFailed({ endpoint, code });
  }

  #bindFailed(address: string, error: unknown): void {
    const { message } = bindError({ address, port: this.#port }, error);
    this.#notices.publishOnce('socket-error', `bind ${address}`, message);
  }

  #refreshAfter(span: Milliseconds): void {
    if (this.#closed) return;
    this.#cancelRefresh = this.#options.scheduler.after(span, () => {
      void this.refresh().then(() => this.#refreshAfter(span));
    });
  }
}
