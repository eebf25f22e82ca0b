/** Results that are kept as bytes: found by their keys and by no others, in any order of what happens to them, within bounds. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { contentFormat } from '../../src/cbor/content-format.ts';
import { encodeCbor } from '../../src/cbor/encode.ts';
import { hex } from '../../src/core/bytes.ts';
import type { Value } from '../../src/core/value.ts';
import type { CachedResult, Computed } from '../../src/cache/cacheable.ts';
import { ResultCache } from '../../src/cache/result-cache.ts';
import { at, computed, fn, stored, who } from './fixture.ts';
import { patience } from '../patience.ts';

const { cbor, json } = contentFormat;

/** As a thread gives it. */
function asBytes(value: Value, tags: readonly string[] = []): Computed {
  const bytes = value === undefined ? new Uint8Array() : encodeCbor(value);
  return computed(value, { tags, returned: { value, cbor: bytes, heldBytes: bytes.length } });
}

function keep(
  cache: ResultCache,
  args: readonly Value[],
  value: Value,
  method = 'add',
  caller = 'local',
): CachedResult {
  const result = cache.resolve(fn({ method }), args, who(caller), at(0), () => asBytes(value));
  if (result instanceof Promise) throw new TypeError('it was computed at once');
  return result;
}

const key = fc.oneof(fc.nat(60), fc.constantFrom('ä', 'a', '日本', '', 'x'.repeat(100)));
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('ask'), key, method: fc.constantFrom('f', 'g') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('invalidate'), key, method: fc.constantFrom('f', 'g') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('json'), key, method: fc.constantFrom('f', 'g') }) },
);

test('what is found is what was computed last for this very key, never more than there may be', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), fc.integer({ min: 1, max: 40 }), (steps, maxEntries) => {
      const cache = new ResultCache({ maxEntries, maxBytes: 20_000 });
      const model = new Map<string, string>();
      for (const [n, { kind, key: arg, method }] of steps.entries()) {
        const name = `${method} ${typeof arg} ${arg}`;
        if (kind === 'invalidate') {
          cache.invalidateFunction('math', method);
          for (const known of model.keys()) if (known.startsWith(method)) model.delete(known);
        } else {
          const value = n % 7 === 0 ? 'y'.repeat(n) : `${name} ${n}`;
          const result = keep(cache, [arg], value, method);
          // It may have been let go of; but what is there is what was computed.
          if (result.state === 'miss') model.set(name, value);
          expect(result.value).toBe(model.get(name));
          if (kind === 'json')
            expect(new TextDecoder().decode(result.representation(json).bytes)).toBe(JSON.stringify(result.value));
          expect(hex(result.representation(cbor).bytes)).toBe(hex(encodeCbor(model.get(name))));
        }
        const { entries, bytes } = cache.counters();
        expect(entries).toBeLessThanOrEqual(maxEntries);
        expect(bytes).toBeLessThanOrEqual(20_000);
      }
      cache.clear();
      expect(cache.counters()).toMatchObject({ entries: 0, bytes: 0 });
    }),
    { numRuns: 60 },
  );
});

describe('a kept result', () => {
  test('has the same representations and ETags as the one that was computed', () => {
    const cache = new ResultCache();
    for (const value of [0, 'text', [1, 'x'], { b: [true, null] }, undefined]) {
      const first = keep(cache, [value ?? 'nothing'], value);
      const again = stored(cache, fn(), [value ?? 'nothing']);
      for (const format of [cbor, json]) {
        const [one, other] = [first.representation(format), again?.representation(format)];
        expect(hex(other?.bytes ?? Uint8Array.of(1))).toBe(hex(one.bytes));
        expect(other?.format).toBe(one.format);
        expect(other?.etag).toEqual(one.etag);
      }
      expect(again?.value).toEqual(value);
    }
  });
  test('stays as it was for who holds it, when it has gone', () => {
    const cache = new ResultCache({ maxEntries: 2, maxBytes: 1 << 20 });
    keep(cache, [1], 'one');
    const held = stored(cache, fn(), [1]);
    const { lease } = held ?? {};
    expect(lease?.over).toBe(false);
    for (let n = 2; n < 10; n++) keep(cache, [n], `other ${n}`);
    expect(lease?.over).toBe(true);
    expect(held?.value).toBe('one');
    expect(new TextDecoder().decode(held?.representation(json).bytes)).toBe('"one"');
    expect(cache.counters().entries).toBe(2);
  });
  test('is longer there where it is asked for, also by who gives the answer again', () => {
    const cache = new ResultCache({ maxEntries: 4, maxBytes: 1 << 20 });
    keep(cache, [0], 'asked');
    const lease = stored(cache, fn(), [0])?.lease;
    for (let n = 1; n < 40; n++) {
      keep(cache, [n], `once ${n}`);
      lease?.use();
    }
    expect(stored(cache, fn(), [0])?.value).toBe('asked');
    expect(cache.counters().entries).toBe(4);
  });
  test('that one caller alone may see is found under its key only', () => {
    const cache = new ResultCache();
    const own = (caller: string) =>
      cache.resolve(fn(), [1], who(caller), at(0), () => ({
        ...asBytes(caller),
        readCaller: 'identity',
      })) as CachedResult;
    expect([own('a').value, own('b').value, own('a').state, own('b').value]).toEqual(['a', 'b', 'hit', 'b']);
  });
});

/** What is not needed any more is not counted. */
function garbageCollector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}

test('a long time of invalidations leaves no more memory than results', async () => {
  const cache = new ResultCache();
  const collect = garbageCollector();
  collect();
  const before = process.memoryUsage().arrayBuffers;
  for (let round = 0; round < 40; round++) {
    keep(cache, ['stays'], 'stays', 'other');
    for (let n = 0; n < 170; n++) keep(cache, [n, round], 'x'.repeat(3000));
    cache.invalidateFunction('math', 'add');
  }
  expect(stored(cache, fn({ method: 'other' }), ['stays'])?.value).toBe('stays');
  // Buffers are given back by a thread of V8's own, some time after the collection.
  await vi.waitFor(() => {
    collect();
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(12 << 20);
  }, patience);
});
