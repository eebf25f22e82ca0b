/**
 * Deduplication (RFC 7252 §4.2, §4.3, §4.5): a message that was received before is not processed again.
 *
 * A duplicate has the same peer, the same Message ID and the same bytes: a client that restarts may use an ID
 * again for another request, which then is a new one. Memory is bounded twice over:
 *  - records of unsafe requests (POST, PUT, DELETE, …) are kept for their whole lifetime; when `maxUnsafe` are
 *    live, no further one is opened, and the caller refuses the request;
 *  - records of safe requests (and of responses to us) go oldest-out under `maxSafeBytes`, in two generations:
 *    dropping a whole Map is cheaper than deleting its entries one by one.
 */
import { hash32 } from '../../core/bytes.ts';
import { after, type Instant, type Milliseconds } from '../../core/duration.ts';
import type { Peer } from './peer.ts';

export interface DeduplicationOptions {
  readonly maxUnsafe: number;
  readonly maxSafeBytes: number;
}

/** What a record costs beside the bytes of its reply: object, Map entry, key and the reply's array; measured. */
const recordBytes = 350;

export class DeduplicationRecord {
  readonly peer: Peer;
  readonly messageId: number;
  readonly expires: Instant;
  readonly safe: boolean;
  /** What a duplicate of a CON gets again, byte for byte: the ACK with the response, or the empty ACK. */
  reply: Uint8Array | undefined;

  constructor(peer: Peer, messageId: number, expires: Instant, safe: boolean) {
    this.peer = peer;
    this.messageId = messageId;
    this.expires = expires;
    this.safe = safe;
    this.reply = undefined;
  }
}

/** Peer ids are cut to 21 bits so that the key is an exact double; the record tells the rest. */
const keyOf = (peer: Peer, hash: number): number => (peer.id % 0x200000) * 0x1_0000_0000 + hash;

export class Deduplicator {
  readonly #options: DeduplicationOptions;
  #young = new Map<number, DeduplicationRecord>();
  #old = new Map<number, DeduplicationRecord>();
  #youngBytes = 0;
  #oldBytes = 0;
  #youngSince = -Infinity as Instant;
  #longest = 0 as Milliseconds;
  readonly #unsafe = new Map<number, DeduplicationRecord>();
  /** Unsafe records in order of expiry, CON and NON apart because their lifetimes differ. */
  readonly #expiring: [ExpiryQueue, ExpiryQueue] = [new ExpiryQueue(), new ExpiryQueue()];

  constructor(options: DeduplicationOptions) {
    this.#options = options;
  }

  /** Counted where they expire: records whose bytes have one hash replace each other in the Map. */
  get unsafeRecords(): number {
    return this.#expiring[0].size + this.#expiring[1].size;
  }

  get safeRecords(): number {
    return this.#young.size + this.#old.size;
  }

  get safeBytes(): number {
    return this.#youngBytes + this.#oldBytes;
  }

  /**
   * The record of an earlier copy of these bytes, or a new one; `full` when the message is unsafe and no further
   * record can be kept for its lifetime.
   */
  admit(
    peer: Peer,
    messageId: number,
    bytes: Uint8Array,
    kind: { readonly safe: boolean; readonly confirmable: boolean },
    now: Instant,
  ): { readonly record: DeduplicationRecord; readonly duplicate: boolean } | 'full' {
    const key = keyOf(peer, hash32(bytes));
    const known = this.#find(key, kind.safe);
    if (known !== undefined && known.peer === peer && known.messageId === messageId && now < known.expires) {
      return { record: known, duplicate: true };
    }
    const { exchangeLifetime, nonLifetime } = peer.parameters;
    const lifetime = kind.confirmable ? exchangeLifetime : nonLifetime;
    const record = new DeduplicationRecord(peer, messageId, after(now, lifetime), kind.safe);
    if (kind.safe) this.#addSafe(key, record, now);
    else if (!this.#addUnsafe(key, record, kind.confirmable, now)) return 'full';
    return { record, duplicate: false };
  }

  /** A record that no duplicate will find and that costs nothing, for a request that is refused. */
  unrecorded(peer: Peer, messageId: number, now: Instant): DeduplicationRecord {
    return new DeduplicationRecord(peer, messageId, now, false);
  }

  /** Sets what duplicates get from now on. */
  reply(record: DeduplicationRecord, bytes: Uint8Array): void {
    if (record.safe) this.#youngBytes += bytes.length - (record.reply?.length ?? 0);
    record.reply = bytes;
  }

  /** Lets go of records whose time is over, and of the peers that unsafe ones held. */
  expire(now: Instant): void {
    this.#expireUnsafe(now);
    if (this.safeBytes === 0 || now - this.#youngSince < this.#longest) return;
    // The young ones were born before `longest` had passed: after twice that none of them lives.
    const allOver = now - this.#youngSince >= 2 * this.#longest;
    this.#growOld(now);
    if (allOver) this.#growOld(now);
  }

  #expireUnsafe(now: Instant): void {
    for (const queue of this.#expiring) {
      for (let due = queue.takeExpired(now); due !== undefined; due = queue.takeExpired(now)) {
        if (this.#unsafe.get(due.key) === due.record) this.#unsafe.delete(due.key);
        due.record.peer.holds--;
      }
    }
  }

  #find(key: number, safe: boolean): DeduplicationRecord | undefined {
    return safe ? (this.#young.get(key) ?? this.#old.get(key)) : this.#unsafe.get(key);
  }

  #addSafe(key: number, record: DeduplicationRecord, now: Instant): void {
    // The longest lifetime counts: a record lives through the generation that it was born in and all of the next.
    this.#longest = Math.max(this.#longest, record.peer.parameters.exchangeLifetime) as Milliseconds;
    if (this.#youngBytes >= this.#options.maxSafeBytes / 2 || now - this.#youngSince >= this.#longest) {
      this.#growOld(now);
    }
    this.#young.set(key, record);
    this.#youngBytes += recordBytes;
  }

  #growOld(now: Instant): void {
    this.#old = this.#young;
    this.#oldBytes = this.#youngBytes;
    this.#young = new Map();
    this.#youngBytes = 0;
    this.#youngSince = now;
  }

  #addUnsafe(key: number, record: DeduplicationRecord, confirmable: boolean, now: Instant): boolean {
    this.#expireUnsafe(now);
    if (this.unsafeRecords >= this.#options.maxUnsafe) return false;
    this.#unsafe.set(key, record);
    this.#expiring[confirmable ? 0 : 1].add(key, record);
    record.peer.holds++;
    return true;
  }
}

/** First in, first out; records of one queue have one lifetime per link profile, so the head is (almost) the oldest. */
class ExpiryQueue {
  #entries: { readonly key: number; readonly record: DeduplicationRecord }[] = [];
  #head = 0;

  get size(): number {
    return this.#entries.length - this.#head;
  }

  add(key: number, record: DeduplicationRecord): void {
    this.#entries.push({ key, record });
  }

  takeExpired(now: Instant): { readonly key: number; readonly record: DeduplicationRecord } | undefined {
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
