/**
 * The two buffers in which datagrams cross between JavaScript and the addon. Both are used within one call
 * only, so all sockets of a thread share them.
 */
import type { Datagram, DatagramReceiver, SendFailure } from '../core/datagram.ts';
import { inHeapBytes, Slab } from '../core/slab.ts';
import { BatchEndpoint } from './batch-endpoint.ts';
import {
  descriptorWords,
  errnoName,
  incomingDescriptors,
  outgoingDescriptors,
  outgoingHeadBytes,
  word,
  type UdpAddon,
  type UdpHandle,
} from './native/addon.ts';

/** Bytes of each slab: one datagram that is kept keeps at most this much. No RFC's number. */
const slabBytes = 4096;

export class BatchBuffers {
  readonly #addon: UdpAddon;
  /** The descriptors of what has come. */
  readonly received: Int32Array;
  readonly #incoming: Uint8Array;
  readonly #words: Int32Array;
  readonly #outgoing: Uint8Array;
  readonly #slab = new Slab(slabBytes);

  constructor(addon: UdpAddon) {
    this.#addon = addon;
    this.received = new Int32Array(addon.incoming, 0, incomingDescriptors * descriptorWords);
    this.#incoming = new Uint8Array(addon.incoming);
    this.#words = new Int32Array(addon.outgoing, 0, outgoingDescriptors * descriptorWords);
    this.#outgoing = new Uint8Array(addon.outgoing);
  }

  /** Whether the receiver does not want the bytes that the descriptor at a word of `received` is about. */
  refusedAt(at: number, receiver: DatagramReceiver): boolean {
    const { received } = this;
    return (
      receiver.refuses?.(this.#incoming, received[at + word.offset] ?? 0, received[at + word.length] ?? 0) === true
    );
  }

  /** A copy of the bytes that the descriptor at a word of `received` is about. */
  bytesAt(at: number): Uint8Array {
    const from = this.received[at + word.offset] ?? 0;
    const length = this.received[at + word.length] ?? 0;
    if (length <= inHeapBytes) return this.#incoming.slice(from, from + length);
    const bytes = this.#slab.take(length);
    bytes.set(this.#incoming.subarray(from, from + length));
    return bytes;
  }

  /**
   * Hands datagrams to the kernel, those from `from` up to `to`; their endpoints are of the socket's transport.
   * @returns the first that has to wait until the socket is writable, or `to`
   */
  transmit(
    socket: { readonly handle: UdpHandle; readonly wildcard: boolean },
    batch: readonly Datagram[],
    from: number,
    to: number,
    failures: SendFailure[],
  ): number {
    let next = from;
    while (next < to) {
      const count = this.#fill(batch, next, to, socket.wildcard);
      const taken = this.#addon.send(socket.handle, 0, count);
      for (let i = 0; i < taken; i++) {
        const errno = this.#words[i * descriptorWords + word.result] ?? 0;
        const failed = errno === 0 ? undefined : batch[next + i];
        if (failed !== undefined) failures.push({ endpoint: failed.endpoint, code: errnoName(errno) });
      }
      next += taken;
      if (taken < count) break;
    }
    return next;
  }

  /** How many of them fit, at least one. */
  #fill(batch: readonly Datagram[], from: number, to: number, wildcard: boolean): number {
    const words = this.#words;
    const outgoing = this.#outgoing;
    const end = Math.min(to, from + outgoingDescriptors);
    let used = outgoingHeadBytes;
    let at = 0;
    let i = from;
    for (; i < end; i++) {
      const datagram = batch[i];
      if (datagram === undefined || !(datagram.endpoint instanceof BatchEndpoint)) break;
      const { bytes, endpoint } = datagram;
      if (used + bytes.length > outgoing.length) break;
      outgoing.set(bytes, used);
      words[at + word.offset] = used;
      words[at + word.length] = bytes.length;
      words[at + word.result] = 0;
      words[at + word.port] = endpoint.port;
      words[at + word.remote] = endpoint.word0;
      words[at + word.remote + 1] = endpoint.word1;
      words[at + word.remote + 2] = endpoint.word2;
      words[at + word.remote + 3] = endpoint.word3;
      words[at + word.scope] = endpoint.scope;
      const { via } = endpoint;
      words[at + word.interface] = wildcard ? via.scope : 0;
      for (let part = 0; part < 4; part++) words[at + word.local + part] = wildcard ? (via.words[part] ?? 0) : 0;
      used += bytes.length;
      at += descriptorWords;
    }
    return i - from;
  }
}
