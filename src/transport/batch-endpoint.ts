/**
 * Endpoints of the native transport: found by the numbers of an address, so that a datagram of a known peer
 * makes no text and no object.
 *
 * The table is a cache of 8-way sets: bounded, a lookup looks at eight places at most whatever peers choose
 * as their addresses, and a peer that was pushed out gets an equal object (equal `key`) when it speaks again.
 */
import type { Address, Datagram, Endpoint } from '../core/datagram.ts';
import { endpointKey, isLoopback, type Family } from './address.ts';
import { addressText, addressWords } from './address-words.ts';

/** What sends for a local address. */
export interface DatagramSink {
  /** Bound to a wildcard: each datagram says which address it leaves from. */
  readonly wildcard: boolean;
  send(batch: readonly Datagram[], from: number, to: number): void;
}

/** One of our own addresses. */
export interface LocalPort {
  /** Different for each of a transport, never used again. */
  readonly id: number;
  readonly address: Address;
  readonly family: Family;
  /** Without zone. */
  readonly words: Int32Array;
  /** The interface's index where it is link-local, else 0. */
  readonly scope: number;
  readonly socket: DatagramSink;
  /** False: it is gone. */
  open: boolean;
}

export class BatchEndpoint implements Endpoint {
  readonly key: string;
  readonly remote: Address;
  readonly local: Address;
  readonly loopback: boolean;
  readonly via: LocalPort;
  /** The remote's, beside the words of its address: they are compared for each datagram. */
  readonly port: number;
  readonly word0: number;
  readonly word1: number;
  readonly word2: number;
  readonly word3: number;
  readonly scope: number;

  constructor(via: LocalPort, remote: Address, words: Int32Array, at: number, scope: number) {
    this.key = endpointKey(remote, via.address);
    this.remote = remote;
    this.local = via.address;
    // A loopback peer can reach a loopback address only from this machine.
    this.loopback = isLoopback(via.address.address) && isLoopback(remote.address);
    this.via = via;
    this.port = remote.port;
    this.word0 = words[at] ?? 0;
    this.word1 = words[at + 1] ?? 0;
    this.word2 = words[at + 2] ?? 0;
    this.word3 = words[at + 3] ?? 0;
    this.scope = scope;
  }
}

const ways = 8;

export interface BatchEndpointsOptions {
  /** At least so many; a power of two is made of it. */
  readonly maxEndpoints: number;
  readonly seed: number;
  readonly interfaceName: (index: number) => string | undefined;
  readonly interfaceIndex: (name: string) => number;
}

export class BatchEndpoints {
  readonly #options: BatchEndpointsOptions;
  readonly #tags: Int32Array;
  readonly #endpoints: (BatchEndpoint | undefined)[];
  readonly #setMask: number;
  /** The way of a set that is given away next, wherever all are taken. */
  #next = 0;

  constructor(options: BatchEndpointsOptions) {
    this.#options = options;
    const size = Math.max(ways, 2 ** Math.ceil(Math.log2(options.maxEndpoints)));
    this.#tags = new Int32Array(size);
    this.#endpoints = new Array<BatchEndpoint | undefined>(size).fill(undefined);
    this.#setMask = size / ways - 1;
  }

  /** The peer with the address in the four words from `at`. */
  get(via: LocalPort, words: Int32Array, at: number, scope: number, port: number): BatchEndpoint {
    const word0 = words[at] ?? 0;
    const word1 = words[at + 1] ?? 0;
    const word2 = words[at + 2] ?? 0;
    const word3 = words[at + 3] ?? 0;
    let hash = Math.imul(this.#options.seed ^ word3, 0x9e3779b1);
    if ((word0 | word1 | word2) !== 0) {
      hash = Math.imul((hash ^ (hash >>> 15)) + word0, 0x85ebca6b);
      hash = Math.imul((hash ^ (hash >>> 13)) + word1, 0xc2b2ae35);
      hash = Math.imul((hash ^ (hash >>> 15)) + word2, 0x9e3779b1);
    }
    hash = Math.imul((hash ^ (hash >>> 13)) + ((scope << 24) ^ (via.id << 16) ^ port), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 15), 0xc2b2ae35);
    hash ^= hash >>> 16;

    const first = (hash & this.#setMask) * ways;
    let free = -1;
    for (let slot = first; slot < first + ways; slot++) {
      const found = this.#endpoints[slot];
      if (found === undefined) {
        free = slot;
        break;
      }
      if (
        this.#tags[slot] === hash &&
        found.word3 === word3 &&
        found.port === port &&
        found.via === via &&
        found.scope === scope &&
        found.word2 === word2 &&
        found.word1 === word1 &&
        found.word0 === word0
      )
        return found;
    }
    if (free < 0) {
      free = first + this.#next;
      this.#next = (this.#next + 1) % ways;
    }
    const made = this.#make(via, words, at, scope, port);
    this.#tags[free] = hash;
    this.#endpoints[free] = made;
    return made;
  }

  /** The peer at an address as `normaliseAddress` spells it. */
  of(via: LocalPort, { address, port }: Address): BatchEndpoint {
    const [, zone] = address.split('%');
    return this.get(via, addressWords(address), 0, zone === undefined ? 0 : this.#options.interfaceIndex(zone), port);
  }

  #make(via: LocalPort, words: Int32Array, at: number, scope: number, port: number): BatchEndpoint {
    const text = addressText(words, at, via.family);
    const zone = scope === 0 ? undefined : (this.#options.interfaceName(scope) ?? String(scope));
    const remote: Address = { address: zone === undefined ? text : `${text}%${zone}`, port };
    return new BatchEndpoint(via, remote, words, at, scope);
  }
}
