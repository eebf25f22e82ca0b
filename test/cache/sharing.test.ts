/** Which calls are the same call: equal arguments, concurrent calls, callers. */
import { describe, expect, test } from 'vitest';
import { contentFormat } from '../../src/cbor/content-format.ts';
import { milliseconds, seconds } from '../../src/core/duration.ts';
import { FuncoapError, PeerError, UsageError } from '../../src/core/error.ts';
import type { Asker } from '../../src/cache/asker.ts';
import { timeOfDay } from '../../src/core/time-of-day.ts';
import type { Value } from '../../src/core/value.ts';
import { ResultCache } from '../../src/cache/result-cache.ts';
import { all, at, fn, gives, never, outcome, Runs, stored, who } from './fixture.ts';

const { cbor } = contentFormat;

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
    await cache.resolve(fn(), one, who('local'), at(0), gives(1));
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
      expect((await cache.resolve(fn(), args, who('local'), at(0), gives(index))).state).toBe('miss');
    for (const [index, args] of different.entries()) expect(stored(cache, fn(), args)?.value).toBe(index);
  });
  test('arguments that CBOR cannot encode are not cached', async () => {
    const cache = new ResultCache();
    const cycle: unknown[] = [];
    cycle.push(cycle);
    for (const arg of [new Runs(), (): number => 1, Symbol('s'), cycle, [(): number => 1]]) {
      for (const _ of [1, 2])
        expect((await cache.resolve(fn(), [arg] as Value[], who('local'), at(0), gives(1))).state).toBe('none');
    }
    expect(cache.counters()).toMatchObject({ entries: 0, misses: 0 });
  });
});

describe('single flight', () => {
  test.each([seconds(10), seconds(0)])('200 concurrent equal calls run once (maxAge %i)', async (maxAge) => {
    const cache = new ResultCache();
    const runs = new Runs();
    const results = Array.from({ length: 200 }, (_, i) =>
      cache.resolve(fn({ maxAge }), [1], who(`caller ${i}`), at(i), runs.compute),
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
    const results = [1, 2].map(() => cache.resolve(fn(), [1], who('local'), at(0), runs.compute));
    runs.end('x');
    const [a, b] = await all(results);
    expect(a?.representation(cbor)).toBe(b?.representation(cbor));
    expect(stored(cache, fn(), [1])?.representation(cbor)).toBe(a?.representation(cbor));
  });
  test("an error is everyone's who waited, and is not kept", async () => {
    const cache = new ResultCache();
    const runs = new Runs();
    const results = [1, 2].map(async () => cache.resolve(fn(), [1], who('local'), at(0), runs.compute));
    const error = new PeerError('time-limit', 'The function ran out of time.');
    runs.fail(error);
    for (const result of results) await expect(result).rejects.toBe(error);
    expect(cache.counters().entries).toBe(0);
    expect((await cache.resolve(fn(), [1], who('local'), at(0), gives(2))).value).toBe(2);
  });
  test('a computation that throws before it begins leaves nothing behind', async () => {
    const cache = new ResultCache();
    expect(() => cache.resolve(fn(), [1], who('local'), at(0), never)).toThrow('must not run');
    expect((await cache.resolve(fn(), [1], who('local'), at(0), gives(2))).value).toBe(2);
  });
  test('a call given up by who began it is taken over by one who waits', async () => {
    const cache = new ResultCache();
    const runs = new Runs();
    const [first, second, third] = [1, 2, 3].map(async () =>
      cache.resolve(fn(), [1], who('local'), at(0), runs.compute),
    );
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
    await cache.resolve(fn(), [1], who('a'), at(0), gives('for a', { readCaller: 'identity' }));
    expect(stored(cache, fn(), [1], at(0), who('a'))?.value).toBe('for a');
    expect(stored(cache, fn(), [1], at(0), who('b'))).toBeUndefined();
    await cache.resolve(fn(), [1], who('c'), at(0), gives('for c', { readCaller: 'identity' }));
    expect(stored(cache, fn(), [1], at(0), who('c'))?.value).toBe('for c');
    expect(stored(cache, fn(), [1], at(0), who('a'))?.value).toBe('for a');
  });
  test('stay private for other arguments, where a run did not look', async () => {
    const cache = new ResultCache();
    await cache.resolve(fn(), [1], who('a'), at(0), gives('for a', { readCaller: 'identity' }));
    await cache.resolve(fn(), [2], who('a'), at(0), gives('for all'));
    expect(stored(cache, fn(), [2], at(0), who('b'))).toBeUndefined();
  });
  test('another version begins anew', async () => {
    const cache = new ResultCache();
    await cache.resolve(fn(), [1], who('a'), at(0), gives('for a', { readCaller: 'identity' }));
    await cache.resolve(fn({ version: 'v2' }), [1], who('a'), at(0), gives('for all'));
    expect(stored(cache, fn({ version: 'v2' }), [1], at(0), who('b'))?.value).toBe('for all');
  });
  test("who joined another caller's run computes its own; the same caller joins", async () => {
    const cache = new ResultCache();
    const runs = new Runs();
    const calls = ['a', 'a', 'b', 'b', 'c'].map((caller) => cache.resolve(fn(), [1], who(caller), at(0), runs.compute));
    expect(runs.count).toBe(1);
    runs.end('for a', { readCaller: 'identity' });
    await all(calls.slice(0, 2));
    await expect.poll(() => runs.count).toBe(3);
    runs.end('for b', { readCaller: 'identity' });
    runs.end('for c', { readCaller: 'identity' });
    const results = await all(calls);
    expect(results.map(outcome)).toStrictEqual([
      'miss for a',
      'joined for a',
      'miss for b',
      'joined for b',
      'miss for c',
    ]);
    expect(['a', 'b', 'c'].map((caller) => stored(cache, fn(), [1], at(0), who(caller))?.value)).toStrictEqual([
      'for a',
      'for b',
      'for c',
    ]);
  });
  test('declared shared, they have one entry for all', async () => {
    const cache = new ResultCache();
    const runs = new Runs();
    const f = fn({ shared: true });
    const calls = ['a', 'b'].map((caller) => cache.resolve(f, [1], who(caller), at(0), runs.compute));
    runs.end('for all', { readCaller: 'identity' });
    expect((await all(calls)).map((r) => r.state)).toStrictEqual(['miss', 'joined']);
    expect(stored(cache, f, [1], at(0), who('c'))?.value).toBe('for all');
  });
  test('an identity shares its results over all its associations, and no two identities do', async () => {
    const cache = new ResultCache();
    const runs = new Runs();
    const askers = [who('a', '1'), who('a', '2'), who('b', '1')];
    const calls = askers.map((asker) => cache.resolve(fn(), [1], asker, at(0), runs.compute));
    runs.end('for a', { readCaller: 'identity' });
    await expect.poll(() => runs.count).toBe(2);
    runs.end('for b', { readCaller: 'identity' });
    expect((await all(calls)).map(outcome)).toStrictEqual(['miss for a', 'joined for a', 'miss for b']);
    const kept = [...askers, who('a', '3')].map((asker) => stored(cache, fn(), [1], at(0), asker)?.value);
    expect(kept).toStrictEqual(['for a', 'for a', 'for b', 'for a']);
  });
  test('an identity that was enrolled again in other groups does not get what it was given in those before', async () => {
    const cache = new ResultCache();
    const [before, since] = [who('a', '1', ['admins']), who('a', '2', ['admins', 'b'])];
    await cache.resolve(fn(), [1], before, at(0), gives('for admins', { readCaller: 'identity' }));
    expect(stored(cache, fn(), [1], at(0), since)?.value).toBeUndefined();
    expect(stored(cache, fn(), [1], at(0), who('a', '3', ['admins']))?.value).toBe('for admins');
  });
  test('a name that was enrolled again does not get what was given to who had it before', async () => {
    const cache = new ResultCache();
    const enrolledAt = (ms: number): Asker => ({
      ...who('a', String(ms)),
      principal: { name: 'a', groups: [], enrolled: timeOfDay(ms) },
    });
    await cache.resolve(fn(), [1], enrolledAt(1), at(0), gives('before', { readCaller: 'identity' }));
    expect(stored(cache, fn(), [1], at(0), enrolledAt(2))?.value).toBeUndefined();
    expect(stored(cache, fn(), [1], at(0), enrolledAt(1))?.value).toBe('before');
  });
  test('a result made of an address is for that peer alone, also where an identity was enough before', async () => {
    const cache = new ResultCache();
    const runs = new Runs();
    await cache.resolve(fn(), [0], who('a', '1'), at(0), gives('by identity', { readCaller: 'identity' }));
    const calls = [who('a', '1'), who('a', '2')].map((asker) => cache.resolve(fn(), [1], asker, at(0), runs.compute));
    runs.end('for 1', { readCaller: 'peer' });
    await expect.poll(() => runs.count).toBe(2);
    runs.end('for 2', { readCaller: 'identity' });
    expect((await all(calls)).map(outcome)).toStrictEqual(['miss for 1', 'miss for 2']);
    const kept = (asker: Asker): unknown => stored(cache, fn(), [1], at(0), asker)?.value;
    expect([who('a', '1'), who('a', '2'), who('a', '3')].map(kept)).toStrictEqual(['for 1', 'for 2', undefined]);
    // RFC 9146: the same association from another address.
    expect(kept({ ...who('a', '1'), remote: { address: '192.0.2.2', port: 5683 } })).toBeUndefined();
  });
  test("a caller cannot make its key look like another's arguments", async () => {
    const cache = new ResultCache();
    await cache.resolve(fn(), ['x'], who('a'), at(0), gives(1, { readCaller: 'identity' }));
    await cache.resolve(fn(), ['x'], who('a|s1:x'), at(0), gives(2, { readCaller: 'identity' }));
    expect(stored(cache, fn(), ['x'], at(0), who('a'))?.value).toBe(1);
  });
});
