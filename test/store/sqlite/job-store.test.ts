import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { milliseconds } from '../../../src/core/duration.ts';
import { hasJobs, SqliteJobStore } from '../../../src/store/sqlite/job-store.ts';
import { ManualScheduler } from '../../../src/transport/manual-scheduler.ts';
import { jobStoreContract, orderOf, roomy } from '../../contract/job-store.ts';

let folder = '';
let clock = new ManualScheduler();
const fresh = (): void => {
  folder = join(mkdtempSync(join(tmpdir(), 'funcoap-jobs-')), 'data');
  clock = new ManualScheduler();
};
afterEach(() => rmSync(join(folder, '..'), { recursive: true, force: true }));

jobStoreContract({
  name: 'an SQLite file',
  fresh: () => Promise.resolve(fresh()),
  open: () => Promise.resolve(SqliteJobStore.open(folder, clock)),
  // The system takes the lock away from a process that is killed; test/interop/jobs.test.ts kills one.
  kill: (store) => store.close(),
  notice: () => Promise.resolve(clock.advance(milliseconds(100))),
});

describe('an SQLite file of jobs', () => {
  beforeEach(fresh);

  test('asking whether there are jobs makes nothing', () => {
    expect(hasJobs(folder)).toBe(false);
    expect(existsSync(folder)).toBe(false);
  });

  test('is for its owner alone, and leaves no lock behind', async () => {
    const store = SqliteJobStore.open(folder, clock);
    await store.add(orderOf('A1'), undefined, roomy);
    expect(hasJobs(folder)).toBe(true);
    expect(statSync(join(folder, 'jobs')).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, 'jobs', 'jobs.db')).mode & 0o777).toBe(0o600);
    await store.close();
    expect(readdirSync(join(folder, 'jobs'))).toEqual(['jobs.db']);
  });
});
