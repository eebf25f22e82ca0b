/** What becomes of a job between being taken and having ended: real store, cache and rules, functions that the test decides, a clock that stands still. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { ResultCache } from '../../src/cache/result-cache.ts';
import { encodeCbor } from '../../src/cbor/encode.ts';
import { decodeCbor } from '../../src/cbor/decode.ts';
import { milliseconds, seconds } from '../../src/core/duration.ts';
import { timeOfDay, type TimeOfDay } from '../../src/core/time-of-day.ts';
import type { Value } from '../../src/core/value.ts';
import { CallError, type ProblemName } from '../../src/functions/call-error.ts';
import type { Call, CallResult } from '../../src/functions/call.ts';
import type { FunctionDescription } from '../../src/functions/description.ts';
import type { Job, JobLimits } from '../../src/functions/job-store.ts';
import { AccessRules, openAccess } from '../../src/gateway/access-rules.ts';
import type { EnrolledPeers } from '../../src/gateway/enrolled-peers.ts';
import { Jobs } from '../../src/gateway/jobs.ts';
import { SqliteJobStore } from '../../src/store/sqlite/job-store.ts';
import { ManualScheduler } from '../../src/transport/manual-scheduler.ts';
import { systemRandomness } from '../../src/transport/randomness.ts';
import { orderOf, roomy } from '../contract/job-store.ts';
import { functionOf } from '../functions/functions-of.ts';

const ann = { identity: 'ann', peer: '127.0.0.1:4000' };
const annAsks = { key: 'ann', remote: { address: '127.0.0.1', port: 4000 }, principal: { name: 'ann', groups: [] } };

const change: FunctionDescription = { ...functionOf('export function change(text: string): string { return text; }') };
const look = functionOf('/** @safe */ export function look(text: string): string { return text; }');
const sum = functionOf('/** @pure @maxAge 60 */ export function sum(text: string): string { return text; }');
const functions = new Map([change, look, sum].map((fn) => [fn.method, fn]));

const given = (value: Value): CallResult => ({
  value,
  readCaller: false,
  tags: [],
  queued: milliseconds(0),
  ran: milliseconds(0),
});
const failing = (code: ProblemName): Promise<never> => Promise.reject(new CallError(code, 'as the test says'));

/** Ann, since the day that `since` says, until it is undefined. */
class OnlyAnn implements EnrolledPeers {
  since: TimeOfDay | undefined = timeOfDay(7);
  readonly #listeners = new Set<() => void>();

  get listeners(): number {
    return this.#listeners.size;
  }

  byName(name: string): { readonly enrolled: TimeOfDay } | undefined {
    return name === 'ann' && this.since !== undefined ? { enrolled: this.since } : undefined;
  }

  onEnd(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  end(): void {
    for (const listener of this.#listeners) listener();
  }
}

let enrolled: OnlyAnn;
let clock: ManualScheduler;
let store: SqliteJobStore;
let cache: ResultCache;
let calls: Call[];
/** What each call gives, the first one first; then its argument. */
let outcomes: ((call: Call) => CallResult | Promise<CallResult>)[];
const textOf = ({ args }: Call): Value => (args as readonly Value[])[0];

beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), 'funcoap-runs-'));
  [clock, cache, calls, outcomes] = [new ManualScheduler(), new ResultCache(), [], []];
  store = SqliteJobStore.open(folder, clock);
  enrolled = new OnlyAnn();
  onTestFinished(() => rmSync(folder, { recursive: true }));
});

function open({ access = openAccess, limits = {} }: { access?: typeof openAccess; limits?: Partial<JobLimits> } = {}) {
  const jobs = new Jobs({
    directory: {
      pending: () => undefined,
      revision: 1,
      find: (_, method) => functions.get(method) ?? change,
      findById: () => change,
    },
    invoker: {
      invoke: (call) => {
        calls.push(call);
        return (outcomes.shift() ?? ((last) => given(textOf(last))))(call);
      },
    },
    cache,
    access: new AccessRules(access),
    bodies: { read: () => Promise.reject(new Error('There is no large body here.')) },
    enrolled: () => enrolled,
    scheduler: clock,
    timeOfDay: () => timeOfDay(0),
    maxRunning: 1,
    timeLimit: seconds(10),
    retention: seconds(60),
    limits: { ...roomy, ...limits },
    openStore: () => store,
    hasStore: () => true,
    randomBytes: systemRandomness.bytes,
  });
  onTestFinished(async () => {
    jobs.close();
    await jobs.closeStore();
  });
  return jobs;
}

const submit = async (jobs: Jobs, fn: FunctionDescription, body = encodeCbor(['asked'])): Promise<string> => {
  const { id } = await jobs.submit({
    fn,
    body,
    bodyFormat: 60,
    items: [],
    format: 60,
    caller: ann,
    asker: annAsks,
    correlationId: 'c',
  });
  return id;
};

const patiently = { timeout: 10_000, interval: 5 };

const found = async (jobs: Jobs, id: string): Promise<Job> => await jobs.find(id, ann);
const ended = async (jobs: Jobs, id: string): Promise<unknown> =>
  await vi.waitFor(async () => {
    const { outcome } = await found(jobs, id);
    if (outcome === undefined) throw new Error('it has not ended');
    return outcome.state === 'done' ? decodeCbor(outcome.cbor) : outcome.problem;
  }, patiently);
/** It waits again, and no other has been begun in its place. */
const waits = async (jobs: Jobs, id: string): Promise<void> =>
  await vi.waitFor(async () => {
    expect([(await found(jobs, id)).state, jobs.running]).toEqual(['queued', 0]);
  }, patiently);

describe('a job is taken', () => {
  test('with the bytes that came, whatever their owner does with them later', async () => {
    const jobs = open();
    const body = encodeCbor(['asked']);
    const taken = submit(jobs, change, body);
    body.set(encodeCbor(['other']));
    expect(await ended(jobs, await taken)).toBe('asked');
  });

  test('never when the gateway is being stopped', async () => {
    const jobs = open();
    jobs.close();
    await expect(submit(jobs, change)).rejects.toMatchObject({ code: 'not-ready' });
    expect(await store.list('ann')).toEqual([]);
  });

  test('only where there is room, and who comes too early hears when to come back', async () => {
    const jobs = open({ limits: { maxJobs: 1 } });
    await submit(jobs, change);
    await expect(submit(jobs, change)).rejects.toMatchObject({
      code: 'overloaded',
      details: { retryAfter: seconds(10) },
    });
    expect(await store.list('ann')).toHaveLength(1);
  });
});

describe('a job that was taken by another process, or before the gateway was started', () => {
  const taken = async (jobs: Jobs, method: string, safe: boolean): Promise<unknown> => {
    const order = orderOf('AAAAAAAA', { identity: 'ann', groups: [], library: 'test', method, safe });
    await store.add({ ...order, body: encodeCbor(['asked']), bodyFormat: 60, format: 60 }, undefined, roomy);
    jobs.start();
    return await ended(jobs, 'AAAAAAAA');
  };

  test('does not run where rules do not allow it any more', async () => {
    const [everything] = openAccess;
    const access = everything === undefined ? [] : [{ ...everything, functions: ['test/look'] }];
    expect(await taken(open({ access }), 'change', false)).toBe('access-denied');
    expect(calls).toEqual([]);
  });

  test('does not run where it was safe and is not any more', async () => {
    expect(await taken(open(), 'change', true)).toBe('not-safe');
    expect(calls).toEqual([]);
  });

  test('runs otherwise, as who asked for it', async () => {
    expect(await taken(open(), 'look', true)).toBe('asked');
    expect(calls[0]?.caller).toMatchObject({ identity: 'ann', groups: [] });
  });
});

test('an address beyond this machine from which nobody says who it is has so many jobs, from whatever port', async () => {
  const jobs = open({ limits: { maxJobsPerNetwork: 1 } });
  outcomes = [() => Promise.withResolvers<never>().promise];
  const from = (peer: string): Promise<unknown> =>
    jobs.submit({
      fn: change,
      body: encodeCbor(['asked']),
      bodyFormat: 60,
      items: [],
      format: 60,
      caller: { identity: 'local', peer },
      asker: { ...annAsks, principal: undefined },
      correlationId: 'c1',
    });
  for (const peer of ['192.0.2.1:1', '192.0.2.2:1', '[2001:db8::1]:1', '127.0.0.1:1', '127.0.0.1:2']) await from(peer);
  for (const [peer, network] of [
    ['192.0.2.1:2', '192.0.2.1'],
    ['[2001:db8::f]:2', '2001:db8::/64'],
  ] as const) {
    await expect(from(peer)).rejects.toMatchObject({
      code: 'rate-exceeded',
      message: `There is no room for more jobs of callers without an identity at ${network}; fetch and remove some (DELETE /j/…).`,
    });
  }
});

describe('a job of who was revoked since', () => {
  const order = {
    ...orderOf('AAAAAAAA', { identity: 'ann', groups: [], library: 'test', method: 'change', safe: false }),
  };
  const since = timeOfDay(7);
  const add = async (): Promise<void> => {
    const asked = { body: encodeCbor(['asked']), bodyFormat: 60, format: 60, enrolled: since };
    await store.add({ ...order, ...asked }, undefined, roomy);
  };
  const outcome = async (jobs: Jobs): Promise<unknown> =>
    await vi.waitFor(async () => {
      const { outcome: what } = await jobs.find('AAAAAAAA', { ...ann, enrolled: since });
      if (what === undefined) throw new Error('it has not ended');
      return what.state === 'done' ? decodeCbor(what.cbor) : [what.problem, what.message];
    }, patiently);
  const refused = ['identity-needed', 'Who asked for the job is not enrolled any more, so it was not run to its end.'];

  test.each([
    ['and is nobody now', undefined],
    ['and whose name was given to somebody else', timeOfDay(8)],
  ])('%s, does not run', async (_, now) => {
    const jobs = open();
    await add();
    enrolled.since = now;
    jobs.start();
    expect([await outcome(jobs), calls.length]).toEqual([refused, 0]);
  });

  test('runs as long as it is enrolled, and nobody listens behind it', async () => {
    const jobs = open();
    await add();
    jobs.start();
    expect([await outcome(jobs), enrolled.listeners]).toEqual(['asked', 0]);
  });

  test.each([
    ['stops when it is told', true],
    ['runs on', false],
  ])('and runs, is told by its signal; what a function that %s gives is not kept', async (_, stops) => {
    const jobs = open();
    await add();
    const { promise, resolve, reject } = Promise.withResolvers<CallResult>();
    outcomes = [() => promise];
    jobs.start();
    await vi.waitFor(() => expect(calls).toHaveLength(1), patiently);
    enrolled.end();
    await Promise.resolve();
    // Of an identity with new keys only the old ones have ended.
    expect(calls[0]?.signal?.aborted).toBe(false);
    enrolled.since = undefined;
    enrolled.end();
    await vi.waitFor(() => expect(calls[0]?.signal?.aborted).toBe(true), patiently);
    if (stops) reject(new CallError('cancelled', 'as it was told'));
    else resolve(given('secret'));
    expect(await outcome(jobs)).toEqual(refused);
  });
});

describe('a call that was refused', () => {
  test.each<[what: string, fn: FunctionDescription, outcome: () => CallResult | Promise<CallResult>]>([
    ['by a full queue, whatever it does', change, () => failing('overloaded')],
    [
      'by a library that is not there yet, before it began',
      change,
      () => {
        throw new CallError('not-ready', 'as the test says');
      },
    ],
    ['by a version that is closed, if it is safe', look, () => failing('not-ready')],
  ])('%s, waits and is begun again after a second', async (_, fn, outcome) => {
    const jobs = open();
    outcomes = [outcome];
    const id = await submit(jobs, fn);
    await waits(jobs, id);
    clock.advance(milliseconds(999));
    await waits(jobs, id);
    expect(calls).toHaveLength(1);
    clock.advance(milliseconds(1));
    expect(await ended(jobs, id)).toBe('asked');
    expect(calls).toHaveLength(2);
  });

  test('by a version that is closed is lost where it may have had effects', async () => {
    const jobs = open();
    outcomes = [() => failing('not-ready')];
    expect(await ended(jobs, await submit(jobs, change))).toBe('job-lost');
    expect(calls).toHaveLength(1);
  });
});

test('a result for which there is no room is lost, which is said', async () => {
  const jobs = open({ limits: { maxBytes: 4000 } });
  outcomes = [() => given('x'.repeat(5000))];
  const id = await submit(jobs, change);
  expect(await ended(jobs, id)).toBe('job-lost');
  expect((await found(jobs, id)).outcome).toMatchObject({
    message: 'There is no room for the result; fetch and remove results, or raise jobs.bytes.',
  });
});

describe("where somebody else's call of the same is under way", () => {
  const theirs = (): { end: (problem: ProblemName) => void } => {
    const { promise, reject } = Promise.withResolvers<never>();
    const asker = { ...annAsks, key: 'bob', principal: { name: 'bob', groups: [] } };
    const result = cache.ask(cache.question(sum, ['asked']), asker, clock.now(), () => promise);
    void Promise.resolve(result).catch(() => undefined);
    return { end: (problem) => reject(new CallError(problem, 'theirs')) };
  };
  const running = (jobs: Jobs): Promise<void> => vi.waitFor(() => expect(jobs.running).toBe(1), patiently);

  test.each(['time-limit', 'cancelled'] as const)('and ends with %s, the job makes its own', async (problem) => {
    const jobs = open();
    const other = theirs();
    const id = await submit(jobs, sum);
    await running(jobs);
    expect(calls).toEqual([]);
    other.end(problem);
    expect(await ended(jobs, id)).toBe('asked');
    expect(calls).toHaveLength(1);
  });

  test('and fails for another reason, that is the outcome', async () => {
    const jobs = open();
    const other = theirs();
    const id = await submit(jobs, sum);
    await running(jobs);
    other.end('function-failed');
    expect(await ended(jobs, id)).toBe('function-failed');
    expect(calls).toEqual([]);
  });

  test('what its own call ends with is the outcome', async () => {
    const jobs = open();
    outcomes = [() => failing('time-limit')];
    expect(await ended(jobs, await submit(jobs, sum))).toBe('time-limit');
    expect(calls).toHaveLength(1);
  });
});
