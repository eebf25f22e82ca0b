/** The calls of pure functions that are observed, for all doors: each is told what is called out of date. */
import type { CacheInvalidation } from '../../cache/cacheable.ts';
import { FunctionWatch, type FunctionWatchParts, type WatchSources } from './function-watch.ts';

export class Watches {
  readonly #sources: WatchSources;
  readonly #watches = new Set<FunctionWatch>();
  #closed = false;

  constructor(sources: WatchSources) {
    this.#sources = sources;
    sources.cache.onInvalidate((what) => this.#invalidated(what));
  }

  get size(): number {
    return this.#watches.size;
  }

  /** To be begun, and to be ended by `end`. */
  add(parts: Omit<FunctionWatchParts, keyof WatchSources>): FunctionWatch {
    const watch = new FunctionWatch({ ...this.#sources, ...parts });
    if (this.#closed) watch.close();
    else this.#watches.add(watch);
    return watch;
  }

  end(watch: FunctionWatch): void {
    watch.close();
    this.#watches.delete(watch);
  }

  close(): void {
    this.#closed = true;
    for (const watch of this.#watches) this.end(watch);
  }

  #invalidated(what: CacheInvalidation): void {
    for (const watch of this.#watches) watch.invalidated(what);
  }
}
