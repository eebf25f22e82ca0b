/** The scenarios of a call, against the real gateway process over real sockets. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { decodeCbor } from '../../src/cbor/decode.ts';
import { encodeCbor } from '../../src/cbor/encode.ts';
import { encodeBlock, findBlock, type Szx } from '../../src/coap/blockwise/block-option.ts';
import { method, responseCode } from '../../src/coap/codec/codes.ts';
import { messageType, type Message } from '../../src/coap/codec/message.ts';
import {
  findOption,
  findUint,
  opaqueOption,
  optionNumber,
  stringOption,
  uintOption,
  type Option,
} from '../../src/coap/codec/options.ts';
import { encodeMessage } from '../../src/coap/codec/rfc7252.ts';
import { concatBytes, utf8 } from '../../src/core/bytes.ts';
import type { Value } from '../../src/core/value.ts';
import { bytesOf } from '../coap/lockstep.ts';
import { GatewayProcess } from './gateway-process.ts';
import { RawDevice } from './raw-device.ts';
import { patience } from '../patience.ts';

const { CON, NON, ACK } = messageType;

const source = `
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
const mark = () => appendFileSync('$MARKS', 'x');

/**
 * @pure
 * @maxAge 240
 */
export function add(a: number, b: number = 20): number { mark(); return a + b; }
/**
 * @pure
 * @maxAge 240
 */
export function rows(count: number): { id: number; name: string }[] {
  mark();
  return Array.from({ length: count }, (_, id) => ({ id, name: 'row ' + id }));
}
/**
 * @pure
 * @maxAge 240
 */
export async function slowly(key: string): Promise<string> { mark(); await sleep(300); return key; }
/** @safe */
export async function late(seconds: number): Promise<string> { mark(); await sleep(seconds * 1000); return 'late'; }
/** @safe */
export function length(bytes: Uint8Array): number { mark(); return bytes.length; }
/** @safe @timeLimit 1 */
export function forever(): void { for (;;) {} }
/** @safe */
export function quick(): string { return 'quick'; }
/** @safe */
export function nothing(): void {}
/** @safe */
export function first(text: string): string { return text; }
export function write(text: string): string { mark(); return text; }
export function fail(): void { throw new TypeError('no such luck'); }
export function plain(): void { throw 'no luck'; }
export class Account {}
export function* count() { yield 1; }
`;

let gateway: GatewayProcess;
let device: RawDevice;
beforeAll(async () => {
  gateway = await GatewayProcess.start({ libraries: { 'calc/index.ts': source } });
  device = await RawDevice.open(gateway.port);
});
afterAll(async () => {
  device.close();
  await gateway.stop();
});

const path = (name: string): Option[] =>
  ['func', 'calc', name].map((segment) => stringOption(optionNumber.uriPath, segment));
const query = (...items: string[]): Option[] => items.map((item) => stringOption(optionNumber.uriQuery, item));
const block = (number: number, num: number, more: boolean, szx: Szx): Option =>
  opaqueOption(number, encodeBlock({ num, more, szx }));
const fetch = (
  name: string,
  args: Value,
  options: readonly Option[] = [],
): { code: number; options: Option[]; payload: Uint8Array } => ({
  code: method.FETCH,
  options: [...path(name), ...options],
  payload: encodeCbor(args),
});
const option = (message: Message, number: number): Uint8Array | undefined => findOption(message.options, number);

/** What happens to the count of executions while `work` runs. */
async function executions(work: () => Promise<unknown>): Promise<number> {
  const before = gateway.marks;
  await work();
  return gateway.marks - before;
}

describe('the same call in every form is one execution', () => {
  test('GET query, CBOR map, CBOR array, id-keyed map, JSON body, omitted default, compact path', async () => {
    const json = uintOption(optionNumber.contentFormat, 50);
    const compact = ['f', '0', '0'].map((segment) => stringOption(optionNumber.uriPath, segment));
    const requests = [
      { code: method.GET, options: [...path('add'), ...query('a=10', 'b=20')] },
      fetch('add', { a: 10, b: 20 }),
      fetch('add', [10, 20]),
      fetch(
        'add',
        new Map<Value, Value>([
          [0, 10],
          [1, 20],
        ]),
      ),
      {
        code: method.FETCH,
        options: [...path('add'), json, uintOption(optionNumber.accept, 60)],
        payload: utf8('{"b":20,"a":10}'),
      },
      fetch('add', { a: 10 }),
      fetch('add', 10),
      { code: method.FETCH, options: compact, payload: encodeCbor([10]) },
      { code: method.POST, options: path('add'), payload: encodeCbor([10, 20]) },
    ];
    const answers: Message[] = [];
    const count = await executions(async () => {
      for (const request of requests) answers.push(await device.request(request));
    });
    expect(count).toBe(1);
    expect(answers.map((answer) => decodeCbor(answer.payload))).toEqual(requests.map(() => 30));
    expect(answers.map((answer) => answer.code)).toEqual([
      ...requests.slice(1).map(() => responseCode.content),
      responseCode.changed,
    ]);
    const etags = answers.slice(0, -1).map((answer) => option(answer, optionNumber.etag));
    expect(new Set(etags.map(String)).size).toBe(1);
    const post = answers.at(-1);
    expect(post && [option(post, optionNumber.etag), option(post, optionNumber.maxAge)]).toEqual([
      undefined,
      undefined,
    ]);
  });

  test('FETCH with the current ETag: 2.03 in 11 bytes and the token', async () => {
    const answer = await device.request(fetch('add', [1, 2]));
    const etag = opaqueOption(optionNumber.etag, option(answer, optionNumber.etag) ?? new Uint8Array(0));
    device.send({ ...fetch('add', [1, 2], [etag]), token: Uint8Array.of(1, 2) });
    const bytes = await device.nextBytes();
    expect(bytes).toHaveLength(11 + 2);
    expect(bytes[1]).toBe(responseCode.valid);
  });

  test('200 endpoints ask the same pure function at once: one execution', async () => {
    const devices = await Promise.all(Array.from({ length: 200 }, async () => RawDevice.open(gateway.port)));
    const count = await executions(async () => {
      const answers = await Promise.all(devices.map(async (one) => one.request(fetch('slowly', ['all']), 10_000)));
      expect(new Set(answers.map((answer) => decodeCbor(answer.payload)))).toEqual(new Set(['all']));
    });
    expect(count).toBe(1);
    for (const one of devices) one.close();
  });
});

describe('deduplication', () => {
  test('the same CON three times: one execution, three identical replies', async () => {
    const bytes = bytesOf({
      code: method.POST,
      messageId: device.nextMessageId(),
      options: path('write'),
      payload: encodeCbor(['a']),
    });
    const replies: Uint8Array[] = [];
    const count = await executions(async () => {
      device.sendBytes(bytes);
      replies.push(await device.nextBytes());
      device.sendBytes(bytes);
      device.sendBytes(bytes);
      replies.push(await device.nextBytes(), await device.nextBytes());
    });
    expect(count).toBe(1);
    expect(replies[1]).toEqual(replies[0]);
    expect(replies[2]).toEqual(replies[0]);
  });

  test('as NON: one execution, one reply', async () => {
    const bytes = bytesOf({
      type: NON,
      code: method.POST,
      messageId: device.nextMessageId(),
      options: path('write'),
      payload: encodeCbor(['b']),
    });
    const count = await executions(async () => {
      for (let i = 0; i < 3; i++) device.sendBytes(bytes);
      expect((await device.next()).type).toBe(NON);
      // A ping that comes after them is answered after them.
      device.send({ code: 0 });
      expect((await device.next()).type).toBe(messageType.RST);
    });
    expect(count).toBe(1);
  });

  test('the same Message ID with other bytes is a new request', async () => {
    const messageId = device.nextMessageId();
    const count = await executions(async () => {
      await device.request({ code: method.POST, messageId, options: path('write'), payload: encodeCbor(['c']) });
      await device.request({ code: method.POST, messageId, options: path('write'), payload: encodeCbor(['d']) });
    });
    expect(count).toBe(2);
  });
});

// At the same time, each by a peer of its own: they wait.
describe.concurrent('time', () => {
  test('a function that takes longer than the piggyback window over CON: empty ACK, then a separate CON response', async () => {
    const own = await RawDevice.open(gateway.port);
    const token = Uint8Array.of(5, 5);
    const messageId = own.nextMessageId();
    own.send({ ...fetch('late', [2]), messageId, token });
    expect(await own.next()).toMatchObject({ type: ACK, code: 0, messageId });
    const answer = await own.next();
    expect(answer).toMatchObject({ type: CON, code: responseCode.content, token });
    own.send({ type: ACK, code: 0, messageId: answer.messageId });
    expect(decodeCbor(answer.payload)).toBe('late');
    own.close();
  });

  test('the same over NON: a NON response', async () => {
    const own = await RawDevice.open(gateway.port);
    const token = Uint8Array.of(6, 6);
    own.send({ ...fetch('late', [2]), type: NON, token });
    expect(await own.next()).toMatchObject({ type: NON, code: responseCode.content, token });
    own.close();
  });

  test('an endless loop is 5.04 in time, while other calls go on', async () => {
    const looping = RawDevice.open(gateway.port);
    const started = Date.now();
    const stuck = looping.then(async (one) => {
      const answer = await one.request({ code: method.GET, options: path('forever') });
      one.close();
      return answer;
    });
    let calls = 0;
    const done = stuck.then(() => true);
    for (let over = false; !over;) {
      expect(decodeCbor((await device.request({ code: method.GET, options: path('quick') })).payload)).toBe('quick');
      calls++;
      over = await Promise.race([done, delay(20, false)]);
    }
    expect((await stuck).code).toBe(responseCode.gatewayTimeout);
    expect(Date.now() - started).toBeGreaterThanOrEqual(900);
    expect(calls).toBeGreaterThan(1);
  });

  test('/clock is text, observed as confirmable notifications once a second', async () => {
    const watcher = await RawDevice.open(gateway.port);
    const token = Uint8Array.of(0xcc);
    const options = [uintOption(optionNumber.observe, 0), stringOption(optionNumber.uriPath, 'clock')];
    watcher.send({ code: method.GET, token, options });
    const first = await watcher.next();
    expect(first).toMatchObject({ type: ACK, code: responseCode.content, token });
    expect(findUint(first.options, optionNumber.contentFormat)).toBe(0);
    const times: string[] = [];
    for (let i = 0; i < 2; i++) {
      const tick = await watcher.next();
      expect(tick).toMatchObject({ type: CON, code: responseCode.content, token });
      watcher.send({ type: ACK, code: 0, messageId: tick.messageId });
      times.push(String.fromCharCode(...tick.payload));
    }
    const [before = NaN, after = NaN] = times.map((time) => Date.parse(time));
    // Where the machine is busy one of them may be left out.
    expect([after > before, (after - before) % 1000]).toEqual([true, 0]);
    const rejected = await watcher.next();
    watcher.send({ type: messageType.RST, code: 0, messageId: rejected.messageId });
    await expect(watcher.next(1100)).rejects.toThrow(/no datagram/);
    watcher.close();
  });
});

describe('blocks', () => {
  test('a 5 KB argument in 64-byte blocks and a 20 KB result in 32-byte blocks, two transfers interleaved: two executions', async () => {
    const argument = new Uint8Array(5000).fill(7);
    const body = encodeCbor([argument]);
    const count = await executions(async () => {
      for (const tag of [1, 2]) {
        let answer: Message | undefined;
        for (let num = 0; num * 64 < body.length; num++) {
          const more = (num + 1) * 64 < body.length;
          const options = [
            ...path('length'),
            opaqueOption(optionNumber.requestTag, Uint8Array.of(tag)),
            block(optionNumber.block1, num, more, 2),
          ];
          answer = await device.request({
            code: method.FETCH,
            options,
            payload: body.subarray(num * 64, num * 64 + 64),
          });
          expect(answer.code).toBe(more ? responseCode.continue : responseCode.content);
        }
        expect(decodeCbor(answer?.payload ?? new Uint8Array(0))).toBe(5000);
      }
    });
    expect(count).toBe(2);

    const others = await Promise.all([RawDevice.open(gateway.port), RawDevice.open(gateway.port)]);
    const parts: Uint8Array[][] = [[], []];
    const read = await executions(async () => {
      let open = [0, 1];
      for (let num = 0; open.length > 0; num++) {
        const still: number[] = [];
        for (const which of open) {
          const options = [...path('rows'), block(optionNumber.block2, num, false, 1)];
          const payload = num === 0 ? encodeCbor([900 + which]) : new Uint8Array(0);
          const answer = await others[which]?.request({ code: method.FETCH, options, payload });
          parts[which]?.push(answer?.payload ?? new Uint8Array(0));
          const sent = findBlock(answer?.options ?? [], optionNumber.block2);
          if (sent !== 'invalid' && sent?.more === true) still.push(which);
        }
        open = still;
      }
    });
    expect(read).toBe(2);
    const wholes = parts.map((list) => decodeCbor(concatBytes(list)));
    expect(wholes.map((rows) => (rows as unknown[]).length)).toEqual([900, 901]);
    for (const one of others) one.close();
  });

  test('NUM above 0 with nothing kept: 4.08, without a call', async () => {
    const count = await executions(async () => {
      const options = [...path('rows'), block(optionNumber.block2, 3, false, 1)];
      expect((await device.request({ code: method.FETCH, options, payload: encodeCbor([5]) })).code).toBe(
        responseCode.requestEntityIncomplete,
      );
    });
    expect(count).toBe(0);
  });
});

describe('No-Response', () => {
  const quiet = uintOption(optionNumber.noResponse, 26);

  test('26 on a NON: nothing is sent; on a CON: an empty ACK', async () => {
    const before = gateway.marks;
    const count = await executions(async () => {
      device.send({ type: NON, code: method.POST, options: [...path('write'), quiet], payload: encodeCbor(['n']) });
      const messageId = device.nextMessageId();
      device.send({ code: method.POST, messageId, options: [...path('write'), quiet], payload: encodeCbor(['m']) });
      expect(await device.next()).toMatchObject({ type: ACK, code: 0, messageId });
      expect(await device.request({ code: method.GET, options: path('quick') })).toMatchObject({
        code: responseCode.content,
      });
      // The answer of another function does not wait for theirs.
      await vi.waitFor(() => expect(gateway.marks - before).toBe(2), patience);
    });
    expect(count).toBe(2);
  });
});

describe('answers', () => {
  const json = uintOption(optionNumber.accept, 50);

  test.each([
    ['no such library', ['func', 'nothing', 'x'], 0x84],
    ['no such method', ['func', 'calc', 'absent'], 0x84],
    ['a prototype member', ['func', 'calc', 'constructor'], 0x84],
    ['__proto__', ['func', '__proto__', 'x'], 0x84],
    ['GET on a class', ['func', 'calc', 'Account'], 0x85],
    ['a generator', ['func', 'calc', 'count'], 0x84],
    ['dots', ['func', '..', 'x'], 0x84],
    ['dots below', ['func', 'calc', '.'], 0x84],
    ['a longer path', ['func', 'calc', 'add', 'x'], 0x84],
    ['an unknown compact id', ['f', '0', '99'], 0x84],
    ['no number', ['f', '0', '0x0'], 0x84],
    ['side effects', ['func', 'calc', 'write'], 0x85],
    ['a missing argument', ['func', 'calc', 'add'], 0x96],
  ])('%s', async (_name, segments, code) => {
    const options = segments.map((segment) => stringOption(optionNumber.uriPath, segment));
    const answer = await device.request({ code: method.GET, options });
    expect(answer.code).toBe(code);
    expect(findUint(answer.options, optionNumber.contentFormat)).toBe(257);
    expect(findUint(answer.options, optionNumber.maxAge)).toBe(0);
  });

  test.each<[string, Parameters<RawDevice['request']>[0], number]>([
    ['a truncated body', { code: method.FETCH, options: path('add'), payload: Uint8Array.of(0x82, 0x01) }, 0x80],
    ['trailing bytes', { code: method.FETCH, options: path('add'), payload: Uint8Array.of(0x81, 0x01, 0x00) }, 0x80],
    [
      'a duplicate key',
      { code: method.FETCH, options: path('add'), payload: Uint8Array.of(0xa2, 0x61, 0x61, 1, 0x61, 0x61, 2) },
      0x80,
    ],
    ['the wrong type', fetch('add', ['x']), 0x96],
    ['an unexpected argument', fetch('add', { a: 1, c: 2 }), 0x96],
    ['too many arguments', fetch('add', [1, 2, 3]), 0x96],
    [
      'an unknown Content-Format',
      {
        code: method.FETCH,
        options: [...path('add'), uintOption(optionNumber.contentFormat, 41)],
        payload: utf8('<a/>'),
      },
      0x8f,
    ],
    [
      'an unknown Accept',
      { code: method.FETCH, options: [...path('add'), uintOption(optionNumber.accept, 41)], payload: encodeCbor([1]) },
      0x86,
    ],
    [
      'arguments in query and body',
      { code: method.FETCH, options: [...path('add'), ...query('a=1')], payload: encodeCbor([1]) },
      0x80,
    ],
    ['an unknown query item', { code: method.GET, options: [...path('add'), ...query('a=1', 'z=2')] }, 0x80],
    ['an unknown control word', { code: method.GET, options: [...path('add'), ...query('_x')] }, 0x80],
    ['a function that throws', { code: method.POST, options: path('fail') }, 0xa0],
    ['PUT', { code: method.PUT, options: path('add') }, 0x85],
  ])('%s', async (_name, request, code) => {
    const count = await executions(async () => {
      expect((await device.request(request)).code).toBe(code);
    });
    expect(count).toBe(0);
  });

  test('what a function threw is in the log; on the wire is its class at most, and that on request', async () => {
    // A device of its own: the others have stated small blocks, which would hide what comes after the first.
    const fresh = await RawDevice.open(gateway.port);
    const answer = await fresh.request({ code: method.POST, options: [...path('fail'), ...query('_why')] });
    expect(findBlock(answer.options, optionNumber.block2)).toBeUndefined();
    const words = String.fromCharCode(...answer.payload);
    expect(words).toContain('The function threw');
    expect(words).not.toMatch(/luck|index\.ts|\.js|\n/);
    await vi.waitFor(
      () =>
        expect(JSON.stringify(gateway.log)).toMatch(/The function threw \w*Error: no such luck \(index\.ts:\d+\)\./),
      patience,
    );
    await fresh.request({ code: method.POST, options: path('plain') });
    await vi.waitFor(
      () => expect(JSON.stringify(gateway.log)).toContain('a value that is no Error: no luck'),
      patience,
    );
    fresh.close();
  });

  test('formats by Accept: CBOR, JSON, text, bytes', async () => {
    const as = async (format: number): Promise<[number | undefined, string]> => {
      const answer = await device.request({
        code: method.GET,
        options: [...path('first'), ...query('text=ä'), uintOption(optionNumber.accept, format)],
      });
      return [findUint(answer.options, optionNumber.contentFormat), Buffer.from(answer.payload).toString('hex')];
    };
    expect([await as(60), await as(50), await as(0), await as(42)]).toEqual([
      [60, '62c3a4'],
      [50, '22c3a422'],
      [0, 'c3a4'],
      [42, 'c3a4'],
    ]);
  });

  test('a function that returns nothing answers with no payload and no Content-Format', async () => {
    const answer = await device.request({ code: method.GET, options: path('nothing') });
    expect(answer).toMatchObject({ code: responseCode.content, payload: new Uint8Array(0) });
    expect(option(answer, optionNumber.contentFormat)).toBeUndefined();
  });

  test('an uncached result has an ETag and Max-Age 0, and is revalidated after it has run again', async () => {
    const answer = await device.request({ code: method.GET, options: [...path('quick'), json] });
    expect(findUint(answer.options, optionNumber.maxAge)).toBe(0);
    const etag = opaqueOption(optionNumber.etag, option(answer, optionNumber.etag) ?? new Uint8Array(0));
    const again = await device.request({ code: method.GET, options: [...path('quick'), json, etag] });
    expect(again.code).toBe(responseCode.valid);
    expect(encodeMessage(again).length - again.token.length).toBe(10);
  });
});
