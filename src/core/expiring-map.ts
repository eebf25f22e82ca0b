/**
 * A map bounded by count, bytes and age: for everything that a peer can make grow. The oldest entry
 * goes first. A list runs through the entries in the order they were stored, because taking a Map's
 * own first key again and again is slow on a hot Map.
 *
 * Left out: a clock (`now` is handed in) and eviction by use (generational-map.ts).
 */
import { after, type Instant, type Milliseconds } from './duration.ts';

export interface ExpiringMapOptions {
  readonly maxEntries: number;
  /** Sum of the sizes given to `set`. */
  readonly maxBytes: number;
  /** Since the entry was stored; reading does not make it younger. */
  readonly maxAge: Milliseconds;
}

interface Entry<K, V> {
  readonly key: K;
  readonly value: V;
  readonly bytes: number;
  readonly expires: Instant;
  older: Entry<K, V> | undefined;
  newer: Entry<K, V> | undefined;
}

export class ExpiringMap<K, V> {
  readonly #options: ExpiringMapOptions;
  readonly #entries = new Map<K, Entry<K, V>>();
  #oldest: Entry<K, V> | undefined = undefined;
  #newest: Entry<K, V> | undefined = undefined;
  #bytes = 0;

  constructor(options: ExpiringMapOptions) {
    this.#options = options;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(key: K, now: Instant): V | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (entry.expires <= now) {
      this.#unlink(entry);
      return undefined;
    }
    return entry.value;
  }

  /**
   * Stores or replaces; either way the entry is the newest. False where it is larger than the map may
   * be: nothing is stored, and what was stored under the key is gone.
   */
  set(key: K, value: V, bytes: number, now: Instant): boolean {
    const { maxEntries, maxBytes, maxAge } = this.#options;
    this.delete(key);
    this.expire(now);
    if (bytes > maxBytes || maxEntries < 1) return false;
    while (this.#oldest !== undefined && this.#entries.size >= maxEntries) this.#unlink(this.#oldest);
    while (this.#oldest !== undefined && this.#bytes + bytes > maxBytes) this.#unlink(this.#oldest);

    const entry: Entry<K, V> = {
      key,
      value,
      bytes,
      expires: after(now, maxAge),
      older: this.#newest,
      newer: undefined,
    };
    if (this.#newest === undefined) this.#oldest = entry;
    else this.#newest.newer = entry;
    this.#newest = entry;
    this.#entries.set(key, entry);
    this.#bytes += bytes;
    return true;
  }

  delete(key: K): boolean {
    const entry = this.#entries.get(key);
    if (entry === undefined) return false;
    this.#unlink(entry);
    return true;
  }

  /** Lets go of everything that is too old at `now`. */
  expire(now: Instant): void {
    while (this.#oldest !== undefined && this.#oldest.expires <= now) this.#unlink(this.#oldest);
  }

  #unlink(entry: Entry<K, V>): void {
    if (entry.older === undefined) this.#oldest = entry.newer;
    else entry.older.newer = entry.newer;
    if (entry.newer === undefined) this.#newest = entry.older;
    else entry.newer.older = entry.older;
    this.#entries.delete(entry.key);
    this.#bytes -= entry.bytes;
  }
}
