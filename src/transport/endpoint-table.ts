/**
 * The endpoints seen through one local address, one object each, so that a peer that speaks often costs
 * no allocation and compares by identity. Bounded: peers that have not spoken for longest are forgotten,
 * and get an equal object (equal `key`) when they speak again.
 */
import type { Address, Endpoint } from '../core/datagram.ts';
import { GenerationalMap } from '../core/generational-map.ts';
import { endpointKey, isLoopback, isWildcard } from './address.ts';

/** No RFC's number: about 30 MB when full. */
export const defaultMaxEndpoints = 65_536;

/** Slots of the front table: a hot peer is found without making a key. A power of two. */
const frontSlots = 1024;

export class EndpointTable {
  readonly local: Address;
  /** A loopback peer can reach this address only from this machine. */
  readonly #loopback: boolean;
  readonly #endpoints: GenerationalMap<string, Endpoint>;
  readonly #front: (Endpoint | undefined)[] = new Array<Endpoint | undefined>(frontSlots).fill(undefined);

  constructor(local: Address, maxEndpoints: number = defaultMaxEndpoints) {
    this.local = local;
    this.#loopback = isLoopback(local.address) || isWildcard(local.address);
    this.#endpoints = new GenerationalMap({ maxEntries: maxEndpoints });
  }

  get(address: string, port: number): Endpoint {
    const slot = port & (frontSlots - 1);
    const front = this.#front[slot];
    if (front !== undefined && front.remote.port === port && front.remote.address === address) return front;

    const key = `${address} ${port}`;
    let endpoint = this.#endpoints.get(key);
    if (endpoint === undefined) {
      const remote: Address = { address, port };
      endpoint = {
        key: endpointKey(remote, this.local),
        remote,
        local: this.local,
        loopback: this.#loopback && isLoopback(address),
      };
      this.#endpoints.set(key, endpoint);
    }
    this.#front[slot] = endpoint;
    return endpoint;
  }
}
