/** The calls of pure functions that are observed, for all doors: each is told what is called out of date. */
import type { CacheInvalidation } from '../../cache/cacheable.ts';
import type { CallError } from '../../functions/call-error.ts';
import { tellOngoing } from '../ongoing.ts';
import { stopping } from '../stopping.ts';
import { FunctionWatch, type FunctionWatchParts, type WatchSources } from './function-watch.ts';

export class Watches {
  readonly #sources: WatchSources;
  readonly #watches = new Set<FunctionWatch>();
  /** Those of them that somebody is told of. */
  readonly #opened = new Set<FunctionWatch>();
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

  /** It has begun, and whoever asked for it is told from now on. */
  opened(watch: FunctionWatch): void {
    if (!this.#watches.has(watch)) return;
    this.#opened.add(watch);
    tellOngoing('watch', 'opened', watch.call);
  }

  /** @param why what it ends with, where that is an error */
  end(watch: FunctionWatch, why?: CallError): void {
    watch.close();
    this.#watches.delete(watch);
    if (this.#opened.delete(watch)) tellOngoing('watch', 'ended', watch.call, why?.code);
  }

  /** There is no room for it. */
  refuse(watch: FunctionWatch): void {
    this.end(watch);
    tellOngoing('watch', 'refused', watch.call, 'overloaded');
  }

  close(): void {
    this.#closed = true;
    for (const watch of this.#watches) watch.fail(stopping());
  }

  #invalidated(what: CacheInvalidation): void {
    for (const watch of this.#watches) watch.invalidated(what);
  }
}
