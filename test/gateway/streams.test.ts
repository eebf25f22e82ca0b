/** Streams over CoAP, message by message on a clock that only the test moves: order, back-pressure, resumption, limits. */
import { setImmediate } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { expect, test } from 'vitest';
import { contentFormat } from '../../src/cbor/content-format.ts';
import { decodeCbor } from '../../src/cbor/decode.ts';
import { encodeCbor } from '../../src/cbor/encode.ts';
import { defaultDecodeLimits } from '../../src/cbor/limits.ts';
import { encodeBlock, findBlock } from '../../src/coap/blockwise/block-option.ts';
import { dotted, method } from '../../src/coap/codec/codes.ts';
import type { Message } from '../../src/coap/codec/message.ts';
import {
  findOption,
  findUint,
  opaqueOption,
  optionNumber,
  stringOption,
  uintOption,
  type Option,
} from '../../src/coap/codec/options.ts';
import { concatBytes, hex, utf8 } from '../../src/core/bytes.ts';
import { seconds } from '../../src/core/duration.ts';
import { timeOfDay, type TimeOfDay } from '../../src/core/time-of-day.ts';
import type { Value } from '../../src/core/value.ts';
import { CallError } from '../../src/functions/call-error.ts';
import type { OpenedStream } from '../../src/functions/opened-stream.ts';
import { decodeProblem } from '../../src/functions/problem-details.ts';
import { AccessRules, openAccess } from '../../src/gateway/access-rules.ts';
import { readControlWords } from '../../src/gateway/control-words.ts';
import { asCallError } from '../../src/gateway/faults.ts';
import { problemResponse } from '../../src/gateway/problem-response.ts';
import { CoapStreams } from '../../src/gateway/streams/coap-streams.ts';
import { defaultStreamSettings, Streams, type StreamSettings } from '../../src/gateway/streams/streams.ts';
import { ManualScheduler } from '../../src/transport/manual-scheduler.ts';
import { systemRandomness } from '../../src/transport/randomness.ts';
import { Lockstep, type LockstepOptions } from '../coap/lockstep.ts';
import { functionOf } from '../functions/functions-of.ts';

const fn = functionOf('/** @safe */ export function* f() {}');
const turn = async (): Promise<void> => {
  await setImmediate();
};

/** Counts, as its function would; `ends` at so many. */
class Counter implements OpenedStream {
  at = 0;
  closed = false;
  readonly #ends: number;
  readonly #value: (index: number) => Value;

  constructor(ends: number, value: (index: number) => Value) {
    this.#ends = ends;
    this.#value = value;
  }

  async next(skip: number): ReturnType<OpenedStream['next']> {
    this.at += skip;
    if (this.at >= this.#ends) return undefined;
    const value = this.#value(this.at++);
    if (value === 'fails') throw new CallError('function-failed', 'The function threw RangeError.');
    if (value === 'never') return await Promise.withResolvers<undefined>().promise;
    return { cbor: encodeCbor(value), value };
  }

  close(): void {
    this.closed = true;
  }
}

interface Settings extends Partial<StreamSettings> {
  readonly ends?: number;
  readonly value?: (index: number) => Value;
  readonly engine?: Partial<LockstepOptions>;
}

function gateway({ ends = Infinity, value = (index) => index, engine = {}, ...settings }: Settings = {}): {
  peer: Lockstep;
  scheduler: ManualScheduler;
  opened: Counter[];
  streams: Streams;
  /** From now on the caller may not call it any more. */
  deny: () => void;
  /** From now on the caller is who was enrolled then. */
  enroll: (since: number) => void;
} {
  const scheduler = new ManualScheduler();
  const opened: Counter[] = [];
  const streams = new Streams({
    ...defaultStreamSettings,
    ...settings,
    scheduler,
    randomBytes: systemRandomness.bytes,
    versionOf: () => '2',
    opener: {
      open: async () => {
        const counter = new Counter(ends, value);
        opened.push(counter);
        return counter;
      },
    },
  });
  const coap = new CoapStreams({
    streams,
    scheduler: { after: (span, fire) => scheduler.after(span, fire), now: () => peer.now },
    observe: (request, onEnd, now) => peer.engine.observe(request, onEnd, now),
    respond: (request, response, now) => peer.engine.respond(request, response, now),
    wake: () => undefined,
    timeLimit: seconds(10),
    showInternals: false,
  });
  let access = new AccessRules(openAccess).of(undefined);
  const deny = (): void => {
    access = new AccessRules([]).of(undefined);
  };
  let enrolled: TimeOfDay | undefined;
  const enroll = (since: number): void => {
    enrolled = timeOfDay(since);
  };
  const peer: Lockstep = new Lockstep((request, all, now) => {
    const query = request.options
      .filter(({ number }) => number === optionNumber.uriQuery)
      .map(({ value: text }) => new TextDecoder().decode(text));
    const visit = {
      request,
      path: [],
      query,
      target: 'test/f',
      caller: { identity: 'local', enrolled, peer: request.peer.endpoint.key },
      get access() {
        return access;
      },
      correlationId: '1',
      now,
    };
    const asked = { fn, args: [], part: '', words: readControlWords(query).stream };
    coap.answer(visit, asked, now).then(
      ({ response }) => all.respond(request, response, peer.now),
      (error: unknown) => all.respond(request, problemResponse(asCallError(error), request.options, false), peer.now),
    );
    return undefined;
  }, engine);
  return { peer, scheduler, opened, streams, deny, enroll };
}

let messageId = 0;
const token = new Uint8Array([7]);
const base: readonly Option[] = [stringOption(optionNumber.uriPath, 'f')];
const observing: readonly Option[] = [uintOption(optionNumber.observe, 0), ...base];
const withQuery = (...items: string[]): readonly Option[] =>
  items.map((item) => stringOption(optionNumber.uriQuery, item));
const blockOf = (num: number, szx: 0 | 1 | 2 | 3 | 4 | 5 | 6): Option =>
  opaqueOption(optionNumber.block2, encodeBlock({ num, more: false, szx }));

async function get(peer: Lockstep, options: readonly Option[], name?: string, own = token): Promise<Message[]> {
  const out = peer.send({ code: method.GET, messageId: ++messageId, token: own, options }, name);
  await turn();
  return [...out, ...peer.output()];
}
async function acknowledge(peer: Lockstep, message: Message | undefined, name?: string): Promise<Message[]> {
  const out = peer.send({ type: 2, code: 0, messageId: message?.messageId ?? 0 }, name);
  await turn();
  return [...out, ...peer.output()];
}
const said = (message: Message | undefined): Value => message && decodeCbor(message.payload, defaultDecodeLimits);
const observe = (message: Message | undefined): number | undefined =>
  findUint(message?.options ?? [], optionNumber.observe);
const blockIn = (message: Message | undefined): Exclude<ReturnType<typeof findBlock>, 'invalid'> => {
  const block = findBlock(message?.options ?? [], optionNumber.block2);
  return block === 'invalid' ? undefined : block;
};

test('observed: at once an empty answer, then an item each time the one before is acknowledged, and at last how many there were', async () => {
  const { peer, opened, streams } = gateway({ ends: 2 });
  const [opening, first, ...more] = await get(peer, observing);
  expect([dotted(opening?.code ?? 0), opening?.type, opening?.payload.length]).toEqual(['2.05', 2, 0]);
  expect(findUint(opening?.options ?? [], optionNumber.contentFormat)).toBe(contentFormat.cborSequence);
  expect(findUint(opening?.options ?? [], optionNumber.maxAge)).toBe(3600);
  expect([more, first?.type, said(first)]).toEqual([[], 0, [0, 0]]);
  expect(opened[0]?.at).toBe(1);
  const [second] = await acknowledge(peer, first);
  expect(said(second)).toEqual([1, 1]);
  expect(observe(second)).toBeGreaterThan(observe(first) ?? Infinity);
  const [end] = await acknowledge(peer, second);
  expect([dotted(end?.code ?? 0), observe(end), said(end)]).toEqual(['2.05', undefined, [2]]);
  expect(await acknowledge(peer, end)).toEqual([]);
  expect([opened[0]?.closed, streams.size, peer.engine.counters().observations]).toEqual([true, 0, 0]);
});

test('ten thousand items to a slow observer come in order, none is made ahead, and nothing piles up', async () => {
  const { peer, opened, scheduler } = gateway({ ends: 10_000 });
  let [, notification] = await get(peer, observing);
  const count = opened[0];
  for (let index = 0; index < 10_000; index++) {
    if (!isDeepStrictEqual(said(notification), [index, index])) expect(said(notification)).toEqual([index, index]);
    if (count?.at !== index + 1) expect(count?.at).toBe(index + 1);
    if (index % 1000 === 0) scheduler.advance(seconds(600));
    [notification] = await acknowledge(peer, notification);
  }
  expect(said(notification)).toEqual([10_000]);
  expect(peer.engine.counters()).toMatchObject({ timers: 1, pending: 0, keptBytes: 0 });
});

test('an observer that vanishes is given its lifetime to come back; then the generator is closed', async () => {
  const { peer, opened, scheduler, streams } = gateway({ lifetime: seconds(60) });
  await get(peer, observing);
  peer.advance(seconds(120)); // nothing is acknowledged
  expect([peer.engine.counters().observations, opened[0]?.closed]).toEqual([0, false]);
  scheduler.advance(seconds(59));
  expect(opened[0]?.closed).toBe(false);
  scheduler.advance(seconds(1));
  expect([opened[0]?.closed, streams.size]).toEqual([true, 0]);
});

test('_from goes on with the same generator after a reconnection, also from an item that was sent before', async () => {
  const { peer, opened } = gateway();
  let [, notification] = await get(peer, observing);
  for (let index = 0; index < 5; index++) [notification] = await acknowledge(peer, notification);
  expect(said(notification)).toEqual([5, 5]);
  peer.advance(seconds(120));
  const [, again] = await get(peer, [...observing, ...withQuery('_from=4')], 'device on another port');
  expect([said(again), opened.length, opened[0]?.at]).toEqual([[4, 4], 1, 6]);
  const [next] = await acknowledge(peer, again, 'device on another port');
  expect(said(next)).toEqual([5, 5]);
});

test('_from does not go on with a stream of who had the name before it was revoked and enrolled again', async () => {
  const { peer, opened, enroll } = gateway();
  enroll(1);
  await get(peer, observing);
  peer.advance(seconds(120));
  enroll(2);
  await get(peer, [...observing, ...withQuery('_from=0')], 'device on another port');
  expect(opened.length).toBe(2);
});

test('_from of what is not kept any more runs the function anew and skips; of a stream that another reads, too', async () => {
  const { peer, opened } = gateway();
  const [, other] = await get(peer, [...observing, ...withQuery('_from=7', '_n=1')]);
  expect([said(other), opened[0]?.at]).toEqual([[7, 7], 8]);
  const [, mine] = await get(peer, [...observing, ...withQuery('_from=7')], 'another');
  expect([said(mine), opened.length]).toEqual([[7, 7], 2]);
  const [after] = await acknowledge(peer, mine, 'another');
  expect(said(after)).toEqual([8, 8]);
  const [end] = await acknowledge(peer, other);
  expect([said(end), opened[0]?.at]).toEqual([[8], 8]);
});

test('who registers again under its token goes on, with the item that it has not acknowledged', async () => {
  const { peer, opened } = gateway();
  const [, first] = await get(peer, observing);
  const [second] = await acknowledge(peer, first);
  expect(said(second)).toEqual([1, 1]);
  const [opening, again] = await get(peer, observing);
  expect([opening?.payload.length, said(again), opened.length]).toEqual([0, [1, 1], 1]);
  // What was on its way before is not sent again.
  expect(peer.advance(seconds(3)).map(said)).toEqual([[1, 1]]);
});

test.each([
  ['_n=9', '_n=5', 0],
  ['_from=0', '_from=3', 3],
])('who asks under its token for something else, %s and then %s, begins that', async (before, then, index) => {
  const { peer } = gateway();
  const [, first] = await get(peer, [...observing, ...withQuery(before)]);
  expect(said((await acknowledge(peer, first))[0])).toEqual([1, 1]);
  const [, other] = await get(peer, [...observing, ...withQuery(then)]);
  expect(said(other)).toEqual([index, index]);
});

test('_run goes on with the run that the opening answer named by its ETag, from wherever that is asked for', async () => {
  const { peer, opened } = gateway();
  const [opening, first] = await get(peer, observing);
  const tag = hex(findOption(opening?.options ?? [], optionNumber.etag) ?? new Uint8Array());
  expect([tag.length, findOption(first?.options ?? [], optionNumber.etag)]).toEqual([8, undefined]);
  const [again, mine] = await get(peer, [...observing, ...withQuery('_from=0', `_run=${tag}`)], 'another');
  expect([hex(findOption(again?.options ?? [], optionNumber.etag) ?? new Uint8Array()), said(mine)]).toEqual([
    tag,
    [0, 0],
  ]);
  expect([opened.length, peer.engine.counters().observations]).toEqual([1, 1]);
});

test('_run of what is not there is 4.12, and no function runs', async () => {
  const { peer, opened } = gateway();
  const [lost] = await get(peer, [...observing, ...withQuery('_from=3', '_run=00000000')]);
  expect([dotted(lost?.code ?? 0), decodeProblem(lost?.payload ?? utf8('')).name, opened.length]).toEqual([
    '4.12',
    'stream-lost',
    0,
  ]);
  expect(() => readControlWords(['_run=x'])).toThrow('`_run=x` needs the ETag of a stream, in hex.');
});

test('who has not heard of the end is told it again', async () => {
  const { peer, opened } = gateway({ ends: 1 });
  const [opening, first] = await get(peer, observing);
  const tag = hex(findOption(opening?.options ?? [], optionNumber.etag) ?? new Uint8Array());
  const [end] = await acknowledge(peer, first);
  expect(said(end)).toEqual([1]);
  peer.advance(seconds(120)); // it is not acknowledged
  const [, again] = await get(peer, [...observing, ...withQuery('_from=1', `_run=${tag}`)], 'device on another port');
  expect([said(again), observe(again), opened.length]).toEqual([[1], undefined, 1]);
});

test('a Reset, and Observe 1, close the generator at once', async () => {
  const { peer, opened } = gateway();
  const [, first] = await get(peer, observing);
  peer.send({ type: 3, code: 0, messageId: first?.messageId ?? 0 });
  expect(opened[0]?.closed).toBe(true);
  await get(peer, observing);
  peer.send({
    code: method.GET,
    messageId: ++messageId,
    token,
    options: [uintOption(optionNumber.observe, 1), ...base],
  });
  expect(opened[1]?.closed).toBe(true);
});

test('what the function throws ends the observation with its error', async () => {
  const { peer, opened } = gateway({ value: (index) => (index === 1 ? 'fails' : index) });
  const [, first] = await get(peer, observing);
  const [failed] = await acknowledge(peer, first);
  expect([dotted(failed?.code ?? 0), observe(failed)]).toEqual(['5.00', undefined]);
  expect([opened[0]?.closed, peer.engine.counters().observations]).toEqual([true, 0]);
});

test('an item that is longer than a block is fetched whole before the next one is made', async () => {
  const { peer, opened } = gateway({ value: (index) => String(index).repeat(300) });
  const [, first] = await get(peer, [...observing, blockOf(0, 4)]);
  expect(blockIn(first)).toMatchObject({ num: 0, more: true, szx: 4 });
  expect(await acknowledge(peer, first)).toEqual([]);
  expect(opened[0]?.at).toBe(1);
  const [rest, next] = await get(peer, [...base, blockOf(1, 4)], undefined, new Uint8Array([8]));
  expect(decodeCbor(concatBytes([first?.payload ?? utf8(''), rest?.payload ?? utf8('')]), defaultDecodeLimits)).toEqual(
    [0, '0'.repeat(300)],
  );
  expect([blockIn(next)?.num, observe(next) === undefined, opened[0]?.at]).toEqual([0, false, 2]);
});

test('not observed: a CBOR sequence, made block by block; the last two blocks can be had again, others not', async () => {
  const { peer, opened } = gateway({ ends: 100, value: (index) => index % 24 });
  const [first] = await get(peer, [...base, blockOf(0, 1)]);
  expect([dotted(first?.code ?? 0), first?.payload, blockIn(first)]).toEqual([
    '2.05',
    Uint8Array.from({ length: 32 }, (_, i) => i % 24),
    { num: 0, more: true, szx: 1 },
  ]);
  expect(opened[0]?.at).toBe(33);
  const [second] = await get(peer, [...base, blockOf(1, 1)]);
  const [third] = await get(peer, [...base, blockOf(2, 1)]);
  expect((await get(peer, [...base, blockOf(1, 1)]))[0]?.payload).toEqual(second?.payload);
  expect((await get(peer, [...base, blockOf(2, 1)]))[0]?.payload).toEqual(third?.payload);
  expect(opened[0]?.at).toBe(97);
  const [last] = await get(peer, [...base, blockOf(3, 1)]);
  expect([last?.payload.length, blockIn(last)?.more, opened[0]?.closed]).toEqual([4, false, true]);
  expect(concatBytes([first, second, third, last].map((block) => block?.payload ?? utf8('')))).toEqual(
    Uint8Array.from({ length: 100 }, (_, i) => i % 24),
  );
  expect((await get(peer, [...base, blockOf(3, 1)]))[0]?.payload).toEqual(last?.payload);
  expect(dotted((await get(peer, [...base, blockOf(0, 1)]))[0]?.code ?? 0)).toBe('2.05'); // block 0 begins anew
  expect(opened.length).toBe(2);
});

test('a block before the last two is 4.08, one past the end 4.00; a stream whose reader is gone is closed', async () => {
  const { peer, opened, scheduler } = gateway();
  for (let num = 0; num < 4; num++) await get(peer, [...base, blockOf(num, 0)]);
  expect(dotted((await get(peer, [...base, blockOf(9, 0)]))[0]?.code ?? 0)).toBe('4.08');
  const two = gateway({ lifetime: seconds(60) });
  for (let num = 0; num < 4; num++) await get(two.peer, [...base, blockOf(num, 0)]);
  expect(dotted((await get(two.peer, [...base, blockOf(1, 0)]))[0]?.code ?? 0)).toBe('4.08');
  await get(two.peer, [...base, blockOf(0, 0)]);
  two.scheduler.advance(seconds(60));
  expect(two.opened.map(({ closed }) => closed)).toEqual([true, true]);
  expect(opened[0]?.closed).toBe(true);
  expect(scheduler.nextDeadline()).toBeUndefined();
});

test('a stream that is shorter than a block needs none; an empty one is an empty answer', async () => {
  const { peer, opened } = gateway({ ends: 3 });
  const [only] = await get(peer, base);
  expect([only?.payload, blockIn(only)]).toEqual([new Uint8Array([0, 1, 2]), undefined]);
  expect(opened[0]?.closed).toBe(true);
  const [none] = await get(peer, [...base, ...withQuery('_from=3')]);
  expect([dotted(none?.code ?? 0), none?.payload.length]).toEqual(['2.05', 0]);
  const [some] = await get(peer, [...base, ...withQuery('_from=1', '_n=1')]);
  expect(some?.payload).toEqual(new Uint8Array([1]));
});

test('a block for which there are not enough items in time is 5.04', async () => {
  const { peer, opened, scheduler } = gateway({ value: (index) => (index === 2 ? 'never' : index) });
  await get(peer, base);
  scheduler.advance(seconds(10));
  await turn();
  const answer = peer.output().at(-1);
  expect([dotted(answer?.code ?? 0), opened[0]?.closed]).toEqual(['5.04', true]);
});

test('to a peer that has not shown that it is there an answer is cut, and read on in smaller blocks', async () => {
  const { peer } = gateway({ ends: 64, value: () => 1 });
  const [first] = await get(peer, [...base, blockOf(0, 6)], 'far device');
  expect([first?.payload.length, blockIn(first)]).toEqual([64, undefined]);
  for (const ends of [600, Infinity]) {
    const long = gateway({ ends, value: () => 1 });
    const [cut] = await get(long.peer, [...base, blockOf(0, 6)], 'far device');
    const { num, more, szx = 0 } = blockIn(cut) ?? {};
    const { length } = cut?.payload ?? [];
    expect([num, more, length <= 136, findOption(cut?.options ?? [], optionNumber.echo)?.length]).toEqual([
      0,
      true,
      true,
      8,
    ]);
    const [next] = await get(long.peer, [...base, blockOf(1, szx)], 'far device');
    expect([blockIn(next)?.num, next?.payload.length]).toEqual([1, length]);
  }
});

test('a peer, and all of them, have only so many streams; who is refused is told when to come back', async () => {
  const { peer } = gateway({ maxStreamsPerPeer: 2, maxStreams: 3 });
  const other = (number: number): Uint8Array<ArrayBuffer> => new Uint8Array([number]);
  await get(peer, observing, undefined, other(1));
  await get(peer, observing, undefined, other(2));
  const [third] = await get(peer, observing, undefined, other(3));
  expect([dotted(third?.code ?? 0), findUint(third?.options ?? [], optionNumber.maxAge)]).toEqual(['5.03', 5]);
  // Those that are being opened count.
  const all = gateway({ maxStreams: 2 });
  for (const number of [1, 2, 3])
    all.peer.send({ code: method.GET, messageId: ++messageId, token: other(number), options: observing });
  await turn();
  expect([all.opened.length, all.peer.output().filter(({ code }) => dotted(code) === '5.03').length]).toEqual([2, 1]);
});

test('an observation for which there is no room is refused, and its stream is closed', async () => {
  const { peer, opened, streams } = gateway({ engine: { limits: { maxObservations: 0 } } });
  const [refused] = await get(peer, observing);
  expect([dotted(refused?.code ?? 0), opened[0]?.closed, streams.size]).toEqual(['5.03', true, 0]);
});

test('who reads the same stream by another request ends the one before', async () => {
  const { peer, opened } = gateway();
  const [, first] = await get(peer, [...observing, ...withQuery('_from=0')]);
  const [, again] = await get(peer, [...observing, ...withQuery('_from=0')], undefined, new Uint8Array([8]));
  expect([said(again), opened.length, peer.engine.counters().observations]).toEqual([[0, 0], 1, 1]);
  expect(await acknowledge(peer, first)).toEqual([]);
  expect(said((await acknowledge(peer, again))[0])).toEqual([1, 1]);
});

test('who may not call it any more gets no further item, and no further block', async () => {
  const observed = gateway();
  const [, first] = await get(observed.peer, observing);
  observed.deny();
  const [refused] = await acknowledge(observed.peer, first);
  expect([dotted(refused?.code ?? 0), observe(refused), observed.opened[0]?.closed]).toEqual(['4.03', undefined, true]);
  const read = gateway();
  await get(read.peer, [...base, blockOf(0, 0)]);
  read.deny();
  const [block] = await get(read.peer, [...base, blockOf(1, 0)]);
  expect([dotted(block?.code ?? 0), read.opened[0]?.closed]).toEqual(['4.03', true]);
});

test('who does not fetch the rest of an item within the lifetime has ended it', async () => {
  const { peer, opened, scheduler } = gateway({ value: (index) => String(index).repeat(300), lifetime: seconds(60) });
  const [, first] = await get(peer, [...observing, blockOf(0, 4)]);
  await acknowledge(peer, first);
  scheduler.advance(seconds(59));
  expect(opened[0]?.closed).toBe(false);
  scheduler.advance(seconds(1));
  expect([opened[0]?.closed, peer.engine.counters().observations]).toEqual([true, 0]);
});

test('a stream of more blocks than have numbers is told so', async () => {
  const { peer } = gateway({ value: () => 'x'.repeat(16 * 0x100000) });
  await get(peer, [...base, blockOf(0, 0)]);
  const [answer] = await get(peer, [...base, blockOf(0xfffff, 0)]);
  expect(dotted(answer?.code ?? 0)).toBe('5.00');
});

test('a gateway that is being stopped opens none, closes those that there are, and those that are being opened', async () => {
  const { peer, opened, streams } = gateway();
  await get(peer, observing);
  peer.send({ code: method.GET, messageId: ++messageId, token: new Uint8Array([8]), options: observing });
  streams.close();
  await turn();
  expect(opened.map(({ closed }) => closed)).toEqual([true, true]);
  peer.output();
  const [refused] = await get(peer, observing, undefined, new Uint8Array([9]));
  expect([dotted(refused?.code ?? 0), opened.length, streams.size]).toEqual(['5.03', 2, 0]);
});

test('streams of a library that was changed end soon, with the error that tells to begin again', async () => {
  const { peer, scheduler, streams, opened } = gateway();
  const [, first] = await get(peer, observing);
  streams.libraryChanged('test');
  scheduler.advance(seconds(5));
  const [failed] = await acknowledge(peer, first);
  expect([dotted(failed?.code ?? 0), observe(failed), opened[0]?.closed]).toEqual(['5.03', undefined, true]);
});
