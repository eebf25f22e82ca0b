/** P12-13: a program is told of its calls, and of the end of its connection. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect } from '../../../src/client/sdk/connect.ts';
import { startGateway, type TestGateway } from '../../http/gateway.ts';

const library = `
/** @safe */
export function* count(to: number): Generator<number> { for (let i = 0; i < to; i++) yield i; }
export function fail(): void { throw new RangeError('no'); }
export function work(): number { return 1; }
`;

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway({ libraries: { 'lib/index.ts': library } });
});
afterAll(async () => gateway.close());

test('of calls, jobs, batches and loops, how they end, and that the connection is closed', async () => {
  const told: string[] = [];
  const gw = await connect(gateway.coap, {
    onCall: ({ target, args }) => told.push(`${target}(${args.map(String).join(', ')})`),
    onAnswer: (_call, took) => told.push(took >= 0 ? 'well' : 'before it began'),
    onError: (_call, error) => told.push(error instanceof Error && 'code' in error ? String(error.code) : 'none'),
    onClose: () => told.push('closed'),
  });
  const lib = gw['lib'];
  await lib?.['work']?.();
  await lib?.['fail']?.().catch(() => undefined);
  await lib?.['work']?.('too much').catch(() => undefined);
  await lib?.['work']?.job();
  await gw.$batch((later) => [later['lib']?.['work']?.()]);
  for await (const item of lib?.['count']?.(5) ?? []) if (item === 1) break;
  await gw.$close();
  const calls = ['lib/work()', 'well', 'lib/fail()', 'function-failed', 'lib/work(too much)', 'too-many-arguments'];
  expect(told).toEqual([...calls, 'lib/work()', 'well', 'b()', 'well', 'lib/count(5)', 'well', 'closed']);
});

test('what a hook throws, the call throws, and nothing is sent', async () => {
  await using gw = await connect(gateway.coap, {
    onCall: ({ target }) => {
      throw new RangeError(`not ${target}`);
    },
  });
  await expect(gw['lib']?.['work']?.()).rejects.toThrow('not lib/work');
});
