/**
 * Where results are kept: lru-cache, bounded by count and by estimated bytes, with the indexes that invalidation needs.
 * Knows nothing of time and of who may see what: that is the policy's (result-cache.ts).
 */
import { LRUCache } from 'lru-cache';
import type { Instant } from '../core/duration.ts';
import { Families, Member } from './family.ts';
import type { Content, Result } from './result.ts';

export interface StoredResult {
  readonly content: Content;
  /** What a call that finds this gets, made once: a hit makes nothing. */
  readonly hit: Result;
  readonly freshUntil: Instant;
  /** After `freshUntil` it may be served until here while it is computed anew. */
  readonly staleUntil: Instant;
  /** Of computations in the order they began: an older one never replaces a newer one's result. */
  readonly sequence: number;
  /** Every result is of one family, with which it can be deleted: its function's. */
  readonly family: string;
  /** Groups with which it can be deleted too: its tags. Most have none. */
  readonly groups: readonly string[];
}

export interface ResultStoreOptions {
  /** 0 stores nothing. */
  readonly maxEntries: number;
  /** 0 stores nothing. One entry takes at most a quarter. */
  readonly maxBytes: number;
}

/** Key, indexes, and the objects themselves; on the high side. */
const entryOverhead = 600;

export class ResultStore {
  readonly #lru: LRUCache<string, Member<StoredResult>> | undefined;
  readonly #families = new Families<StoredResult>();
  /** The keys with each tag. */
  readonly #groups = new Map<string, Set<string>>();

  constructor({ maxEntries, maxBytes }: ResultStoreOptions) {
    if (maxEntries === 0 || maxBytes === 0) return;
    this.#lru = new LRUCache({
      max: maxEntries,
      maxSize: maxBytes,
      maxEntrySize: Math.max(1, Math.floor(maxBytes / 4)),
      dispose: (member) => {
        member.stored.hit.lease.over = true;
        member.stored.content.keeper = undefined;
        this.#families.remove(member);
        this.#unindex(member);
      },
    });
  }

  get entries(): number {
    return this.#lru?.size ?? 0;
  }

  get bytes(): number {
    return this.#lru?.calculatedSize ?? 0;
  }

  get(key: string): StoredResult | undefined {
    return this.#lru?.get(key)?.stored;
  }

  put(key: string, stored: StoredResult): void {
    if (this.#lru === undefined || (this.#lru.peek(key)?.stored.sequence ?? -1) > stored.sequence) return;
    const size = sizeOf(key, stored);
    if (size === undefined) return;
    const member = new Member(key, stored, this.#measureAgain);
    this.#lru.set(key, member, { size });
    // Too large for one entry: lru-cache has not taken it.
    if (this.#lru.peek(key) !== member) return;
    this.#families.add(member);
    this.#index(member);
    stored.hit.lease.over = false;
    stored.content.keeper = member;
  }

  delete(key: string): void {
    this.#lru?.delete(key);
  }

  deleteFamily(family: string): void {
    for (const key of this.#families.keysOf(family)) this.#lru?.delete(key);
  }

  deleteGroup(group: string): void {
    for (const key of this.#groups.get(group) ?? []) this.#lru?.delete(key);
  }

  clear(): void {
    this.#lru?.clear();
  }

  /** lru-cache measures an entry when it is set to another object, and only then. */
  readonly #measureAgain = (member: Member<StoredResult>): void => {
    if (this.#lru?.peek(member.key) === member) this.put(member.key, member.stored);
  };

  #index({ stored, key }: Member<StoredResult>): void {
    for (const group of stored.groups) {
      const keys = this.#groups.get(group);
      if (keys === undefined) this.#groups.set(group, new Set([key]));
      else keys.add(key);
    }
  }

  #unindex({ stored, key }: Member<StoredResult>): void {
    for (const group of stored.groups) {
      const keys = this.#groups.get(group);
      keys?.delete(key);
      if (keys?.size === 0) this.#groups.delete(group);
    }
  }
}

function sizeOf(key: string, stored: StoredResult): number | undefined {
  const content = stored.content.bytes;
  if (content === undefined) return undefined;
  let tags = 0;
  for (const group of stored.groups) tags += 2 * group.length + 50;
  return entryOverhead + 4 * key.length + tags + content;
}
