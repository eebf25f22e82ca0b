/** What is called out of date, before, while and after it is computed. */
import { describe, expect, test } from 'vitest';
import type { Value } from '../../src/core/value.ts';
import type { CacheInvalidation } from '../../src/cache/cacheable.ts';
import { ResultCache } from '../../src/cache/result-cache.ts';
import { all, at, computed, fn, gives, outcome, Runs, stored, who } from './fixture.ts';

describe('invalidation', () => {
  const add = fn();
  const multiply = fn({ method: 'multiply' });
  const other = fn({ library: 'other' });
  const filled = async (): Promise<ResultCache> => {
    const cache = new ResultCache();
    await cache.resolve(add, [1], who('local'), at(0), gives(1, { tags: ['row 1'] }));
    await cache.resolve(add, [2], who('local'), at(0), gives(2, { tags: ['row 2', 'table'] }));
    await cache.resolve(multiply, [1], who('local'), at(0), gives(3, { tags: ['row 1'] }));
    await cache.resolve(other, [1], who('local'), at(0), gives(4, { tags: ['row 1'] }));
    return cache;
  };
  const left = (cache: ResultCache): (Value | undefined)[] =>
    [stored(cache, add, [1]), stored(cache, add, [2]), stored(cache, multiply, [1]), stored(cache, other, [1])].map(
      (r) => r?.value,
    );

  test('by function', async () => {
    const cache = await filled();
    cache.invalidateFunction('math', 'add');
    expect(left(cache)).toStrictEqual([undefined, undefined, 3, 4]);
  });
  test('by tag, within the library', async () => {
    const cache = await filled();
    cache.invalidateTag('math', 'row 1');
    expect(left(cache)).toStrictEqual([undefined, 2, undefined, 4]);
  });
  test('by library', async () => {
    const cache = await filled();
    cache.invalidateLibrary('math');
    expect(left(cache)).toStrictEqual([undefined, undefined, undefined, 4]);
  });
  test('listeners are told, until they stop listening', async () => {
    const cache = await filled();
    const heard: CacheInvalidation[] = [];
    const stop = cache.onInvalidate((invalidation) => heard.push(invalidation));
    cache.invalidateTag('math', 'row 1');
    cache.invalidateFunction('math', 'add');
    cache.invalidateLibrary('nobody');
    stop();
    cache.invalidateLibrary('math');
    expect(heard).toStrictEqual([
      { library: 'math', tag: 'row 1' },
      { library: 'math', method: 'add' },
      { library: 'nobody' },
    ]);
  });
  test.each<[string, (cache: ResultCache) => void, boolean]>([
    ['its function', (c) => c.invalidateFunction('math', 'add'), false],
    ['its library', (c) => c.invalidateLibrary('math'), false],
    ['a tag that it turns out to have', (c) => c.invalidateTag('math', 'mine'), false],
    ['a tag that it turns out not to have', (c) => c.invalidateTag('math', 'not mine'), true],
    ['another function', (c) => c.invalidateFunction('math', 'multiply'), true],
    ['another library', (c) => c.invalidateLibrary('other'), true],
  ])('during a computation, of %s', async (_what, invalidate, isKept) => {
    const cache = new ResultCache();
    const runs = new Runs();
    const before = cache.resolve(add, [1], who('local'), at(0), runs.compute);
    invalidate(cache);
    runs.end('old', { tags: ['mine'] });
    const result = await before;
    expect(result).toMatchObject({ value: 'old', state: 'miss' });
    expect(result.maxAgeLeft(at(0))).toBe(isKept ? 10_000 : 0);
    expect(stored(cache, add, [1])?.value).toBe(isKept ? 'old' : undefined);
  });
  test('a result of a version that has been replaced meanwhile is not kept', async () => {
    const cache = new ResultCache();
    const runs = new Runs();
    const before = cache.resolve(add, [1], who('local'), at(0), runs.compute);
    await cache.resolve(fn({ version: 'v2' }), [1], who('local'), at(0), gives('new'));
    runs.end('old');
    expect((await before).value).toBe('old');
    expect(cache.counters().entries).toBe(1);
  });
  test('who asks after it does not join what began before, and the older result never replaces the newer', async () => {
    for (const invalidate of [
      (c: ResultCache) => c.invalidateFunction('math', 'add'),
      (c: ResultCache) => c.invalidateTag('math', 'x'),
    ]) {
      const cache = new ResultCache();
      const runs = new Runs();
      const before = cache.resolve(add, [1], who('local'), at(0), runs.compute);
      invalidate(cache);
      const afterwards = [1, 2].map(() => cache.resolve(add, [1], who('local'), at(0), runs.compute));
      expect(runs.count).toBe(2);
      const old = runs.pending.shift();
      runs.end('new');
      expect((await all(afterwards)).map(outcome)).toStrictEqual(['miss new', 'joined new']);
      old?.resolve(computed('old'));
      expect((await before).value).toBe('old');
      expect(stored(cache, add, [1])?.value).toBe('new');
    }
  });
});
