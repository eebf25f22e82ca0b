/** The data folder: made where it is missing, for its owner alone, and held by one gateway at a time. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Scheduler } from '../core/clock.ts';
import { UsageError } from '../core/error.ts';
import { lockFileSoon } from './file-lock.ts';
import { makeFolder, reasonOf } from './make-folder.ts';

/** The folder, or one in it. @throws UsageError 'cannot-create' */
export function makeDataFolder(path: string): void {
  try {
    makeFolder(path, 0o700);
  } catch (cause) {
    throw new UsageError(
      'cannot-create',
      `The data folder ${path} cannot be made: ${reasonOf(cause)}; name another one (--data, data.folder).`,
      { cause },
    );
  }
}

/**
 * Of a gateway of several processes the supervisor holds it.
 * @returns what lets go of it
 * @throws UsageError 'cannot-create', 'store-failed', 'data-in-use'
 */
export async function holdDataFolder(folder: string, scheduler: Scheduler): Promise<() => void> {
  makeDataFolder(folder);
  const unlock = await lockFileSoon(join(folder, 'gateway.lock'), scheduler);
  const holder = join(folder, 'gateway.pid');
  if (unlock === undefined) {
    const pid = processIn(holder);
    const which = pid === undefined ? '' : ` (process ${pid})`;
    // SQLite says the same where locks are not to be had (ENOLCK); then no gateway writes who it is.
    const orElse = pid === undefined ? ', or its file system has no locks' : '';
    throw new UsageError(
      'data-in-use',
      `Another gateway${which} uses the data folder ${folder}${orElse}; stop that one, or give this one a folder of its own (--data, data.folder).`,
    );
  }
  say(holder);
  return () => {
    forget(holder);
    unlock();
  };
}

/** The lock counts; this is only told. */
function say(path: string): void {
  try {
    writeFileSync(path, `${process.pid}\n`, { mode: 0o600 });
  } catch {
    // The disk is full: another one's is not told.
    forget(path);
  }
}

function forget(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // The next one writes over it.
  }
}

function processIn(path: string): number | undefined {
  try {
    const pid = Number(readFileSync(path, 'utf8'));
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}
