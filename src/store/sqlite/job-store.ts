/**
 * Jobs in an SQLite file (`jobs/jobs.db`). Each process that runs some holds a lock beside it, under a name that no other process
 * ever has: what is marked as running under a name whose lock is free ran in a process that is gone.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { Scheduler } from '../../core/clock.ts';
import type { Milliseconds } from '../../core/duration.ts';
import { UsageError } from '../../core/error.ts';
import { later, type TimeOfDay } from '../../core/time-of-day.ts';
import type {
  EndedJob,
  Job,
  JobLimits,
  JobOrder,
  JobOutcome,
  JobState,
  JobStore,
  JobSummary,
  NoRoom,
} from '../../functions/job-store.ts';
import { lockFile } from '../file-lock.ts';
import { ChangeWatch } from './change-watch.ts';
import { openDatabase, transaction } from './database.ts';
import { jobMigrations, jobOf, orderOf, stateOf, summaryOf } from './job-schema.ts';
import { Statements } from './statements.ts';

/** What a row takes beside what is counted: names, times, entries in indexes. */
const rowBytes = 512;

/** A safe function whose process has ended twice is the likely reason. */
const maxRuns = 2;

const folderOf = (data: string): string => join(data, 'jobs');

/** Whether a folder has jobs: asking makes nothing. */
export const hasJobs = (data: string): boolean => existsSync(join(folderOf(data), 'jobs.db'));

export class SqliteJobStore implements JobStore {
  readonly #folder: string;
  readonly #database: DatabaseSync;
  readonly #owner: string = randomUUID();
  readonly #unlock: () => void;
  readonly #changes: ChangeWatch;
  readonly #statements: Statements;

  private constructor(folder: string, database: DatabaseSync, scheduler: Scheduler) {
    this.#folder = folder;
    this.#database = database;
    this.#statements = new Statements(database);
    this.#changes = new ChangeWatch(database, scheduler);
    // Nobody looks meanwhile whether it is free: `sweep`.
    this.#unlock = transaction(database, () => ownLock(this.#lockOf(this.#owner)));
  }

  /**
   * Makes the folder and the database where they are missing.
   * @throws UsageError 'store-failed', 'store-version'
   */
  static open(data: string, scheduler: Scheduler): SqliteJobStore {
    const folder = folderOf(data);
    const database = openDatabase(join(folder, 'jobs.db'), jobMigrations);
    try {
      return new SqliteJobStore(folder, database, scheduler);
    } catch (error) {
      database.close();
      throw error;
    }
  }

  add(order: JobOrder, ended: EndedJob | undefined, limits: JobLimits): Promise<'added' | NoRoom> {
    return this.#change(() => {
      const all = this.#taken();
      const own = this.#taken('identity', order.identity);
      const near = this.#taken('network', order.network ?? null);
      const bytes = sizeOf(order, ended?.outcome);
      if (own.jobs >= limits.maxJobsPerIdentity) return 'too-many';
      if (near.jobs >= limits.maxJobsPerNetwork) return 'too-many-there';
      if (all.jobs >= limits.maxJobs || all.bytes + bytes > limits.maxBytes) return 'full';
      if (near.bytes + bytes > bytesOf(order.network, limits)) return 'too-many-there';
      this.#statements.run(
        `INSERT INTO jobs (id, identity, bytes, state, runs, library, method, safe, format, body_format, created, groups,
           enrolled, peer, network, correlation, items, body)
         VALUES (?, ?, ?, 'queued', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        [
          order.id,
          order.identity,
          bytes,
          order.library,
          order.method,
          order.safe ? 1 : 0,
          order.format,
          order.bodyFormat,
          order.created,
          JSON.stringify(order.groups),
          order.enrolled ?? null,
          order.peer,
          order.network ?? null,
          order.correlationId,
          JSON.stringify(order.items),
          order.body,
        ],
      );
      if (ended !== undefined) this.#end(order.id, ended);
      return 'added';
    });
  }

  find(id: string, identity: string): Promise<Job | undefined> {
    return settled(() => {
      const row = this.#statements.all('SELECT * FROM jobs WHERE id = ? AND identity = ?', [id, identity])[0];
      return row && jobOf(row);
    });
  }

  list(identity: string): Promise<readonly JobSummary[]> {
    const sql = 'SELECT id, library, method, created, enrolled, state FROM jobs WHERE identity = ? ORDER BY number';
    return settled(() => this.#statements.all(sql, [identity]).map(summaryOf));
  }

  state(id: string): Promise<JobState | undefined> {
    return settled(() => {
      const row = this.#statements.all('SELECT state FROM jobs WHERE id = ?', [id])[0];
      return row && stateOf(row);
    });
  }

  async claim(): Promise<JobOrder | undefined> {
    // Looked at first: to begin a change is to wait for everybody else's.
    if (this.#statements.all(`SELECT 1 FROM jobs WHERE state = 'queued' LIMIT 1`).length === 0) return undefined;
    return await this.#change(() => {
      const row = this.#statements.all(
        `UPDATE jobs SET state = 'running', owner = ?, runs = runs + 1 WHERE number =
           (SELECT number FROM jobs AS waiting WHERE state = 'queued'
            ORDER BY (SELECT count(*) FROM jobs WHERE state = 'running' AND identity = waiting.identity), number LIMIT 1)
         RETURNING *`,
        [this.#owner],
      )[0];
      return row && orderOf(row);
    });
  }

  finish(id: string, ended: EndedJob, limits: JobLimits): Promise<boolean | 'full'> {
    return this.#change(() => {
      const row = this.#statements.all(
        `SELECT bytes, network FROM jobs WHERE id = ? AND state = 'running' AND owner = ?`,
        [id, this.#owner],
      )[0];
      if (row === undefined) return false;
      const more = sizeOf(undefined, ended.outcome) - Number(row['bytes']);
      const isFull =
        this.#taken().bytes + more > limits.maxBytes ||
        this.#taken('network', row['network'] ?? null).bytes + more > bytesOf(row['network'], limits);
      // What says that it failed always has room.
      if (ended.outcome.state === 'done' && isFull) return 'full';
      this.#end(id, ended);
      return true;
    });
  }

  putBack(id: string): Promise<void> {
    return this.#change(() =>
      this.#statements.run(
        `UPDATE jobs SET state = 'queued', owner = NULL, runs = runs - 1 WHERE id = ? AND owner = ?`,
        [id, this.#owner],
      ),
    );
  }

  remove(id: string, identity: string): Promise<boolean> {
    return this.#change(
      () =>
        this.#statements.all('DELETE FROM jobs WHERE id = ? AND identity = ? RETURNING id', [id, identity]).length > 0,
    );
  }

  async sweep(now: TimeOfDay, retention: Milliseconds): Promise<void> {
    const others = this.#otherOwners();
    // Alone: a lock that is just being taken is not free, although it is for a moment.
    const gone =
      others.length === 0 ? [] : transaction(this.#database, () => others.filter((one) => this.#isGone(one)));
    const isOver = this.#statements.all('SELECT 1 FROM jobs WHERE keep_until <= ? LIMIT 1', [now]).length > 0;
    if (gone.length === 0 && !isOver) return;
    await this.#change(() => {
      this.#statements.run('DELETE FROM jobs WHERE keep_until <= ?', [now]);
      for (const owner of gone) this.#settle(owner, later(now, retention));
    });
    for (const owner of gone) rmSync(this.#lockOf(owner), { force: true });
  }

  onChange(listener: () => void): () => void {
    return this.#changes.add(listener);
  }

  close(): Promise<void> {
    return settled(() => {
      this.#changes.close();
      this.#database.close();
      this.#unlock();
      rmSync(this.#lockOf(this.#owner), { force: true });
    });
  }

  #lockOf(owner: string): string {
    return join(this.#folder, `${owner}.lock`);
  }

  /** By all, or by those of an owner; by nobody where there is none. */
  #taken(of?: 'identity' | 'network', owner: SQLOutputValue = null): { jobs: number; bytes: number } {
    const sums = 'SELECT count(*) AS jobs, coalesce(sum(bytes), 0) AS bytes FROM jobs';
    const [row] =
      of === undefined ? this.#statements.all(sums) : this.#statements.all(`${sums} WHERE ${of} = ?`, [owner]);
    return { jobs: Number(row?.['jobs']), bytes: Number(row?.['bytes']) };
  }

  /** Names of other processes that have a lock, or jobs, or have left them behind. */
  #otherOwners(): string[] {
    const locks = readdirSync(this.#folder).flatMap((name) => /^([0-9a-f-]+)\.lock$/.exec(name)?.[1] ?? []);
    const owners = this.#statements.all(`SELECT DISTINCT owner FROM jobs WHERE state = 'running'`);
    const names = new Set([...locks, ...owners.map((row) => String(row['owner']))]);
    return [...names].filter((owner) => owner !== this.#owner);
  }

  #isGone(owner: string): boolean {
    try {
      const unlock = lockFile(this.#lockOf(owner));
      unlock?.();
      return unlock !== undefined;
    } catch {
      // Nobody knows.
      return false;
    }
  }

  #settle(owner: string, keepUntil: TimeOfDay): void {
    this.#statements.run(
      `UPDATE jobs SET state = 'queued', owner = NULL WHERE state = 'running' AND owner = ? AND safe = 1 AND runs < ?`,
      [owner, maxRuns],
    );
    const outcome: JobOutcome = {
      state: 'failed',
      problem: 'job-lost',
      message:
        'The gateway was stopped while it ran the job; what it did until then is not known, and it is not run again.',
    };
    for (const row of this.#statements.all(`SELECT id FROM jobs WHERE state = 'running' AND owner = ?`, [owner]))
      this.#end(String(row['id']), { outcome, keepUntil });
  }

  /** The arguments are of no more use. */
  #end(id: string, { outcome, keepUntil }: EndedJob): void {
    const done = outcome.state === 'done' ? outcome : undefined;
    const failed = outcome.state === 'failed' ? outcome : undefined;
    this.#statements.run(
      `UPDATE jobs SET state = ?, owner = NULL, keep_until = ?, bytes = ?, problem = ?, message = ?, remote = ?,
         result = ?, shown = ?, body = NULL, items = '[]' WHERE id = ?`,
      [
        outcome.state,
        keepUntil,
        sizeOf(undefined, outcome),
        failed?.problem ?? null,
        failed?.message ?? null,
        failed?.remote === undefined ? null : JSON.stringify(failed.remote),
        done?.cbor ?? null,
        done?.shown ?? null,
        id,
      ],
    );
  }

  #change<T>(change: () => T): Promise<T> {
    return settled(() => {
      const result = transaction(this.#database, change);
      this.#changes.tell();
      return result;
    });
  }
}

/** As much as a network may take; whoever comes from none may take all. */
function bytesOf(network: unknown, { maxBytes, maxJobsPerIdentity, maxJobsPerNetwork }: JobLimits): number {
  return typeof network === 'string' ? maxBytes * Math.min(1, maxJobsPerNetwork / maxJobsPerIdentity) : maxBytes;
}

/** Of a name that no other process has. */
function ownLock(path: string): () => void {
  const unlock = lockFile(path);
  if (unlock === undefined) throw new UsageError('store-failed', `The lock ${path} is held by another process.`);
  return unlock;
}

/** Of what is kept: the arguments before, the result afterwards. */
function sizeOf(order: JobOrder | undefined, outcome: JobOutcome | undefined): number {
  if (outcome?.state === 'done') return rowBytes + outcome.cbor.length + (outcome.shown?.length ?? 0);
  if (outcome?.state === 'failed') return rowBytes + outcome.message.length + (outcome.remote?.stack?.length ?? 0);
  const items = order?.items.reduce((sum, item) => sum + item.length, 0) ?? 0;
  return rowBytes + items + (order?.body.length ?? 0);
}

/** SQLite answers at once; a store in general does not. */
async function settled<T>(work: () => T): Promise<T> {
  return work();
}
