/**
 * Where results are kept: bounded by count and by estimated bytes, with the indexes that invalidation needs. Knows nothing
 * of time and of who may see what: that is the policy's (result-cache.ts).
 *
 * Nearly every result is bytes and nothing else, and is kept as a row of numbers and a record (result-table.ts): objects would
 * outlive two collections each, which was a third of what a result costs that is not in the cache. What is more than its CBOR (tags, a
 * value that CBOR does not tell, other formats that were asked for, a long one) is an object as well.
 *
 * Out goes the oldest that nobody has asked for since it was written, or since it was spared for that.
 */
import { randomInt } from 'node:crypto';
import { emptyBytes } from '../core/bytes.ts';
import { milliseconds, type Instant } from '../core/duration.ts';
import type { CachedResult } from './cacheable.ts';
import { KeptResult, RowLease, type Shelf } from './kept-result.ts';
import { column, flag, ResultTable } from './result-table.ts';
import { Content, Result } from './result.ts';

export interface ResultToKeep {
  readonly content: Content;
  readonly freshUntil: Instant;
  /** Of computations in the order they began: an older one never replaces a newer one's result. */
  readonly sequence: number;
  /** Every result is of one family, with which it can be deleted: its function's. */
  readonly family: number;
  /** Groups with which it can be deleted too: its tags. Most have none. */
  readonly groups: readonly string[];
}

export interface ResultStoreOptions {
  /** 0 stores nothing. */
  readonly maxEntries: number;
  /** 0 stores nothing. One entry takes at most a quarter. */
  readonly maxBytes: number;
}

/** The objects of a content, besides its bytes; on the high side. */
const objectOverhead = 400;
/** Results that are spared for one that is put: the rest of the work is for the next. */
const mostSpared = 32;
/** Records of results that have gone are cleared away when there are more of them than of others, and than this. */
const smallestWaste = 1 << 20;
/** Of those, so many for one result that is put. */
const clearedAtOnce = 256;
const noTime = milliseconds(0);
const noGroups: readonly string[] = [];

interface ContentObject {
  readonly content: Content;
  readonly groups: readonly string[];
}

export class ResultStore implements Shelf {
  readonly #options: ResultStoreOptions;
  readonly #table = new ResultTable(randomInt(2 ** 32));
  /** The newest row of each family. */
  readonly #newest: number[] = [];
  /** By row. */
  readonly #objects = new Map<number, ContentObject>();
  /** The rows with each tag. */
  readonly #groups = new Map<string, Set<number>>();
  #bytes = 0;

  constructor(options: ResultStoreOptions) {
    this.#options = options;
  }

  get entries(): number {
    return this.#table.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** 0 where there is none. Whatever is done to the store may give a row to another result. */
  find(key: string): number {
    return this.#table.find(key);
  }

  freshUntil(row: number): Instant {
    return this.#table.freshUntil(row);
  }

  /** For who asks for it now. */
  hit(row: number): CachedResult {
    const table = this.#table;
    this.touch(row);
    const flags = table.get(row, column.flags);
    const generation = table.get(row, column.generation);
    const freshUntil = table.freshUntil(row);
    const kept = (flags & flag.object) === 0 ? undefined : this.#objects.get(row);
    if (kept === undefined)
      return new KeptResult(table.bytes(row), table.get(row, column.tag), freshUntil, this, row, generation);
    return new Result(kept.content, 'hit', freshUntil, noTime, noTime, new RowLease(this, row, generation));
  }

  touch(row: number): void {
    const flags = this.#table.get(row, column.flags);
    if ((flags & flag.asked) === 0) this.#table.set(row, column.flags, flags | flag.asked);
  }

  /** For who gets it out of date. */
  content(row: number): Content {
    return this.#objects.get(row)?.content ?? Content.ofCbor(this.#table.bytes(row));
  }

  holds(row: number, generation: number): boolean {
    return this.#table.get(row, column.generation) === generation;
  }

  /** From then on it is kept as an object: other formats than CBOR are asked for. */
  contentOf(row: number, generation: number, cbor: Uint8Array): Content {
    const isHeld = this.holds(row, generation);
    const known = isHeld ? this.#objects.get(row)?.content : undefined;
    if (known !== undefined) return known;
    const content = Content.ofCbor(cbor);
    if (isHeld) {
      this.#keepObject(row, { content, groups: noGroups });
      this.#resize(row, this.#table.get(row, column.size) + objectOverhead);
    }
    return content;
  }

  put(key: string, kept: ResultToKeep): void {
    const { maxEntries, maxBytes } = this.#options;
    if (maxEntries === 0 || maxBytes === 0) return;
    const table = this.#table;
    const known = table.find(key);
    if (known !== 0 && ((table.get(known, column.sequence) - kept.sequence) | 0) > 0) return;
    const { content, groups } = kept;
    const { onlyCbor } = content;
    const plain = onlyCbor !== undefined && table.takes(key, onlyCbor.length) ? onlyCbor : undefined;
    const held = plain ?? emptyBytes;
    const contentBytes = plain === undefined ? content.bytes : 0;
    // Not plain data, or of a caller with a name longer than any.
    if (contentBytes === undefined || !table.takes(key, held.length)) return;
    if (known !== 0) this.#remove(known);
    const ofObject = plain === undefined ? objectOverhead + contentBytes + groupBytes(groups) : 0;
    const size = table.sizeOf(key, held.length) + ofObject;
    if (size > Math.max(1, Math.floor(maxBytes / 4))) return;
    this.#makeRoom(size);
    const row = table.add(key, held);
    table.set(row, column.size, size);
    table.set(row, column.sequence, kept.sequence | 0);
    table.setFreshUntil(row, kept.freshUntil);
    this.#bytes += size;
    this.#join(row, kept.family);
    if (plain === undefined) this.#keepObject(row, { content, groups });
    else table.set(row, column.tag, content.tag);
    this.#clearWaste();
  }

  delete(row: number): void {
    this.#remove(row);
  }

  deleteFamily(family: number): void {
    for (let row = this.#newest[family] ?? 0; row !== 0; row = this.#newest[family] ?? 0) this.#remove(row);
  }

  deleteGroup(group: string): void {
    for (const row of this.#groups.get(group) ?? []) this.#remove(row);
  }

  clear(): void {
    for (const family of this.#newest.keys()) this.deleteFamily(family);
  }

  #keepObject(row: number, kept: ContentObject): void {
    const table = this.#table;
    table.set(row, column.flags, table.get(row, column.flags) | flag.object);
    this.#objects.set(row, kept);
    kept.content.keeper = { grown: (by) => this.#resize(row, table.get(row, column.size) + by) };
    for (const group of kept.groups) {
      const rows = this.#groups.get(group);
      if (rows === undefined) this.#groups.set(group, new Set([row]));
      else rows.add(row);
    }
  }

  #resize(row: number, size: number): void {
    const { maxBytes } = this.#options;
    this.#bytes += size - this.#table.get(row, column.size);
    this.#table.set(row, column.size, size);
    if (size > maxBytes / 4) this.#remove(row);
    else this.#makeRoom(0);
  }

  #remove(row: number): void {
    const table = this.#table;
    this.#leave(row);
    this.#bytes -= table.get(row, column.size);
    if ((table.get(row, column.flags) & flag.object) !== 0) {
      const kept = this.#objects.get(row);
      this.#objects.delete(row);
      if (kept !== undefined) kept.content.keeper = undefined;
      for (const group of kept?.groups ?? []) {
        const rows = this.#groups.get(group);
        rows?.delete(row);
        if (rows?.size === 0) this.#groups.delete(group);
      }
    }
    table.remove(row);
    if (table.size === 0) table.log.clear();
  }

  /** For one more of this size; with 0 only what is too much goes. */
  #makeRoom(size: number): void {
    const { maxEntries, maxBytes } = this.#options;
    const most = size === 0 ? maxEntries : maxEntries - 1;
    let spared = 0;
    while (this.#table.size > most || this.#bytes + size > maxBytes) {
      const row = this.#table.oldest();
      if (row === undefined) return;
      if (row !== 0 && this.#isAsked(row) && spared < mostSpared) {
        spared++;
        this.#table.renew(row);
      } else if (row !== 0) this.#remove(row);
      // Where all have gone, so has the log.
      if (this.#table.size > 0) this.#table.log.drop();
    }
  }

  /** Forgets it, so that it is spared once for it. */
  #isAsked(row: number): boolean {
    const flags = this.#table.get(row, column.flags);
    this.#table.set(row, column.flags, flags & ~flag.asked);
    return (flags & flag.asked) !== 0;
  }

  /** Invalidated results leave holes, which are closed from behind. */
  #clearWaste(): void {
    const table = this.#table;
    for (let left = clearedAtOnce; left > 0 && table.log.bytes > 2 * this.#bytes + smallestWaste; left--) {
      const row = table.oldest();
      if (row === undefined) return;
      if (row !== 0) table.renew(row);
      table.log.drop();
    }
  }

  #join(row: number, family: number): void {
    const table = this.#table;
    const older = this.#newest[family] ?? 0;
    table.set(row, column.family, family);
    table.set(row, column.newer, 0);
    table.set(row, column.older, older);
    if (older !== 0) table.set(older, column.newer, row);
    this.#newest[family] = row;
  }

  #leave(row: number): void {
    const table = this.#table;
    const [newer, older] = [table.get(row, column.newer), table.get(row, column.older)];
    if (newer === 0) this.#newest[table.get(row, column.family)] = older;
    else table.set(newer, column.older, older);
    if (older !== 0) table.set(older, column.newer, newer);
  }
}

const groupBytes = (groups: readonly string[]): number => groups.reduce((sum, group) => sum + 2 * group.length + 50, 0);
