/** A cache under test: functions, computations that end when the test says so, and what is stored. */
import { milliseconds, seconds, type Instant } from '../../src/core/duration.ts';
import type { Value } from '../../src/core/value.ts';
import type { Asker } from '../../src/cache/asker.ts';
import type { Cacheable, CachedResult, Computed } from '../../src/cache/cacheable.ts';
import type { ResultCache } from '../../src/cache/result-cache.ts';

export const at = (ms: number): Instant => ms as Instant;

export const fn = (overrides: Partial<Cacheable> = {}): Cacheable => ({
  library: 'math',
  method: 'add',
  version: 'v1',
  pure: true,
  maxAge: seconds(10),
  staleWhileRevalidate: seconds(0),
  shared: false,
  ...overrides,
});
export const computed = (value: Value, overrides: Partial<Computed> = {}): Computed => ({
  value,
  readCaller: false,
  tags: [],
  queued: milliseconds(0),
  ran: milliseconds(0),
  ...overrides,
});

/** A function whose runs end when the test says so, and that counts them. */
export class Runs {
  readonly pending: { resolve(result: Computed): void; reject(error: unknown): void }[] = [];
  count = 0;
  compute = (): Promise<Computed> => {
    this.count++;
    return new Promise((resolve, reject) => {
      this.pending.push({ resolve, reject });
    });
  };
  end(value: Value, overrides: Partial<Computed> = {}): void {
    this.pending.shift()?.resolve(computed(value, overrides));
  }
  fail(error: unknown): void {
    this.pending.shift()?.reject(error);
  }
}
export const gives =
  (value: Value, overrides: Partial<Computed> = {}) =>
  async (): Promise<Computed> =>
    computed(value, overrides);
/** An identity at a peer: an association, or an address. */
export const who = (name: string, peer = `of ${name}`, groups: readonly string[] = []): Asker => ({
  key: peer,
  remote: { address: '192.0.2.1', port: 5683 },
  principal: { name, groups },
});

/** Results now or later, all of them. */
export const all = async (results: readonly (CachedResult | Promise<CachedResult>)[]): Promise<CachedResult[]> =>
  Promise.all(results.map(async (result) => result));
export const outcome = ({ state, value }: CachedResult): string =>
  `${state} ${typeof value === 'string' ? value : 'no text'}`;
export const never = (): Promise<Computed> => {
  throw new Error('must not run');
};

/** What the cache gives at once; undefined where it would have to compute. */
export function stored(
  cache: ResultCache,
  f: Cacheable,
  args: readonly Value[],
  now: Instant = at(0),
  asker: Asker = who('local'),
): CachedResult | undefined {
  const result = cache.resolve(f, args, asker, now, async () => computed('computed by the probe'));
  return result instanceof Promise ? undefined : result;
}
