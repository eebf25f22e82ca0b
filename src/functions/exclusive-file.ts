/**
 * One process at a time: a file that exists while somebody holds it. Meant for work of milliseconds.
 *
 * A holder that died leaves its file behind. It counts as left behind when the process that it names
 * is gone (same host), or when it is older than `staleAfter`. Taking it away renames it first, so that
 * of several who wait only one does so, and a fresh file that got in between is put back.
 */
import { randomUUID } from 'node:crypto';
import { link, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../core/clock.ts';
import { after, milliseconds, seconds, type Milliseconds } from '../core/duration.ts';

export interface ExclusiveFileOptions {
  /** Age at which a file is taken for left behind, whoever made it. */
  readonly staleAfter: Milliseconds;
  /** How long to wait for somebody else. */
  readonly waitAtMost: Milliseconds;
}

export const defaultExclusiveFileOptions: ExclusiveFileOptions = {
  staleAfter: seconds(30),
  waitAtMost: seconds(10),
};

export interface Held {
  /** False when somebody took the file for left behind: nothing may be written any more. */
  readonly stillHeld: () => Promise<boolean>;
  readonly release: () => Promise<void>;
}

const retryInterval = milliseconds(15);

/** @returns undefined when somebody else held it all the time; rejects with the system's error where it cannot be made */
export async function holdExclusively(
  path: string,
  { staleAfter, waitAtMost }: ExclusiveFileOptions,
): Promise<Held | undefined> {
  const token = `${process.pid} ${hostname()} ${randomUUID()}\n`;
  const giveUp = after(systemClock.now(), waitAtMost);
  for (;;) {
    if (await create(path, token)) return held(path, token);
    // However late it is: nobody holds it any more.
    if (await removeStale(path, staleAfter)) continue;
    if (systemClock.now() >= giveUp) return undefined;
    await sleep(retryInterval);
  }
}

async function create(path: string, token: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx');
    try {
      await file.writeFile(token);
    } finally {
      await file.close();
    }
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

const held = (path: string, token: string): Held => ({
  stillHeld: async () => (await tokenIn(path)) === token,
  release: async () => {
    if ((await tokenIn(path)) === token) await rm(path, { force: true });
  },
});

/** @returns whether it took away what was left behind */
async function removeStale(path: string, staleAfter: Milliseconds): Promise<boolean> {
  const token = await tokenIn(path);
  if (token === undefined || !(await isStale(path, token, staleAfter))) return false;
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
  const isThatOne = (await tokenIn(aside)) === token;
  // Somebody was quicker, and this is the file of the next holder: give it back.
  if (!isThatOne) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
  return isThatOne;
}

async function isStale(path: string, token: string, staleAfter: Milliseconds): Promise<boolean> {
  // Its maker may be about to write the rest: a token that is cut short names nobody yet.
  const [pid, host] = token.trim().split(' ');
  if (token.endsWith('\n') && host === hostname() && !isRunning(Number(pid))) return true;
  try {
    return (await fileSystemNow(path)) - (await stat(path)).mtimeMs > staleAfter;
  } catch {
    return false;
  }
}

/** The time by the clock that stamps the files: a shared folder's is not ours. */
async function fileSystemNow(path: string): Promise<number> {
  const probe = `${path}.${randomUUID()}`;
  await writeFile(probe, '');
  try {
    return (await stat(probe)).mtimeMs;
  } finally {
    await rm(probe, { force: true });
  }
}

function isRunning(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs as somebody else.
    return codeOf(error) !== 'ESRCH';
  }
}

async function tokenIn(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** The system's name of an error, such as `ENOENT`. */
export const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
