/** What every store of jobs promises, whatever keeps it (src/functions/job-store.ts). */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { utf8 } from '../../src/core/bytes.ts';
import { seconds } from '../../src/core/duration.ts';
import { timeOfDay } from '../../src/core/time-of-day.ts';
import type { EndedJob, JobLimits, JobOrder, JobStore } from '../../src/functions/job-store.ts';

export interface JobStoreSubject {
  readonly name: string;
  /** A store with nothing in it. */
  fresh(): Promise<void>;
  /** Opens the same store once more, as another process would. */
  open(): Promise<JobStore>;
  /** What opened it ends without a word, as a process that is killed does. */
  kill(store: JobStore): Promise<void>;
  /** Lets other processes' changes be noticed. */
  notice(): Promise<void>;
}

export const roomy: JobLimits = { maxJobs: 100, maxJobsPerIdentity: 50, maxJobsPerNetwork: 50, maxBytes: 1 << 20 };

export const orderOf = (id: string, fields: Partial<JobOrder> = {}): JobOrder => ({
  id,
  identity: 'meter-7',
  groups: ['meters'],
  enrolled: undefined,
  peer: '127.0.0.1:4000',
  network: undefined,
  library: 'reports',
  method: 'yearly',
  safe: false,
  body: utf8('{"year":2025}'),
  bodyFormat: 50,
  items: [],
  format: 50,
  correlationId: 'c1',
  created: timeOfDay(1000),
  ...fields,
});

const done = (text: string, keepUntil = 5000): EndedJob => ({
  outcome: { state: 'done', cbor: utf8(text), shown: undefined },
  keepUntil: timeOfDay(keepUntil),
});

export function jobStoreContract(subject: JobStoreSubject): void {
  describe(`a store of jobs in ${subject.name}`, () => {
    const opened = new Set<JobStore>();
    const open = async (): Promise<JobStore> => {
      const store = await subject.open();
      opened.add(store);
      return store;
    };
    const kill = async (store: JobStore): Promise<void> => {
      opened.delete(store);
      await subject.kill(store);
    };
    beforeEach(() => subject.fresh());
    afterEach(async () => {
      await Promise.all([...opened].map((store) => store.close()));
      opened.clear();
    });

    test('gives a job to one process alone, as it was asked, and its result to every one', async () => {
      const [one, other] = [await open(), await open()];
      const order = orderOf('AAAAAAAA', { enrolled: timeOfDay(500) });
      expect(await one.add(order, undefined, roomy)).toBe('added');
      expect((await one.list('meter-7')).map(({ enrolled }) => enrolled)).toEqual([500]);
      expect(await other.claim()).toEqual(order);
      expect(await one.claim()).toBeUndefined();
      expect(await one.state('AAAAAAAA')).toBe('running');
      expect(await one.finish('AAAAAAAA', done('stolen'), roomy)).toBe(false);
      expect(await other.finish('AAAAAAAA', done('42'), roomy)).toBe(true);
      expect(await one.find('AAAAAAAA', 'meter-7')).toMatchObject({ state: 'done', outcome: { cbor: utf8('42') } });
    });

    test('shows nobody the jobs of somebody else, and lets nobody remove them', async () => {
      const store = await open();
      await store.add(orderOf('AAAAAAAA'), undefined, roomy);
      expect(await store.find('AAAAAAAA', 'meter-8')).toBeUndefined();
      expect(await store.list('meter-8')).toEqual([]);
      expect(await store.remove('AAAAAAAA', 'meter-8')).toBe(false);
      expect(await store.remove('AAAAAAAA', 'meter-7')).toBe(true);
      expect(await store.state('AAAAAAAA')).toBeUndefined();
    });

    test('lists them in the order in which they came', async () => {
      const store = await open();
      for (const id of ['CCCCCCCC', 'AAAAAAAA', 'BBBBBBBB']) await store.add(orderOf(id), undefined, roomy);
      expect((await store.list('meter-7')).map(({ id, state }) => `${id} ${state}`)).toEqual([
        'CCCCCCCC queued',
        'AAAAAAAA queued',
        'BBBBBBBB queued',
      ]);
    });

    test('takes turns between those who have many jobs and those who have one', async () => {
      const store = await open();
      for (const id of ['A1', 'A2', 'A3']) await store.add(orderOf(id), undefined, roomy);
      await store.add(orderOf('B1', { identity: 'meter-8' }), undefined, roomy);
      expect((await store.claim())?.id).toBe('A1');
      expect((await store.claim())?.id).toBe('B1');
      expect((await store.claim())?.id).toBe('A2');
    });

    test('has room for so many jobs, so many of one identity, and so many bytes', async () => {
      const store = await open();
      const limits = { maxJobs: 3, maxJobsPerIdentity: 2, maxJobsPerNetwork: 2, maxBytes: 10_000 };
      expect(await store.add(orderOf('A1'), undefined, limits)).toBe('added');
      expect(await store.add(orderOf('A2'), undefined, limits)).toBe('added');
      expect(await store.add(orderOf('A3'), undefined, limits)).toBe('too-many');
      const big = orderOf('B0', { identity: 'meter-8', body: new Uint8Array(10_000) });
      expect(await store.add(big, undefined, limits)).toBe('full');
      expect(await store.add(orderOf('B1', { identity: 'meter-8' }), undefined, limits)).toBe('added');
      expect(await store.add(orderOf('B2', { identity: 'meter-8' }), undefined, limits)).toBe('full');
      await store.claim();
      expect(await store.finish('A1', done('x'.repeat(10_000)), limits)).toBe('full');
      expect(await store.remove('A2', 'meter-7')).toBe(true);
      expect(await store.add(orderOf('A3'), undefined, limits)).toBe('added');
    });

    test('has room for so many of one network of those without an identity, and for as large a part of the bytes', async () => {
      const store = await open();
      const limits = { maxJobs: 100, maxJobsPerIdentity: 8, maxJobsPerNetwork: 2, maxBytes: 40_000 };
      const ofNetwork = (id: string, network: string | undefined, size = 0): Promise<string> =>
        store.add(orderOf(id, { identity: 'local', network, body: new Uint8Array(size) }), undefined, limits);
      expect(await ofNetwork('A1', '192.0.2.1')).toBe('added');
      // A quarter of the bytes, as of the jobs.
      expect(await ofNetwork('A2', '192.0.2.1', 10_000)).toBe('too-many-there');
      expect(await ofNetwork('A3', '192.0.2.1')).toBe('added');
      expect(await ofNetwork('A4', '192.0.2.1')).toBe('too-many-there');
      expect(await ofNetwork('B1', '192.0.2.2')).toBe('added');
      for (const id of ['C1', 'C2', 'C3']) expect(await ofNetwork(id, undefined, 10_000)).toBe('added');
      expect((await store.claim())?.network).toBe('192.0.2.1');
      expect(await store.finish('A1', done('x'.repeat(10_000)), { ...limits, maxBytes: 80_000 })).toBe(true);
      expect((await store.claim())?.id).toBe('A3');
      expect(await store.finish('A3', done('x'.repeat(9000)), { ...limits, maxBytes: 60_000 })).toBe('full');
    });

    test('what never ran, or was put back before it ran, waits for any process', async () => {
      const [one, other] = [await open(), await open()];
      await one.add(orderOf('A1'), undefined, roomy);
      await one.claim();
      await one.putBack('A1');
      await kill(one);
      await other.sweep(timeOfDay(2000), seconds(10));
      expect((await other.claim())?.id).toBe('A1');
    });

    test('what ran in a process that was killed has failed, and runs again only where it is safe, once', async () => {
      let store = await open();
      await store.add(orderOf('UNSAFE'), undefined, roomy);
      await store.add(orderOf('SAFE', { safe: true }), undefined, roomy);
      for (const expected of ['queued', 'failed'] as const) {
        while ((await store.claim()) !== undefined);
        const next = await open();
        await next.sweep(timeOfDay(2000), seconds(10));
        expect(await next.state('UNSAFE'), 'its process lives').not.toBe('queued');
        expect(await next.state('SAFE'), 'its process lives').toBe('running');
        await kill(store);
        await next.sweep(timeOfDay(2000), seconds(10));
        expect((await next.find('UNSAFE', 'meter-7'))?.outcome).toMatchObject({ state: 'failed', problem: 'job-lost' });
        expect(await next.state('SAFE')).toBe(expected);
        store = next;
      }
    });

    test('a result is kept until its time, and a failure says what it said', async () => {
      const store = await open();
      await store.add(orderOf('A1'), done('ready'), roomy);
      await store.add(orderOf('A2'), undefined, roomy);
      await store.claim();
      const remote = { name: 'TypeError', message: 'no such luck', stack: 'at …' };
      const outcome = { state: 'failed', problem: 'function-failed', message: 'It failed.', remote } as const;
      await store.finish('A2', { outcome, keepUntil: timeOfDay(6000) }, roomy);
      await store.sweep(timeOfDay(4999), seconds(10));
      expect(await store.state('A1')).toBe('done');
      await store.sweep(timeOfDay(5000), seconds(10));
      expect(await store.state('A1')).toBeUndefined();
      expect((await store.find('A2', 'meter-7'))?.outcome).toEqual(outcome);
    });

    test('every process is told of changes', async () => {
      const [one, other] = [await open(), await open()];
      let told = 0;
      const stop = other.onChange(() => told++);
      await one.add(orderOf('A1'), undefined, roomy);
      await subject.notice();
      expect(told).toBe(1);
      stop();
      await one.remove('A1', 'meter-7');
      await subject.notice();
      expect(told).toBe(1);
    });
  });
}
