/** P17: what comes one after the other is gone on with, whatever is lost in between. Observations are scripted, time is a clock's. */
import { describe, expect, test } from 'vitest';
import { contentFormat } from '../../../src/cbor/content-format.ts';
import { encodeCbor } from '../../../src/cbor/encode.ts';
import { RequestError } from '../../../src/client/request-error.ts';
import type { DoorAnswer, StreamEvent, StreamPlace, WatchEvent } from '../../../src/client/sdk/door.ts';
import { streamItems, watchedResults, type StreamOptions } from '../../../src/client/sdk/followed.ts';
import { milliseconds, seconds, type Milliseconds } from '../../../src/core/duration.ts';
import type { Value } from '../../../src/core/value.ts';
import { problems } from '../../../src/functions/call-error.ts';

/** 5.03 and its like, with the number of a problem. */
const answer = (code: number, problem: number, maxAge = 0): DoorAnswer => ({
  code,
  contentFormat: contentFormat.problemDetails,
  payload: encodeCbor({ 'funcoap:e': new Map([[0, problem]]) }),
  etag: undefined,
  maxAge: seconds(maxAge),
});

const item = (index: number): StreamEvent => ({ type: 'item', index, value: `item ${index}` });
const begin: StreamPlace = { from: 0, run: undefined };
const end: StreamEvent = { type: 'end' };
const lost = new RequestError('association-closed', 'coaps://192.0.2.1/func/x/y');

/** Options, and how long was waited in between. */
function options(retries = 2, replay = false): StreamOptions & { readonly waits: Milliseconds[] } {
  const waits: Milliseconds[] = [];
  const after = (span: Milliseconds, fire: () => void): (() => void) => {
    waits.push(span);
    queueMicrotask(fire);
    return () => undefined;
  };
  const scheduler = { now: () => milliseconds(0) as never, after };
  const refused = ({ code }: DoorAnswer): Error => new Error(`refused ${code}`);
  return { retries, replay, signal: undefined, scheduler, origin: 'coaps://192.0.2.1', refused, waits };
}

/** Each call gives the next of these. */
function opens<T>(...runs: readonly (readonly (T | Error)[])[]): {
  asked: number[];
  places: StreamPlace[];
  open: (place: StreamPlace) => AsyncIterable<T>;
} {
  const asked: number[] = [];
  const places: StreamPlace[] = [];
  const open = async function* (place: StreamPlace): AsyncGenerator<T> {
    places.push(place);
    const run = runs[asked.push(place.from) - 1] ?? [];
    for (const told of run) {
      if (told instanceof Error) throw told;
      yield await Promise.resolve(told);
    }
  };
  return { asked, places, open };
}

async function all(items: AsyncIterable<Value>): Promise<Value[]> {
  const list: Value[] = [];
  for await (const one of items) list.push(one);
  return list;
}

test('after a loss it is asked for behind the last item, as often as there is something new', async () => {
  const { asked, open } = opens<StreamEvent>([item(0), item(1), lost], [item(2), lost], [lost], [item(3), lost], [end]);
  expect(await all(streamItems(options(), 0, open))).toEqual(['item 0', 'item 1', 'item 2', 'item 3']);
  expect(asked).toEqual([0, 2, 3, 3, 4]);
});

test('without something new in between it is given up', async () => {
  const { asked, open } = opens<StreamEvent>([item(0), lost], [lost], [lost], [item(1), end]);
  const given = options();
  await expect(all(streamItems(given, 0, open))).rejects.toBe(lost);
  expect(asked).toEqual([0, 1, 1]);
  expect(given.waits).toEqual([1000, 4000]);
});

test('an item that is told again is given once', async () => {
  const { open } = opens<StreamEvent>([item(5), item(5), item(6), end]);
  expect(await all(streamItems(options(), 5, open))).toEqual(['item 5', 'item 6']);
});

test('a gateway that begins anew is asked for what is wanted', async () => {
  const { asked, open } = opens<StreamEvent>([item(0), item(1), item(2), item(0), item(1)], [item(3), end]);
  expect(await all(streamItems(options(), 0, open))).toEqual(['item 0', 'item 1', 'item 2', 'item 3']);
  expect(asked).toEqual([0, 3]);
});

test('one that never gives what is wanted is no stream', async () => {
  const { open } = opens<StreamEvent>([item(7)], [item(7)], [item(7)]);
  await expect(all(streamItems(options(), 0, open))).rejects.toMatchObject({ code: 'not-a-stream' });
});

test('5.03 is waited for as long as it says; other errors, and more of it, are thrown', async () => {
  const busy: StreamEvent = { type: 'failed', answer: answer(0xa3, 17, 5) };
  const failed: StreamEvent = { type: 'failed', answer: answer(0xa0, 18) };
  const given = options();
  const { open } = opens<StreamEvent>([item(0), busy], [item(1), failed]);
  const items: Value[] = [];
  const read = async (): Promise<void> => {
    for await (const one of streamItems(given, 0, open)) items.push(one);
  };
  await expect(read()).rejects.toThrow('refused 160');
  expect(items).toEqual(['item 0', 'item 1']);
  expect(given.waits).toEqual([5000]);
  const never = opens<StreamEvent>([busy]);
  await expect(all(streamItems(options(0), 0, never.open))).rejects.toThrow('refused 163');
});

test('what is lost is asked of the run that gave what came before, and of no other', async () => {
  const begun = (run: string): StreamEvent => ({ type: 'begun', run });
  const runs = [
    [begun('a'), item(0), lost],
    [begun('a'), item(1), lost],
    [begun('a'), end],
  ] as const;
  const { places, open } = opens<StreamEvent>(...runs);
  expect(await all(streamItems(options(), 0, open))).toEqual(['item 0', 'item 1']);
  expect(places).toEqual([begin, { from: 1, run: 'a' }, { from: 2, run: 'a' }]);
});

describe('a stream that the gateway has lost', () => {
  const gone: StreamEvent = { type: 'failed', answer: answer(0x8c, problems['stream-lost'].number) };
  const begun = (run: string): StreamEvent => ({ type: 'begun', run });
  const runs = [[begun('a'), item(5), lost], [gone], [begun('b'), item(6), end]] as const;

  test('is an error behind its items, and its function is not run again', async () => {
    const { asked, open } = opens<StreamEvent>(...runs);
    const items: Value[] = [];
    const read = async (): Promise<void> => {
      for await (const one of streamItems(options(), 5, open)) items.push(one);
    };
    await expect(read()).rejects.toThrow('refused 140');
    expect([items, asked]).toEqual([['item 5'], [5, 6]]);
  });

  test('is begun anew behind its last item where that was asked for, also at the last try', async () => {
    const { places, open } = opens<StreamEvent>(...runs);
    expect(await all(streamItems(options(1, true), 5, open))).toEqual(['item 5', 'item 6']);
    expect(places.slice(1)).toEqual([
      { from: 6, run: 'a' },
      { from: 6, run: undefined },
    ]);
  });

  test('is begun anew as often as it is lost with items in between, and not for ever without', async () => {
    const again = opens<StreamEvent>(
      [begun('a'), item(0), gone],
      [begun('b'), item(1), gone],
      [begun('c'), item(2), end],
    );
    expect(await all(streamItems(options(0, true), 0, again.open))).toEqual(['item 0', 'item 1', 'item 2']);
    const never = opens<StreamEvent>([begun('a'), item(0), gone], [begun('b'), gone], [begun('c'), item(1), end]);
    await expect(all(streamItems(options(0, true), 0, never.open))).rejects.toThrow('refused 140');
  });

  test('is begun anew where it has given nothing yet', async () => {
    const { open } = opens<StreamEvent>([begun('a'), lost], [gone], [begun('b'), item(0), end]);
    expect(await all(streamItems(options(), 0, open))).toEqual(['item 0']);
  });

  test('is not begun anew without end', async () => {
    const { asked, open } = opens<StreamEvent>([begun('a'), gone], [begun('b'), gone], [begun('c'), item(0), end]);
    await expect(all(streamItems(options(2, true), 0, open))).rejects.toThrow('refused 140');
    expect(asked).toEqual([0, 0]);
  });
});

test('a result that is answered once and not observed is asked for again after a pause', async () => {
  const state: WatchEvent = { type: 'state', value: 1, etag: undefined };
  const { open } = opens<WatchEvent>([state], [state], [{ type: 'failed', answer: answer(0x84, 1) }]);
  const given = options();
  await expect(all(watchedResults(given, false, () => open(begin)))).rejects.toThrow('refused 132');
  expect(given.waits).toEqual([1000, 1000]);
});

test('a result is given when it is another, also after a loss, and always where that is wanted', async () => {
  const state = (value: number): WatchEvent => ({ type: 'state', value, etag: Uint8Array.of(value) });
  const over: WatchEvent = { type: 'failed', answer: answer(0x84, 1) };
  const runs = [[state(1), lost], [state(1), state(2), state(2), lost], [over]];
  const given: Value[][] = [];
  for (const always of [false, true]) {
    const list: Value[] = [];
    const { open } = opens<WatchEvent>(...runs);
    const read = async (): Promise<void> => {
      for await (const one of watchedResults(options(), always, () => open(begin))) list.push(one);
    };
    await expect(read()).rejects.toThrow('refused 132');
    given.push(list);
  }
  expect(given).toEqual([
    [1, 2],
    [1, 1, 2, 2],
  ]);
});
