import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
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

test('is not lost where its holder looks once more', () => {
  const unlock = lockFile(path);
  expect(lockFile(path)).toBeUndefined();
  const source = fileURLToPath(new URL('../../src/store/file-lock.ts', import.meta.url));
  const another = `const { lockFile } = await import(${JSON.stringify(source)}); console.log(lockFile(${JSON.stringify(path)}) === undefined);`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', another], { encoding: 'utf8' });
  expect(stdout).toBe('true\n');
  unlock?.();
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
