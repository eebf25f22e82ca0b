/** Methods that are streams: leases and ends of their objects on a manual clock, and what each door makes of them. */
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { decodeCbor, decodeCborSequence } from '../../src/cbor/decode.ts';
import { encodeCbor } from '../../src/cbor/encode.ts';
import { openCoapClient, type CoapClient } from '../../src/client/coap-client.ts';
import type { CoapRequest, CoapResponse } from '../../src/client/coap-request.ts';
import { encodeBlock } from '../../src/coap/blockwise/block-option.ts';
import { dotted, method } from '../../src/coap/codec/codes.ts';
import { findStrings, opaqueOption, optionNumber, stringOption } from '../../src/coap/codec/options.ts';
import { after, milliseconds, never, seconds } from '../../src/core/duration.ts';
import type { Value } from '../../src/core/value.ts';
import { memberFunction } from '../../src/functions/object-calls.ts';
import type { OpenedStream } from '../../src/functions/opened-stream.ts';
import { decodeProblem } from '../../src/functions/problem-details.ts';
import { streamArguments } from '../../src/gateway/object-requests.ts';
import { Objects } from '../../src/gateway/objects.ts';
import { ObjectStreams } from '../../src/gateway/streams/object-streams.ts';
import type { StreamRun } from '../../src/gateway/streams/stream-run.ts';
import { defaultStreamSettings, Streams } from '../../src/gateway/streams/streams.ts';
import { ManualScheduler } from '../../src/transport/manual-scheduler.ts';
import { systemRandomness } from '../../src/transport/randomness.ts';
import { systemScheduler } from '../../src/transport/scheduler.ts';
import { libraryFolder, problemOf, type LibraryFolder } from '../functions/library-folder.ts';
import { ask, startGateway, type TestGateway } from '../http/gateway.ts';
import { RawDevice } from './raw-device.ts';

const source = `
  import { setTimeout } from 'node:timers/promises';
  import { context } from 'funcoap/library';
  const log: string[] = [];
  /** What has happened since the last time. */
  export function events(): string[] { return log.splice(0); }
  export function end(): void { process.exit(3); }
  class Book {
    owner: string;
    constructor(owner: string = 'nobody') { this.owner = owner; log.push('open ' + owner); }
    /** What went in, and what comes. @safe */
    *history(entries: number = Infinity): Generator<string> {
      try { for (let at = 0; at < entries; at++) yield this.owner + at; } finally { log.push('left ' + this.owner); }
    }
    /** @safe */
    async *waits(): AsyncGenerator<number> { yield 0; await new Promise(() => {}); }
    /** @safe */
    async *tidies(): AsyncGenerator<number> {
      try { yield 0; } finally { for (let i = 0; i < 3; i++) await new Promise(setImmediate); log.push('tidied ' + this.owner); }
    }
    /** @safe */
    async *stuck(): AsyncGenerator<number> { try { yield 0; } finally { await new Promise(() => {}); } }
    /** @safe */
    async *hears(): AsyncGenerator<number> {
      try { yield 0; await setTimeout(60_000, undefined, { signal: context().signal }); } finally { log.push('heard ' + this.owner); }
    }
    /** @safe */
    entries(): AsyncIterable<string> { return this.later(); }
    /** @safe */
    async promised(): Promise<AsyncIterable<string>> { return this.later(); }
    /** @safe */
    list(): Iterable<number> { return [1, 2].values(); }
    private async *later() { yield this.owner; }
    /** @safe */
    *fails(): Generator<number> { yield 1; throw new RangeError('no more'); }
    /** @safe */
    scalar(): AsyncIterable<number> { return 5 as never; }
    /** @safe */
    field = function* (): Generator<number> { yield 7; };
    *effects() { yield 1; }
    effect = function* () { yield 1; };
    async *later_(): AsyncGenerator<number> { yield 1; }
    /** @safe */
    plain(): number { return 1; }
    close(): void { log.push('closed ' + this.owner); }
  }
  export class Account extends Book {}
  /** @timeLimit 400ms */
  export class Impatient extends Book {}
  /** @instance percall */
  export class Query extends Book {}
  /** @instance single */
  export class Hall extends Book {}
`;

describe('a stream of an object', () => {
  let folder: LibraryFolder;
  let close = async (): Promise<void> => {};
  beforeAll(async () => {
    const options = { linger: milliseconds(50), settleTime: milliseconds(5) };
    folder = await libraryFolder({ 'bank/index.ts': source }, options, {}, (end) => {
      close = end;
    });
  });
  afterAll(() => close());
  beforeEach(() => events());

  const lease = seconds(600);
  const events = (): Promise<Value> => folder.value('bank', 'events');
  const happened = async (...all: string[]): Promise<void> => {
    const seen: Value[] = [];
    await vi.waitFor(async () => {
      seen.push(...((await events()) as Value[]));
      expect(seen).toEqual(all);
    }, 10_000);
  };
  const caller = { identity: 'ann', peer: 'p' };
  const by = { caller, correlationId: 'c' };
  let edits = 0;
  const edit = async (): Promise<void> => {
    folder.write('bank/index.ts', `${source}\n// edit ${++edits}`);
    await folder.registry.pending('bank');
  };

  interface Bench {
    readonly clock: ManualScheduler;
    readonly objects: Objects;
    readonly streams: Streams;
    make(name: string, ...args: readonly Value[]): Promise<string>;
    open(id: string, method: string, from?: number, ...args: readonly Value[]): Promise<StreamRun>;
    release(id: string): Promise<void>;
  }

  function bench(): Bench {
    const { registry } = folder;
    const clock = new ManualScheduler(systemScheduler.now());
    const objects = new Objects({
      lease,
      maxObjects: 100,
      maxObjectsPerIdentity: 10,
      maxObjectsPerPeer: 10,
      scheduler: clock,
      timeLimit: seconds(3600),
      randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
      invoker: registry,
    });
    const streams = new Streams({
      ...defaultStreamSettings,
      opener: new ObjectStreams(objects.exchange, objects),
      scheduler: clock,
      randomBytes: systemRandomness.bytes,
      versionOf: (library) => registry.libraries().find(({ name }) => name === library)?.version,
    });
    onTestFinished(() => {
      streams.close();
      objects.close();
    });
    return {
      clock,
      objects,
      streams,
      make: async (name, ...args) => {
        await registry.pending('bank');
        const of = registry.findClass('bank', name);
        if (of === undefined) throw new TypeError(`no class ${name}`);
        return await objects.make(of, args, by);
      },
      open: async (id, method, from, ...args) => {
        const object = objects.find(id, caller);
        const member = object.of.members?.find(({ name }) => name === method);
        if (member === undefined) throw new TypeError(`no member ${method}`);
        const { part, ...given } = streamArguments(object, args);
        const deadline = after(systemScheduler.now(), seconds(20));
        const call = { function: memberFunction(object.of, member, 'call'), ...given, ...by, deadline };
        return await streams.open({ call, part, from, run: undefined });
      },
      release: async (id) => await objects.release(objects.find(id, caller), by),
    };
  }

  const reader = { replaced: () => undefined };
  const valueAt = async (run: StreamRun, at: number): Promise<Value> => (await run.take(at))?.value;

  test('holds its lease, and lets go of it when it ends', async () => {
    const { clock, make, open, objects } = bench();
    const run = await open(await make('Account', 'a'), 'history');
    run.attach(reader);
    expect([await valueAt(run, 0), await valueAt(run, 1)]).toEqual(['a0', 'a1']);
    clock.advance(milliseconds(3 * lease));
    expect([objects.size, await valueAt(run, 2)]).toEqual([1, 'a2']);
    run.leave(reader);
    clock.advance(milliseconds(lease - 1));
    expect(objects.size).toBe(1);
    clock.advance(milliseconds(1));
    expect(objects.size).toBe(0);
    await happened('open a', 'left a', 'closed a');
  });

  test('ends before its object, and says so to whoever waits', async () => {
    const { make, open, release, streams } = bench();
    const id = await make('Account', 'b');
    const [run, waiting] = [await open(id, 'history'), await open(id, 'waits')];
    for (const each of [run, waiting]) each.attach(reader);
    await Promise.all([run.take(0), waiting.take(0)]);
    const told = waiting.take(1).then(() => 'an item', problemOf);
    await release(id);
    expect(await told).toBe('object-lost');
    await expect(run.take(1)).rejects.toMatchObject({ code: 'object-lost' });
    await happened('open b', 'left b', 'closed b');
    for (const each of [run, waiting]) each.leave(reader);
    expect(streams.size).toBe(0);
  });

  test('ends before its object also where its generator waits in its `finally`', async () => {
    const { make, open, release } = bench();
    const id = await make('Account', 't');
    for (const name of ['tidies', 'hears']) {
      const run = await open(id, name);
      run.attach(reader);
      await run.take(0);
      if (name === 'hears') run.take(1).catch(() => undefined);
    }
    await release(id);
    await happened('open t', 'heard t', 'tidied t', 'closed t');
    // One that never ends is waited for as long as half of its time limit.
    const other = await make('Impatient', 'u');
    const stuck = await open(other, 'stuck');
    stuck.attach(reader);
    await stuck.take(0);
    await release(other);
    await happened('open u', 'closed u');
  });

  test('of one that is let go of while the stream opens is not begun, or ended at once', async () => {
    const { make, open, release } = bench();
    const id = await make('Account', 'c');
    const opening = open(id, 'history');
    await release(id);
    await opening.then(
      (run) => expect(run.take(0)).rejects.toMatchObject({ code: 'object-lost' }),
      (error: unknown) => expect(error).toMatchObject({ code: 'object-lost' }),
    );
    await happened('open c', 'closed c');
  });

  test('that opens when its object has ended is closed, once, and the lease given back', async () => {
    const inner = Promise.withResolvers<OpenedStream>();
    const told: string[] = [];
    let end = (): void => undefined;
    const streams = new ObjectStreams(
      { open: () => inner.promise },
      {
        lose: () => undefined,
        occupy: (_, ended) => {
          end = ended;
          return () => told.push('released');
        },
      },
    );
    const home = { object: 'o', does: 'use' } as const;
    const call = { function: folder.registry.find('bank', 'events'), args: ['o'], home, ...by, deadline: never };
    const opening = streams.open(call, seconds(1));
    end();
    inner.resolve({ next: () => Promise.resolve(undefined), close: () => told.push('closed') });
    const stream = await opening;
    expect(told).toEqual(['closed']);
    stream.close();
    expect(told).toEqual(['closed', 'released']);
  });

  test('is gone on with, for the same object alone', async () => {
    const { make, open, streams } = bench();
    const [one, other] = [await make('Account', 'd'), await make('Account', 'e')];
    const first = await open(one, 'history');
    await first.take(0);
    expect(await open(one, 'history', 1)).toBe(first);
    const second = await open(other, 'history', 1);
    expect(second).not.toBe(first);
    expect([await valueAt(second, 1), streams.size]).toEqual(['e1', 2]);
  });

  test('of a class with one instance for each call has one of its own, until it is over', async () => {
    const { make, open } = bench();
    const id = await make('Query', 'q');
    const run = await open(id, 'history');
    run.attach(reader);
    expect([await valueAt(run, 0), await valueAt(run, 1)]).toEqual(['q0', 'q1']);
    const short = await open(id, 'history', undefined, 1);
    expect([await valueAt(short, 0), await valueAt(short, 1)]).toEqual(['q0', undefined]);
    await happened('open q', 'open q', 'left q', 'closed q');
    run.leave(reader);
    await happened('left q', 'closed q');
    await expect((await open(id, 'scalar')).take(0)).rejects.toMatchObject({ code: 'function-failed' });
  });

  test('goes on when its library is edited; of the instance for all callers it ends with that', async () => {
    const { clock, make, open, streams } = bench();
    const [own, shared] = [
      await open(await make('Account', 'f'), 'history'),
      await open(await make('Hall'), 'history'),
    ];
    for (const each of [own, shared]) each.attach(reader);
    await Promise.all([own.take(0), shared.take(0)]);
    await edit();
    streams.libraryChanged('bank');
    await expect(shared.take(1)).rejects.toMatchObject({ code: 'object-lost' });
    clock.advance(seconds(3600));
    expect([await valueAt(own, 1), streams.size]).toEqual(['f1', 1]);
  });

  test('ends with its thread', async () => {
    await edit();
    const { make, open, objects } = bench();
    const id = await make('Account', 'g');
    const run = await open(id, 'history');
    await run.take(0);
    await folder.problem('bank', 'end');
    await expect(run.take(1)).rejects.toMatchObject({ code: 'worker-lost' });
    await expect(open(id, 'history')).rejects.toMatchObject({ code: 'object-lost' });
    expect(objects.size).toBe(0);
  });
});

describe('at each door', () => {
  let gateway: TestGateway;
  let client: CoapClient;
  beforeAll(async () => {
    gateway = await startGateway({ libraries: { 'bank/index.ts': source } });
    client = await openCoapClient({});
  });
  afterAll(async () => {
    await client.close();
    await gateway.close();
  });

  const coap = (method: CoapRequest['method'], path: string, value?: Value): Promise<CoapResponse> =>
    client.request({
      uri: gateway.coap + path,
      method,
      ...(value !== undefined && { payload: encodeCbor(value), contentFormat: 60 }),
    });
  const make = async (owner: string): Promise<string> => {
    const { options } = await coap('POST', '/func/bank/Account', [owner]);
    return `/${(findStrings(options, optionNumber.locationPath) ?? []).join('/')}`;
  };
  const told = ({ code, payload }: CoapResponse): unknown =>
    code < 0x80 ? [dotted(code), ...decodeCborSequence(payload)] : decodeProblem(payload).name;

  test('CoAP reads it as a sequence, with GET, FETCH and POST', async () => {
    const path = await make('ann');
    const all = ['ann0', 'ann1', 'ann2'];
    expect(told(await coap('GET', `${path}/history?entries=3`))).toEqual(['2.05', ...all]);
    expect(told(await coap('FETCH', `${path}/history`, [3]))).toEqual(['2.05', ...all]);
    expect(told(await coap('POST', `${path}/history`, { entries: 3 }))).toEqual(['2.04', ...all]);
    expect(told(await coap('GET', `${path}/history?_from=5&_n=2`))).toEqual(['2.05', 'ann5', 'ann6']);
    expect(told(await coap('GET', `${path}/history?entries=400`))).toHaveLength(401);
    for (const [name, value] of [
      ['entries', 'ann'],
      ['promised', 'ann'],
      ['field', 7],
    ] as const)
      expect(told(await coap('GET', `${path}/${name}`))).toEqual(['2.05', value]);
    expect(told(await coap('POST', `${path}/list`))).toEqual(['2.04', [1, 2]]);
  });

  test('a later block of an answer that is not there is no call', async () => {
    const path = await make('fay');
    const device = await RawDevice.open(Number(new URL(gateway.coap).port));
    onTestFinished(() => device.close());
    const block = opaqueOption(optionNumber.block2, encodeBlock({ num: 2, more: false, szx: 2 }));
    for (const name of ['history', 'plain']) {
      const segments = [...path.slice(1).split('/'), name];
      const options = [...segments.map((segment) => stringOption(optionNumber.uriPath, segment)), block];
      const { code, payload } = await device.request({ code: method.GET, options });
      expect([name, dotted(code), decodeProblem(payload).name]).toEqual([name, '4.08', 'incomplete']);
    }
  });

  test('CoAP observes it, item by item', async () => {
    const path = await make('bob');
    const seen: Value[] = [];
    for await (const { payload } of client.observe({ uri: `${gateway.coap}${path}/history?entries=2`, method: 'GET' }))
      seen.push(...decodeCborSequence(payload));
    expect(seen).toEqual([[0, 'bob0'], [1, 'bob1'], [2]]);
  });

  test('HTTP has it as lines, events and a sequence', async () => {
    const url = `${gateway.url}${await make('cy')}/history?entries=2`;
    expect((await ask(url)).text).toBe('"cy0"\n"cy1"\n');
    const events = await ask(url, { headers: { 'accept': 'text/event-stream', 'last-event-id': '0' } });
    expect(events.text).toBe('id: 1\ndata: "cy1"\n\nevent: end\ndata: {"count":2}\n\n');
    const { bytes } = await ask(url, { headers: { accept: 'application/cbor-seq' } });
    expect([...decodeCborSequence(bytes)]).toEqual(['cy0', 'cy1']);
    expect((await ask(url, { headers: { accept: 'image/png' } })).problem).toBe('not-acceptable');
  });

  test('is described, and one that is not safe is not there', async () => {
    const path = await make('dan');
    const { methods } = decodeCbor((await coap('GET', path)).payload) as { methods: Record<string, unknown> };
    expect(Object.keys(methods).toSorted()).toEqual([
      'close',
      'entries',
      'fails',
      'field',
      'hears',
      'history',
      'list',
      'plain',
      'promised',
      'scalar',
      'stuck',
      'tidies',
      'waits',
    ]);
    expect(methods['history']).toMatchObject({
      title: 'What went in, and what comes.',
      stream: true,
      returns: 'string',
    });
    expect(methods['list']).not.toHaveProperty('stream');
    expect(decodeCbor((await coap('GET', `${path}/history?_describe`)).payload)).toMatchObject({
      method: 'Account.history',
      stream: true,
    });
    for (const name of ['effects', 'effect', 'later_'])
      expect(told(await coap('POST', `${path}/${name}`))).toBe('no-such-method');
  });

  test('is checked as a call is, and is no part of a batch', async () => {
    const path = await make('eve');
    expect(told(await coap('GET', `${path}/history?entries=x`))).toBe('wrong-type');
    expect(told(await coap('GET', `${path}/plain?_from=1`))).toBe('unknown-query');
    expect(told(await coap('POST', `${path}/history?_job`))).toBe('bad-request');
    expect(told(await client.request({ uri: `${gateway.coap}${path}/history`, method: 'GET', accept: 60 }))).toBe(
      'not-acceptable',
    );
    expect(decodeProblem((await coap('GET', `${path}/fails`)).payload).name).toBe('function-failed');
    const batch = await coap('POST', '/b?_why', [[`${path}/history`, [1]]]);
    expect([dotted(batch.code), Buffer.from(batch.payload).toString('latin1')]).toEqual([
      '4.00',
      expect.stringContaining('is a stream'),
    ]);
  });
});
