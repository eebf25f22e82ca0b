/**
 * Records of GET and FETCH (RFC 7252 §4.5): bounded by bytes, oldest out. A lost one costs a second run of something
 * that has no side effects. A table of numbers beside the log of replies: a record makes no object that stays, so a
 * gateway under load has no garbage of them, and a request touches two lines of memory.
 *
 *   a set, 64 bytes   8 tags: who asked, under which Message ID, with which bytes · 8 tickets: lower is older, 0 is free
 *   a row, 32 bytes   expiry · where the reply is in the log, or, before there is one, minus the ticket ·
 *                     the peer's id and Message ID << 16 | length of the reply, a word each · 8 unused
 */
import type { Instant } from '../../core/duration.ts';
import type { DeduplicationRecord, Duplicate } from './deduplication.ts';
import type { Peer } from './peer.ts';
import { ReplyLog } from './reply-log.ts';

const ways = 8;
/** Of 32-bit words. */
const setLength = 2 * ways;
/** Of doubles. */
const rowLength = 4;
/** Of a record, with its part of a set. */
const recordBytes = 8 + 8 * rowLength;
const wordOfPeer = 4;
const wordOfIds = 5;

export class SafeRecords {
  readonly #sets: number;
  #tags: Int32Array;
  #rows: Float64Array;
  /** The same memory. */
  #rowWords: Int32Array;
  readonly #log: ReplyLog;
  #ticket = 0;
  #size = 0;
  /** When the last of them is of no use any more. */
  #over = -Infinity as Instant;

  /** Half of the bytes are for the table, half for the replies. */
  constructor(maxBytes: number) {
    this.#sets = 2 ** Math.max(0, Math.floor(Math.log2(maxBytes / 2 / recordBytes / ways)));
    [this.#tags, this.#rows, this.#rowWords] = emptyTable(this.#sets);
    this.#log = new ReplyLog(maxBytes / 2);
  }

  /** Those that were made since there were none, at most as many as there is room for. */
  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#size * recordBytes + this.#log.bytes;
  }

  find(peer: Peer, messageId: number, fingerprint: number, now: Instant): Duplicate | undefined {
    const tag = tagOf(peer, messageId, fingerprint);
    const set = spread(tag) & (this.#sets - 1);
    for (let way = 0; way < ways; way++) {
      if (this.#tags[set * setLength + way] !== tag) continue;
      const place = set * ways + way;
      if (
        this.#rowWords[place * 2 * rowLength + wordOfPeer] === (peer.id | 0) &&
        (this.#rowWords[place * 2 * rowLength + wordOfIds] ?? 0) >>> 16 === messageId &&
        now < (this.#rows[place * rowLength] ?? 0)
      )
        return this.#duplicateOf(place);
    }
    return undefined;
  }

  /** Makes a record, where its set is full in place of the oldest. */
  open(peer: Peer, messageId: number, fingerprint: number, expires: Instant): DeduplicationRecord {
    const ticket = this.#nextTicket();
    const tag = tagOf(peer, messageId, fingerprint);
    const set = spread(tag) & (this.#sets - 1);
    const tickets = set * setLength + ways;
    let oldest = 0;
    for (let way = 1; way < ways; way++) {
      if ((this.#tags[tickets + way] ?? 0) < (this.#tags[tickets + oldest] ?? 0)) oldest = way;
    }
    if (this.#tags[tickets + oldest] === 0) this.#size++;
    this.#tags[set * setLength + oldest] = tag;
    this.#tags[tickets + oldest] = ticket;
    const place = set * ways + oldest;
    const row = place * rowLength;
    this.#rows[row] = expires;
    this.#rows[row + 1] = -ticket;
    this.#rowWords[2 * row + wordOfPeer] = peer.id;
    this.#rowWords[2 * row + wordOfIds] = messageId << 16;
    if (expires > this.#over) this.#over = expires;
    return new SafeRecord(this, place, ticket);
  }

  /** Where the reply of the record at `place` is to be written; undefined where another has its place. */
  room(place: number, ticket: number, length: number): Uint8Array | undefined {
    const row = place * rowLength;
    if (this.#rows[row + 1] !== -ticket || length > 0xffff) return undefined;
    const room = this.#log.append(length, (this.#rows[row] ?? 0) as Instant);
    if (room === undefined) return undefined;
    this.#rows[row + 1] = this.#log.position;
    const ids = 2 * row + wordOfIds;
    this.#rowWords[ids] = ((this.#rowWords[ids] ?? 0) & ~0xffff) | length;
    return room;
  }

  /** Lets go of what is of no use any more. */
  expire(now: Instant): void {
    this.#log.expire(now);
    if (this.#size > 0 && now >= this.#over) this.#clear();
  }

  #clear(): void {
    [this.#tags, this.#rows, this.#rowWords] = emptyTable(this.#sets);
    this.#size = 0;
  }

  /** A lost record is allowed, so once in two thousand million requests all are. */
  #nextTicket(): number {
    if (this.#ticket === 0x7fffffff) {
      this.#clear();
      this.#ticket = 0;
    }
    return ++this.#ticket;
  }

  /** A record whose reply has gone is none any more. */
  #duplicateOf(place: number): Duplicate | undefined {
    const row = place * rowLength;
    const position = this.#rows[row + 1] ?? 0;
    if (position < 0) return { reply: undefined };
    const reply = this.#log.at(position, (this.#rowWords[2 * row + wordOfIds] ?? 0) & 0xffff);
    return reply === undefined ? undefined : { reply };
  }
}

class SafeRecord implements DeduplicationRecord {
  readonly #records: SafeRecords;
  readonly #place: number;
  readonly #ticket: number;

  constructor(records: SafeRecords, place: number, ticket: number) {
    this.#records = records;
    this.#place = place;
    this.#ticket = ticket;
  }

  room(length: number): Uint8Array {
    return this.#records.room(this.#place, this.#ticket, length) ?? new Uint8Array(length);
  }
}

/** Zeros, which take no memory until they are written to. */
function emptyTable(sets: number): [Int32Array, Float64Array, Int32Array] {
  const rows = new Float64Array(sets * ways * rowLength);
  return [new Int32Array(sets * setLength), rows, new Int32Array(rows.buffer)];
}

/** For one peer and Message ID, other bytes give another tag. */
function tagOf(peer: Peer, messageId: number, fingerprint: number): number {
  const asker = Math.imul(peer.id, 0x9e3779b1) ^ Math.imul(messageId, 0x85ebca6b);
  return fingerprint === asker ? 1 : fingerprint ^ asker;
}

const spread = (tag: number): number => Math.imul(tag ^ (tag >>> 16), 0x9e3779b1) >>> 8;
