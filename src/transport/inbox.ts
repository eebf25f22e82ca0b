/**
 * Gathers the datagrams of one turn of the event loop into one batch. The loop reads up to 32 datagrams
 * of a socket before it goes on, and setImmediate comes right after that: a lone one waits for nothing.
 * (A microtask would come between any two of them.)
 */
import type { Datagram } from '../core/datagram.ts';

export class Inbox {
  readonly #deliver: (batch: readonly Datagram[]) => void;
  #batch: Datagram[] = [];
  #closed = false;

  constructor(deliver: (batch: readonly Datagram[]) => void) {
    this.#deliver = deliver;
  }

  push(datagram: Datagram): void {
    if (this.#batch.push(datagram) === 1) setImmediate(this.#flush);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Nothing is delivered from here on. */
  close(): void {
    this.#closed = true;
  }

  readonly #flush = (): void => {
    const batch = this.#batch;
    this.#batch = [];
    if (!this.#closed) this.#deliver(batch);
  };
}
