/**
 * Records of POST, PUT, PATCH, iPATCH and DELETE (RFC 7252 §4.5): kept for their whole lifetime whatever comes, because
 * a second run may do harm. Bounded by count: where there is no room for a record, its request must not run.
 */
import type { Instant } from '../../core/duration.ts';
import type { Duplicate } from './duplicate.ts';
import type { LedgerEntry } from './ledger.ts';
import type { Peer } from './peer.ts';

export class UnsafeRecord implements Duplicate {
  readonly peer: Peer;
  readonly key: number;
  readonly fingerprint: number;
  readonly expires: Instant;
  reply: Uint8Array | undefined = undefined;
  /** Where it is kept beyond the end of the process. */
  entry: LedgerEntry | undefined = undefined;
  interrupted = false;
  /** Of the same peer and Message ID: other requests, as a device makes them that restarts. */
  next: UnsafeRecord | undefined;

  constructor(peer: Peer, key: number, fingerprint: number, expires: Instant, next: UnsafeRecord | undefined) {
    this.peer = peer;
    this.key = key;
    this.fingerprint = fingerprint;
    this.expires = expires;
    this.next = next;
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

  get size(): number {
    return this.#expiring[0].size + this.#expiring[1].size;
  }

  find(peer: Peer, messageId: number, fingerprint: number, now: Instant): UnsafeRecord | undefined {
    let record = this.#byKey.get(keyOf(peer, messageId));
    while (record !== undefined && (record.fingerprint !== fingerprint || now >= record.expires)) record = record.next;
    return record;
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
    const key = keyOf(peer, messageId);
    const record = new UnsafeRecord(peer, key, fingerprint, expires, this.#byKey.get(key));
    this.#byKey.set(key, record);
    this.#expiring[confirmable ? 0 : 1].add(record);
    peer.holds++;
    return record;
  }

  /** Lets go of records whose time is over, and of the peers that they held. */
  expire(now: Instant): void {
    for (const queue of this.#expiring) {
      for (let due = queue.takeExpired(now); due !== undefined; due = queue.takeExpired(now)) {
        this.#forget(due);
        due.peer.holds--;
      }
    }
  }

  #forget(record: UnsafeRecord): void {
    const first = this.#byKey.get(record.key);
    if (first === record) {
      if (record.next === undefined) this.#byKey.delete(record.key);
      else this.#byKey.set(record.key, record.next);
      return;
    }
    let before = first;
    while (before !== undefined && before.next !== record) before = before.next;
    if (before !== undefined) before.next = record.next;
  }
}

/** Exact: no two peers and Message IDs have one key. */
const keyOf = (peer: Peer, messageId: number): number => peer.id * 0x10000 + messageId;

/** First in, first out; records of one queue have one lifetime per link profile, so the head is (almost) the oldest. */
class ExpiryQueue {
  #records: UnsafeRecord[] = [];
  #head = 0;

  get size(): number {
    return this.#records.length - this.#head;
  }

  add(record: UnsafeRecord): void {
    this.#records.push(record);
  }

  takeExpired(now: Instant): UnsafeRecord | undefined {
    const record = this.#records[this.#head];
    if (record === undefined || now < record.expires) return undefined;
    this.#head++;
    if (this.#head >= 1024 && this.#head * 2 >= this.#records.length) {
      this.#records = this.#records.slice(this.#head);
      this.#head = 0;
    }
    return record;
  }
}
