/**
 * Deduplication (RFC 7252 §4.5): a message is a duplicate when it comes from the same peer, with the same Message
 * ID and the same bytes, within EXCHANGE_LIFETIME (CON) or NON_LIFETIME (NON). The bytes count because devices reuse Message IDs
 * after a reboot. A duplicate never runs anything: a CON gets the same reply again, a NON is ignored.
 *
 *   safe-records.ts     GET and FETCH: oldest out under `maxSafeBytes`
 *   unsafe-records.ts   all else: kept for their lifetime; at `maxUnsafe` further requests are refused
 */
import { after, type Instant } from '../../core/duration.ts';
import type { Peer } from './peer.ts';
import type { Duplicate, Expected } from './duplicate.ts';
import type { KeptRequest } from './ledger.ts';
import { SafeRecords } from './safe-records.ts';
import { UnsafeRecords, type UnsafeRecord } from './unsafe-records.ts';

export interface DeduplicationOptions {
  readonly maxUnsafe: number;
  readonly maxSafeBytes: number;
}

/** What is remembered of a message that was received: a safe one's ticket, an unsafe one's record, or nothing. */
export type DeduplicationRecord = number | UnsafeRecord | undefined;

export class Deduplicator {
  readonly #safe: SafeRecords;
  readonly #unsafe: UnsafeRecords;

  constructor({ maxUnsafe, maxSafeBytes }: DeduplicationOptions) {
    this.#safe = new SafeRecords(maxSafeBytes);
    this.#unsafe = new UnsafeRecords(maxUnsafe);
  }

  /** The first `count` of these are looked up next. */
  lookAhead(expected: readonly Expected[], count: number): void {
    this.#safe.lookAhead(expected, count);
  }

  find(peer: Peer, messageId: number, fingerprint: number, safe: boolean, now: Instant): Duplicate | undefined {
    return (safe ? this.#safe : this.#unsafe).find(peer, messageId, fingerprint, now);
  }

  /** 'full' when the message is unsafe and no further record can be kept for its lifetime. */
  open(
    peer: Peer,
    messageId: number,
    fingerprint: number,
    safe: boolean,
    confirmable: boolean,
    now: Instant,
  ): DeduplicationRecord | 'full' {
    const { exchangeLifetime, nonLifetime } = peer.parameters;
    const expires = after(now, confirmable ? exchangeLifetime : nonLifetime);
    if (safe) return this.#safe.open(peer, messageId, fingerprint, expires);
    return this.#unsafe.open(peer, messageId, fingerprint, expires, confirmable, now) ?? 'full';
  }

  /** Memory that the reply to a CON is to be written to, once: duplicates get what is there then. */
  room(record: DeduplicationRecord, length: number): Uint8Array {
    const kept = typeof record === 'number' ? this.#safe.room(record, length) : record?.room(length);
    return kept ?? new Uint8Array(length);
  }

  /** A reply is where `room` was: whoever keeps it beyond the end of the process is told. */
  answered(record: DeduplicationRecord): void {
    if (typeof record === 'object' && record.reply !== undefined) record.entry?.answered(record.reply);
  }

  /** A record of a process before this one. False where there is no room. */
  restore(peer: Peer, kept: KeptRequest, now: Instant): boolean {
    const { messageId, fingerprint, expires, confirmable, reply } = kept;
    const record = this.#unsafe.open(peer, messageId, fingerprint, expires, confirmable, now);
    if (record === undefined) return false;
    record.reply = reply;
    record.interrupted = reply === undefined;
    return true;
  }

  /** Lets go of records whose time is over. */
  expire(now: Instant): void {
    this.#safe.expire(now);
    this.#unsafe.expire(now);
  }

  get unsafeRecords(): number {
    return this.#unsafe.size;
  }

  get safeRecords(): number {
    return this.#safe.size;
  }

  get safeBytes(): number {
    return this.#safe.bytes;
  }
}
