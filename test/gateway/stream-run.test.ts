/** Who may go on with a stream that runs: consumers of the test's instead of doors. */
import { describe, expect, test } from 'vitest';
import { encodeCbor } from '../../src/cbor/encode.ts';
import { channels, type OngoingChanged } from '../../src/core/channels.ts';
import { seconds, type Instant } from '../../src/core/duration.ts';
import { CallError } from '../../src/functions/call-error.ts';
import type { StreamItem } from '../../src/functions/opened-stream.ts';
import { openStreamFlow } from '../../src/gateway/door-flows.ts';
import type { StreamConsumer, StreamRun } from '../../src/gateway/streams/stream-run.ts';
import { defaultStreamSettings, Streams } from '../../src/gateway/streams/streams.ts';
import type { DoorFlow } from '../../src/http/gateway-face.ts';
import { ManualScheduler } from '../../src/transport/manual-scheduler.ts';
import { systemRandomness } from '../../src/transport/randomness.ts';
import { functionOf } from '../functions/functions-of.ts';

const fn = functionOf('/** @safe */ export function* f() {}');
const item = (value: string): StreamItem => ({ value, cbor: encodeCbor(value) });
const consumer = (): StreamConsumer => ({ replaced: () => undefined });

/** Streams whose items `next` gives, by their index. */
class Bench {
  readonly scheduler = new ManualScheduler();
  readonly streams: Streams;
  opened = 0;

  constructor(next: (index: number) => Promise<StreamItem | undefined>) {
    this.streams = new Streams({
      ...defaultStreamSettings,
      maxStreamsPerPeer: 1,
      scheduler: this.scheduler,
      randomBytes: systemRandomness.bytes,
      versionOf: () => undefined,
      opener: {
        open: async () => {
          this.opened++;
          let at = 0;
          const following = (skip: number): ReturnType<typeof next> => {
            at += skip + 1;
            return next(at - 1);
          };
          return { next: following, close: () => undefined };
        },
      },
    });
  }

  open(from?: number, peer = 'a', run?: string, part = '', identity = 'local'): Promise<StreamRun> {
    const caller = { identity, peer };
    const call = { function: fn, args: [], caller, correlationId: 'c', deadline: 0 as Instant };
    return this.streams.open({ call, part, from, run });
  }
}

test('one that has failed is not gone on with: the function runs anew', async () => {
  const failing = Promise.withResolvers<undefined>();
  const bench = new Bench((index) => (index === 0 ? Promise.resolve(item('0')) : failing.promise));
  const run = await bench.open();
  const reader = consumer();
  run.attach(reader);
  await run.take(0);
  const second = run.take(1).catch(() => undefined);
  run.detach(reader);
  failing.reject(new CallError('function-failed', 'It threw.'));
  await second;
  await bench.open(0, 'b');
  expect(bench.opened).toBe(2);
});

describe('read by another door', () => {
  const wish = { forms: ['lines'], follows: false, after: undefined } as const;
  const flow = (bench: Bench, check = (): void => undefined): Promise<DoorFlow> => {
    const caller = { identity: 'local', peer: 'a' };
    const call = { function: fn, args: [], caller, correlationId: 'c', deadline: 0 as Instant };
    const words = { from: 0, count: undefined, run: undefined };
    return openStreamFlow({ streams: bench.streams, call, part: '', words, wish, check });
  };

  test('who may not call it any more gets no further item, and it is closed', async () => {
    let isAllowed = true;
    const bench = new Bench((index) => Promise.resolve(item(String(index))));
    const read = await flow(bench, () => {
      if (!isAllowed) throw new CallError('access-denied', 'Not any more.');
    });
    expect(await read.next()).toMatchObject({ id: '0' });
    isAllowed = false;
    await expect(read.next()).rejects.toMatchObject({ code: 'access-denied' });
    expect(bench.streams.size).toBe(0);
  });

  test('by another request of the same peer: the one before is told so', async () => {
    const bench = new Bench((index) => Promise.resolve(item(String(index))));
    const [first, second] = [await flow(bench), await flow(bench)];
    await expect(first.next()).rejects.toMatchObject({ code: 'cancelled' });
    expect([await second.next(), bench.opened]).toEqual([expect.objectContaining({ id: '0' }), 1]);
  });
});

test('items that were given are kept up to 64 KiB, and the last one always', async () => {
  const bench = new Bench((index) => Promise.resolve(item(String(index).repeat(40_000))));
  const run = await bench.open();
  run.attach(consumer());
  for (const index of [0, 1, 2]) await run.take(index);
  expect([run.has(1), run.has(2)]).toEqual([false, true]);
});

describe('asked for by its name', () => {
  const bench = (...letters: string[]): Bench =>
    new Bench(() => {
      const [letter] = letters.splice(0, 1);
      return Promise.resolve(letter === undefined ? undefined : item(letter));
    });

  test('it is gone on with from another address too, although its reader seems to be there', async () => {
    const given = bench('a', 'b');
    const run = await given.open();
    let isReplaced = false;
    run.attach({ replaced: () => (isReplaced = true) });
    await run.take(0);
    expect(await given.open(1, 'b')).not.toBe(run);
    const again = await given.open(1, 'c', run.id);
    again.attach(consumer());
    expect([again === run, isReplaced]).toEqual([true, true]);
  });

  test('nothing runs where it is not there, has not that item any more, or is of other arguments', async () => {
    const given = bench('a'.repeat(40_000), 'b'.repeat(40_000));
    const run = await given.open();
    run.attach(consumer());
    await run.take(0);
    await run.take(1);
    const lost = { code: 'stream-lost' };
    await expect(given.open(2, 'b', '00000000')).rejects.toMatchObject(lost);
    await expect(given.open(0, 'b', run.id)).rejects.toMatchObject(lost);
    await expect(given.open(2, 'b', run.id, 'other')).rejects.toMatchObject(lost);
    expect(given.opened).toBe(1);
    run.close();
    await expect(given.open(2, 'b', run.id)).rejects.toMatchObject(lost);
  });

  test('its last items and its end can be had again after its end, for a time, and take nobody room', async () => {
    const given = bench('a', 'b');
    const run = await given.open();
    const reader = consumer();
    run.attach(reader);
    await run.take(0);
    await run.take(1);
    expect(await run.take(2)).toBeUndefined();
    run.leave(reader);
    expect(given.streams.size).toBe(0);
    const again = await given.open(1, 'b', run.id);
    expect([(await again.take(1))?.value, await again.take(2)]).toEqual(['b', undefined]);
    await expect(given.open(undefined, 'a')).resolves.toBeDefined();
    given.scheduler.advance(seconds(60));
    await expect(given.open(1, 'b', run.id)).rejects.toMatchObject({ code: 'stream-lost' });
  });

  test('so can its failure, by whoever was away when its function failed', async () => {
    const given = new Bench((index) =>
      index === 0 ? Promise.resolve(item('a')) : Promise.reject(new CallError('function-failed', 'It threw.')),
    );
    const run = await given.open();
    const reader = consumer();
    run.attach(reader);
    await run.take(0);
    const failed = { code: 'function-failed', message: 'It threw.' };
    await expect(run.take(1)).rejects.toMatchObject(failed);
    // Its consumer may not have heard of that: now while the run is kept for it, and then when that is over.
    run.detach(reader);
    expect(await given.open(1, 'b', run.id)).toBe(run);
    run.attach(reader);
    run.leave(reader);
    expect(given.streams.size).toBe(0);
    const again = await given.open(0, 'b', run.id);
    expect((await again.take(0))?.value).toBe('a');
    await expect(again.take(1)).rejects.toMatchObject(failed);
    expect(given.opened).toBe(1);
    given.scheduler.advance(seconds(60));
    await expect(given.open(1, 'b', run.id)).rejects.toMatchObject({ code: 'stream-lost' });
  });

  test('what it failed with because the gateway had no room is not kept: come back, and it may be another', async () => {
    const given = new Bench(() => Promise.reject(new CallError('not-ready', 'Not now.')));
    const run = await given.open();
    const reader = consumer();
    run.attach(reader);
    await expect(run.take(0)).rejects.toMatchObject({ code: 'not-ready' });
    run.leave(reader);
    await expect(given.open(0, 'b', run.id)).rejects.toMatchObject({ code: 'stream-lost' });
  });

  test('of those that have ended a few of each caller are remembered, and none makes another forget its own', async () => {
    const given = bench();
    const ended = async (identity: string): Promise<string> => {
      const run = await given.open(undefined, identity, undefined, '', identity);
      const reader = consumer();
      run.attach(reader);
      await run.take(0);
      run.leave(reader);
      return run.id;
    };
    const isThere = async (id: string, identity: string): Promise<boolean> =>
      await given.open(0, identity, id, '', identity).then(
        () => true,
        () => false,
      );
    const quiet = await ended('quiet');
    const ids: string[] = [];
    for (let i = 0; i < 17; i++) ids.push(await ended('busy'));
    const [first = '', second = ''] = ids;
    expect(await Promise.all([isThere(first, 'busy'), isThere(second, 'busy'), isThere(quiet, 'quiet')])).toEqual([
      false,
      true,
      true,
    ]);
    expect(await isThere(quiet, 'busy')).toBe(false);
    for (let i = 0; i < 64; i++) await ended(`caller ${i}`);
    expect(await isThere(second, 'busy')).toBe(false);
  });

  test('of one caller half a MiB of them is remembered', async () => {
    const given = new Bench((index) => Promise.resolve(index === 0 ? item('a'.repeat(300_000)) : undefined));
    const ids: string[] = [];
    for (let i = 0; i < 2; i++) {
      const run = await given.open();
      const reader = consumer();
      run.attach(reader);
      await run.take(0);
      await run.take(1);
      run.leave(reader);
      ids.push(run.id);
    }
    await expect(given.open(1, 'a', ids[0])).rejects.toMatchObject({ code: 'stream-lost' });
    await expect(given.open(1, 'a', ids[1])).resolves.toBeDefined();
  });
});

test('a stream counts for the peer that reads it now', async () => {
  const bench = new Bench(() => Promise.resolve(item('x')));
  const run = await bench.open(undefined, 'a');
  const reader = consumer();
  run.attach(reader);
  run.detach(reader);
  expect(await bench.open(0, 'b')).toBe(run);
  await expect(bench.open(undefined, 'b')).rejects.toMatchObject({ code: 'overloaded' });
  await expect(bench.open(undefined, 'a')).resolves.toBeDefined();
});

test('logs and metrics are told what was opened, what it ended with, and what was refused', async () => {
  const told: string[] = [];
  const listen = (event: unknown): void => {
    const { kind, state, target, peer, identity, problem, correlationId } = event as OngoingChanged;
    if (target === 'test/f') told.push([kind, state, target, peer, identity, problem, correlationId].join(' '));
  };
  channels.ongoing.subscribe(listen);
  const bench = new Bench((index) =>
    index === 0 ? Promise.resolve(undefined) : Promise.reject(new CallError('function-failed', 'It threw.')),
  );
  const read = async (from?: number): Promise<void> => {
    const run = await bench.open(from);
    const reader = consumer();
    run.attach(reader);
    await run.take(from ?? 0).catch(() => undefined);
    await expect(bench.open()).rejects.toThrow(CallError);
    run.leave(reader);
  };
  await read();
  await read(1);
  const run = await bench.open();
  const reader = consumer();
  run.attach(reader);
  run.detach(reader);
  bench.scheduler.advance(seconds(60));
  channels.ongoing.unsubscribe(listen);
  const line = (state: string, problem = ''): string => `stream ${state} test/f a local ${problem} c`;
  expect(told).toEqual([
    line('opened'),
    line('refused', 'overloaded'),
    line('ended'),
    line('opened'),
    line('refused', 'overloaded'),
    line('ended', 'function-failed'),
    line('opened'),
    line('ended', 'cancelled'),
  ]);
});
