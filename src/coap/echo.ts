/**
 * Address verification by Echo (RFC 9175 §2.3, §2.4): a peer that returns a value which only its address
 * can have received is reachable there. The value is a keyed hash of the address and a window of time,
 * so nothing is stored for peers that do not come back.
 */
import { equalBytes, utf8 } from '../core/bytes.ts';
import type { Endpoint } from '../core/datagram.ts';
import { minutes, type Instant, type Milliseconds } from '../core/duration.ts';

/** A keyed hash of at least 8 bytes; the key is new with each process. */
export type Seal = (input: Uint8Array) => Uint8Array;

/** Devices refuse longer option values than 12 by default; 8 bytes leave room for chance at 2^-64. */
const echoLength = 8;
/** A value is accepted in the window in which it was made and in the next. */
const window: Milliseconds = minutes(5);

export class EchoVerifier {
  readonly #seal: Seal;

  constructor(seal: Seal) {
    this.#seal = seal;
  }

  value(endpoint: Endpoint, now: Instant): Uint8Array {
    return this.#valueIn(endpoint, Math.floor(now / window));
  }

  isFresh(endpoint: Endpoint, value: Uint8Array, now: Instant): boolean {
    const current = Math.floor(now / window);
    return (
      equalBytes(value, this.#valueIn(endpoint, current)) || equalBytes(value, this.#valueIn(endpoint, current - 1))
    );
  }

  #valueIn(endpoint: Endpoint, index: number): Uint8Array {
    // The key of an association stays while its peer's address changes.
    const { address, port } = endpoint.remote;
    return this.#seal(utf8(`${index} ${endpoint.key} ${address} ${port}`)).subarray(0, echoLength);
  }
}
