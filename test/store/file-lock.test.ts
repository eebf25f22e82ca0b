import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { milliseconds } from '../../src/core/duration.ts';
import { lockFile, lockFileSoon } from '../../src/store/file-lock.ts';
import { ManualScheduler } from '../../src/transport/manual-scheduler.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'funcoap-lock-'));
  path = join(folder, 'lock');
});
afterEach(() => rmSync(folder, { recursive: true }));

test('is had by one at a time, and at once or not at all', () => {
  const unlock = lockFile(path);
  expect(lockFile(path)).toBeUndefined();
  unlock?.();
  const again = lockFile(path);
  expect(again).toBeDefined();
  again?.();
});

/** Lets time pass until nobody waits for it any more, or `most` times. */
async function pass(scheduler: ManualScheduler, most: number): Promise<number> {
  let times = 0;
  for (; times < most && scheduler.nextDeadline() !== undefined; times++) {
    scheduler.advance(milliseconds(50));
    await Promise.resolve();
    await Promise.resolve();
  }
  return times;
}

test('of one that is just ending is waited for', async () => {
  const unlock = lockFile(path);
  const scheduler = new ManualScheduler();
  const waiting = lockFileSoon(path, scheduler);
  expect(await pass(scheduler, 3)).toBe(3);
  unlock?.();
  await pass(scheduler, 1);
  const own = await waiting;
  expect(own).toBeDefined();
  own?.();
});

test('of one that goes on is waited for a second', async () => {
  const unlock = lockFile(path);
  const scheduler = new ManualScheduler();
  const waiting = lockFileSoon(path, scheduler);
  expect(await pass(scheduler, 100)).toBe(20);
  expect(await waiting).toBeUndefined();
  unlock?.();
});

test('that cannot be taken is no lock of somebody else', () => {
  expect(() => lockFile(folder)).toThrow(
    expect.objectContaining({ code: 'store-failed', message: expect.stringContaining('cannot be taken') as string }),
  );
});

test("stays its holder's also when that one itself asks whether it is free", ({ skip }) => {
  const unlock = lockFile(path);
  // What other processes see, who have no part in what SQLite remembers in this one.
  const isHeld = (): boolean => readFileSync('/proc/locks', 'latin1').includes(`:${statSync(path).ino} `);
  skip(!existsSync('/proc/locks') || !isHeld(), 'the system does not say which locks there are');
  expect(lockFile(path)).toBeUndefined();
  expect(isHeld()).toBe(true);
  unlock?.();
});
