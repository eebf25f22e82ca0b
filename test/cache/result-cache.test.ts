/** When a result is served again, until when, in what form, and how much is kept. */
import { createHash } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { contentFormat } from '../../src/cbor/content-format.ts';
import { hex } from '../../src/core/bytes.ts';
import { milliseconds, seconds } from '../../src/core/duration.ts';
import { PeerError } from '../../src/core/error.ts';
import type { Value } from '../../src/core/value.ts';
import type { Cacheable } from '../../src/cache/cacheable.ts';
import { ResultCache } from '../../src/cache/result-cache.ts';
import { all, at, fn, gives, never, Runs, stored, who } from './fixture.ts';

const { cbor, json, text } = contentFormat;

describe('hits', () => {
  test('a second call is answered at once, from the same value', async () => {
    const cache = new ResultCache();
    const first = await cache.resolve(
      fn(),
      [1, 2],
      who('local'),
      at(0),
      gives(3, { queued: milliseconds(1), ran: milliseconds(2) }),
    );
    expect(first).toMatchObject({ value: 3, state: 'miss', queued: 1, ran: 2 });
    const second = cache.resolve(fn(), [1, 2], who('local'), at(1), never);
    expect(second).not.toBeInstanceOf(Promise);
    expect(second).toMatchObject({ value: 3, state: 'hit', queued: 0, ran: 0 });
    expect(cache.counters()).toMatchObject({ hits: 1, misses: 1, joined: 0, stale: 0, entries: 1 });
  });
  test('another caller shares it where the function does not read who calls', async () => {
    const cache = new ResultCache();
    await cache.resolve(fn(), [1], who('a'), at(0), gives(1));
    expect(stored(cache, fn(), [1], at(0), who('b'))?.state).toBe('hit');
  });
  test.each<[string, Partial<Cacheable>]>([
    ['method', { method: 'multiply' }],
    ['library', { library: 'other' }],
    ['version', { version: 'v2' }],
  ])('another %s is another function', async (_what, overrides) => {
    const cache = new ResultCache();
    await cache.resolve(fn(), [1], who('local'), at(0), gives(1));
    expect(stored(cache, fn(overrides), [1])).toBeUndefined();
  });
  test('a new version lets go of what the old one left', async () => {
    const cache = new ResultCache();
    await cache.resolve(fn(), [1], who('local'), at(0), gives(1));
    await cache.resolve(fn({ version: 'v2' }), [2], who('local'), at(0), gives(1));
    expect(cache.counters().entries).toBe(1);
  });
});

describe('time', () => {
  test('Max-Age is what is left, in whole seconds, rounded down', async () => {
    const cache = new ResultCache();
    const result = await cache.resolve(fn(), [], who('local'), at(500), gives(1));
    expect([500, 501, 1500, 1501, 9501, 10_499, 10_500, 99_999].map((now) => result.maxAgeLeft(at(now)))).toStrictEqual(
      [10_000, 9000, 9000, 8000, 0, 0, 0, 0],
    );
    expect(stored(cache, fn(), [], at(10_499))?.maxAgeLeft(at(10_499))).toBe(0);
    expect(stored(cache, fn(), [], at(10_500))).toBeUndefined();
  });
  test('freshness begins when the computation ended, not when it was asked for', async () => {
    const cache = new ResultCache();
    const result = await cache.resolve(
      fn(),
      [],
      who('local'),
      at(0),
      gives(1, { queued: seconds(1), ran: seconds(20) }),
    );
    expect(result.maxAgeLeft(at(21_000))).toBe(10_000);
    expect(stored(cache, fn(), [], at(30_999))?.state).toBe('hit');
    expect(stored(cache, fn(), [], at(31_000))).toBeUndefined();
  });
  test('with maxAge 0 nothing is served later, but equal results have equal ETags', async () => {
    const cache = new ResultCache();
    const f = fn({ maxAge: seconds(0), staleWhileRevalidate: seconds(10) });
    const first = await cache.resolve(f, [], who('local'), at(0), gives('x'));
    const second = cache.resolve(f, [], who('local'), at(0), gives('x'));
    expect(second).toBeInstanceOf(Promise);
    expect((await second).state).toBe('miss');
    expect((await second).representation(cbor).etag).toStrictEqual(first.representation(cbor).etag);
    expect(first.maxAgeLeft(at(0))).toBe(0);
    expect(cache.counters().entries).toBe(0);
  });
});

describe('functions that are not pure', () => {
  test('are computed for each call, also for concurrent ones, and have no Max-Age', async () => {
    const cache = new ResultCache();
    const runs = new Runs();
    const results = [1, 2].map(() => cache.resolve(fn({ pure: false }), [1], who('local'), at(0), runs.compute));
    expect(runs.count).toBe(2);
    runs.end('a');
    runs.end('b');
    const [a, b] = await all(results);
    expect([a?.state, b?.state, a?.value, b?.value]).toStrictEqual(['none', 'none', 'a', 'b']);
    expect(a?.maxAgeLeft(at(0))).toBe(0);
    expect(cache.counters()).toMatchObject({ entries: 0, misses: 0, hits: 0 });
  });
});

describe('stale while revalidate', () => {
  const f = fn({ staleWhileRevalidate: seconds(5) });
  test('the old result at once, one refresh behind it, then the new one', async () => {
    const cache = new ResultCache();
    const runs = new Runs();
    await cache.resolve(f, [1], who('local'), at(0), gives('old'));
    const results = [1, 2].map(() => cache.resolve(f, [1], who('local'), at(12_000), runs.compute));
    for (const result of results) {
      expect(result).not.toBeInstanceOf(Promise);
      expect(result).toMatchObject({ state: 'stale', value: 'old' });
      expect((await result).maxAgeLeft(at(12_000))).toBe(0);
    }
    expect(runs.count).toBe(1);
    runs.end('new');
    await expect.poll(() => stored(cache, f, [1], at(12_000))?.state).toBe('hit');
    expect(stored(cache, f, [1], at(12_000))?.value).toBe('new');
    expect(cache.counters().stale).toBeGreaterThanOrEqual(2);
  });
  test('after that time it is a miss', async () => {
    const cache = new ResultCache();
    await cache.resolve(f, [1], who('local'), at(0), gives('old'));
    expect(cache.resolve(f, [1], who('local'), at(15_000), gives('new'))).toBeInstanceOf(Promise);
  });
  test('a refresh that fails leaves the old result, and is counted', async () => {
    const cache = new ResultCache();
    await cache.resolve(f, [1], who('local'), at(0), gives('old'));
    const result = cache.resolve(f, [1], who('local'), at(12_000), async () => {
      throw new PeerError('time-limit', 'late');
    });
    expect(result).toMatchObject({ state: 'stale' });
    await expect.poll(() => cache.counters().failedRefreshes).toBe(1);
    expect(stored(cache, f, [1], at(12_001))).toMatchObject({ state: 'stale', value: 'old' });
  });
});

describe('representations', () => {
  test('one per Content-Format, made once, each with its own ETag', async () => {
    const cache = new ResultCache();
    await cache.resolve(fn(), [], who('local'), at(0), gives({ b: 1, a: 2 }));
    const first = stored(cache, fn(), []);
    const asCbor = first?.representation(cbor);
    const asJson = first?.representation(json);
    expect(hex(asCbor?.bytes ?? new Uint8Array())).toBe('a2616102616201');
    expect(new TextDecoder().decode(asJson?.bytes)).toBe('{"b":1,"a":2}');
    expect(stored(cache, fn(), [])?.representation(json)).toBe(asJson);
    expect(asJson?.etag).not.toStrictEqual(asCbor?.etag);
  });
  test('the ETag is 4 bytes of SHA-256 over two bytes of Content-Format and the representation', async () => {
    const result = await new ResultCache().resolve(fn(), [], who('local'), at(0), gives('hello'));
    const { bytes, etag, format } = result.representation(json);
    expect(format).toBe(50);
    expect(hex(etag)).toBe(createHash('sha256').update(Uint8Array.of(0, 50)).update(bytes).digest('hex').slice(0, 8));
  });
  test('a function that returned nothing has no payload and no Content-Format, but an ETag', async () => {
    const result = await new ResultCache().resolve(fn(), [], who('local'), at(0), gives(undefined));
    expect(result.representation(cbor)).toMatchObject({ format: undefined, bytes: new Uint8Array() });
    expect(hex(result.representation(cbor).etag)).toBe('e3b0c442');
    expect(result.representation(json).etag).toStrictEqual(result.representation(cbor).etag);
  });
  test('rows from an iterator can be had again and in every format', async () => {
    const cache = new ResultCache();
    function* rows(): Generator<number> {
      yield 1;
      yield 2;
    }
    await cache.resolve(fn(), [], who('local'), at(0), gives({ rows: rows() } as never));
    expect(new TextDecoder().decode(stored(cache, fn(), [])?.representation(json).bytes)).toBe('{"rows":[1,2]}');
    expect(new TextDecoder().decode(stored(cache, fn(), [])?.representation(text).bytes)).toBe('{"rows":[1,2]}');
    expect(hex(stored(cache, fn(), [])?.representation(cbor).bytes ?? new Uint8Array())).toBe('a164726f7773820102');
  });
  test('a result that cannot be encoded says so when it is asked for, and is not kept', async () => {
    const cache = new ResultCache();
    const cycle: unknown[] = [];
    cycle.push(cycle);
    const result = await cache.resolve(fn(), [], who('local'), at(0), gives(cycle as Value));
    expect(() => result.representation(cbor)).toThrow(expect.objectContaining({ code: 'unencodable-value' }));
    expect(cache.counters().entries).toBe(0);
  });
});

describe('bounds', () => {
  test('by count, the least recently used goes first', async () => {
    const cache = new ResultCache({ maxEntries: 3, maxBytes: 1 << 20 });
    for (const n of [1, 2, 3]) await cache.resolve(fn(), [n], who('local'), at(0), gives(n));
    expect(stored(cache, fn(), [1])?.value).toBe(1);
    await cache.resolve(fn(), [4], who('local'), at(0), gives(4));
    expect(cache.counters().entries).toBe(3);
    expect([1, 3, 4].map((n) => stored(cache, fn(), [n])?.value)).toStrictEqual([1, 3, 4]);
    expect(stored(cache, fn(), [2])).toBeUndefined();
  });
  test('by bytes, representations counted', async () => {
    const cache = new ResultCache({ maxEntries: 1000, maxBytes: 100_000 });
    for (let n = 0; n < 100; n++) await cache.resolve(fn(), [n], who('local'), at(0), gives('x'.repeat(2000)));
    expect(cache.counters().bytes).toBeLessThanOrEqual(100_000);
    expect(cache.counters().bytes).toBeGreaterThan(50_000);
    const before = cache.counters();
    stored(cache, fn(), [99])?.representation(cbor);
    expect(cache.counters().entries).toBeLessThanOrEqual(before.entries);
    expect(cache.counters().bytes).toBeLessThanOrEqual(100_000);
    const alone = new ResultCache();
    await alone.resolve(fn(), [1], who('local'), at(0), gives('x'.repeat(2000)));
    const plain = alone.counters().bytes;
    stored(alone, fn(), [1])?.representation(cbor);
    expect(alone.counters().bytes).toBeGreaterThan(plain + 2000);
    expect(alone.counters().entries).toBe(1);
  });
  test('one result takes at most a quarter', async () => {
    const cache = new ResultCache({ maxEntries: 10, maxBytes: 10_000 });
    await cache.resolve(fn(), [1], who('local'), at(0), gives('x'.repeat(4000)));
    expect(cache.counters().entries).toBe(0);
  });
  test.each([
    { maxEntries: 0, maxBytes: 1000 },
    { maxEntries: 10, maxBytes: 0 },
  ])('with %o nothing is stored, but concurrent calls still join', async (options) => {
    const cache = new ResultCache(options);
    const runs = new Runs();
    const calls = [1, 2].map(() => cache.resolve(fn(), [1], who('local'), at(0), runs.compute));
    runs.end(1);
    expect((await all(calls)).map((r) => r.state)).toStrictEqual(['miss', 'joined']);
    expect(stored(cache, fn(), [1])).toBeUndefined();
    expect(cache.counters()).toMatchObject({ entries: 0, bytes: 0 });
  });
  test('a short argument does not keep the long body alive that it was cut from', async () => {
    setFlagsFromString('--expose_gc');
    const collect = runInNewContext('gc') as () => void;
    const held = (): number => {
      collect();
      return process.memoryUsage().heapUsed;
    };
    const cache = new ResultCache();
    const before = held();
    for (let n = 0; n < 64; n++) {
      const body = `${n} an argument of some length${' '.repeat(1_000_000)}`;
      const argument = Buffer.from(body).toString('latin1').slice(0, 28);
      await cache.resolve(fn(), [argument], who('local'), at(0), gives(n));
      expect(stored(cache, fn(), [argument])?.value).toBe(n);
    }
    expect(held() - before).toBeLessThan(8_000_000);
  });
  test('what is invalidated or evicted leaves no memory counted', async () => {
    const cache = new ResultCache();
    for (let n = 0; n < 50; n++)
      await cache.resolve(fn(), [n], who('local'), at(0), gives(n, { tags: ['t', 't', `t${n}`] }));
    cache.invalidateLibrary('math');
    expect(cache.counters()).toMatchObject({ entries: 0, bytes: 0 });
  });
});

test('revalidations and the bytes they save are counted', () => {
  const cache = new ResultCache();
  cache.countRevalidation(100);
  cache.countRevalidation(20);
  expect(cache.counters()).toMatchObject({ revalidations: 2, bytesSaved: 120 });
});
