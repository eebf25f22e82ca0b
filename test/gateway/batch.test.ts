/** Batches, against the real gateway process: what one datagram can ask, and what is refused. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { decodeCbor } from '../../src/cbor/decode.ts';
import { encodeCbor } from '../../src/cbor/encode.ts';
import { openCoapClient } from '../../src/client/coap-client.ts';
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
import { concatBytes, utf8 } from '../../src/core/bytes.ts';
import type { Value } from '../../src/core/value.ts';
import { decodeProblem, type ProblemDetails } from '../../src/functions/problem-details.ts';
import { GatewayProcess } from './gateway-process.ts';
import { RawDevice } from './raw-device.ts';
import { patience } from '../patience.ts';

const source = `
import { appendFileSync } from 'node:fs';
const mark = () => appendFileSync('$MARKS', 'x');
/**
 * @pure
 * @maxAge 240
 */
export function add(a: number, b: number): number { mark(); return a + b; }
/**
 * @pure
 * @maxAge 30
 */
export function user(id: number): { name: string; tags: string[]; 'a/b': number } {
  mark();
  return { name: 'user ' + id, tags: ['x', 'y'], 'a/b': 7 };
}
/** @safe */
export function length(text: string): number { return text.length; }
/** @safe */
export function echo(value: unknown): unknown { return value; }
/** @safe */
export function all(...values: unknown[]): unknown { return values; }
/** @safe */
export function nothing(): void {}
export function write(text: string): string { mark(); return 'wrote ' + text; }
/** @safe */
export function* count() { yield 1; }
export function fail(): void { throw new TypeError('no such luck'); }
`;

let gateway: GatewayProcess;
let device: RawDevice;
beforeAll(async () => {
  const access = [{ functions: ['calc/*'], resources: [] }];
  gateway = await GatewayProcess.start({
    libraries: { 'calc/index.ts': source, 'hidden/index.ts': '/** @safe */ export function secret() { return 1; }' },
    settings: [`access=${JSON.stringify(access)}`],
  });
  device = await RawDevice.open(gateway.port);
});
afterAll(async () => {
  device.close();
  await gateway.stop();
});

/** Tag 39 around what is there. */
class Reference {
  readonly content: Value;
  constructor(...content: Value[]) {
    this.content = content;
  }
}

/** The CBOR of calls with references in them. */
function encode(value: unknown): Uint8Array {
  if (value instanceof Reference) return concatBytes([Uint8Array.of(0xd8, 39), encodeCbor(value.content)]);
  if (Array.isArray(value)) return concatBytes([Uint8Array.of(0x80 | value.length), ...value.map(encode)]);
  if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype) {
    const members = Object.entries(value).flatMap(([name, member]) => [encodeCbor(name), encode(member)]);
    return concatBytes([Uint8Array.of(0xa0 | (members.length / 2)), ...members]);
  }
  return encodeCbor(value as Value);
}

interface How {
  readonly code?: number;
  readonly query?: readonly string[];
  readonly options?: readonly Option[];
}

const batch = (payload: Uint8Array, { code = method.FETCH, query = [], options = [] }: How = {}): Promise<Message> =>
  device.request({
    code,
    options: [
      stringOption(optionNumber.uriPath, 'b'),
      ...query.map((item) => stringOption(optionNumber.uriQuery, item)),
      ...options,
    ].toSorted((one, other) => one.number - other.number),
    payload,
  });

async function results(calls: unknown, how: How = {}): Promise<Value> {
  const { payload } = await batch(encode(calls), how);
  return decodeCbor(payload);
}

async function refusal(calls: unknown, how: How = {}): Promise<[string, ProblemDetails]> {
  const { code, payload } = await batch(calls instanceof Uint8Array ? calls : encode(calls), how);
  return [dotted(code), decodeProblem(payload)];
}

describe('a batch', () => {
  test('gives the results of its calls in their order, by names or ids, and null for nothing', async () => {
    const lock = JSON.parse(readFileSync(join(gateway.folder, 'funcoap.lock.json'), 'utf8')) as {
      libraries: Record<string, { id: number }>;
    };
    const calls = [
      ['calc/add', [1, 2]],
      [[lock.libraries['calc']?.id, 0], { a: 3, b: 4 }],
      ['calc/length', 'text'],
      ['calc/nothing'],
    ];
    expect(await results(calls)).toEqual([3, 7, 4, null]);
  });

  test('of three calls that depend on each other is one datagram each way', async () => {
    const calls = [
      ['calc/user', [5]],
      ['calc/length', [new Reference(0, 'name')]],
      ['calc/add', { a: new Reference(1), b: 10 }],
    ];
    const before = device.received.length;
    const answer = await batch(encode(calls), { query: ['_w=4'] });
    expect(dotted(answer.code)).toBe('2.05');
    expect(decodeCbor(answer.payload)).toEqual([16]);
    expect(device.received.length).toBe(before);
    // 60 is what a datagram of 802.15.4 carries of CoAP at the least.
    expect(
      encode([
        [[0, 1], [5]],
        [[0, 2], [new Reference(0, 'name')]],
        [
          [0, 0],
          [new Reference(1), 10],
        ],
      ]).length,
    ).toBeLessThan(60);
  });

  test('follows members, items and keys, and hands over whole values', async () => {
    const calls = [
      ['calc/user', [1]],
      ['calc/echo', [new Reference(0, 'tags', 1)]],
      ['calc/echo', [new Reference(0, 'a/b')]],
      ['calc/echo', [new Reference(0)]],
      ['calc/echo', new Reference(0, 'tags')],
    ];
    expect((await results(calls, { query: ['_w=30'] })) as unknown).toEqual([
      'y',
      7,
      { 'name': 'user 1', 'tags': ['x', 'y'], 'a/b': 7 },
      ['x', 'y'],
    ]);
  });

  test('does not look for references in what a reference stood for', async () => {
    const inner = encodeCbor([0]);
    const calls = [
      ['calc/echo', [inner]],
      ['calc/echo', [new Reference(0)]],
    ];
    expect(await results(calls)).toEqual([inner, inner]);
  });

  test('shares the cache with single calls, and has a Max-Age and an ETag of its own', async () => {
    const before = gateway.marks;
    const path = ['func', 'calc', 'user'].map((segment) => stringOption(optionNumber.uriPath, segment));
    await device.request({ code: method.FETCH, options: path, payload: encodeCbor([77]) });
    const answer = await batch(
      encode([
        ['calc/user', [77]],
        ['calc/user', { id: 77 }],
      ]),
    );
    expect(gateway.marks - before).toBe(1);
    const maxAge = findUint(answer.options, optionNumber.maxAge) ?? 60;
    expect(maxAge).toBeGreaterThan(0);
    expect(maxAge).toBeLessThanOrEqual(30);
    const etag = findOption(answer.options, optionNumber.etag) ?? new Uint8Array();
    const again = await batch(
      encode([
        ['calc/user', [77]],
        ['calc/user', { id: 77 }],
      ]),
      {
        options: [opaqueOption(optionNumber.etag, etag)],
      },
    );
    expect([dotted(again.code), again.payload.length]).toEqual(['2.03', 0]);
  });

  test('with calls that have side effects is POST, answered 2.04 without ETag', async () => {
    const [code] = await refusal([['calc/write', ['x']]]);
    expect(code).toBe('4.05');
    const answer = await batch(encode([['calc/write', ['x']]]), { code: method.POST });
    expect([dotted(answer.code), decodeCbor(answer.payload)]).toEqual(['2.04', ['wrote x']]);
    expect(findOption(answer.options, optionNumber.etag)).toBeUndefined();
  });

  test('in JSON has no references, and is answered in JSON', async () => {
    const options = [uintOption(optionNumber.contentFormat, 50)];
    const { payload } = await batch(utf8('[["calc/add",{"a":1,"b":2}],["calc/nothing"]]'), { options });
    expect(new TextDecoder().decode(payload)).toBe('[3,null]');
  });

  test('is one line of the log, with what it called', async () => {
    await results([
      ['calc/add', [1, 1]],
      ['calc/length', ['']],
    ]);
    await vi.waitFor(
      () =>
        expect(gateway.log).toContainEqual(
          expect.objectContaining({ target: 'b', calls: ['calc/add', 'calc/length'], code: '2.05' }),
        ),
      patience,
    );
  });
});

describe('nothing runs where', () => {
  const marked = async (work: () => Promise<unknown>): Promise<number> => {
    const before = gateway.marks;
    await work();
    return gateway.marks - before;
  };
  const write = ['calc/write', ['x']];
  test.each<[string, unknown, string, string, number | undefined]>([
    ['a later function is not there', [write, ['calc/none']], '4.04', 'no-such-method', 1],
    ['a later library is not there', [write, ['none/none']], '4.04', 'no-such-library', 1],
    ['a later one may not be called', [write, ['hidden/secret']], '4.03', 'access-denied', 1],
    ['an argument of a later one does not fit', [write, ['calc/add', [1, 'x']]], '4.22', 'wrong-type', 1],
    ['a later one is a stream', [write, ['calc/count']], '4.00', 'bad-request', 1],
    ['there are too many', Array.from({ length: 17 }, () => write), '4.00', 'bad-request', undefined],
    ['there are none', [], '4.00', 'bad-request', undefined],
    ['a call is not one', [write, 5], '4.00', 'bad-request', undefined],
    ['a call is more than target and arguments', [write, ['calc/add', [1, 2], 3]], '4.00', 'bad-request', undefined],
    ['a target is not one', [write, [5, []]], '4.00', 'bad-request', undefined],
    ['a reference goes ahead', [write, ['calc/echo', [new Reference(1)]]], '4.00', 'bad-reference', undefined],
    ['a reference is no list', [write, ['calc/echo', [new Reference()]]], '4.00', 'bad-reference', undefined],
    ['a reference has other steps', [write, ['calc/echo', [new Reference(0, -1)]]], '4.00', 'bad-reference', undefined],
    [
      'a reference is within an argument',
      [write, ['calc/echo', [[new Reference(0)]]]],
      '4.00',
      'bad-reference',
      undefined,
    ],
    ['a reference is a target', [write, [new Reference(0), []]], '4.00', 'bad-request', undefined],
  ])('%s', async (_, calls, code, name, index) => {
    const ran = await marked(async () => {
      const [answered, problem] = await refusal(calls, { code: method.POST });
      expect([answered, problem.name, problem.batch?.index]).toEqual([code, name, index]);
    });
    expect(ran).toBe(0);
  });

  test.each([[['a=1']], [['_w=x']], [['_w=65536']], [['_job']], [['_w=1', '_w=1']]])(
    'the query has anything but _w, once, and _why, or a mask that is none: %s',
    async (query) => {
      const ran = await marked(async () => {
        const [code, { name }] = await refusal([write], { code: method.POST, query });
        expect([code, name]).toEqual(['4.00', 'unknown-query']);
      });
      expect(ran).toBe(0);
    },
  );

  test('the body is longer than 64 KiB, and Size1 says so', async () => {
    const client = await openCoapClient({});
    const sent = async (bytes: number): Promise<readonly [string, Value]> => {
      const payload = encode([['calc/length', ['x'.repeat(bytes - 18)]]]);
      expect(payload.length).toBe(bytes);
      const answer = await client.request({ uri: `${gateway.uri}/b`, method: 'FETCH', payload, contentFormat: 60 });
      const isDone = dotted(answer.code) === '2.05';
      return [dotted(answer.code), isDone ? decodeCbor(answer.payload) : findUint(answer.options, optionNumber.size1)];
    };
    expect(await sent(65_536)).toEqual(['2.05', [65_518]]);
    expect(await sent(65_537)).toEqual(['4.13', 65_536]);
    await client.close();
  });
  test('the body is not well-formed, or missing', async () => {
    expect((await refusal(Uint8Array.of(0x82, 1), { code: method.POST }))[0]).toBe('4.00');
    expect((await refusal(new Uint8Array(), { code: method.POST }))[0]).toBe('4.00');
    const options = [uintOption(optionNumber.accept, 40)];
    expect((await refusal([write], { code: method.POST, options }))[0]).toBe('4.06');
  });
});

describe('a call that fails', () => {
  test('ends the batch, and says which it was and what there was before it', async () => {
    const before = gateway.marks;
    const calls = [['calc/write', ['a']], ['calc/fail'], ['calc/write', ['b']]];
    const [code, problem] = await refusal(calls, { code: method.POST });
    expect(code).toBe('5.00');
    expect(problem).toMatchObject({ name: 'function-failed', batch: { index: 1, results: ['wrote a'] } });
    expect(gateway.marks - before).toBe(1);
  });

  test('tells only results that are wanted', async () => {
    const calls = [['calc/write', ['a']], ['calc/nothing'], ['calc/fail']];
    const [, problem] = await refusal(calls, { code: method.POST, query: ['_w=2'] });
    expect(problem.batch).toEqual({ index: 2, results: [null] });
  });

  test('may do so because its references would make more and more of what there is', async () => {
    const twenty = (index: number): unknown => ['calc/all', Array.from({ length: 20 }, () => new Reference(index))];
    const [code, problem] = await refusal([['calc/echo', ['x'.repeat(30_000)]], twenty(0), twenty(1)], {
      query: ['_w=0'],
    });
    expect([code, problem.name, problem.batch?.index]).toEqual(['4.13', 'too-large', 2]);
    // One alone hands on what there is, and the gateway is as it was.
    expect(
      await results(
        [
          ['calc/echo', ['y']],
          ['calc/echo', [new Reference(0)]],
        ],
        { query: ['_w=2'] },
      ),
    ).toEqual(['y']);
  });

  test('may do so because a reference leads nowhere', async () => {
    for (const steps of [['none'], ['tags', 9], ['tags', 'length'], ['name', 0], ['__proto__']]) {
      const calls = [
        ['calc/user', [1]],
        ['calc/echo', [new Reference(0, ...steps)]],
      ];
      const [code, problem] = await refusal(calls);
      expect([code, problem.name, problem.batch?.index]).toEqual(['4.00', 'bad-reference', 1]);
    }
    const [, problem] = await refusal([['calc/nothing'], ['calc/echo', [new Reference(0)]]]);
    expect(problem.name).toBe('bad-reference');
  });
});
