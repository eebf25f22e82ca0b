/** P16: `$batch`, against the real gateway process. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { method } from '../../../src/coap/codec/codes.ts';
import { decodeMessage, isMalformed } from '../../../src/coap/codec/rfc7252.ts';
import { connect } from '../../../src/client/sdk/connect.ts';
import type { Connection } from '../../../src/client/sdk/connection-controls.ts';
import type { RemoteFunction } from '../../../src/client/sdk/remote-function.ts';
import { GatewayProcess } from '../../gateway/gateway-process.ts';
import { patience } from '../../patience.ts';

const source = `
import { appendFileSync } from 'node:fs';
const mark = () => appendFileSync('$MARKS', 'x');
/** @pure */
export function add(a: number, b: number): number { return a + b; }
/** @safe */
export function user(name: string): { id: number; tags: string[] } { return { id: name.length, tags: ['x', name] }; }
/** @safe */
export function total(...xs: number[]): number { return xs.reduce((a, b) => a + b, 0); }
/** @safe */
export function nothing(): void {}
export function write(text: string): string { mark(); return 'wrote ' + text; }
export function fail(): void { throw new TypeError('no such luck'); }
`;

interface Libraries {
  readonly lib: {
    readonly add: RemoteFunction<[a: number, b: number], { readonly a: number; readonly b: number }, number>;
    readonly user: RemoteFunction<
      [name: string],
      { readonly name: string },
      { readonly id: number; readonly tags: readonly string[] }
    >;
    readonly total: RemoteFunction<readonly number[], { readonly xs: readonly number[] }, number>;
    readonly nothing: RemoteFunction<[], Readonly<Record<string, never>>>;
    readonly write: RemoteFunction<[text: string], { readonly text: string }, string>;
    readonly fail: RemoteFunction<[], Readonly<Record<string, never>>>;
  };
}

let gateway: GatewayProcess;
let gw: Connection<Libraries>;
/** Codes of the requests that were sent. */
let sent: number[];
beforeAll(async () => {
  gateway = await GatewayProcess.start({ libraries: { 'lib/index.ts': source } });
});
afterAll(async () => gateway.stop());
beforeEach(async () => {
  sent = [];
  gw = await connect<Libraries>(gateway.uri, {
    onMessage: (direction, bytes) => {
      const message = decodeMessage(bytes);
      if (direction === 'out' && !isMalformed(message)) sent.push(message.code);
    },
  });
});
afterEach(async () => gw.$close());

test('three dependent calls are one message', async () => {
  const calculate = async (): Promise<number> =>
    await gw.$batch(({ lib }) => {
      const first = lib.add(10, 20);
      const second = lib.add(first, 30);
      return lib.add({ a: second, b: 40 });
    });
  expect(await calculate()).toBe(100);
  sent = [];
  expect(await calculate()).toBe(100);
  expect(sent).toEqual([method.FETCH]);
});

test('members of a result are arguments too, and results come in the shape that is returned', async () => {
  const given = await gw.$batch(({ lib }) => {
    const user = lib.user('Ada');
    const again = lib.user(user.tags[1] ?? '');
    return { sum: lib.total(1, user.id, 5), all: [again, user.id], plain: 'text', nothing: lib.nothing() };
  });
  expect(given).toEqual({ sum: 9, all: [{ id: 3, tags: ['x', 'Ada'] }, 3], plain: 'text', nothing: null });
});

test('one call that is not safe makes it a POST, which runs once', async () => {
  const before = gateway.marks;
  expect(await gw.$batch(({ lib }) => [lib.user('Bo'), lib.write('a')])).toEqual([
    { id: 2, tags: ['x', 'Bo'] },
    'wrote a',
  ]);
  expect(gateway.marks - before).toBe(1);
  expect(sent.at(-1)).toBe(method.POST);
});

test('a oneway batch runs, and nothing comes back', async () => {
  const before = gateway.marks;
  await gw.$with({ oneway: true }).$batch(({ lib }) => [lib.write('a'), lib.write('b')]);
  await vi.waitFor(() => expect(gateway.marks - before).toBe(2), patience);
});

test('an empty batch asks nothing', async () => {
  sent = [];
  expect(await gw.$batch(() => ['none'])).toEqual(['none']);
  expect(sent).toEqual([]);
});

describe('what goes wrong', () => {
  test('the first that fails ends it: which one, and what there was before', async () => {
    const before = gateway.marks;
    const batch = gw.$batch(({ lib }) => [lib.write('a'), lib.fail(), lib.write('b')]);
    await expect(batch).rejects.toMatchObject({
      code: 'function-failed',
      target: 'lib/fail',
      batch: { index: 1, results: ['wrote a'] },
    });
    expect(gateway.marks - before).toBe(1);
  });

  test('arguments are checked before anything is sent, but for those that stand for a result', async () => {
    await gw.$batch(({ lib }) => lib.add(1, 2));
    sent = [];
    const wrong = async (record: Parameters<typeof gw.$batch>[0]): Promise<unknown> => await gw.$batch(record);
    await expect(wrong(({ lib }) => lib.add(lib.add(1, 2), 'x' as never))).rejects.toMatchObject({
      code: 'wrong-type',
      parameter: 'b',
    });
    await expect(wrong(({ lib }) => lib.add({ a: lib.add(1, 2) } as never))).rejects.toMatchObject({
      code: 'missing-argument',
    });
    await expect(wrong(({ lib }) => Array.from({ length: 17 }, () => lib.add(1, 2)))).rejects.toMatchObject({
      code: 'too-many-calls',
    });
    expect(sent).toEqual([]);
    await expect(wrong(({ lib }) => lib.add(lib.user('x') as never, 1))).rejects.toMatchObject({
      code: 'wrong-type',
      parameter: 'a',
      batch: { index: 1 },
    });
  });

  test('a reference belongs to its batch, and waits for nothing', async () => {
    let stolen: unknown;
    await gw.$batch(({ lib }) => {
      stolen = lib.add(1, 2);
    });
    await expect(gw.$batch(({ lib }) => lib.add(stolen as number, 1))).rejects.toMatchObject({ code: 'bad-reference' });
    await expect(gw.$batch(async ({ lib }) => await Promise.resolve(lib.add(1, 1)))).rejects.toMatchObject({
      code: 'bad-reference',
    });
  });
});
