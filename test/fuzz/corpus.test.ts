import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Asker } from './asked.ts';
import { readCorpus } from './corpus.ts';
import { Stack } from './stack.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await Stack.open({ uniform: () => 0.5 });
});
afterAll(() => stack.close());

describe('what broke something once, here or elsewhere, breaks nothing', () => {
  test.each(readCorpus().map((one, index) => [one.meaning, one, `near-${index}`] as const))(
    '%s',
    async (_, { datagrams }, peer) => {
      const asker = new Asker(stack);
      for (const { bytes, answer } of datagrams) {
        const got = await asker.send(bytes, peer);
        if (answer !== undefined) expect(got).toBe(answer);
      }
      await stack.release();
      await stack.advance(3_600_000);
      await stack.advance(3_600_000);
      const left = { pending: 0, timers: 0, observations: 0, unsafeRecords: 0, keptBytes: 0, assemblyBytes: 0 };
      expect(stack.engine.counters()).toMatchObject(left);
    },
  );
});
