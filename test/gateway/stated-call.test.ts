/** An answer that is kept with the words of a call is given while the cache would give the same. */
import { expect, test } from 'vitest';
import { ResultCache } from '../../src/cache/result-cache.ts';
import type { CachedResult } from '../../src/cache/cacheable.ts';
import { contentFormat } from '../../src/cbor/content-format.ts';
import { milliseconds, type Instant } from '../../src/core/duration.ts';
import type { ReadCaller } from '../../src/core/principal.ts';
import type { Value } from '../../src/core/value.ts';
import { StatedCall } from '../../src/gateway/stated-call.ts';
import { functionOf } from '../functions/functions-of.ts';

const asker = { key: 'http', remote: { address: '127.0.0.1', port: 1 } };
const at = (now: number): Instant => now as Instant;
const noTime = milliseconds(0);
const openly = { safe: true, identified: false };

/** A call whose result is in the cache since `at(0)` for ten seconds. */
class Kept {
  readonly cache = new ResultCache();
  readonly call: StatedCall;

  constructor(value: Value, readCaller: ReadCaller = false) {
    const fn = functionOf('/** @pure @maxAge 10 */ export function f() {}');
    const question = this.cache.question(fn, []);
    this.call = new StatedCall(1, fn, [], question, contentFormat.json);
    void this.cache.ask(question, asker, at(0), () => ({ value, readCaller, tags: [], queued: noTime, ran: noTime }));
  }

  recall(now: number): CachedResult {
    const hit = this.cache.recall(this.call.question, asker, at(now));
    if (hit === undefined) throw new Error('it is not in the cache');
    return hit;
  }

  keep(now: number): void {
    const hit = this.recall(now);
    this.call.keep(this.call.answer(hit, openly, at(now)), hit, at(now));
  }

  maxAgeGiven(now: number): number | undefined {
    return this.call.given(false, at(now))?.maxAge;
  }
}

test('it is given until Max-Age counts down, and never after', () => {
  const kept = new Kept(30);
  expect(kept.maxAgeGiven(1500)).toBeUndefined();
  kept.keep(1500);
  const ages = [1500, 1999, 2001, 9999, 60_000].map((now) => kept.maxAgeGiven(now));
  expect(ages).toEqual([8, 8, undefined, undefined, undefined]);
});

test('it is not given once the result is out of date', () => {
  const kept = new Kept(30);
  kept.keep(500);
  expect(kept.maxAgeGiven(500)).toBe(9);
  kept.cache.clear();
  expect(kept.maxAgeGiven(500)).toBeUndefined();
});

test('it is given to those alone to whom it says the same of itself', () => {
  const { call, ...kept } = new Kept(30);
  const hit = kept.cache.recall(call.question, asker, at(500));
  if (hit === undefined) throw new Error('it is not in the cache');
  for (const identified of [false, true]) {
    call.keep(call.answer(hit, { safe: true, identified }, at(500)), hit, at(500));
    expect([call.given(false, at(500))?.private, call.given(true, at(500))?.private]).toEqual(
      identified ? [undefined, true] : [false, undefined],
    );
  }
});

test.each([
  ['is one caller’s alone', new Kept(30, 'identity')],
  ['is long', new Kept('x'.repeat(1100))],
])('it is not kept where it %s', (_, kept) => {
  kept.keep(500);
  expect(kept.maxAgeGiven(500)).toBeUndefined();
});
