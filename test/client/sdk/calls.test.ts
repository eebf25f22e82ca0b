/** Calls through `connect`, against the real gateway process. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { method } from '../../../src/coap/codec/codes.ts';
import { decodeMessage, isMalformed } from '../../../src/coap/codec/rfc7252.ts';
import type { Message } from '../../../src/coap/codec/message.ts';
import { messageType } from '../../../src/coap/codec/message.ts';
import { findUint, optionNumber } from '../../../src/coap/codec/options.ts';
import { connect } from '../../../src/client/sdk/connect.ts';
import { ArgumentError, RemoteError } from '../../../src/client/sdk/errors.ts';
import type { Connection } from '../../../src/client/sdk/connection-controls.ts';
import type { RemoteFunction } from '../../../src/client/sdk/remote-function.ts';
import { milliseconds } from '../../../src/core/duration.ts';
import { GatewayProcess } from '../../gateway/gateway-process.ts';
import { patience } from '../../patience.ts';

const source = `
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
const mark = () => appendFileSync('$MARKS', 'x');
/**
 * Adds two numbers.
 * @pure
 * @maxAge 240
 */
export function add(a: number, b: number = 20): number { mark(); return a + b; }
/** @pure */
export function revalidated(text: string): string { mark(); return text.repeat(100); }
/** @safe */
export function echo(value: unknown): unknown { return value; }
/** @safe */
export function total(...xs: number[]): number { return xs.reduce((a, b) => a + b, 0); }
/** @safe */
export function span(from: number, to?: number, step?: number): unknown[] { return [from, to ?? null, step ?? null]; }
/** @safe */
export function size(box: { width: number; height: number }): number { return box.width * box.height; }
/** @safe */
export function types(bytes: Uint8Array, when: Date, big: bigint): unknown[] { return [bytes, when, big]; }
/** @safe */
export async function slowly(): Promise<string> { await sleep(20_000); return 'late'; }
/** @safe */
export function nothing(): void {}
export function write(text: string): string { mark(); return 'wrote ' + text; }
export function fail(): void { throw new RangeError('no such luck'); }
`;

interface Calc {
  readonly calc: Readonly<
    Record<
      | 'add'
      | 'revalidated'
      | 'echo'
      | 'total'
      | 'span'
      | 'size'
      | 'types'
      | 'slowly'
      | 'nothing'
      | 'write'
      | 'fail'
      | 'ad',
      RemoteFunction
    >
  >;
  readonly calk: Readonly<Record<'add', RemoteFunction>>;
  readonly later: Readonly<Record<'now' | 'again', RemoteFunction>>;
}

let gateway: GatewayProcess;
let gw: Connection<Calc>;
/** Messages that were sent, since it was emptied. */
let sent: Message[];

beforeAll(async () => {
  gateway = await GatewayProcess.start({ libraries: { 'calc/index.ts': source }, settings: ['debug.internals=true'] });
});
afterAll(async () => gateway.stop());
beforeEach(async () => {
  sent = [];
  gw = await connect<Calc>(gateway.uri, {
    onMessage: (direction, bytes) => {
      const message = decodeMessage(bytes);
      if (direction === 'out' && !isMalformed(message)) sent.push(message);
    },
  });
});
afterEach(async () => gw.$close());

describe('P14, W4, W5: a call is checked against the signature', () => {
  test('by position, by name, with defaults', async () => {
    expect(await gw.calc.add(1, 2)).toBe(3);
    expect(await gw.calc.add({ b: 3, a: 1 })).toBe(4);
    expect(await gw.calc.add(1)).toBe(21);
    expect(await gw.calc.add(1, undefined)).toBe(21);
    expect(await gw.calc.total(1, 2, 3)).toBe(6);
    expect(await gw.calc.total({ xs: [4, 5] })).toBe(9);
    expect(await gw.calc.size({ width: 2, height: 3 })).toBe(6);
    expect(await gw.calc.size({ box: { width: 2, height: 3 } })).toBe(6);
  });

  test('what is left out between two arguments is left out', async () => {
    expect(await gw.calc.span(1, undefined, 3)).toEqual([1, null, 3]);
  });

  test('one list is one argument', async () => {
    expect(await gw.calc.echo([1, 2])).toEqual([1, 2]);
  });

  test.each<[string, () => Promise<unknown>, string, string]>([
    ['a wrong type', () => gw.calc.add('ten', 2), 'wrong-type', 'a must be a number, got text.'],
    ['a missing argument', () => gw.calc.add(), 'missing-argument', "add needs 'a': it takes a, b."],
    ['an unknown name', () => gw.calc.add({ a: 1, c: 2 }), 'unexpected-argument', "add has no parameter 'c'"],
    ['too many', () => gw.calc.add(1, 2, 3), 'too-many-arguments', 'add got 3 arguments; it takes a, b.'],
  ])('%s is refused before anything is sent', async (_what, call, code, words) => {
    await gw.calc.add.describe();
    sent = [];
    const error = await call().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ArgumentError);
    expect(error).toMatchObject({ code, message: expect.stringContaining(words) });
    expect(sent).toEqual([]);
  });

  test('a library that is not there is refused at once, with the name that may be meant', async () => {
    sent = [];
    await expect(gw.calk.add(1)).rejects.toMatchObject({
      code: 'no-such-library',
      message: 'There is no library calk; did you mean calc?',
    });
    expect(sent).toEqual([]);
  });

  test('a function that is not there is refused, with the name that may be meant', async () => {
    await expect(gw.calc.ad(1)).rejects.toMatchObject({
      code: 'no-such-method',
      message: 'calc has no function ad; did you mean add?',
    });
  });

  test('help is the signature and the documentation', async () => {
    expect(await gw.calc.add.help()).toBe('add(a: number, b: number = 20): number\n\nAdds two numbers.');
    expect(Object.keys(gw)).toEqual(['calc']);
    expect('calc' in gw && !('calk' in gw)).toBe(true);
    expect(await gw.$functions('calc')).toContain('add');
    expect(await Promise.resolve(gw)).toBe(gw);
  });
});

describe('P22: values', () => {
  test('bytes, dates and big integers arrive as they are', async () => {
    const when = new Date('2026-01-31T12:00:00Z');
    expect(await gw.calc.types(Uint8Array.of(1, 2), when, 2n ** 70n)).toEqual([Uint8Array.of(1, 2), when, 2n ** 70n]);
  });

  test('a class of one’s own goes as its toJSON says, and is checked as that', async () => {
    class Point {
      toJSON(): object {
        return { x: 1 };
      }
    }
    expect(await gw.calc.echo(new Point())).toEqual({ x: 1 });
    await expect(gw.calc.add(new Point())).rejects.toMatchObject({ code: 'wrong-type' });
  });

  test('a long argument and a long result travel in blocks', async () => {
    const text = 'x'.repeat(5000);
    expect(await gw.calc.revalidated(text)).toBe(text.repeat(100));
  });

  test('a function that returns nothing gives undefined', async () => {
    expect(await gw.calc.nothing()).toBeUndefined();
  });
});

describe('the cache of this side', () => {
  test('a fresh result is not asked for again, unless that is wanted', async () => {
    expect(await gw.calc.add(100, 1)).toBe(101);
    sent = [];
    expect(await gw.calc.add(100, 1)).toBe(101);
    expect(sent).toEqual([]);
    expect(await gw.calc.add.with({ fresh: true })(100, 1)).toBe(101);
    expect(sent).toHaveLength(1);
  });

  test('one that is not fresh is asked for with its ETag, and does not travel again', async () => {
    const first = await gw.calc.revalidated('abc');
    let received = 0;
    const again = await connect<Calc>(gateway.uri, {
      onMessage: (direction, bytes) => {
        if (direction === 'in') received = bytes.length;
      },
    });
    await again.calc.revalidated('abc');
    expect(received).toBeGreaterThan(100);
    expect(await again.calc.revalidated('abc')).toBe(first);
    expect(received).toBeLessThan(20);
    await again.$close();
  });

  test.each([{ maxEntries: 2 }, { maxBytes: 600 }])('what was not used for longest makes room: %j', async (kept) => {
    let count = 0;
    const small = await connect<Calc>(gateway.uri, {
      kept,
      onMessage: (direction) => {
        if (direction === 'out') count++;
      },
    });
    for (const a of [1, 2, 1, 3]) await small.calc.add(a, 1);
    const before = count;
    expect([await small.calc.add(1, 1), await small.calc.add(3, 1)]).toEqual([2, 4]);
    expect(count).toBe(before);
    expect(await small.calc.add(2, 1)).toBe(3);
    expect(count).toBe(before + 1);
    await small.$close();
  });

  test('what a caller does to a result is not seen by the next one', async () => {
    const first = await gw.calc.echo([1, 2]);
    (first as number[]).push(3);
    expect(await gw.calc.echo([1, 2])).toEqual([1, 2]);
  });

  test('an unsafe call runs each time', async () => {
    const before = gateway.marks;
    await gw.calc.write('a');
    await gw.calc.write('a');
    expect(gateway.marks - before).toBe(2);
    expect(sent.filter(({ code }) => code === method.POST)).toHaveLength(2);
  });
});

describe('P20, P21, W12: what goes wrong there comes back', () => {
  test('an error of the function is thrown with its code, class, message and traceback', async () => {
    const error: unknown = await gw.calc.fail().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RemoteError);
    expect(error).toMatchObject({
      code: 'function-failed',
      status: '5.00',
      target: 'calc/fail',
      thrown: { name: 'RangeError', message: 'no such luck', stack: expect.stringContaining('index.ts') },
      cause: expect.objectContaining({ name: 'RangeError' }),
    });
  });

  test('a call that takes longer than its timeout fails', async () => {
    await expect(gw.calc.slowly.with({ timeout: milliseconds(200), retries: 0 })()).rejects.toMatchObject({
      code: 'request-timeout',
    });
  });

  test('P18: a signal gives a call up', async () => {
    const controller = new AbortController();
    const call = gw.calc.slowly.with({ signal: controller.signal })();
    setImmediate(() => controller.abort());
    await expect(call).rejects.toMatchObject({ code: 'request-aborted' });
  });

  test('closing ends what is under way', async () => {
    const other = await connect<Calc>(gateway.uri);
    await other.calc.slowly.describe();
    const call = other.calc.slowly();
    call.catch(() => {});
    await new Promise(setImmediate);
    await other[Symbol.asyncDispose]();
    await expect(call).rejects.toMatchObject({ code: 'request-closed' });
    await expect(other.calc.add(7, 7)).rejects.toMatchObject({ code: 'client-closed' });
  });

  test('nobody there is said at once', async () => {
    await expect(connect('coap://127.0.0.1:9', { retries: 0 })).rejects.toMatchObject({ code: 'request-unreachable' });
    await expect(connect('coap://127.0.0.1:9/func')).rejects.toMatchObject({ code: 'bad-uri' });
  });
});

test('P15, W12: a oneway call is one NON that wants no answer, and runs', async () => {
  await gw.calc.write.describe();
  const before = gateway.marks;
  sent = [];
  expect(await gw.calc.write.with({ oneway: true })('hello')).toBeUndefined();
  await vi.waitFor(() => expect(gateway.marks - before).toBe(1), patience);
  expect(sent).toHaveLength(1);
  expect(sent[0]).toMatchObject({ type: messageType.NON, code: method.POST });
  expect(findUint(sent[0]?.options ?? [], optionNumber.noResponse)).toBe(26);
});

test('W5: a library that is dropped in, changed and taken away is followed', async () => {
  gateway.write({ 'later/index.ts': 'export function now(): number { return 1; }' });
  await vi.waitFor(async () => expect(await gw.later.now()).toBe(1), { timeout: 30_000, interval: 300 });
  // It wants an argument now, and is safe.
  gateway.write({ 'later/index.ts': '/** @safe */ export function now(x: number): number { return x; }' });
  await vi.waitFor(async () => expect(await fresh('now', 5)).toBe(5), { timeout: 30_000, interval: 300 });
  await expect(gw.later.now()).rejects.toMatchObject({
    code: 'missing-argument',
    message: "now needs 'x': it takes x.",
  });
  expect(await gw.later.now(6)).toBe(6);
  // And has side effects again: a FETCH is refused before it runs, and goes as POST.
  gateway.write({ 'later/index.ts': 'export function now(x: number): number { return x + 1; }' });
  await vi.waitFor(async () => expect(await fresh('now', 5)).toBe(6), { timeout: 30_000, interval: 300 });
  expect(await gw.later.now.with({ fresh: true })(6)).toBe(7);
  gateway.remove('later');
  await vi.waitFor(async () => await expect(fresh('now', 5)).rejects.toMatchObject({ code: 'no-such-library' }), {
    timeout: 30_000,
    interval: 300,
  });
  await expect(gw.later.now(7)).rejects.toMatchObject({ code: 'no-such-library' });

  async function fresh(name: 'now', x: number): Promise<unknown> {
    const other = await connect<Calc>(gateway.uri);
    try {
      return await other.later[name](x);
    } finally {
      await other.$close();
    }
  }
});
