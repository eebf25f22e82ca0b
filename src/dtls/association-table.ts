/**
 * Which associations there are, by the pair of addresses (RFC 6347 §4.1) and by Connection ID (RFC 9146 §3), and how many.
 *
 * At one pair of addresses there may be an association and a handshake that is to replace it (RFC 6347 §4.2.8): the older one
 * goes on until the newer one is authenticated.
 */
import { emptyBytes } from '../core/bytes.ts';
import type { Endpoint } from '../core/datagram.ts';
import type { Association } from './association.ts';
import type { DtlsOptions } from './options.ts';

/** A pair of addresses. Noted in its endpoint: to look up a key of a hundred thousand takes as long as to open a record. */
class Place {
  established: Association | undefined = undefined;
  handshaking: Association | undefined = undefined;
  /** Undefined when there is nobody any more. */
  table: AssociationTable | undefined;

  constructor(table: AssociationTable) {
    this.table = table;
  }
}

/** How many of the longest-known associations are looked at to find the one that was quiet for longest. */
const searched = 16;

/** A Connection ID of up to 6 bytes as a number: it is looked up for every record. */
function cidNumber(cid: Uint8Array): number {
  let number = 0;
  for (const byte of cid) number = number * 256 + byte;
  return number;
}

export class AssociationTable {
  readonly #places = new Map<string, Place>();
  readonly #byCid = new Map<number, Association>();
  readonly #established = new Set<Association>();
  readonly #handshaking = new Set<Association>();

  get establishedCount(): number {
    return this.#established.size;
  }

  get handshakingCount(): number {
    return this.#handshaking.size;
  }

  /** Held for handshake messages that are not whole. */
  reassemblyBytes(): number {
    let bytes = 0;
    for (const { channel } of this.#handshaking) bytes += channel?.heldBytes ?? 0;
    return bytes;
  }

  establishedAt(endpoint: Endpoint): Association | undefined {
    return this.#known(endpoint)?.established;
  }

  handshakingAt(endpoint: Endpoint): Association | undefined {
    return this.#known(endpoint)?.handshaking;
  }

  byCid(cid: Uint8Array): Association | undefined {
    return this.#byCid.get(cidNumber(cid));
  }

  /** A Connection ID that nobody has; empty for none. */
  newCid({ connectionId, crypto }: Pick<DtlsOptions, 'connectionId' | 'crypto'>): Uint8Array {
    if (connectionId === undefined) return emptyBytes;
    for (let attempts = 0; attempts < 8; attempts++) {
      const cid = crypto.randomBytes(connectionId.length);
      cid[0] = connectionId.node;
      if (this.byCid(cid) === undefined) return cid;
    }
    return emptyBytes; // they are so short that nearly all are taken
  }

  /** A handshake begins; whatever other was under way there must be gone. */
  add(association: Association): void {
    this.#place(association.endpoint).handshaking = association;
    this.#handshaking.add(association);
    this.#addCid(association);
  }

  /** A handshake is over, or an association is restored. Returns the one that was at this place before. */
  establish(association: Association): Association | undefined {
    const place = this.#place(association.endpoint);
    const before = place.established;
    if (place.handshaking === association) place.handshaking = undefined;
    this.#handshaking.delete(association);
    place.established = association;
    this.#established.add(association);
    this.#addCid(association);
    return before;
  }

  remove(association: Association): void {
    this.#leave(association);
    this.#established.delete(association);
    this.#handshaking.delete(association);
    this.removeCid(association);
  }

  removeCid(association: Association): void {
    const { ownCid } = association;
    if (ownCid.length > 0 && this.byCid(ownCid) === association) this.#byCid.delete(cidNumber(ownCid));
  }

  /**
   * The peer is somewhere else. It is found by its Connection ID; a place that is taken stays with who has it, so that nobody
   * is pushed out of it by a peer that only says to be there.
   */
  move(association: Association, endpoint: Endpoint): void {
    this.#leave(association);
    association.endpoint = endpoint;
    const place = this.#place(endpoint);
    place.established ??= association;
  }

  /** Of those that clients have begun. */
  oldestHandshake(): Association | undefined {
    for (const association of this.#handshaking) if (association.side === 'server') return association;
    return undefined;
  }

  /** Roughly the association that was quiet for longest. Those that it is compared with come last the next time. */
  quietest(): Association | undefined {
    let quietest: Association | undefined;
    const looked: Association[] = [];
    for (const association of this.#established) {
      if (quietest === undefined || association.lastUsed < quietest.lastUsed) quietest = association;
      if (looked.push(association) === searched) break;
    }
    for (const association of looked) {
      this.#established.delete(association);
      this.#established.add(association);
    }
    return quietest;
  }

  #addCid(association: Association): void {
    if (association.ownCid.length > 0) this.#byCid.set(cidNumber(association.ownCid), association);
  }

  #known(endpoint: Endpoint): Place | undefined {
    const { note } = endpoint;
    if (note instanceof Place && note.table === this) return note;
    const place = this.#places.get(endpoint.key);
    if (place !== undefined) endpoint.note = place;
    return place;
  }

  #place(endpoint: Endpoint): Place {
    let place = this.#known(endpoint);
    if (place === undefined) {
      place = new Place(this);
      this.#places.set(endpoint.key, place);
    }
    return place;
  }

  #leave(association: Association): void {
    const place = this.#places.get(association.endpoint.key);
    if (place === undefined) return;
    if (place.established === association) place.established = undefined;
    if (place.handshaking === association) place.handshaking = undefined;
    if (place.established !== undefined || place.handshaking !== undefined) return;
    this.#places.delete(association.endpoint.key);
    place.table = undefined;
  }
}
