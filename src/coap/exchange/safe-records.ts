/**
 * Records of GET and FETCH (RFC 7252 §4.5): bounded by bytes, oldest out. A lost one costs a second run of something
 * that has no side effects. A table of numbers beside the log of replies: a record makes no object, so a gateway under
 * load has no garbage of them.
 *
 *   tags     one 32-bit word a record, sets of 8: who asked, under which Message ID, with which bytes; 0 is free
 *   rows     two doubles a record: expiry, 0 where it is free · where the reply is in the log, or, before there is one, minus a ticket
 *   peers    one word a record: the peer's id         ids   one word: Message ID << 16 | length of the reply
 */
import type { Instant } from '../../core/duration.ts';
import type { DeduplicationRecord, Duplicate } from './deduplication.ts';
import type { Peer } from './peer.ts';
import { ReplyLog } from './reply-log.ts';

const ways = 8;
/** Of one record, without its reply. */
const rowBytes = 28;

export class SafeRecords {
  readonly #sets: number;
  #tags: Int32Array;
  #rows: Float64Array;
  #peers: Int32Array;
  #ids: Int32Array;
  readonly #log: ReplyLog;
  #ticket = 0;
  #size = 0;
  /** When the last of them is of no use any more. */
  #over = -Infinity as Instant;

  /** Half of the bytes are for the table, half for the replies. */
  constructor(maxBytes: number) {
    this.#sets = 2 ** Math.max(0, Math.floor(Math.log2(maxBytes / 2 / rowBytes / ways)));
    [this.#tags, this.#rows, this.#peers, this.#ids] = emptyTable(this.#sets * ways);
    this.#log = new ReplyLog(maxBytes / 2);
  }

  /** Those that were made since there were none, at most as many as there is room for. */
  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#size * rowBytes + this.#log.bytes;
  }

  find(peer: Peer, messageId: number, fingerprint: number, now: Instant): Duplicate | undefined {
    const tag = tagOf(peer, messageId, fingerprint);
    const first = (spread(tag) & (this.#sets - 1)) * ways;
    for (let place = first; place < first + ways; place++) {
      if (
        this.#tags[place] === tag &&
        this.#peers[place] === (peer.id | 0) &&
        (this.#ids[place] ?? 0) >>> 16 === messageId &&
        now < (this.#rows[2 * place] ?? 0)
      )
        return this.#duplicateOf(place);
    }
    return undefined;
  }

  /** Makes a record, where its set is full in place of the one that has the least life left. */
  open(peer: Peer, messageId: number, fingerprint: number, expires: Instant): DeduplicationRecord {
    const tag = tagOf(peer, messageId, fingerprint);
    const first = (spread(tag) & (this.#sets - 1)) * ways;
    let place = first;
    for (let other = first; other < first + ways; other++) {
      if ((this.#rows[2 * other] ?? 0) < (this.#rows[2 * place] ?? 0)) place = other;
    }
    if (this.#tags[place] === 0) this.#size++;
    const ticket = ++this.#ticket;
    this.#tags[place] = tag;
    this.#rows[2 * place] = expires;
    this.#rows[2 * place + 1] = -ticket;
    this.#peers[place] = peer.id;
    this.#ids[place] = messageId << 16;
    if (expires > this.#over) this.#over = expires;
    return new SafeRecord(this, place, ticket);
  }

  /** Where the reply of the record at `place` is to be written; undefined where another has its place. */
  room(place: number, ticket: number, length: number): Uint8Array | undefined {
    if (this.#rows[2 * place + 1] !== -ticket || length > 0xffff) return undefined;
    const room = this.#log.append(length, (this.#rows[2 * place] ?? 0) as Instant);
    if (room === undefined) return undefined;
    this.#rows[2 * place + 1] = this.#log.position;
    this.#ids[place] = ((this.#ids[place] ?? 0) & ~0xffff) | length;
    return room;
  }

  /** Lets go of what is of no use any more. */
  expire(now: Instant): void {
    this.#log.expire(now);
    if (this.#size === 0 || now < this.#over) return;
    [this.#tags, this.#rows, this.#peers, this.#ids] = emptyTable(this.#sets * ways);
    this.#size = 0;
  }

  /** A record whose reply has gone is none any more. */
  #duplicateOf(place: number): Duplicate | undefined {
    const position = this.#rows[2 * place + 1] ?? 0;
    if (position < 0) return { reply: undefined };
    const reply = this.#log.at(position, (this.#ids[place] ?? 0) & 0xffff);
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

/** Zeros that take no memory until they are written to. */
const emptyTable = (places: number): [Int32Array, Float64Array, Int32Array, Int32Array] => [
  new Int32Array(places),
  new Float64Array(2 * places),
  new Int32Array(places),
  new Int32Array(places),
];

/** For one peer and Message ID, other bytes give another tag. */
function tagOf(peer: Peer, messageId: number, fingerprint: number): number {
  const asker = Math.imul(peer.id, 0x9e3779b1) ^ Math.imul(messageId, 0x85ebca6b);
  return fingerprint === asker ? 1 : fingerprint ^ asker;
}

const spread = (tag: number): number => Math.imul(tag ^ (tag >>> 16), 0x9e3779b1) >>> 8;
