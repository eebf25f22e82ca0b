/**
 * Records of POST, PUT, PATCH, iPATCH and DELETE (RFC 7252 §4.5): kept for their whole lifetime whatever comes, because
 * a second run may do harm. Bounded by count: where there is no room for a record, its request must not run.
 */
import type { Instant } from '../../core/duration.ts';
import type { Duplicate } from './duplicate.ts';
import type { Peer } from './peer.ts';

export class UnsafeRecord implements Duplicate {
  readonly peer: Peer;
  readonly messageId: number;
  readonly expires: Instant;
  reply: Uint8Array | undefined = undefined;

  constructor(peer: Peer, messageId: number, expires: Instant) {
    this.peer = peer;
    this.messageId = messageId;
    this.expires = expires;
  }

  room(length: number): Uint8Array {
    this.reply = new Uint8Array(length);
    return this.reply;
  }
}

export class UnsafeRecords {
  readonly #maxRecords: number;
  readonly #byKey = new Map<number, UnsafeRecord>();
  /** In order of expiry, CON and NON apart because their lifetimes differ. */
  readonly #expiring: [ExpiryQueue, ExpiryQueue] = [new ExpiryQueue(), new ExpiryQueue()];

  constructor(maxRecords: number) {
    this.#maxRecords = maxRecords;
  }

  /** Counted where they expire: records whose bytes have one hash replace each other in the Map. */
  get size(): number {
    return this.#expiring[0].size + this.#expiring[1].size;
  }

  find(peer: Peer, messageId: number, fingerprint: number, now: Instant): Duplicate | undefined {
    const known = this.#byKey.get(keyOf(peer, fingerprint));
    if (known === undefined || known.peer !== peer || known.messageId !== messageId || now >= known.expires) {
      return undefined;
    }
    return known;
  }

  /** Undefined where there is no room. */
  open(
    peer: Peer,
    messageId: number,
    fingerprint: number,
    expires: Instant,
    confirmable: boolean,
    now: Instant,
  ): UnsafeRecord | undefined {
    this.expire(now);
    if (this.size >= this.#maxRecords) return undefined;
    const record = new UnsafeRecord(peer, messageId, expires);
    const key = keyOf(peer, fingerprint);
    this.#byKey.set(key, record);
    this.#expiring[confirmable ? 0 : 1].add(key, record);
    peer.holds++;
    return record;
  }

  /** Lets go of records whose time is over, and of the peers that they held. */
  expire(now: Instant): void {
    for (const queue of this.#expiring) {
      for (let due = queue.takeExpired(now); due !== undefined; due = queue.takeExpired(now)) {
        if (this.#byKey.get(due.key) === due.record) this.#byKey.delete(due.key);
        due.record.peer.holds--;
      }
    }
  }
}

/** Peer ids are cut to 21 bits so that the key is an exact double; the record tells the rest. */
const keyOf = (peer: Peer, fingerprint: number): number => (peer.id % 0x200000) * 0x1_0000_0000 + (fingerprint >>> 0);

/** First in, first out; records of one queue have one lifetime per link profile, so the head is (almost) the oldest. */
class ExpiryQueue {
  #entries: { readonly key: number; readonly record: UnsafeRecord }[] = [];
  #head = 0;

  get size(): number {
    return this.#entries.length - this.#head;
  }

  add(key: number, record: UnsafeRecord): void {
    this.#entries.push({ key, record });
  }

  takeExpired(now: Instant): { readonly key: number; readonly record: UnsafeRecord } | undefined {
    const entry = this.#entries[this.#head];
    if (entry === undefined || now < entry.record.expires) return undefined;
    this.#head++;
    if (this.#head >= 1024 && this.#head * 2 >= this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
    return entry;
  }
}
