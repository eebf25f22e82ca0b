/**
 * Where results are found by their keys: a row of numbers for each, a cache line long, in chains by the hash of the key.
 * Key and bytes of a result lie in a record (record-log.ts). Rows grow with what is kept; row 0 is none.
 *
 *   0 hash · 1 next in its chain · 2 position of the record · 3 length of the key, in bytes · 4 length of the result
 *   5 entity-tag of its CBOR · 6 estimated memory · 7 family · 8, 9 neighbours in the family · 10 sequence
 *   11 generation: how often the row has been given away · 12 flags · 14, 15 fresh until
 */
import type { Instant } from '../core/duration.ts';
import { longestRecord, RecordLog, recordBytes, startOf } from './record-log.ts';

const rowWords = 16;
const firstRows = 64;
const freshUntilDouble = 7;

/** Numbers of a row. */
export const column = {
  hash: 0,
  next: 1,
  position: 2,
  keyLength: 3,
  length: 4,
  tag: 5,
  size: 6,
  family: 7,
  newer: 8,
  older: 9,
  sequence: 10,
  generation: 11,
  flags: 12,
} as const;

export const flag = {
  /** Asked for since it was written. */
  asked: 1,
  /** Its content is an object. */
  object: 2,
  /** Its key has two bytes a character. */
  wide: 4,
} as const;

/** What a result takes besides its record: its row, and its part of the heads of chains. */
const rowBytes = 4 * rowWords + 8;

const noPosition = -1;

export class ResultTable {
  readonly log: RecordLog = new RecordLog();
  readonly #seed: number;
  #rows = new Int32Array(firstRows * rowWords);
  #doubles = new Float64Array(this.#rows.buffer);
  /** The first row of each chain. */
  #chains = new Int32Array(firstRows);
  /** The first row that was never used. */
  #fresh = 1;
  /** Those that were, in a chain. */
  #free = 0;
  #size = 0;
  /** The key that was looked for last: it is looked for several times in a row. */
  #key = '';
  #hash = 0;
  #wide = false;

  /** @param seed secret: without it nobody can tell which keys share a chain */
  constructor(seed: number) {
    this.#seed = seed;
    this.#see('');
  }

  get size(): number {
    return this.#size;
  }

  get(row: number, which: number): number {
    return this.#rows[row * rowWords + which] ?? 0;
  }

  set(row: number, which: number, value: number): void {
    this.#rows[row * rowWords + which] = value;
  }

  freshUntil(row: number): Instant {
    return (this.#doubles[row * (rowWords / 2) + freshUntilDouble] ?? 0) as Instant;
  }

  setFreshUntil(row: number, until: Instant): void {
    this.#doubles[row * (rowWords / 2) + freshUntilDouble] = until;
  }

  /** 0 where there is none. */
  find(key: string): number {
    if (key !== this.#key) this.#see(key);
    const hash = this.#hash;
    let row = this.#chains[hash & (this.#chains.length - 1)] ?? 0;
    while (row !== 0 && !(this.get(row, column.hash) === hash && this.#hasKey(row, key))) {
      row = this.get(row, column.next);
    }
    return row;
  }

  /** Whether key and result fit into a record. */
  takes(key: string, length: number): boolean {
    if (key !== this.#key) this.#see(key);
    return this.#keyBytes(key) + length <= longestRecord;
  }

  /** What it takes, apart from what is not in its record. */
  sizeOf(key: string, length: number): number {
    if (key !== this.#key) this.#see(key);
    return rowBytes + recordBytes(this.#keyBytes(key) + length);
  }

  /** A row for a key that has none. */
  add(key: string, bytes: Uint8Array): number {
    if (key !== this.#key) this.#see(key);
    const row = this.#take();
    const keyBytes = this.#keyBytes(key);
    const position = this.log.append(row, keyBytes + bytes.length);
    const chunk = this.log.bytesAt(position);
    const at = startOf(position);
    if (this.#wide) writeWide(chunk, at, key);
    else for (let i = 0; i < key.length; i++) chunk[at + i] = key.charCodeAt(i);
    if (bytes.length > 48) chunk.set(bytes, at + keyBytes);
    else for (let i = 0; i < bytes.length; i++) chunk[at + keyBytes + i] = bytes[i] ?? 0;
    this.set(row, column.hash, this.#hash);
    this.set(row, column.position, position);
    this.set(row, column.keyLength, keyBytes);
    this.set(row, column.length, bytes.length);
    this.set(row, column.flags, this.#wide ? flag.wide : 0);
    this.#link(row);
    this.#size++;
    return row;
  }

  /** The result in the record. */
  bytes(row: number): Uint8Array {
    const position = this.get(row, column.position);
    const at = startOf(position) + this.get(row, column.keyLength);
    const { buffer } = this.log.bytesAt(position);
    return new Uint8Array(buffer, at, this.get(row, column.length));
  }

  remove(row: number): void {
    this.#unlink(row);
    this.set(row, column.position, noPosition);
    this.set(row, column.generation, (this.get(row, column.generation) + 1) | 0);
    this.set(row, column.next, this.#free);
    this.#free = row;
    this.#size--;
  }

  /** The owner of the oldest record; 0 where that has none any more. Undefined where there is no record. */
  oldest(): number | undefined {
    const position = this.log.oldest();
    if (position === undefined) return undefined;
    const row = this.log.rowAt(position);
    return this.get(row, column.position) === position ? row : 0;
  }

  /** Copies the record of a row to where the newest are. */
  renew(row: number): void {
    const from = this.get(row, column.position);
    const length = this.get(row, column.keyLength) + this.get(row, column.length);
    const source = this.log.bytesAt(from);
    const to = this.log.append(row, length);
    this.log.bytesAt(to).set(source.subarray(startOf(from), startOf(from) + length), startOf(to));
    this.set(row, column.position, to);
  }

  #see(key: string): void {
    let hash = this.#seed;
    let all = 0;
    for (let i = 0; i < key.length; i++) {
      const unit = key.charCodeAt(i);
      all |= unit;
      hash = Math.imul(hash ^ unit, 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    hash = Math.imul(hash, this.#seed | 1);
    this.#key = key;
    this.#hash = hash ^ (hash >>> 13);
    this.#wide = all > 0xff;
  }

  #keyBytes(key: string): number {
    return this.#wide ? 2 * key.length : key.length;
  }

  #hasKey(row: number, key: string): boolean {
    const isWide = (this.get(row, column.flags) & flag.wide) !== 0;
    if (isWide !== this.#wide || this.get(row, column.keyLength) !== this.#keyBytes(key)) return false;
    const position = this.get(row, column.position);
    const chunk = this.log.bytesAt(position);
    const at = startOf(position);
    if (isWide) {
      for (let i = 0; i < key.length; i++) {
        const unit = (chunk[at + 2 * i] ?? 0) | ((chunk[at + 2 * i + 1] ?? 0) << 8);
        if (unit !== key.charCodeAt(i)) return false;
      }
      return true;
    }
    for (let i = 0; i < key.length; i++) if (chunk[at + i] !== key.charCodeAt(i)) return false;
    return true;
  }

  #take(): number {
    const free = this.#free;
    if (free !== 0) {
      this.#free = this.get(free, column.next);
      return free;
    }
    if (this.#fresh * rowWords === this.#rows.length) this.#grow();
    return this.#fresh++;
  }

  #grow(): void {
    const rows = new Int32Array(2 * this.#rows.length);
    rows.set(this.#rows);
    this.#rows = rows;
    this.#doubles = new Float64Array(rows.buffer);
    this.#chains = new Int32Array(rows.length / rowWords);
    for (let row = 1; row < this.#fresh; row++) if (this.get(row, column.position) !== noPosition) this.#link(row);
  }

  #link(row: number): void {
    const chain = this.get(row, column.hash) & (this.#chains.length - 1);
    this.set(row, column.next, this.#chains[chain] ?? 0);
    this.#chains[chain] = row;
  }

  #unlink(row: number): void {
    const chain = this.get(row, column.hash) & (this.#chains.length - 1);
    const next = this.get(row, column.next);
    let other = this.#chains[chain] ?? 0;
    if (other === row) {
      this.#chains[chain] = next;
      return;
    }
    while (other !== 0 && this.get(other, column.next) !== row) other = this.get(other, column.next);
    if (other !== 0) this.set(other, column.next, next);
  }
}

function writeWide(into: Uint8Array, at: number, text: string): void {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    into[at + 2 * i] = unit;
    into[at + 2 * i + 1] = unit >> 8;
  }
}
