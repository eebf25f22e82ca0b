/** Arguments are kept for the next call with the same words: what a function does to its own is its own affair. */
import { expect, test } from 'vitest';
import { after, seconds } from '../../src/core/duration.ts';
import { runInline } from '../../src/functions/inline-functions.ts';
import { systemScheduler } from '../../src/transport/scheduler.ts';
import { functionOf } from './functions-of.ts';

test('an inline function that changes its arguments finds them unchanged at the next call', async () => {
  const seen: unknown[] = [];
  const spoil = (list: number[], bytes: Uint8Array): number => {
    seen.push([list.length, bytes[0]]);
    bytes[0] = 99;
    return list.pop() ?? 0;
  };
  const parts = {
    exports: new Map<string, unknown>([['f', spoil]]),
    dataFolder: '/data',
    timeLimit: seconds(1),
    scheduler: systemScheduler,
    invalidated: () => undefined,
  };
  const call = {
    function: functionOf('/** @safe @inline */ export function f(list: number[], bytes: Uint8Array) {}'),
    args: [[1, 2, 3], Uint8Array.of(7)],
    caller: { identity: 'local', peer: 'device' },
    correlationId: 'c',
    deadline: after(systemScheduler.now(), seconds(1)),
  };
  for (let n = 0; n < 3; n++) expect((await runInline(call, parts)).value).toBe(3);
  expect(seen).toEqual(Array.from({ length: 3 }, () => [3, 7]));
});
