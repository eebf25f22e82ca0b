import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { seconds } from '../../src/core/duration.ts';
import { holdDataFolder, makeDataFolder } from '../../src/store/data-folder.ts';
import { ManualScheduler } from '../../src/transport/manual-scheduler.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'funcoap-data-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('is made with what it is in, for its owner alone; again is nothing new', () => {
  const path = join(folder, 'a', 'b');
  makeDataFolder(path);
  makeDataFolder(path);
  for (const each of [path, join(folder, 'a')]) expect(statSync(each).mode & 0o777).toBe(0o700);
});

test('may be a link to one', () => {
  const link = join(folder, 'link');
  makeDataFolder(join(folder, 'real'));
  symlinkSync(join(folder, 'real'), link);
  makeDataFolder(link);
  expect(statSync(link).isDirectory()).toBe(true);
});

test.each([
  ['a file', 'file', 'there is a file of that name'],
  ['below a file', 'file/data', 'what it is to be in is a file'],
  ['a link that leads nowhere', 'nowhere', 'there is a file of that name'],
  ['below such a link', 'nowhere/data', 'there is a file of that name'],
])('that cannot be made is told in a sentence: %s', (_, name, reason) => {
  writeFileSync(join(folder, 'file'), '');
  symlinkSync(join(folder, 'gone'), join(folder, 'nowhere'));
  const path = join(folder, name);
  expect(() => makeDataFolder(path)).toThrow(
    expect.objectContaining({
      code: 'cannot-create',
      message: `The data folder ${path} cannot be made: ${reason}; name another one (--data, data.folder).`,
    }),
  );
});

test.runIf(existsSync('/proc'))('where the system makes no folders it is told, and not tried without end', () => {
  expect(() => makeDataFolder('/proc/funcoap/data')).toThrow('there is no such folder, and none can be made there');
});

test('is held by one gateway at a time, and the other is told which process has it', async () => {
  const scheduler = new ManualScheduler();
  const letGo = await holdDataFolder(folder, scheduler);
  const second = holdDataFolder(folder, scheduler);
  scheduler.advance(seconds(2));
  await expect(second).rejects.toMatchObject({
    code: 'data-in-use',
    message: `Another gateway (process ${process.pid}) uses the data folder ${folder}; stop that one, or give this one a folder of its own (--data, data.folder).`,
  });
  letGo();
  expect(existsSync(join(folder, 'gateway.pid'))).toBe(false);
  (await holdDataFolder(folder, scheduler))();
});

test('is held, and the other is refused, also where it cannot be told which process has it', async () => {
  mkdirSync(join(folder, 'gateway.pid'));
  const scheduler = new ManualScheduler();
  const letGo = await holdDataFolder(folder, scheduler);
  const second = holdDataFolder(folder, scheduler);
  scheduler.advance(seconds(2));
  await expect(second).rejects.toThrow(
    `Another gateway uses the data folder ${folder}, or its file system has no locks; stop`,
  );
  letGo();
  (await holdDataFolder(folder, scheduler))();
});
