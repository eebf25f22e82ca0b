/** How a call ends, which is always told and never thrown. */
import { expect, test } from 'vitest';
import { RunningCall, type CallFacts } from '../../../../src/functions/call-context.ts';
import { context, fn, z } from '../../../../src/functions/library.ts';
import { runCall, type Callable } from '../../../../src/functions/runtimes/node/run-call.ts';

const facts: CallFacts = {
  library: 'lib',
  caller: { identity: 'ann', groups: [], peer: '127.0.0.1:5', correlationId: 'c' },
  deadline: 1,
  dataFolder: '/data',
  invalidate: () => undefined,
};
const end = async (callable: Callable): Promise<unknown> => await runCall(callable, [], new RunningCall(facts));
const failed = (failure: object): unknown =>
  expect.objectContaining({ kind: 'failed', failure: expect.objectContaining(failure) as unknown });

test('what cannot be carried is said of a result that comes late, too', async () => {
  const loop: unknown[] = [];
  loop.push(loop);
  for (const callable of [() => loop, async () => await Promise.resolve(loop)])
    expect(await end(callable)).toEqual(failed({ problem: 'unencodable-result' }));
});

test('what is gone through when it has been returned belongs to the call', async () => {
  const lazy = function* (): Generator<string> {
    yield context().identity;
  };
  expect(await end(lazy)).toMatchObject({ kind: 'done', value: ['ann'], readCaller: 'identity' });
});

test('an argument that was not given is none', async () => {
  const named = fn({ params: { a: z.number().optional(), b: z.number() } }, (given) => Object.keys(given));
  const callable = named as unknown as Callable;
  expect(await runCall(callable, [undefined, 2], new RunningCall(facts))).toMatchObject({ value: ['b'] });
});

test('only text is told of an error, whatever stands in it', async () => {
  const ended = await end(() => {
    throw Object.assign(new TypeError('x'), { message: 7, stack: ['no stack'] });
  });
  expect(ended).toEqual(failed({ thrown: { name: 'TypeError', message: '7', stack: 'no stack' } }));
});

test.each<[string, () => unknown, string]>([
  ['what is no Error', () => 'x', 'The function threw a value that is no Error.'],
  ['a name that is none', () => Object.assign(new Error('x'), { name: 'a\nb' }), 'The function threw an error.'],
  [
    'a message that is no text',
    () => Object.assign(new TypeError('x'), { message: 7 }),
    'The function threw TypeError.',
  ],
  [
    'what throws when it is looked at',
    () =>
      Object.defineProperty(new Error('x'), 'message', {
        get: () => {
          throw new Error('no');
        },
      }),
    'The function threw something that cannot be shown.',
  ],
])('of %s that is thrown as much is told as can be', async (_, make, message) => {
  const ended = await end(() => {
    throw make();
  });
  expect(ended).toEqual(failed({ problem: 'function-failed', message }));
  // It goes to another thread.
  expect(structuredClone(ended)).toEqual(ended);
});
