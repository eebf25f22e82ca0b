/** Whose the instances of a class are: objects of real libraries, on their real thread, with leases on a manual clock. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { milliseconds, never, seconds } from '../../src/core/duration.ts';
import type { Value } from '../../src/core/value.ts';
import { bind } from '../../src/functions/binding.ts';
import { CallError } from '../../src/functions/call-error.ts';
import { memberFunction, type ObjectOperation } from '../../src/functions/object-calls.ts';
import { Objects } from '../../src/gateway/objects.ts';
import { ManualScheduler } from '../../src/transport/manual-scheduler.ts';
import { systemScheduler } from '../../src/transport/scheduler.ts';
import { libraryFolder, type LibraryFolder } from '../functions/library-folder.ts';
import { patience } from '../patience.ts';

const hall = `
  import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
  const log: string[] = [];
  /** What has happened since the last time. */
  export function events(): string[] { return log.splice(0); }
  export function end(): void { process.exit(3); }
  /** One for all. @instance single */
  export class Hall {
    count: number;
    constructor(count: number = 0) { log.push('hall'); this.count = count; }
    add(): number { return ++this.count; }
    close(): void { appendFileSync(new URL('../closed.txt', import.meta.url), 'closed'); }
  }
  /** @instance session */
  export class Basket {
    items: string[] = [];
    constructor(fails: boolean = false) { log.push('basket'); if (fails) throw new TypeError('no basket'); }
    put(item: string): number { return this.items.push(item); }
    close(): void { log.push('no basket'); }
  }
  /** @instance percall */
  export class Query {
    #table: string;
    #used: number = 0;
    constructor(table: string) { log.push('query ' + table); this.#table = table; }
    get table(): string { return this.#table; }
    rows(): string { return this.#table + ++this.#used; }
    async later(): Promise<number> { await null; log.push('later'); return ++this.#used; }
    fail(): void { throw new RangeError('no rows'); }
    async [Symbol.asyncDispose](): Promise<void> { log.push('disposed'); await null; log.push('gone'); }
  }
  let kept: Hall | undefined;
  export function keep(hall: Hall): void { kept = hall; }
  /** Gives it when there is a file \`go\`; \`begun\`, that it waits. */
  export async function keptLater(folder: string): Promise<Hall | undefined> {
    writeFileSync(folder + '/begun', '');
    while (!existsSync(folder + '/go')) await new Promise((resolve) => { setTimeout(resolve, 5); });
    log.push('gave the hall');
    return kept;
  }
  export class Plain { value: number = 1; close(): void { log.push('no plain'); } }
  export function read(query: Query): string { return query.table; }
`;

interface Bench {
  readonly clock: ManualScheduler;
  readonly objects: Objects;
  readonly file: string;
  /** The id of an object that is made for somebody. */
  make(name: string, who: string, ...args: readonly Value[]): Promise<string>;
  /** Calls, or reads or sets what ends in `?` or `=`: its value, or the code of its problem. */
  on(id: string, who: string, member: string, ...args: readonly Value[]): Promise<Value>;
  release(id: string, who: string): Promise<Value>;
  events(): Promise<Value>;
}

const problemOf = (error: unknown): string => {
  if (error instanceof CallError) return error.code;
  throw error;
};

/** `ann` is somebody, `@9` who calls from port 9 without an identity. */
const by = (who: string) => ({
  caller: who.startsWith('@') ? { identity: 'local', peer: `127.0.0.1:${who.slice(1)}` } : { identity: who, peer: 'p' },
  correlationId: 'c',
});

/** Loading takes longer than all that is tested of it. */
let folder: LibraryFolder;
let close = async (): Promise<void> => {};
beforeAll(async () => {
  const options = { linger: milliseconds(50), settleTime: milliseconds(5) };
  folder = await libraryFolder({ 'city/index.ts': hall }, options, {}, (end) => {
    close = end;
  });
});
afterAll(() => close());

let edits = 0;
async function edit(text: string = `${hall}\n// edit ${++edits}`): Promise<void> {
  folder.write('city/index.ts', text);
  await folder.registry.pending('city');
}

async function bench(): Promise<Bench> {
  const file = join(folder.path, 'closed.txt');
  folder.write('closed.txt', '');
  await folder.value('city', 'events');
  const { registry } = folder;
  // Leases stand still, and what runs on the thread has all the time of the world.
  const clock = new ManualScheduler(systemScheduler.now());
  const objects = new Objects({
    lease: seconds(600),
    maxObjects: 100,
    maxObjectsPerIdentity: 10,
    maxObjectsPerPeer: 10,
    scheduler: clock,
    timeLimit: seconds(60),
    randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
    invoker: registry,
  });
  onTestFinished(() => objects.close());
  return {
    clock,
    objects,
    file,
    make: async (name, who, ...args) => {
      await registry.pending('city');
      const of = registry.findClass('city', name);
      if (of === undefined) throw new TypeError(`no class ${name}`);
      return await objects.make(of, args, by(who));
    },
    on: async (id, who, member, ...args) => {
      try {
        const object = objects.find(id, by(who).caller);
        const [, name, end = ''] = /^(.*?)([?=]?)$/.exec(member) ?? [];
        const found = object.of.members?.find((each) => each.name === name);
        if (found === undefined) throw new TypeError(`no member ${member}`);
        const operation: ObjectOperation = end === '?' ? 'read' : end === '=' ? 'set' : 'call';
        const result = await objects.use(object, memberFunction(object.of, found, operation), args, by(who));
        return result.value;
      } catch (error) {
        return problemOf(error);
      }
    },
    release: async (id, who) => {
      try {
        await objects.release(objects.find(id, by(who).caller), by(who));
        return undefined;
      } catch (error) {
        return problemOf(error);
      }
    },
    events: async () => await folder.value('city', 'events'),
  };
}

test('single: all callers have the same instance, each by an id and with a lease of its own', async () => {
  const { make, on, release, events, objects, clock, file } = await bench();
  const [ann, bob] = [await make('Hall', 'ann', 5), await make('Hall', 'bob', 7)];
  expect(ann).not.toBe(bob);
  expect([await on(ann, 'ann', 'add'), await on(bob, 'bob', 'add'), await on(ann, 'ann', 'count?')]).toEqual([6, 7, 7]);
  expect(await events()).toEqual(['hall']);
  expect([await make('Hall', 'ann'), await on(bob, 'ann', 'add'), await on(ann, '@9', 'add')]).toEqual([
    ann,
    'no-such-resource',
    'no-such-resource',
  ]);
  // Of who has no identity, each peer has an id.
  const [nine, eight] = [await make('Hall', '@9'), await make('Hall', '@8')];
  expect(new Set([ann, bob, nine, eight]).size).toBe(4);
  expect(await make('Hall', '@9')).toBe(nine);
  expect(await release(ann, 'ann')).toBeUndefined();
  expect([await on(ann, 'ann', 'add'), await on(bob, 'bob', 'add')]).toEqual(['no-such-resource', 8]);
  clock.advance(seconds(600));
  expect(objects.size).toBe(0);
  const again = await make('Hall', 'bob', 1);
  expect([again === bob, await on(again, 'bob', 'add'), await events()]).toEqual([false, 9, []]);
  expect(readFileSync(file, 'utf8')).toBe('');
});

test('single: what comes too late for its caller does not end the instance, though nobody else has it', async () => {
  const { make, release, objects, events, file } = await bench();
  const { registry, path } = folder;
  // An instance that nobody has yet.
  await edit();
  await vi.waitFor(() => expect(readFileSync(file, 'utf8')).toBe('closed'), 10_000);
  const ann = await make('Hall', 'ann');
  const call = (who: string, name: string, args: readonly Value[], signal?: AbortSignal): Promise<unknown> =>
    Promise.resolve(
      objects.exchange.invoke({
        function: registry.find('city', name),
        args: bind(registry.find('city', name), { kind: 'body', value: args }),
        ...by(who),
        deadline: never,
        ...(signal === undefined ? {} : { signal }),
      }),
    );
  await call('ann', 'keep', [`/o/${ann}`]);
  const controller = new AbortController();
  const late = call('bob', 'keptLater', [path], controller.signal);
  await vi.waitFor(() => expect(existsSync(join(path, 'begun'))).toBe(true), patience);
  controller.abort();
  await expect(late).rejects.toMatchObject({ code: 'cancelled' });
  await release(ann, 'ann');
  folder.write('go', '');
  await vi.waitFor(async () => expect(await events()).toContain('gave the hall'), patience);
  await make('Hall', 'cid');
  expect(readFileSync(file, 'utf8')).toBe('closed');
});

test('single: with its thread the instance is lost, once for each who had it, and POST makes the next', async () => {
  const { make, on, file } = await bench();
  const [ann, bob, cid] = [await make('Hall', 'ann', 5), await make('Hall', 'bob'), await make('Hall', 'cid')];
  expect(await folder.problem('city', 'end')).toBe('worker-lost');
  expect([await on(ann, 'ann', 'add'), await on(ann, 'ann', 'add')]).toEqual(['object-lost', 'no-such-resource']);
  // Also who has not noticed is given the new one, and is told of the old one.
  const next = await make('Hall', 'bob');
  expect(next).not.toBe(bob);
  expect([await on(next, 'bob', 'add'), await on(bob, 'bob', 'add')]).toEqual([1, 'object-lost']);
  expect([await make('Hall', 'bob'), await on(await make('Hall', 'ann'), 'ann', 'add')]).toEqual([next, 2]);
  expect(await on(cid, 'cid', 'add')).toBe('object-lost');
  expect(readFileSync(file, 'utf8')).toBe('');
});

test('single: ends with its version of the library, other objects do not', async () => {
  const { make, on, file } = await bench();
  const [single, plain] = [await make('Hall', 'ann', 5), await make('Plain', 'ann')];
  const session = await make('Basket', 'ann');
  await edit();
  expect([await on(single, 'ann', 'add'), await on(single, 'ann', 'add')]).toEqual(['object-lost', 'no-such-resource']);
  const next = await make('Hall', 'ann');
  expect(await on(next, 'ann', 'add')).toBe(1);
  await vi.waitFor(() => expect(readFileSync(file, 'utf8')).toBe('closed'), 10_000);
  expect([await on(plain, 'ann', 'value?'), await on(session, 'ann', 'put', 'x')]).toEqual([1, 1]);
  const own = await make('Basket', 'ann');
  expect([own === session, await on(own, 'ann', 'items?')]).toEqual([false, []]);
});

test('single: whoever had it is told so, also when its thread has ended', async () => {
  const { make, on } = await bench();
  const { registry } = folder;
  // A version of which nobody has anything else.
  await edit();
  const [ann, events] = [await make('Hall', 'ann'), registry.find('city', 'events')];
  await edit();
  const { caller, correlationId } = by('ann');
  const old = { function: events, args: [], caller, correlationId, deadline: never };
  const version = async (): Promise<Value> => (await registry.invoke(old)).value;
  await vi.waitFor(() => expect(version()).rejects.toMatchObject({ code: 'not-ready' }), 10_000);
  expect([await on(ann, 'ann', 'add'), await on(ann, 'ann', 'add')]).toEqual(['object-lost', 'no-such-resource']);
});

test('an edit that is taken back leaves objects from before it lost, not somebody else’s', async () => {
  const { make, on } = await bench();
  const before = await make('Plain', 'ann');
  const now = readFileSync(join(folder.path, 'city', 'index.ts'), 'utf8');
  await edit();
  await edit(now);
  const after = await make('Plain', 'ann');
  expect([await on(before, 'ann', 'value?'), await on(after, 'ann', 'value?')]).toEqual(['object-lost', 1]);
});

test('session: each identity has one, and of who has no identity each peer', async () => {
  const { make, on, release, events, objects, clock } = await bench();
  const [ann, twice] = await Promise.all([make('Basket', 'ann'), make('Basket', 'ann')]);
  expect([ann, await make('Basket', 'ann')]).toEqual([twice, twice]);
  const others = [await make('Basket', 'bob'), await make('Basket', '@9'), await make('Basket', '@8')];
  expect(new Set([ann, ...others]).size).toBe(4);
  expect(await events()).toEqual(['basket', 'basket', 'basket', 'basket']);
  expect([
    await on(ann, 'ann', 'put', 'a'),
    await on(ann, 'ann', 'put', 'b'),
    await on(others[0] ?? '', 'bob', 'items?'),
  ]).toEqual([1, 2, []]);
  expect(await on(ann, 'bob', 'items?')).toBe('no-such-resource');
  clock.advance(seconds(599));
  expect(await make('Basket', 'ann')).toBe(ann);
  clock.advance(seconds(599));
  expect([objects.size, await on(ann, 'ann', 'items?'), await events()]).toEqual([
    1,
    ['a', 'b'],
    ['no basket', 'no basket', 'no basket'],
  ]);
  expect(await release(ann, 'ann')).toBeUndefined();
  const next = await make('Basket', 'ann');
  expect([next === ann, await on(next, 'ann', 'items?'), await events()]).toEqual([false, [], ['no basket', 'basket']]);
});

test('session: a constructor that fails leaves nothing behind', async () => {
  const { make, objects } = await bench();
  const both = await Promise.allSettled([make('Basket', 'ann', true), make('Basket', 'ann', true)]);
  expect(both.map((one) => one.status === 'rejected' && problemOf(one.reason))).toEqual([
    'function-failed',
    'function-failed',
  ]);
  expect(objects.size).toBe(0);
  expect(await make('Basket', 'ann')).toMatch(/^[\w-]{8}$/);
});

test('session: lost with its thread, and POST makes the next', async () => {
  const { make, on } = await bench();
  const before = await make('Basket', 'ann');
  expect(await folder.problem('city', 'end')).toBe('worker-lost');
  const next = await make('Basket', 'ann');
  expect([await on(next, 'ann', 'put', 'x'), await on(before, 'ann', 'put', 'x')]).toEqual([1, 'object-lost']);
  expect(await make('Basket', 'ann')).toBe(next);
});

test('percall: each call makes one with the arguments of the POST, and lets go of it', async () => {
  const { make, on, release, events, objects, clock } = await bench();
  const [ann, bob] = [await make('Query', 'ann', 'a'), await make('Query', 'ann', 'b')];
  expect([ann === bob, await events()]).toEqual([false, []]);
  expect([await on(ann, 'ann', 'rows'), await on(ann, 'ann', 'rows'), await on(bob, 'ann', 'rows')]).toEqual([
    'a1',
    'a1',
    'b1',
  ]);
  const once = (table: string): string[] => [`query ${table}`, 'disposed', 'gone'];
  expect(await events()).toEqual([...once('a'), ...once('a'), ...once('b')]);
  expect([await on(ann, 'ann', 'table?'), await events()]).toEqual(['a', once('a')]);
  expect([await on(ann, 'ann', 'later'), await events()]).toEqual([1, ['query a', 'later', 'disposed', 'gone']]);
  expect([await on(ann, 'ann', 'fail'), await events()]).toEqual(['function-failed', once('a')]);
  expect([await on(ann, 'bob', 'rows'), await release(ann, 'ann'), await events()]).toEqual([
    'no-such-resource',
    undefined,
    [],
  ]);
  clock.advance(seconds(600));
  expect([objects.size, await events()]).toEqual([0, []]);
});

test('percall: what there is one of for each call is no argument', async () => {
  const { make, objects } = await bench();
  const read = folder.registry.find('city', 'read');
  const call = { function: read, correlationId: 'c', caller: by('ann').caller, deadline: never };
  const id = await make('Query', 'ann', 'a');
  const given = bind(read, { kind: 'body', value: [`/o/${id}`] });
  const told = Promise.resolve(objects.exchange.invoke({ ...call, args: given }));
  await expect(told).rejects.toMatchObject({
    code: 'wrong-type',
    message: expect.stringMatching(/one for each call/) as string,
  });
});

test('a thousand objects of a real class end with their leases, and each is told so', async () => {
  const { clock } = await bench();
  const of = folder.registry.findClass('city', 'Plain');
  if (of === undefined) throw new TypeError('no class Plain');
  const objects = new Objects({
    lease: seconds(60),
    maxObjects: 1000,
    maxObjectsPerIdentity: 1000,
    maxObjectsPerPeer: 1000,
    scheduler: clock,
    timeLimit: seconds(60),
    randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
    invoker: folder.registry,
  });
  const ids = await Promise.all(Array.from({ length: 1000 }, () => objects.make(of, [], by('ann'))));
  await expect(objects.make(of, [], by('ann'))).rejects.toMatchObject({ code: 'overloaded' });
  clock.advance(seconds(59));
  expect(objects.size).toBe(1000);
  const used = objects.find(ids[500] ?? '', by('ann').caller);
  const [value] = of.members ?? [];
  if (value === undefined) throw new TypeError('no member');
  expect((await objects.use(used, memberFunction(of, value, 'read'), [], by('ann'))).value).toBe(1);
  clock.advance(seconds(1));
  expect(objects.size).toBe(1);
  expect(await folder.value('city', 'events')).toEqual(Array.from({ length: 999 }, () => 'no plain'));
  expect(() => objects.find(ids[0] ?? '', by('ann').caller)).toThrow(/no object/);
  clock.advance(seconds(59));
  expect([objects.size, clock.nextDeadline()]).toEqual([0, undefined]);
});
