/** How many connections each address has: none takes the room of all others by opening them and asking slowly, or nothing. */
import type { Socket } from 'node:net';
import { networkOf } from '../transport/network.ts';

export class PeerConnections {
  readonly #most: number;
  readonly #counts = new Map<string, number>();

  /** @param most of an IPv4 address, or of an IPv6 network */
  constructor(most: number) {
    this.#most = most;
  }

  /**
   * Counts a connection until it is closed; false where its address has as many as it may.
   * @param makeRoom closes one of these that is of no use; false where all are
   */
  admit(socket: Socket, makeRoom: (peer: string) => boolean): boolean {
    const { remoteAddress } = socket;
    // It is closed again already.
    if (remoteAddress === undefined) return true;
    const peer = networkOf(remoteAddress);
    const count = this.#counts.get(peer) ?? 0;
    if (count >= this.#most && !makeRoom(peer)) return false;
    this.#counts.set(peer, count + 1);
    socket.once('close', () => {
      const left = (this.#counts.get(peer) ?? 1) - 1;
      if (left === 0) this.#counts.delete(peer);
      else this.#counts.set(peer, left);
    });
    return true;
  }
}
