import { ResultCache } from '../../../src/cache/result-cache.ts';
import type { CachedResult, Computed } from '../../../src/cache/cacheable.ts';
import type { Instant } from '../../../src/core/duration.ts';
import { milliseconds, minutes } from '../../../src/core/duration.ts';
import { InternalError } from '../../../src/core/error.ts';
import { add } from './call.ts';
import type { Step } from './measure.ts';

const never = (): Promise<Computed> =>
  Promise.reject(new InternalError('bench-cache', 'A result that is in the cache was computed again.'));

export async function cacheSteps(): Promise<Step[]> {
  const now: Instant = performance.now() as Instant;
  const computed: Computed = { value: 30, readCaller: false, tags: [], queued: milliseconds(0), ran: milliseconds(0) };
  const local = { key: '1', remote: { address: '127.0.0.1', port: 5683 } };
  const longLived = { ...add, maxAge: minutes(24 * 60) };
  const cache = new ResultCache();
  await cache.resolve(longLived, [10, 20], local, now, () => Promise.resolve(computed));
  const hit = (): CachedResult | Promise<CachedResult> => cache.resolve(longLived, [10, 20], local, now, never);
  const result = hit();
  if (result instanceof Promise) throw new InternalError('bench-cache', 'A hit was not answered at once.');
  return [
    { name: 'cache hit', run: hit },
    { name: 'representation and ETag of a hit', run: () => result.representation(60) },
  ];
}
