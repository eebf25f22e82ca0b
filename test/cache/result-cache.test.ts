import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { contentFormat } from '../../src/cbor/content-format.ts';
import { hex } from '../../src/core/bytes.ts';
import { milliseconds, seconds, type Instant } from '../../src/core/duration.ts';
import { FuncoapError, PeerError, UsageError } from '../../src/core/error.ts';
import type { Value } from '../../src/core/value.ts';
import type { Cacheable, CachedResult, CacheInvalidation, Computed } from '../../src/cache/cacheable.ts';
import { ResultCache } from '../../src/cache/result-cache.ts';

const { cbor, json, text } = contentFormat;
const at = (ms: number): Instant => ms as Instant;

const fn = (overrides: Partial<Cacheable> = {}): Cacheable => ({
  library: 'math',
  method: 'add',
  version: 'v1',
  pure: true,
  maxAge: seconds(10),
  staleWhileRevalidate: seconds(0),
  shared: false,
  ...overrides,
});
const computed = (value: Value, overrides: Partial<Computed> = {}): Computed => ({
  value,
  readCaller: false,
  tags: [],
  queued: milliseconds(0),
  ran: milliseconds(0),
  ...overrides,
});

/** A function whose runs end when the test says so, and that counts them. */
class Runs {
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
const gives =
  (value: Value, overrides: Partial<Computed> = {}) =>
  async (): Promise<Computed> =>
    computed(value, overrides);
/** Results now or later, all of them. */
const all = async (results: readonly (CachedResult | Promise<CachedResult>)[]): Promise<CachedResult[]> =>
  Promise.all(results.map(async (result) => result));
const outcome = ({ state, value }: CachedResult): string => `${state} ${typeof value === 'string' ? value : 'no text'}`;
const never = (): Promise<Computed> => {
  throw new Error('must not run');
};

/** What the cache gives at once; undefined where it would have to compute. */
function stored(
  cache: ResultCache,
  f: Cacheable,
  args: readonly Value[],
  now = at(0),
  caller = 'local',
): CachedResult | undefined {
  const result = cache.resolve(f, args, caller, now, async () => computed('computed by the probe'));
  return result instanceof Promise ? undefined : result;
}

describe('hits', () => {
  test('a second call is answered at once, from the same value', async () => {
    const cache = new ResultCache();
    const first = await cache.resolve(
      fn(),
      [1, 2],
      'local',
      at(0),
      gives(3, { queued: milliseconds(1), ran: milliseconds(2) }),
    );
    expect(first).toMatchObject({ value: 3, state: 'miss', queued: 1, ran: 2 });
    const second = cache.resolve(fn(), [1, 2], 'local', at(1), never);
    expect(second).not.toBeInstanceOf(Promise);
    expect(second).toMatchObject({ value: 3, state: 'hit', queued: 0, ran: 0 });
    expect(cache.counters()).toMatchObject({ hits: 1, misses: 1, joined: 0, stale: 0, entries: 1 });
  });
  test('another caller shares it where the function does not read who calls', async () => {
    const cache = new ResultCache();
    await cache.resolve(fn(), [1], 'a', at(0), gives(1));
    expect(stored(cache, fn(), [1], at(0), 'b')?.state).toBe('hit');
  });
  test.each<[string, Partial<Cacheable>]>([
    ['method', { method: 'multiply' }],
    ['library', { library: 'other' }],
    ['version', { version: 'v2' }],
  ])('another %s is another function', async (_what, overrides) => {
    const cache = new ResultCache();
    await cache.resolve(fn(), [1], 'local', at(0), gives(1));
    expect(stored(cache, fn(overrides), [1])).toBeUndefined();
  });
  test('a new version lets go of what the old one left', async () => {
    const cache = new ResultCache();
    await cache.resolve(fn(), [1], 'local', at(0), gives(1));
    await cache.resolve(fn({ version: 'v2' }), [2], 'local', at(0), gives(1));
    expect(cache.counters().entries).toBe(1);
  });
});

describe('time', () => {
  test('Max-Age is what is left, in whole seconds, rounded down', async () => {
    const cache = new ResultCache();
    const result = await cache.resolve(fn(), [], 'local', at(500), gives(1));
    expect([500, 501, 1500, 1501, 9501, 10_499, 10_500, 99_999].map((now) => result.maxAgeLeft(at(now)))).toStrictEqual(
      [10_000, 9000, 9000, 8000, 0, 0, 0, 0],
    );
    expect(stored(cache, fn(), [], at(10_499))?.maxAgeLeft(at(10_499))).toBe(0);
    expect(stored(cache, fn(), [], at(10_500))).toBeUndefined();
  });
  test('freshness begins when the computation ended, not when it was asked for', async () => {
    const cache = new ResultCache();
    const result = await cache.resolve(fn(), [], 'local', at(0), gives(1, { queued: seconds(1), ran: seconds(20) }));
    expect(result.maxAgeLeft(at(21_000))).toBe(10_000);
    expect(stored(cache, fn(), [], at(30_999))?.state).toBe('hit');
    expect(stored(cache, fn(), [], at(31_000))).toBeUndefined();
  });
  test('with maxAge 0 nothing is served later, but equal results have equal ETags', async () => {
    const cache = new ResultCache();
    const f = fn({ maxAge: seconds(0), staleWhileRevalidate: seconds(10) });
    const first = await cache.resolve(f, [], 'local', at(0), gives('x'));
    const second = cache.resolve(f, [], 'local', at(0), gives('x'));
    expect(second).toBeInstanceOf(Promise);
    expect((await second).state).toBe('miss');
    expect((await second).representation(cbor).etag).toStrictEqual(first.representation(cbor).etag);
    expect(first.maxAgeLeft(at(0))).toBe(0);
    expect(cache.counters().entries).toBe(0);
  });
});

describe('arguments', () => {
  test.each<[string, readonly Value[], readonly Value[]]>([
    ['members in another order', [{ a: 1, b: 2 }], [{ b: 2, a: 1 }]],
    ['a bigint that is a number', [5n], [5]],
    ['a Map with text keys and the object', [new Map([['a', 1]])], [{ a: 1 }]],
    ['bytes with the same content', [Uint8Array.of(1, 2)], [Buffer.from([1, 2])]],
    ['dates of the same time', [new Date(5)], [new Date(5)]],
    ['long texts', ['x'.repeat(5000)], ['x'.repeat(5000)]],
  ])('equal: %s', async (_what, one, other) => {
    const cache = new ResultCache();
    await cache.resolve(fn(), one, 'local', at(0), gives(1));
    expect(stored(cache, fn(), other)?.state).toBe('hit');
  });
  const different: readonly (readonly Value[])[] = [
    [],
    [undefined],
    [null],
    [0],
    [-0],
    [Number.NaN],
    ['0'],
    [false],
    [true],
    [0n, 0n],
    [1, 2],
    [12],
    ['12'],
    ['1', '2'],
    ['1:2'],
    [[1, 2]],
    [['1', 2]],
    [{}],
    [[]],
    [{ a: undefined }],
    [{ a: null }],
    [[undefined]],
    [[null]],
    [2 ** 53],
    [2n ** 53n],
    [-(2n ** 53n)],
    [0.5],
    ['d0.5;'],
    [new Date(0)],
    [new Date(1)],
    [Uint8Array.of(0)],
    [Uint8Array.of(0, 0)],
    ['i0;'],
    ['\ud800'],
    ['\ud801'],
    ['\ufffd'],
    ['x'.repeat(5000)],
    ['x'.repeat(4999)],
    ['s1:a'],
    ['', ''],
    [''],
    ['a', 'bc'],
    ['ab', 'c'],
    [`\ud800${'y'.repeat(600)}`],
    [`\ud801${'y'.repeat(600)}`],
    [Infinity],
    [-Infinity],
  ];
  test('different arguments are different entries', async () => {
    const cache = new ResultCache();
    for (const [index, args] of different.entries())
      expect((await cache.resolve(fn(), args, 'local', at(0), gives(index))).state).toBe('miss');
    for (const [index, args] of different.entries()) expect(stored(cache, fn(), args)?.value).toBe(index);
  });
  test('arguments that CBOR cannot encode are not cached', async () => {
    const cache = new ResultCache();
    const cycle: unknown[] = [];
    cycle.push(cycle);
    for (const arg of [new Runs(), (): number => 1, Symbol('s'), cycle, [(): number => 1]]) {
      for (const _ of [1, 2])
        expect((await cache.resolve(fn(), [arg] as Value[], 'local', at(0), gives(1))).state).toBe('none');
    }
    expect(cache.counters()).toMatchObject({ entries: 0, misses: 0 });
  });
});

describe('functions that are not pure', () => {
  test('are computed for each call, also for concurrent ones, and have no Max-Age', async () => {
    const cache = new ResultCache();
    const runs = new Runs();
    const results = [1, 2].map(() => cache.resolve(fn({ pure: false }), [1], 'local', at(0), runs.compute));
    expect(runs.count).toBe(2);
    runs.end('a');
    runs.end('b');
    const [a, b] = await all(results);
    expect([a?.state, b?.state, a?.value, b?.value]).toStrictEqual(['none', 'none', 'a', 'b']);
    expect(a?.maxAgeLeft(at(0))).toBe(0);
    expect(cache.counters()).toMatchObject({ entries: 0, misses: 0, hits: 0 });
  });
});

describe('single flight', () => {
  test.each([seconds(10), seconds(0)])('200 concurrent equal calls run once (maxAge %i)', async (maxAge) => {
    const cache = new ResultCache();
    const runs = new Runs();
    const results = Array.from({ length: 200 }, (_, i) =>
      cache.resolve(fn({ maxAge }), [1], `caller ${i}`, at(i), runs.compute),
    );
    expect(runs.count).toBe(1);
    runs.end('once', { ran: milliseconds(7) });
    const states = (await all(results)).map((result) => `${outcome(result)} ${result.ran}`);
    expect(states).toStrictEqual(['miss once 7', ...Array<string>(199).fill('joined once 7')]);
    expect(cache.counters()).toMatchObject({ misses: 1, joined: 199 });
  });
  test('they share the representation too', async () => {
    const cache = new ResultCache();
    const runs = new Runs();
    const results = [1, 2].map(() => cache.resolve(fn(), [1], 'local', at(0), runs.compute));
    runs.end('x');
    const [a, b] = await all(results);
    expect(a?.representation(cbor)).toBe(b?.representation(cbor));
    expect(stored(cache, fn(), [1])?.representation(cbor)).toBe(a?.representation(cbor));
  });
  test("an error is everyone's who waited, and is not kept", async () => {
    const cache = new ResultCache();
    const runs = new Runs();
    const results = [1, 2].map(async () => cache.resolve(fn(), [1], 'local', at(0), runs.compute));
    const error = new PeerError('time-limit', 'The function ran out of time.');
    runs.fail(error);
    for (const result of results) await expect(result).rejects.toBe(error);
    expect(cache.counters().entries).toBe(0);
    expect((await cache.resolve(fn(), [1], 'local', at(0), gives(2))).value).toBe(2);
  });
  test('a computation that throws before it begins leaves nothing behind', async () => {
    const cache = new ResultCache();
    await expect(cache.resolve(fn(), [1], 'local', at(0), never)).rejects.toThrow('must not run');
    expect((await cache.resolve(fn(), [1], 'local', at(0), gives(2))).value).toBe(2);
  });
  test('a call given up by who began it is taken over by one who waits', async () => {
    const cache = new ResultCache();
    const runs = new Runs();
    const [first, second, third] = [1, 2, 3].map(async () => cache.resolve(fn(), [1], 'local', at(0), runs.compute));
    runs.fail(new UsageError('cancelled', 'The call was given up.'));
    await expect(first).rejects.toBeInstanceOf(FuncoapError);
    await expect.poll(() => runs.count).toBe(2);
    runs.end('taken over');
    expect((await second)?.state).toBe('miss');
    expect((await third)?.state).toBe('joined');
  });
});

describe('functions that read who calls', () => {
  test('keep one result per caller from then on', async () => {
    const cache = new ResultCache();
    await cache.resolve(fn(), [1], 'a', at(0), gives('for a', { readCaller: true }));
    expect(stored(cache, fn(), [1], at(0), 'a')?.value).toBe('for a');
    expect(stored(cache, fn(), [1], at(0), 'b')).toBeUndefined();
    await cache.resolve(fn(), [1], 'c', at(0), gives('for c', { readCaller: true }));
    expect(stored(cache, fn(), [1], at(0), 'c')?.value).toBe('for c');
    expect(stored(cache, fn(), [1], at(0), 'a')?.value).toBe('for a');
  });
  test('stay private for other arguments, where a run did not look', async () => {
    const cache = new ResultCache();
    await cache.resolve(fn(), [1], 'a', at(0), gives('for a', { readCaller: true }));
    await cache.resolve(fn(), [2], 'a', at(0), gives('for all'));
    expect(stored(cache, fn(), [2], at(0), 'b')).toBeUndefined();
  });
  test('another version begins anew', async () => {
    const cache = new ResultCache();
    await cache.resolve(fn(), [1], 'a', at(0), gives('for a', { readCaller: true }));
    await cache.resolve(fn({ version: 'v2' }), [1], 'a', at(0), gives('for all'));
    expect(stored(cache, fn({ version: 'v2' }), [1], at(0), 'b')?.value).toBe('for all');
  });
  test("who joined another caller's run computes its own; the same caller joins", async () => {
    const cache = new ResultCache();
    const runs = new Runs();
    const calls = ['a', 'a', 'b', 'b', 'c'].map((caller) => cache.resolve(fn(), [1], caller, at(0), runs.compute));
    expect(runs.count).toBe(1);
    runs.end('for a', { readCaller: true });
    await all(calls.slice(0, 2));
    await expect.poll(() => runs.count).toBe(3);
    runs.end('for b', { readCaller: true });
    runs.end('for c', { readCaller: true });
    const results = await all(calls);
    expect(results.map(outcome)).toStrictEqual([
      'miss for a',
      'joined for a',
      'miss for b',
      'joined for b',
      'miss for c',
    ]);
    expect(['a', 'b', 'c'].map((caller) => stored(cache, fn(), [1], at(0), caller)?.value)).toStrictEqual([
      'for a',
      'for b',
      'for c',
    ]);
  });
  test('declared shared, they have one entry for all', async () => {
    const cache = new ResultCache();
    const runs = new Runs();
    const f = fn({ shared: true });
    const calls = ['a', 'b'].map((caller) => cache.resolve(f, [1], caller, at(0), runs.compute));
    runs.end('for all', { readCaller: true });
    expect((await all(calls)).map((r) => r.state)).toStrictEqual(['miss', 'joined']);
    expect(stored(cache, f, [1], at(0), 'c')?.value).toBe('for all');
  });
  test("a caller cannot make its key look like another's arguments", async () => {
    const cache = new ResultCache();
    await cache.resolve(fn(), ['x'], 'a', at(0), gives(1, { readCaller: true }));
    await cache.resolve(fn(), ['x'], 'a|s1:x', at(0), gives(2, { readCaller: true }));
    expect(stored(cache, fn(), ['x'], at(0), 'a')?.value).toBe(1);
  });
});

describe('stale while revalidate', () => {
  const f = fn({ staleWhileRevalidate: seconds(5) });
  test('the old result at once, one refresh behind it, then the new one', async () => {
    const cache = new ResultCache();
    const runs = new Runs();
    await cache.resolve(f, [1], 'local', at(0), gives('old'));
    const results = [1, 2].map(() => cache.resolve(f, [1], 'local', at(12_000), runs.compute));
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
    await cache.resolve(f, [1], 'local', at(0), gives('old'));
    expect(cache.resolve(f, [1], 'local', at(15_000), gives('new'))).toBeInstanceOf(Promise);
  });
  test('a refresh that fails leaves the old result, and is counted', async () => {
    const cache = new ResultCache();
    await cache.resolve(f, [1], 'local', at(0), gives('old'));
    const result = cache.resolve(f, [1], 'local', at(12_000), async () => {
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
    await cache.resolve(fn(), [], 'local', at(0), gives({ b: 1, a: 2 }));
    const first = stored(cache, fn(), []);
    const asCbor = first?.representation(cbor);
    const asJson = first?.representation(json);
    expect(hex(asCbor?.bytes ?? new Uint8Array())).toBe('a2616102616201');
    expect(new TextDecoder().decode(asJson?.bytes)).toBe('{"b":1,"a":2}');
    expect(stored(cache, fn(), [])?.representation(json)).toBe(asJson);
    expect(asJson?.etag).not.toStrictEqual(asCbor?.etag);
  });
  test('the ETag is 4 bytes of SHA-256 over two bytes of Content-Format and the representation', async () => {
    const result = await new ResultCache().resolve(fn(), [], 'local', at(0), gives('hello'));
    const { bytes, etag, format } = result.representation(json);
    expect(format).toBe(50);
    expect(hex(etag)).toBe(createHash('sha256').update(Uint8Array.of(0, 50)).update(bytes).digest('hex').slice(0, 8));
  });
  test('a function that returned nothing has no payload and no Content-Format, but an ETag', async () => {
    const result = await new ResultCache().resolve(fn(), [], 'local', at(0), gives(undefined));
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
    await cache.resolve(fn(), [], 'local', at(0), gives({ rows: rows() } as never));
    expect(new TextDecoder().decode(stored(cache, fn(), [])?.representation(json).bytes)).toBe('{"rows":[1,2]}');
    expect(new TextDecoder().decode(stored(cache, fn(), [])?.representation(text).bytes)).toBe('{"rows":[1,2]}');
    expect(hex(stored(cache, fn(), [])?.representation(cbor).bytes ?? new Uint8Array())).toBe('a164726f7773820102');
  });
  test('a result that cannot be encoded says so when it is asked for, and is not kept', async () => {
    const cache = new ResultCache();
    const cycle: unknown[] = [];
    cycle.push(cycle);
    const result = await cache.resolve(fn(), [], 'local', at(0), gives(cycle as Value));
    expect(() => result.representation(cbor)).toThrow(expect.objectContaining({ code: 'unencodable-value' }));
    expect(cache.counters().entries).toBe(0);
  });
});

describe('bounds', () => {
  test('by count, the least recently used goes first', async () => {
    const cache = new ResultCache({ maxEntries: 3, maxBytes: 1 << 20 });
    for (const n of [1, 2, 3]) await cache.resolve(fn(), [n], 'local', at(0), gives(n));
    expect(stored(cache, fn(), [1])?.value).toBe(1);
    await cache.resolve(fn(), [4], 'local', at(0), gives(4));
    expect(cache.counters().entries).toBe(3);
    expect([1, 3, 4].map((n) => stored(cache, fn(), [n])?.value)).toStrictEqual([1, 3, 4]);
    expect(stored(cache, fn(), [2])).toBeUndefined();
  });
  test('by bytes, representations counted', async () => {
    const cache = new ResultCache({ maxEntries: 1000, maxBytes: 100_000 });
    for (let n = 0; n < 100; n++) await cache.resolve(fn(), [n], 'local', at(0), gives('x'.repeat(2000)));
    expect(cache.counters().bytes).toBeLessThanOrEqual(100_000);
    expect(cache.counters().bytes).toBeGreaterThan(50_000);
    const before = cache.counters();
    stored(cache, fn(), [99])?.representation(cbor);
    expect(cache.counters().entries).toBeLessThanOrEqual(before.entries);
    expect(cache.counters().bytes).toBeLessThanOrEqual(100_000);
    const alone = new ResultCache();
    await alone.resolve(fn(), [1], 'local', at(0), gives('x'.repeat(2000)));
    const plain = alone.counters().bytes;
    stored(alone, fn(), [1])?.representation(cbor);
    expect(alone.counters().bytes).toBeGreaterThan(plain + 2000);
    expect(alone.counters().entries).toBe(1);
  });
  test('one result takes at most a quarter', async () => {
    const cache = new ResultCache({ maxEntries: 10, maxBytes: 10_000 });
    await cache.resolve(fn(), [1], 'local', at(0), gives('x'.repeat(4000)));
    expect(cache.counters().entries).toBe(0);
  });
  test.each([
    { maxEntries: 0, maxBytes: 1000 },
    { maxEntries: 10, maxBytes: 0 },
  ])('with %o nothing is stored, but concurrent calls still join', async (options) => {
    const cache = new ResultCache(options);
    const runs = new Runs();
    const calls = [1, 2].map(() => cache.resolve(fn(), [1], 'local', at(0), runs.compute));
    runs.end(1);
    expect((await all(calls)).map((r) => r.state)).toStrictEqual(['miss', 'joined']);
    expect(stored(cache, fn(), [1])).toBeUndefined();
    expect(cache.counters()).toMatchObject({ entries: 0, bytes: 0 });
  });
  test('what is invalidated or evicted leaves no memory counted', async () => {
    const cache = new ResultCache();
    for (let n = 0; n < 50; n++)
      await cache.resolve(fn(), [n], 'local', at(0), gives(n, { tags: ['t', 't', `t${n}`] }));
    cache.invalidateLibrary('math');
    expect(cache.counters()).toMatchObject({ entries: 0, bytes: 0 });
  });
});

describe('invalidation', () => {
  const add = fn();
  const multiply = fn({ method: 'multiply' });
  const other = fn({ library: 'other' });
  const filled = async (): Promise<ResultCache> => {
    const cache = new ResultCache();
    await cache.resolve(add, [1], 'local', at(0), gives(1, { tags: ['row 1'] }));
    await cache.resolve(add, [2], 'local', at(0), gives(2, { tags: ['row 2', 'table'] }));
    await cache.resolve(multiply, [1], 'local', at(0), gives(3, { tags: ['row 1'] }));
    await cache.resolve(other, [1], 'local', at(0), gives(4, { tags: ['row 1'] }));
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
    const before = cache.resolve(add, [1], 'local', at(0), runs.compute);
    invalidate(cache);
    runs.end('old', { tags: ['mine'] });
    const result = await before;
    expect(result).toMatchObject({ value: 'old', state: 'miss' });
    expect(result.maxAgeLeft(at(0))).toBe(isKept ? 10_000 : 0);
    expect(stored(cache, add, [1])?.value).toBe(isKept ? 'old' : undefined);
  });
  test('who asks after it does not join what began before, and the older result never replaces the newer', async () => {
    for (const invalidate of [
      (c: ResultCache) => c.invalidateFunction('math', 'add'),
      (c: ResultCache) => c.invalidateTag('math', 'x'),
    ]) {
      const cache = new ResultCache();
      const runs = new Runs();
      const before = cache.resolve(add, [1], 'local', at(0), runs.compute);
      invalidate(cache);
      const afterwards = [1, 2].map(() => cache.resolve(add, [1], 'local', at(0), runs.compute));
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

test('revalidations and the bytes they save are counted', () => {
  const cache = new ResultCache();
  cache.countRevalidation(100);
  cache.countRevalidation(20);
  expect(cache.counters()).toMatchObject({ revalidations: 2, bytesSaved: 120 });
});
