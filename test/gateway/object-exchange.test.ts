/** Whose objects are: identities that call the same library, with its real thread. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { milliseconds, seconds, type Instant } from '../../src/core/duration.ts';
import { objectIdOf, ObjectReference } from '../../src/core/object-reference.ts';
import { timeOfDay } from '../../src/core/time-of-day.ts';
import type { Value } from '../../src/core/value.ts';
import { bind } from '../../src/functions/binding.ts';
import { CallError } from '../../src/functions/call-error.ts';
import type { Call, Caller, CallResult, GivenObject, Invoker } from '../../src/functions/call.ts';
import type { FunctionDescription } from '../../src/functions/description.ts';
import { memberFunction } from '../../src/functions/object-calls.ts';
import { Registry } from '../../src/functions/registry.ts';
import { Objects, type ObjectsOptions } from '../../src/gateway/objects.ts';
import { ManualScheduler } from '../../src/transport/manual-scheduler.ts';
import { systemRandomness } from '../../src/transport/randomness.ts';
import { systemScheduler } from '../../src/transport/scheduler.ts';
import { patience } from '../patience.ts';

const source = `
  import { existsSync, writeFileSync } from 'node:fs';
  import { context } from 'funcoap/library';
  const folder = (): string => context().dataFolder;
  const kept = new Map<string, Account>();
  export class Account {
    readonly owner: string;
    constructor(owner: string) { this.owner = owner; }
    /** @safe */ me(): Account { return this; }
    close(): void { writeFileSync(folder() + '/' + this.owner, ''); }
  }
  /** @safe */ export function owner(account: Account): string { return account.owner; }
  export function account(owner: string): Account {
    const known = kept.get(owner) ?? new Account(owner);
    kept.set(owner, known);
    return known;
  }
  export function made(owner: string): Account { return new Account(owner); }
  export function busy(owner: string, ms: number): Account {
    const end = Date.now() + ms;
    while (Date.now() < end);
    return account(owner);
  }
  export async function later(owner: string): Promise<Account> {
    writeFileSync(folder() + '/begun-' + owner, '');
    while (!existsSync(folder() + '/go-' + owner)) await new Promise((resolve) => setTimeout(resolve, 2));
    return new Account(owner);
  }
  /** @pure */ export function pure(owner: string): Account { return new Account(owner); }
  export function circular(owner: string): unknown { const list: unknown[] = [account(owner)]; list.push(list); return list; }
  /** @safe */ export function* stream(): Generator<unknown> { yield 1; yield { account: new Account('streamed') }; }
  export function end(): void { process.exit(3); }
  export async function waits(account: Account): Promise<string> {
    await later('waits');
    return account.owner;
  }`;

let folder: string;
let registry: Registry;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'funcoap-exchange-'));
  mkdirSync(join(folder, 'bank', 'data'), { recursive: true });
  writeFileSync(join(folder, 'bank', 'index.ts'), source);
  registry = await Registry.open({ folder, scheduler: systemScheduler, probeInterval: milliseconds(0) });
});
afterAll(async () => {
  await registry.close();
  rmSync(folder, { recursive: true });
});

const fn = (method: string): FunctionDescription => registry.find('bank', method);
const isNoted = (name: string): boolean => existsSync(join(folder, 'bank', 'data', name));
const note = (name: string): void => writeFileSync(join(folder, 'bank', 'data', name), '');

interface Bank {
  readonly objects: Objects;
  readonly scheduler: ManualScheduler;
  readonly as: (identity: string, method: string, args: readonly Value[], more?: Partial<Call>) => Promise<CallResult>;
  /** The caller is given an object. */
  readonly given: (identity: string, method: string, ...args: Value[]) => Promise<string>;
  readonly problem: (identity: string, method: string, ...args: Value[]) => Promise<CallError>;
}

/** Whose objects there are is known to each anew; the thread is the same. */
function bank(more: Partial<ObjectsOptions> = {}): Bank {
  // Leases end by a clock of their own; threads live in real time.
  const scheduler = new ManualScheduler();
  const objects: Objects = new Objects({
    lease: seconds(60),
    maxObjects: 5,
    maxObjectsPerIdentity: 3,
    maxObjectsPerPeer: 3,
    invoker: {
      invoke: (call) => registry.invoke({ ...call, deadline: soon() }),
      open: (call, limit) => registry.open({ ...call, deadline: soon() }, limit),
      holds: (of, object) => registry.holds(of, object),
    },
    scheduler,
    timeLimit: seconds(20),
    randomBytes: systemRandomness.bytes,
    ...more,
  });
  const as: Bank['as'] = async (identity, method, args, others = {}) =>
    objects.exchange.invoke({
      function: fn(method),
      args: bind(fn(method), { kind: 'body', value: args }),
      caller: { identity, peer: 'p' },
      correlationId: 'c',
      deadline: soon(),
      ...others,
    });
  return {
    objects,
    scheduler,
    as,
    given: async (identity, method, ...args) => pathIn(await as(identity, method, args)),
    problem: (identity, method, ...args) =>
      as(identity, method, args).then(
        () => expect.fail('it was answered'),
        (error: unknown) => (error instanceof CallError ? error : expect.fail(String(error))),
      ),
  };
}

const pathIn = ({ value }: CallResult): string => (typeof value === 'string' ? value : expect.fail('it is no path'));
const soon = (): Instant => (performance.now() + 20_000) as Instant;
const by = (identity: string): { caller: { identity: string; peer: string }; correlationId: string } => ({
  caller: { identity, peer: 'p' },
  correlationId: 'c',
});
const idOf = (path: string): string => objectIdOf(path) ?? expect.fail(`${path} is no path`);

test('the same object has another id for each identity, and works for nobody else', async () => {
  const { given, as, problem, objects } = bank();
  const ann = await given('ann', 'account', 'shared');
  const bob = await given('bob', 'account', 'shared');
  expect(ann).not.toBe(bob);
  expect(await given('ann', 'account', 'shared')).toBe(ann);
  expect((await as('ann', 'owner', [ann])).value).toBe('shared');
  const theirs = await problem('ann', 'owner', bob);
  const nobodys = await problem('ann', 'owner', '/o/AAAAAAAA');
  // Nothing tells the two apart.
  expect([theirs.code, theirs.details, theirs.message]).toEqual([
    'no-such-object',
    nobodys.details,
    nobodys.message.replace('/o/AAAAAAAA', bob),
  ]);
  expect(nobodys.details).toEqual({
    parameter: { name: 'account', id: 0 },
    expected: { kind: 'instance', class: 'Account' },
  });
  // As long as one of them has it, it is not closed.
  await objects.release(objects.find(idOf(ann), by('ann').caller), by('ann'));
  expect(isNoted('shared')).toBe(false);
  expect((await as('bob', 'owner', [bob])).value).toBe('shared');
  await objects.release(objects.find(idOf(bob), by('bob').caller), by('bob'));
  expect(isNoted('shared')).toBe(true);
});

test('what somebody had is not of who is enrolled under that name later, unless the library gives it', async () => {
  const { given, problem, as, objects } = bank();
  const path = await given('ann', 'account', 'left behind');
  const since = (ms: number): Caller => ({ ...by('ann').caller, enrolled: timeOfDay(ms) });
  expect(objects.held(idOf(path), by('ann').caller)?.id).toBe(idOf(path));
  expect(objects.held(idOf(path), since(2))).toBeUndefined();
  await expect(as('ann', 'owner', [path], { caller: since(2) })).rejects.toMatchObject({ code: 'no-such-object' });
  expect(pathIn(await as('ann', 'account', ['left behind'], { caller: since(2) }))).toBe(path);
  expect((await as('ann', 'owner', [path], { caller: since(2) })).value).toBe('left behind');
  expect((await problem('ann', 'owner', path)).code).toBe('no-such-object');
});

test('ids are not guessed', async () => {
  const { given, problem } = bank();
  const own = await given('ann', 'account', 'x');
  const seen = new Set<string>();
  for (let i = 0; i < 200; i++) {
    const guess = `/o/${Buffer.from(systemRandomness.bytes(6)).toString('base64url')}`;
    seen.add((await problem('eve', 'owner', guess)).code);
  }
  expect([...seen, (await problem('eve', 'owner', own)).code]).toEqual(['no-such-object', 'no-such-object']);
});

test('being an argument and being given again renew a lease; without one it ends', async () => {
  const { given, as, problem, objects, scheduler } = bank();
  const lent = await given('ann', 'account', 'lent');
  const again = await given('ann', 'account', 'again');
  const left = await given('ann', 'account', 'left');
  scheduler.advance(seconds(59));
  await as('ann', 'owner', [lent]);
  expect(await given('ann', 'account', 'again')).toBe(again);
  scheduler.advance(seconds(59));
  expect(objects.size).toBe(2);
  await vi.waitFor(() => expect(isNoted('left')).toBe(true), patience);
  expect((await problem('ann', 'owner', left)).code).toBe('no-such-object');
  expect((await as('ann', 'owner', [lent])).value).toBe('lent');
  expect((await as('ann', 'owner', [again])).value).toBe('again');
});

test('a lease does not end while its object is an argument', async () => {
  const { given, as, objects, scheduler } = bank();
  const path = await given('ann', 'account', 'argument');
  const waits = as('ann', 'waits', [path]);
  scheduler.advance(seconds(600));
  expect(objects.size).toBe(1);
  note('go-waits');
  expect((await waits).value).toBe('argument');
  expect((await as('ann', 'owner', [path])).value).toBe('argument');
});

test('limits hold for objects that are given: what is too many is let go of, what was there stays', async () => {
  const { given, as, problem, objects } = bank();
  const paths = [await given('ann', 'made', 'a'), await given('ann', 'made', 'b'), await given('ann', 'made', 'c')];
  expect((await problem('ann', 'made', 'd')).code).toBe('rate-exceeded');
  await vi.waitFor(() => expect(isNoted('d')).toBe(true), patience);
  await given('bob', 'made', 'e');
  await given('bob', 'made', 'f');
  const full = await problem('bob', 'made', 'g');
  expect([full.code, full.message]).toEqual([
    'overloaded',
    'made was carried out, but its result cannot be given: there is no room for 1 more; come back later.',
  ]);
  await vi.waitFor(() => expect(isNoted('g')).toBe(true), patience);
  expect(objects.size).toBe(5);
  expect([(await as('ann', 'owner', [paths[0]])).value, isNoted('a')]).toEqual(['a', false]);
});

test('what a pure function made is let go of, as nobody is given it', async () => {
  const { problem, objects } = bank();
  expect((await problem('ann', 'pure', 'pure')).code).toBe('unencodable-result');
  await vi.waitFor(() => expect(isNoted('pure')).toBe(true), patience);
  expect(objects.size).toBe(0);
});

test('an object in a result that cannot be sent was not given', async () => {
  const { given, problem, objects } = bank();
  const path = await given('ann', 'account', 'once');
  expect((await problem('ann', 'circular', 'once')).code).toBe('unencodable-result');
  await objects.release(objects.find(idOf(path), by('ann').caller), by('ann'));
  expect(isNoted('once')).toBe(true);
});

test('an object in an item of a stream ends it, and says why', async () => {
  const { objects } = bank();
  const call = { function: fn('stream'), args: [], ...by('ann'), deadline: soon() };
  const stream = await objects.exchange.open(call, seconds(20));
  expect((await stream.next(0))?.value).toBe(1);
  await expect(stream.next(0)).rejects.toMatchObject({
    code: 'unencodable-result',
    message: expect.stringMatching(/^An item of the stream has an object of Account in it/) as string,
  });
  stream.close();
});

test('what comes too late for its caller is let go of', async () => {
  const { as, objects } = bank();
  const controller = new AbortController();
  const late = as('ann', 'later', ['late'], { signal: controller.signal });
  await vi.waitFor(() => expect(isNoted('begun-late')).toBe(true), patience);
  controller.abort();
  await expect(late).rejects.toMatchObject({ code: 'cancelled' });
  note('go-late');
  await vi.waitFor(() => expect(isNoted('late')).toBe(true), patience);
  expect(objects.size).toBe(0);
});

test('an object that is let go of while it is given once more stays', async () => {
  const { given, as, objects } = bank();
  const path = await given('ann', 'account', 'twice');
  const again = as('ann', 'busy', ['twice', 50]);
  await objects.release(objects.find(idOf(path), by('ann').caller), by('ann'));
  expect(pathIn(await again)).toBe(path);
  expect((await as('ann', 'owner', [path])).value).toBe('twice');
  expect([objects.size, isNoted('twice')]).toEqual([1, false]);
});

test('a call that is moved to a new thread does not find its object there', async () => {
  const { given, as } = bank();
  const path = await given('ann', 'account', 'moved');
  const ended = as('ann', 'end', []).catch((error: unknown) => error);
  await expect(as('ann', 'owner', [path])).rejects.toMatchObject({
    code: 'no-such-object',
    message: `The object ${path} was not there any more when the function was to run; make another one.`,
  });
  expect(await ended).toMatchObject({ code: 'worker-lost' });
  // From then on it is known before.
  await expect(as('ann', 'owner', [path])).rejects.toMatchObject({ code: 'object-lost' });
  await expect(as('ann', 'owner', [path])).rejects.toMatchObject({ code: 'no-such-object' });
});

test('after an edit an object is one of another version, which its own methods still give', async () => {
  const { given, problem, objects } = bank();
  const path = await given('ann', 'account', 'old');
  writeFileSync(join(folder, 'bank', 'index.ts'), `${source}\nexport function fresh(): void {}`);
  await registry.pending('bank');
  await vi.waitFor(() => expect(() => fn('fresh')).not.toThrow(), patience);
  const refused = await problem('ann', 'owner', path);
  expect([refused.code, refused.message]).toEqual([
    'wrong-type',
    `account must be an object of bank/Account, and ${path} was made by another version of bank, which was edited; make another one.`,
  ]);
  const object = objects.find(idOf(path), by('ann').caller);
  const me = object.of.members?.find(({ name }) => name === 'me') ?? expect.fail('me is there');
  const given2 = await objects.use(object, memberFunction(object.of, me, 'call'), [], by('ann'));
  expect(given2.value).toBe(path);
});

const fake =
  (objects: readonly GivenObject[]): Invoker['invoke'] =>
  () => ({
    value: undefined,
    objects,
    readCaller: false,
    tags: [],
    queued: milliseconds(0),
    ran: milliseconds(0),
  });

test('a thread that gives what it cannot have is not believed', async () => {
  const described: FunctionDescription = { ...fn('account') };
  let next: readonly GivenObject[] = [];
  const objects = new Objects({
    lease: seconds(60),
    maxObjects: 5,
    maxObjectsPerIdentity: 3,
    maxObjectsPerPeer: 3,
    invoker: { invoke: (call) => fake(next)(call), open: () => expect.fail('no stream'), holds: () => true },
    scheduler: new ManualScheduler(),
    timeLimit: seconds(20),
    randomBytes: systemRandomness.bytes,
  });
  const call = (identity: string, fn: FunctionDescription): Promise<unknown> =>
    Promise.resolve(objects.exchange.invoke({ function: fn, args: ['x'], ...by(identity), deadline: soon() }));
  next = [{ id: 'AAAAAAAA', class: 'Account', times: 1 }];
  await call('ann', described);
  await expect(call('bob', described)).rejects.toMatchObject({ code: 'internal-error' });
  await expect(call('ann', { ...described, library: 'other' })).rejects.toMatchObject({ code: 'internal-error' });
  await expect(call('ann', { ...described, version: 'other' })).rejects.toMatchObject({ code: 'internal-error' });
  next = [{ id: 'BBBBBBBB', class: 'Nothing', times: 1 }];
  await expect(call('ann', described)).rejects.toMatchObject({ code: 'internal-error' });
  expect(objects.size).toBe(1);
});

test('libraries without classes pass by: the very call and the very result', () => {
  const result = fake([])({} as Call);
  const calls: Call[] = [];
  const objects = new Objects({
    lease: seconds(60),
    maxObjects: 5,
    maxObjectsPerIdentity: 3,
    maxObjectsPerPeer: 3,
    invoker: {
      invoke: (call) => {
        calls.push(call);
        return result;
      },
      open: () => expect.fail('no stream'),
      holds: () => true,
    },
    scheduler: new ManualScheduler(),
    timeLimit: seconds(20),
    randomBytes: systemRandomness.bytes,
  });
  const call = { function: { classes: undefined }, args: [new ObjectReference('AAAAAAAA')] } as unknown as Call;
  expect(objects.exchange.invoke(call)).toBe(result);
  expect(calls[0]).toBe(call);
});
