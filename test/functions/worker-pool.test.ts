/** The pool's own logic, with scripted threads and a manual clock. Real threads: registry.test.ts. */
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { milliseconds, never, type Instant } from '../../src/core/duration.ts';
import type { Call, CallResult, Home } from '../../src/functions/call.ts';
import type { FunctionDescription } from '../../src/functions/description.ts';
import {
  slotState,
  type FromWorker,
  type RunMessage,
  type ToWorker,
} from '../../src/functions/runtimes/node/messages.ts';
import {
  defaultWorkerPoolOptions,
  WorkerBudget,
  type WorkerPoolOptions,
} from '../../src/functions/worker-pool-options.ts';
import { Returned } from '../../src/functions/returned.ts';
import { WorkerPool } from '../../src/functions/worker-pool.ts';
import type { WorkerListener, WorkerPort } from '../../src/functions/worker-port.ts';
import type { ExportDescription } from '../../src/functions/export-description.ts';
import { ManualScheduler } from '../../src/transport/manual-scheduler.ts';
import { problemOf } from './library-folder.ts';

const fn = (safe: boolean): FunctionDescription => ({
  library: 'lib',
  method: 'f',
  libraryId: 0,
  id: 0,
  version: 'v',
  parameters: [],
  returns: undefined,
  title: undefined,
  doc: undefined,
  safe,
  pure: false,
  maxAge: milliseconds(0),
  staleWhileRevalidate: milliseconds(0),
  shared: false,
  inline: false,
  timeLimit: undefined,
  notCallable: undefined,
});

/** A thread that does what the test says. */
class ScriptedThread implements WorkerPort {
  readonly claims: Int32Array;
  readonly listener: WorkerListener;
  readonly inbox: ToWorker[] = [];
  terminated = false;
  starved = false;

  constructor(slots: number, listener: WorkerListener) {
    this.claims = new Int32Array(new SharedArrayBuffer(slots * 4));
    this.listener = listener;
  }

  post(message: ToWorker): void {
    this.inbox.push(message);
  }

  checkMemory(): void {
    // Its heap does not grow.
  }

  starvedIn(): boolean {
    return this.starved;
  }

  terminate(): Promise<void> {
    this.terminated = true;
    return Promise.resolve();
  }

  get runs(): readonly RunMessage[] {
    return this.inbox.filter((message) => message.kind === 'run');
  }

  say(...batch: readonly FromWorker[]): void {
    this.listener.received(batch);
  }

  load(exports: readonly ExportDescription[] = []): void {
    this.say({ kind: 'loaded', title: undefined, exports });
  }

  /** Takes a call as the real thread does. */
  take(run: RunMessage): boolean {
    return Atomics.compareExchange(this.claims, run.slot, slotState.offered, slotState.taken) === slotState.offered;
  }

  finish(run: RunMessage): void {
    Atomics.store(this.claims, run.slot, slotState.free);
    this.say({ kind: 'done', id: run.id, returned: Returned.of('done'), readCaller: false, tags: [] });
  }
}

interface Bench {
  readonly pool: WorkerPool;
  readonly clock: ManualScheduler;
  readonly threads: readonly ScriptedThread[];
  call(safe?: boolean): Promise<string>;
  /** The same for an object. */
  on(does: Home['does'], object?: string): Promise<string>;
  result(): Promise<CallResult>;
  /** Lets promises settle. */
  posted(): Promise<void>;
}

/** A library with a class. */
const classes: readonly ExportDescription[] = [{ ...fn(false), members: [] }];

async function bench(
  options: Partial<WorkerPoolOptions> = {},
  exports: readonly ExportDescription[] = [],
): Promise<Bench> {
  const clock = new ManualScheduler();
  const threads: ScriptedThread[] = [];
  const pool = new WorkerPool({
    library: 'lib',
    options: { ...defaultWorkerPoolOptions, maxWorkers: 2, ...options },
    budget: new WorkerBudget(8),
    scheduler: clock,
    start: ({ slots }, listener) => {
      const thread = new ScriptedThread(slots, listener);
      threads.push(thread);
      return thread;
    },
    invalidated: () => undefined,
    lost: () => undefined,
    endedBadly: () => undefined,
  });
  const opened = pool.open();
  threads[0]?.load(exports);
  await opened;
  const make = (safe: boolean): Call => ({
    function: fn(safe),
    args: [],
    caller: { identity: 'local', peer: 'p' },
    correlationId: 'c',
    deadline: (clock.now() + 60_000) as Instant,
  });
  return {
    pool,
    clock,
    threads,
    call: (safe = true) => pool.invoke(make(safe)).then(() => 'done', problemOf),
    on: (does, object = 'o') =>
      pool
        .invoke({ ...make(false), home: { does, object }, ...(does === 'end' && { deadline: never }) })
        .then(() => 'done', problemOf),
    result: () => pool.invoke(make(true)),
    posted: () => setImmediate(),
  };
}

const run = (thread: ScriptedThread | undefined, index: number): RunMessage => {
  const found = thread?.runs[index];
  if (found === undefined) throw new TypeError(`no run ${index}`);
  return found;
};

describe('calls', () => {
  it('say how long they waited and how long they ran', async () => {
    const {
      result,
      threads: [thread],
      posted,
      clock,
    } = await bench({ stallAfter: milliseconds(1000) });
    const first = result();
    const second = result();
    await posted();
    clock.advance(milliseconds(30));
    thread?.finish(run(thread, 0));
    clock.advance(milliseconds(20));
    thread?.finish(run(thread, 1));
    expect(await first).toMatchObject({ queued: 0, ran: 30 });
    expect(await second).toMatchObject({ queued: 30, ran: 20 });
  });

  it('behind one that computes go to another worker', async () => {
    const { call, threads, posted, clock } = await bench({ stallAfter: milliseconds(5) });
    const results = [call(), call()];
    await posted();
    threads[0]?.take(run(threads[0], 0));
    clock.advance(milliseconds(5));
    expect(threads).toHaveLength(2);
    threads[1]?.load();
    await posted();
    expect(threads[1]?.runs.map((message) => message.id)).toEqual([1]);
    expect(threads[0]?.take(run(threads[0], 1))).toBe(false);
    threads[1]?.finish(run(threads[1], 0));
    threads[0]?.finish(run(threads[0], 0));
    expect(await Promise.all(results)).toEqual(['done', 'done']);
  });

  it('whose arguments take long to read are not taken back from the one that reads them', async () => {
    const { call, threads, posted, clock } = await bench({ stallAfter: milliseconds(5) });
    const result = call();
    await posted();
    for (let waited = 0; waited < 10; waited++) clock.advance(milliseconds(5));
    await posted();
    expect(threads).toHaveLength(1);
    expect(threads[0]?.take(run(threads[0], 0))).toBe(true);
    threads[0]?.finish(run(threads[0], 0));
    expect(await result).toBe('done');
  });

  it('share a worker whose functions have yielded', async () => {
    const { call, threads, posted, clock } = await bench({ stallAfter: milliseconds(5) });
    void call();
    await posted();
    threads[0]?.take(run(threads[0], 0));
    threads[0]?.say({ kind: 'yielded', id: 0 });
    clock.advance(milliseconds(50));
    void call();
    await posted();
    expect(threads[0]?.runs).toHaveLength(2);
    expect(threads).toHaveLength(1);
  });
});

describe('the time limit', () => {
  it('answers exactly in time and ends a worker that does not react within the grace', async () => {
    const { call, threads, posted, clock } = await bench({ timeLimit: milliseconds(200), grace: milliseconds(100) });
    let ended: string | undefined;
    const stopped = call().then((code) => (ended = code));
    await posted();
    threads[0]?.take(run(threads[0], 0));
    clock.advance(milliseconds(199));
    await posted();
    expect(ended).toBeUndefined();
    clock.advance(milliseconds(1));
    expect(await stopped).toBe('time-limit');
    expect(threads[0]?.terminated).toBe(false);
    clock.advance(milliseconds(100));
    expect(threads[0]?.terminated).toBe(true);
    expect(threads).toHaveLength(2);
  });

  it('leaves a worker that is alive until its other calls have finished', async () => {
    const { call, threads, posted, clock } = await bench({ timeLimit: milliseconds(200), grace: milliseconds(100) });
    const deaf = call();
    await posted();
    threads[0]?.take(run(threads[0], 0));
    threads[0]?.say({ kind: 'yielded', id: 0 });
    clock.advance(milliseconds(150));
    const other = call(false);
    await posted();
    threads[0]?.take(run(threads[0], 1));
    threads[0]?.say({ kind: 'yielded', id: 1 });
    clock.advance(milliseconds(50));
    expect(await deaf).toBe('time-limit');
    await posted();
    threads[0]?.say({ kind: 'heard', id: 0 });
    clock.advance(milliseconds(110));
    expect(threads[0]?.terminated).toBe(false);
    threads[0]?.finish(run(threads[0], 1));
    expect(await other).toBe('done');
    clock.advance(milliseconds(1));
    expect(threads[0]?.terminated).toBe(true);
  });

  it('does not count against a call that never began', async () => {
    const { call, threads, posted, clock } = await bench({
      timeLimit: milliseconds(200),
      grace: milliseconds(100),
      maxWorkers: 1,
    });
    const first = call();
    const second = call(false);
    await posted();
    threads[0]?.take(run(threads[0], 0));
    clock.advance(milliseconds(300));
    expect(await first).toBe('time-limit');
    threads[1]?.load();
    await posted();
    threads[1]?.take(run(threads[1], 0));
    threads[1]?.finish(run(threads[1], 0));
    expect(await second).toBe('done');
  });
});

describe('a library that makes objects', () => {
  /** Has made one. */
  async function withObject(options: Partial<WorkerPoolOptions> = {}): Promise<Bench> {
    const made = await bench(options, classes);
    const begun = made.on('begin');
    await made.posted();
    take(made, 0);
    made.threads[0]?.finish(run(made.threads[0], 0));
    expect(await begun).toBe('done');
    return made;
  }

  const take = ({ threads: [thread] }: Bench, index: number): void => {
    expect(thread?.take(run(thread, index))).toBe(true);
  };

  it('has one worker, however long calls wait for it', async () => {
    const { call, threads, posted, clock } = await bench({ stallAfter: milliseconds(5), maxWorkers: 4 }, classes);
    const results = [call(), call()];
    await posted();
    threads[0]?.take(run(threads[0], 0));
    clock.advance(milliseconds(5000));
    expect(threads).toHaveLength(1);
    threads[0]?.finish(run(threads[0], 0));
    await posted();
    threads[0]?.finish(run(threads[0], threads[0].runs.length - 1));
    expect(await Promise.all(results)).toEqual(['done', 'done']);
  });

  it('loses its objects with its worker, at once for calls that wait for them, and makes new ones', async () => {
    const made = await withObject({ concurrency: 1 });
    const { on, threads, posted } = made;
    const running = on('use');
    const waiting = on('use');
    await posted();
    take(made, 1);
    threads[0]?.listener.lost({ kind: 'exited', exitCode: 3 });
    expect(await running).toBe('worker-lost');
    expect(await waiting).toBe('object-lost');
    expect(await on('use')).toBe('object-lost');
    threads[1]?.load();
    const again = on('begin');
    await posted();
    threads[1]?.finish(run(threads[1], 0));
    expect(await again).toBe('done');
    const used = on('use');
    await posted();
    threads[1]?.finish(run(threads[1], 1));
    expect(await used).toBe('done');
  });

  it('keeps its worker from a call that does not listen, until there is no room for others', async () => {
    const options = { timeLimit: milliseconds(200), grace: milliseconds(100), concurrency: 2 };
    const made = await withObject(options);
    const { on, threads, posted, clock } = made;
    for (let index = 1; index <= 2; index++) {
      const deaf = on('use');
      await posted();
      take(made, index);
      const { id } = run(threads[0], index);
      threads[0]?.say({ kind: 'yielded', id });
      clock.advance(milliseconds(200));
      expect(await deaf).toBe('time-limit');
      threads[0]?.say({ kind: 'heard', id });
      clock.advance(milliseconds(200));
      if (index === 1) expect(threads[0]?.terminated).toBe(false);
    }
    expect(threads[0]?.terminated).toBe(true);
    expect(await on('use')).toBe('object-lost');
  });

  it('lets go of an object however long its worker is busy, and however many calls wait', async () => {
    const made = await withObject({ maxQueued: 1, concurrency: 1, timeLimit: milliseconds(200_000) });
    const { call, on, threads, posted, clock } = made;
    const running = call();
    await posted();
    take(made, 1);
    const waiting = call();
    const ending = on('end');
    await posted();
    expect(await call()).toBe('overloaded');
    clock.advance(milliseconds(60_000));
    expect(await waiting).toBe('overloaded');
    threads[0]?.finish(run(threads[0], 1));
    expect(await Promise.race([running, ending])).toBe('time-limit');
    await posted();
    threads[0]?.finish(run(threads[0], 2));
    expect(await ending).toBe('done');
    expect(await on('use')).toBe('object-lost');
  });

  it('retires when the last object is gone', async () => {
    const made = await withObject();
    const { on, threads, posted, clock, pool } = made;
    let retired = false;
    void pool.retire(milliseconds(500)).then(() => (retired = true));
    clock.advance(milliseconds(60_000));
    await posted();
    expect(retired).toBe(false);
    const ended = on('end');
    await posted();
    take(made, 1);
    threads[0]?.finish(run(threads[0], 1));
    expect(await ended).toBe('done');
    clock.advance(milliseconds(1));
    await posted();
    expect(retired).toBe(true);
  });
});

describe('a lost worker', () => {
  it('has a safe call run again once, and only once', async () => {
    const { call, threads, posted } = await bench({ maxWorkers: 1 });
    const safe = call();
    const other = call();
    const unsafe = call(false);
    for (const attempt of [0, 1]) {
      await posted();
      const thread = threads[attempt];
      for (const message of thread?.runs ?? []) {
        thread?.take(message);
        thread?.say({ kind: 'yielded', id: message.id });
      }
      thread?.listener.lost({ kind: 'exited', exitCode: 1 });
      threads[attempt + 1]?.load();
    }
    expect(await Promise.all([safe, other, unsafe])).toEqual(['worker-lost', 'worker-lost', 'worker-lost']);
    expect(threads.map((thread) => thread.runs.length)).toEqual([3, 2, 0]);
  });

  it('that ends by itself with nothing to do is replaced after a pause that grows, until one has had a call', async () => {
    const { threads, clock, call, posted } = await bench({ restartDelay: milliseconds(100) });
    const end = (): void => threads.at(-1)?.listener.lost({ kind: 'exited', exitCode: 1 });
    end();
    clock.advance(milliseconds(99));
    expect(threads.length).toBe(1);
    clock.advance(milliseconds(1));
    expect(threads.length).toBe(2);
    threads[1]?.load();
    end();
    clock.advance(milliseconds(199));
    expect(threads.length).toBe(2);
    clock.advance(milliseconds(1));
    threads[2]?.load();
    const answered = call();
    await posted();
    const [run] = threads[2]?.runs ?? [];
    if (run === undefined) throw new Error('the call was not sent');
    threads[2]?.take(run);
    threads[2]?.finish(run);
    await answered;
    end();
    clock.advance(milliseconds(0));
    expect(threads.length).toBe(4);
  });

  it('that dies while loading is started again after a pause that grows', async () => {
    const { threads, clock } = await bench({ restartDelay: milliseconds(100) });
    threads[0]?.listener.lost({ kind: 'exited', exitCode: 1 });
    const starts: number[] = [];
    for (let passed = 0; passed <= 800; passed += 50) {
      const last = threads.at(-1);
      if (last !== undefined && !last.terminated && last !== threads[0]) {
        starts.push(clock.now());
        last.listener.lost({ kind: 'exited', exitCode: 1 });
      }
      clock.advance(milliseconds(50));
    }
    expect(starts).toEqual([100, 300, 700]);
  });
});

describe('a worker that loads', () => {
  it.each([
    ['is ended after five seconds', false, 5],
    ['is given a minute where the machine is too busy to let it run', true, 60],
  ])('%s', async (_, starved, limit) => {
    const { call, threads, posted, clock } = await bench({ stallAfter: milliseconds(5) });
    void call();
    void call();
    await posted();
    threads[0]?.take(run(threads[0], 0));
    clock.advance(milliseconds(5));
    const [, loading] = threads;
    if (loading === undefined) throw new TypeError('no second worker');
    loading.starved = starved;
    clock.advance(milliseconds(limit * 1000 - 10));
    expect(loading.terminated).toBe(false);
    clock.advance(milliseconds(5020));
    expect(loading.terminated).toBe(true);
  });
});

describe('the pool', () => {
  it('stops workers that had nothing to do, but the last', async () => {
    const { call, threads, posted, clock, pool } = await bench({
      stallAfter: milliseconds(5),
      idleAfter: milliseconds(1000),
    });
    const results = [call(), call()];
    await posted();
    threads[0]?.take(run(threads[0], 0));
    clock.advance(milliseconds(5));
    threads[1]?.load();
    await posted();
    threads[1]?.finish(run(threads[1], 0));
    threads[0]?.finish(run(threads[0], 0));
    await Promise.all(results);
    expect(pool.workers).toBe(2);
    clock.advance(milliseconds(1001));
    expect(pool.workers).toBe(1);
  });

  it('refuses calls beyond its queue with the time to come back', async () => {
    const { result } = await bench({ concurrency: 1, maxQueued: 1 });
    void result().catch(problemOf);
    void result().catch(problemOf);
    await expect(result()).rejects.toMatchObject({
      code: 'overloaded',
      message: 'Too many calls of lib are waiting; come back later.',
      details: { retryAfter: 1000 },
    });
  });

  it('refuses a call that no thread took in time, and says that it was that', async () => {
    const { result, posted, clock } = await bench({ concurrency: 1, maxWorkers: 1 });
    void result().catch(problemOf);
    await posted();
    const waiting = result().then(
      () => 'done',
      (error: unknown) => error,
    );
    await posted();
    clock.advance(milliseconds(60_000));
    expect(await waiting).toMatchObject({
      code: 'overloaded',
      message: 'lib was too busy to begin this call in time; come back later.',
    });
  });

  it('retires when its calls have finished and their latecomers had time', async () => {
    const { call, threads, posted, clock, pool } = await bench();
    const last = call();
    await posted();
    threads[0]?.take(run(threads[0], 0));
    let retired = false;
    void pool.retire(milliseconds(500)).then(() => (retired = true));
    clock.advance(milliseconds(600));
    await posted();
    expect(retired).toBe(false);
    threads[0]?.finish(run(threads[0], 0));
    expect(await last).toBe('done');
    clock.advance(milliseconds(1));
    await posted();
    expect(retired).toBe(true);
    expect(threads[0]?.terminated).toBe(true);
    expect(await call()).toBe('not-ready');
  });

  it('keeps all libraries together within one number of threads, and gives each its first', () => {
    const budget = new WorkerBudget(1);
    expect([budget.take(true), budget.take(false), budget.take(true)]).toEqual([true, false, true]);
    budget.giveBack();
    expect(budget.take(false)).toBe(false);
    budget.giveBack();
    expect(budget.take(false)).toBe(true);
  });
});
