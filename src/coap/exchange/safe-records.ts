/**
 * Records of GET and FETCH (RFC 7252 §4.5): bounded by bytes, oldest out. A lost one costs a second run of something
 * that has no side effects. Numbers in tables instead of objects, so a gateway under load has no garbage of them; and
 * only the look-up goes to a random place in memory.
 *
 *   a set, 64 bytes   8 tags: who asked, under which Message ID, with which bytes · 8 tickets: lower is older, 0 is
 *                     free; one for each 4 records, so that few overflow
 *   a row, 32 bytes   in the order of tickets, round and round: expiry · where the reply is in the log, or -1 before
 *                     there is one · the ticket · the peer's id and Message ID << 16 | length of the reply, a word each
 */
import { longAgo, type Instant } from '../../core/duration.ts';
import type { Duplicate, Expected } from './duplicate.ts';
import type { Peer } from './peer.ts';
import { ReplyLog } from './reply-log.ts';

const ways = 8;
/** Of 32-bit words. */
const setLength = 2 * ways;
/** Of doubles. */
const rowLength = 4;
/** Records for each set there is: half full as a rule. */
const recordsPerSet = ways / 2;
/** Of a record: its row, and its part of a set. */
const recordBytes = 8 * rowLength + (4 * setLength) / recordsPerSet;
const wordOfPeer = 6;
const wordOfIds = 7;
const noReply = -1;
const nobody: Expected = { peer: undefined, messageId: 0, fingerprint: 0 };

export class SafeRecords {
  readonly #maxPlaces: number;
  /** Records that there is room for now; a power of two, as is the most. */
  #places = ways;
  #sets: Int32Array;
  #rows: Float64Array;
  /** The same memory. */
  #rowWords: Int32Array;
  readonly #log: ReplyLog;
  #ticket = 0;
  #size = 0;
  /** What `lookAhead` has read. */
  touched = 0;
  /** When the last of them is of no use any more. */
  #over: Instant = longAgo;

  /** Half of the bytes are for the tables, half for the replies. */
  constructor(maxBytes: number) {
    this.#maxPlaces = ways * 2 ** Math.max(0, Math.floor(Math.log2(maxBytes / 2 / recordBytes / ways)));
    [this.#sets, this.#rows, this.#rowWords] = emptyTables(this.#places);
    this.#log = new ReplyLog(maxBytes / 2);
  }

  /** Those that were made since there were none, at most as many as there can be. */
  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#size * recordBytes + this.#log.bytes;
  }

  /**
   * Reads the sets of all of them, one right behind the other: these reads do not wait for each other. What is read is
   * of no interest, but has to be of some use, or the compiler leaves it out.
   */
  lookAhead(expected: readonly Expected[], count: number): void {
    let read = 0;
    for (let i = 0; i < count; i++) {
      const { peer, messageId, fingerprint } = expected[i] ?? nobody;
      if (peer !== undefined) read ^= this.#sets[this.#setOf(tagOf(peer, messageId, fingerprint))] ?? 0;
    }
    this.touched = read;
  }

  find(peer: Peer, messageId: number, fingerprint: number, now: Instant): Duplicate | undefined {
    const tag = tagOf(peer, messageId, fingerprint);
    const set = this.#setOf(tag);
    for (let way = set; way < set + ways; way++) {
      if (this.#sets[way] !== tag) continue;
      const row = this.#rowOf(this.#sets[way + ways] ?? 0);
      if (
        this.#rows[row + 2] === this.#sets[way + ways] &&
        this.#rowWords[2 * row + wordOfPeer] === (peer.id | 0) &&
        (this.#rowWords[2 * row + wordOfIds] ?? 0) >>> 16 === messageId &&
        now < (this.#rows[row] ?? 0)
      ) {
        const duplicate = this.#duplicateAt(row);
        if (duplicate !== undefined) return duplicate;
      }
    }
    return undefined;
  }

  /** Makes a record in place of the oldest of all, and of its set where that is full. Returns its ticket. */
  open(peer: Peer, messageId: number, fingerprint: number, expires: Instant): number {
    if (this.#size === this.#places && this.#places < this.#maxPlaces) this.#grow();
    const ticket = this.#nextTicket();
    this.#index(tagOf(peer, messageId, fingerprint), ticket);
    const row = this.#rowOf(ticket);
    this.#rows[row] = expires;
    this.#rows[row + 1] = noReply;
    this.#rows[row + 2] = ticket;
    this.#rowWords[2 * row + wordOfPeer] = peer.id;
    this.#rowWords[2 * row + wordOfIds] = messageId << 16;
    if (expires > this.#over) this.#over = expires;
    if (this.#size < this.#places) this.#size++;
    return ticket;
  }

  /** Where the reply of a record is to be written, for its duplicates too; undefined where the record has gone. */
  room(ticket: number, length: number): Uint8Array | undefined {
    const row = this.#rowOf(ticket);
    if (this.#rows[row + 2] !== ticket || this.#rows[row + 1] !== noReply || length > 0xffff) return undefined;
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

  /** Puts a ticket in its set, in place of the oldest there. */
  #index(tag: number, ticket: number): void {
    const set = this.#setOf(tag);
    let oldest = set;
    for (let way = set + 1; way < set + ways; way++) {
      if ((this.#sets[way + ways] ?? 0) < (this.#sets[oldest + ways] ?? 0)) oldest = way;
    }
    this.#sets[oldest] = tag;
    this.#sets[oldest + ways] = ticket;
  }

  /** More room, as much as will be needed sooner or later at this pace: a gateway with little to do takes little memory. */
  #grow(): void {
    const [sets, rows, places] = [this.#sets, this.#rows, this.#places];
    this.#places = Math.min(this.#maxPlaces, 4 * places);
    [this.#sets, this.#rows, this.#rowWords] = emptyTables(this.#places);
    for (let from = 0; from < rows.length; from += rowLength) {
      this.#rows.set(rows.subarray(from, from + rowLength), this.#rowOf(rows[from + 2] ?? 0));
    }
    for (let set = 0; set < sets.length; set += setLength) {
      for (let way = set; way < set + ways; way++) {
        const ticket = sets[way + ways] ?? 0;
        if (this.#rows[this.#rowOf(ticket) + 2] === ticket) this.#index(sets[way] ?? 0, ticket);
      }
    }
  }

  #setOf(tag: number): number {
    return (spread(tag) & (this.#places / recordsPerSet - 1)) * setLength;
  }

  #rowOf(ticket: number): number {
    return (ticket & (this.#places - 1)) * rowLength;
  }

  #clear(): void {
    this.#places = ways;
    [this.#sets, this.#rows, this.#rowWords] = emptyTables(this.#places);
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
  #duplicateAt(row: number): Duplicate | undefined {
    const position = this.#rows[row + 1] ?? 0;
    if (position === noReply) return { reply: undefined, interrupted: false };
    const reply = this.#log.at(position, (this.#rowWords[2 * row + wordOfIds] ?? 0) & 0xffff);
    return reply === undefined ? undefined : { reply, interrupted: false };
  }
}

/** Zeros, which take no memory until they are written to. */
function emptyTables(places: number): [Int32Array, Float64Array, Int32Array] {
  const rows = new Float64Array(places * rowLength);
  return [new Int32Array((places / recordsPerSet) * setLength), rows, new Int32Array(rows.buffer)];
}

/** For one peer and Message ID, other bytes give another tag. */
function tagOf(peer: Peer, messageId: number, fingerprint: number): number {
  const asker = Math.imul(peer.id, 0x9e3779b1) ^ Math.imul(messageId, 0x85ebca6b);
  return fingerprint === asker ? 1 : fingerprint ^ asker;
}

const spread = (tag: number): number => Math.imul(tag ^ (tag >>> 16), 0x9e3779b1) >>> 8;
