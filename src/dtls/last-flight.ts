/**
 * The flight that ended a handshake, kept because it may be lost: whoever waits for it repeats its own last flight, and gets this
 * one again (RFC 6347 §4.2.4). It is all that an association keeps of its handshake, until the peer's first data shows that it was
 * read: of a hundred thousand devices that have only shaken hands, everything else would be four kilobytes each.
 */
import type { Flight } from './flight.ts';
import { decodeFragments, endsMessage, isInItsEpoch } from './handshake-message.ts';
import type { RecordLayer } from './record-layer.ts';

export class LastFlight {
  readonly #flight: Flight;
  /** The last message of the peer's flight that it answers. */
  readonly #answered: number;

  constructor(flight: Flight, answered: number) {
    this.#flight = flight;
    this.#answered = answered;
  }

  /** The datagrams to be sent again; none where the peer has not repeated itself, or too often. */
  repeatFor(content: Uint8Array, epoch: number, layer: RecordLayer, maxDatagramBytes: number): readonly Uint8Array[] {
    const isRepeated = (decodeFragments(content) ?? []).some(
      (fragment) => isInItsEpoch(fragment, epoch) && endsMessage(fragment, this.#answered),
    );
    return isRepeated && this.#flight.mayRepeat ? this.#flight.transmit(layer, maxDatagramBytes) : [];
  }
}
