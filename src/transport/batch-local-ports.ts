/**
 * Our own addresses as the native transport listens on them: those of sockets bound to one address, and those
 * of wildcard sockets, which the packet information of each datagram tells apart.
 */
import { familyOf, zoneOf } from './address.ts';
import { addressText, addressWords, isLinkLocalWords } from './address-words.ts';
import type { LocalPort } from './batch-endpoint.ts';
import type { BatchSocket } from './batch-socket.ts';
import { word, type UdpAddon } from './native/addon.ts';

/** Addresses that are asked and are of no interface (127.0.0.2, or one that has just appeared). No RFC's number. */
const maxUnlisted = 256;

export class LocalPorts {
  readonly #addon: UdpAddon;
  /** Where it listens as far as the interfaces are known, by address. */
  readonly listed: Map<string, LocalPort> = new Map();
  /** Of sockets bound to one address. */
  readonly #only = new Map<BatchSocket, LocalPort>();
  /** Of wildcards, those of no interface too; the one asked last comes first. */
  #asked: LocalPort[] = [];
  #nextId = 0;

  constructor(addon: UdpAddon) {
    this.#addon = addon;
  }

  /** What a socket bound to one address listens on; undefined for wildcards and groups. */
  only(socket: BatchSocket): LocalPort | undefined {
    return this.#only.get(socket);
  }

  /** Bound to one address each. */
  get sockets(): Iterable<BatchSocket> {
    return this.#only.keys();
  }

  addOnly(socket: BatchSocket): void {
    const port = this.#make(socket.local.address, socket);
    this.listed.set(socket.local.address, port);
    this.#only.set(socket, port);
  }

  addOfWildcard(address: string, socket: BatchSocket): void {
    // It may have been asked before it was known.
    let port = this.#asked.find((one) => one.address.address === address);
    if (port === undefined) this.#asked.push((port = this.#make(address, socket)));
    this.listed.set(address, port);
  }

  remove(port: LocalPort): void {
    port.open = false;
    this.listed.delete(port.address.address);
    this.#asked = this.#asked.filter((one) => one !== port);
    for (const [socket, only] of this.#only) {
      if (only !== port) continue;
      this.#only.delete(socket);
      socket.close();
    }
  }

  /** Closes the sockets bound to one address too. */
  clear(): void {
    for (const port of [...this.listed.values(), ...this.#asked]) port.open = false;
    for (const socket of this.#only.keys()) socket.close();
    this.#only.clear();
    this.listed.clear();
    this.#asked = [];
  }

  /** Which of a wildcard's addresses the datagram of a descriptor was sent to; undefined for broadcast. */
  askedAt(words: Int32Array, at: number, socket: BatchSocket): LocalPort | undefined {
    const asked = this.#asked;
    const local = at + word.local;
    const scope = socket.family === 'IPv6' && isLinkLocalWords(words, local) ? (words[at + word.interface] ?? 0) : 0;
    for (let i = 0; i < asked.length; i++) {
      const port = asked[i];
      if (port === undefined || port.socket !== socket || port.scope !== scope || !sameWords(port.words, words, local))
        continue;
      if (i > 0) {
        asked[i] = asked[0] ?? port;
        asked[0] = port;
      }
      return port;
    }
    // Broadcast: what it was sent to is no address of ours.
    if (!socket.wildcard || (socket.family === 'IPv4' && words[at + word.arrivedAt] !== words[local + 3]))
      return undefined;
    if (asked.length - this.listed.size >= maxUnlisted) return undefined;
    const text = addressText(words, local, socket.family);
    const zone = scope === 0 ? '' : `%${this.#addon.interfaceName(scope) ?? scope}`;
    const port = this.#make(`${text}${zone}`, socket);
    asked.push(port);
    return port;
  }

  #make(address: string, socket: BatchSocket): LocalPort {
    const zone = zoneOf(address);
    return {
      id: this.#nextId++,
      address: { address, port: socket.local.port },
      family: familyOf(address),
      words: addressWords(address),
      scope: zone === undefined ? 0 : this.#addon.interfaceIndex(zone),
      socket,
      open: true,
    };
  }
}

const sameWords = (own: Int32Array, words: Int32Array, at: number): boolean =>
  own[3] === words[at + 3] && own[2] === words[at + 2] && own[1] === words[at + 1] && own[0] === words[at];
