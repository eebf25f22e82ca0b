/** The streams of a thread whose end and whose next item are on their way at the same time. */
import { expect, test } from 'vitest';
import { RunningCall, runningCall } from '../../../../src/functions/call-context.ts';
import { OpenStreams } from '../../../../src/functions/runtimes/node/open-streams.ts';
import { closeName, nextName, openPrefix } from '../../../../src/functions/stream-steps.ts';

const call = (): RunningCall =>
  new RunningCall(
    {
      library: 'x',
      dataFolder: 'data',
      deadline: Infinity,
      caller: { identity: 'local', peer: 'p', correlationId: 'c' },
      invalidate: () => undefined,
    },
    undefined,
  );

test('what is over has no next item, and is closed once; what its cleaning up throws is nobody’s', async () => {
  let cleaned = 0;
  const ended: Promise<void>[] = [];
  const streams = new OpenStreams(
    () =>
      async function* items() {
        try {
          yield 1;
          yield 2;
        } finally {
          cleaned++;
          await Promise.reject(new Error('of nobody'));
        }
      },
    (_, end) => ended.push(end),
  );
  const step = (name: string, ...args: readonly unknown[]): unknown =>
    runningCall.run(call(), () => streams.find(name)?.(...args));
  const number = step(`${openPrefix}items`);
  expect(await step(nextName, number, 0)).toEqual([1]);
  step(closeName, number);
  step(closeName, number);
  expect(await step(nextName, number, 0)).toEqual([]);
  expect(await step(nextName, 99, 0)).toEqual([]);
  // A rejection that nobody heard is told when the microtasks are over.
  await new Promise(setImmediate);
  await Promise.all(ended);
  expect([cleaned, ended.length]).toEqual([1, 1]);
});
