/**
 * What only one process at a time may use: a lock that the system takes away when its holder ends, however it ends. SQLite knows
 * how to take such a lock on every system; the file holds nothing.
 */
import { accessSync, closeSync, constants, existsSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { Scheduler } from '../core/clock.ts';
import { after, milliseconds } from '../core/duration.ts';
import { UsageError } from '../core/error.ts';
import { reasonOf } from './make-folder.ts';

/** A process that was just killed may not be gone yet. No RFC's numbers. */
const patience = milliseconds(1000);
const lookEvery = milliseconds(50);

/** SQLITE_BUSY, https://www.sqlite.org/rescode.html#busy */
const busy = 5;

/** @returns what releases it; undefined where another process has it, which is not waited for @throws UsageError 'store-failed' */
export function lockFile(path: string): (() => void) | undefined {
  let database: DatabaseSync | undefined;
  try {
    // Made here, for its mode and for what the system says. Never opened where it is held: to close it would end the lock (fcntl(2)).
    if (existsSync(path)) accessSync(path, constants.R_OK | constants.W_OK);
    else closeSync(openSync(path, 'a', 0o600));
    database = new DatabaseSync(path, { timeout: 0 });
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (cause) {
    database?.close();
    if (cause instanceof Error && 'errcode' in cause && cause.errcode === busy) return undefined;
    throw new UsageError('store-failed', `The lock ${path} cannot be taken: ${reasonOf(cause)}.`, { cause });
  }
  const held = database;
  return () => held.close();
}

/** The same; another process that is just ending is waited for. */
export async function lockFileSoon(path: string, scheduler: Scheduler): Promise<(() => void) | undefined> {
  const until = after(scheduler.now(), patience);
  for (;;) {
    const unlock = lockFile(path);
    if (unlock !== undefined || scheduler.now() >= until) return unlock;
    await new Promise<void>((resolve) => {
      scheduler.after(lookEvery, resolve);
    });
  }
}
