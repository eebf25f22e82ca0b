/**
 * A map bounded by count that forgets what has not been used for longest, roughly, at the price of a
 * plain Map: two generations. A lookup promotes into the young one; when that is full the old one is
 * dropped and the young one grows old. Evicting one by one in the order of insertion would halve the
 * throughput of a hot Map (its deleted entries pile up at the front).
 *
 * Left out: bounds by bytes and age (expiring-map.ts).
 */

export interface GenerationalMapOptions<V> {
  /** Never more entries than this, at least 2. Somewhat fewer where the limit is odd. */
  readonly maxEntries: number;
  /** Entries that must not be dropped are carried over. Where nothing else is left, `set` refuses. */
  readonly pinned?: (value: V) => boolean;
}

export class GenerationalMap<K, V extends object | string | number | bigint | boolean> {
  readonly #generationEntries: number;
  readonly #pinned: ((value: V) => boolean) | undefined;
  #young = new Map<K, V>();
  #old = new Map<K, V>();
  /**
   * Insertions to ask for before the generations may change again. Reached early only where an eighth
   * or less of a generation was not pinned: without it every refusal would cost a walk over all entries.
   */
  #rest = 0;
  #era: object = {};

  constructor(options: GenerationalMapOptions<V>) {
    this.#generationEntries = Math.max(1, Math.floor(options.maxEntries / 2));
    this.#pinned = options.pinned;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** Another one whenever entries may have been dropped: what `get` or `set` saw in this era is still there, unless somebody deleted it. */
  get era(): object {
    return this.#era;
  }

  /** Looks up and promotes. */
  get(key: K): V | undefined {
    const young = this.#young.get(key);
    if (young !== undefined || this.#old.size === 0) return young;
    const value = this.#old.get(key);
    if (value !== undefined) this.#promote(key, value);
    return value;
  }

  /** Looks up without promoting. */
  has(key: K): boolean {
    return this.#young.has(key) || this.#old.has(key);
  }

  /**
   * False, and not stored, when pinned entries fill a generation up to less than an eighth.
   * Without pinned entries, and for a key that is there, it is always true.
   */
  set(key: K, value: V): boolean {
    if (this.#young.has(key)) {
      this.#young.set(key, value);
      return true;
    }
    if (this.#old.has(key)) {
      this.#old.set(key, value);
      this.#promote(key, value);
      return true;
    }
    if (!this.#makeRoom()) return false;
    this.#young.set(key, value);
    return true;
  }

  delete(key: K): boolean {
    return this.#young.delete(key) || this.#old.delete(key);
  }

  /** Every entry once, the old generation first. */
  *entries(): Generator<[K, V], void, undefined> {
    yield* this.#old;
    yield* this.#young;
  }

  #promote(key: K, value: V): void {
    this.#old.delete(key);
    // Without it the old generation has a place less than the young one: changing them makes room.
    if (this.#makeRoom()) this.#young.set(key, value);
    else this.#old.set(key, value); // too early to change them
  }

  /** True when the young generation has room for one more. */
  #makeRoom(): boolean {
    if (this.#rest > 0) this.#rest--;
    if (this.#young.size < this.#generationEntries) return true;
    if (this.#rest > 0) return false;
    this.#rest = this.#generationEntries >> 3;
    const dropped = this.#old;
    this.#old = this.#young;
    this.#young = new Map();
    this.#era = {};
    if (this.#pinned !== undefined)
      for (const [key, value] of dropped) if (this.#pinned(value)) this.#young.set(key, value);
    return this.#young.size < this.#generationEntries;
  }
}
