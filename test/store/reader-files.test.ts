import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ReaderFile, readReaders } from '../../src/store/reader-files.ts';

let data = '';
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'funcoap-readers-'));
});
afterEach(() => rmSync(data, { recursive: true }));

test('a process that runs is seen with what it has taken up last, until it ends', () => {
  expect(readReaders(data)).toEqual([]);
  const file = new ReaderFile(data, 2);
  expect(readReaders(data)).toEqual([]);
  file.taken(3);
  file.taken(14);
  expect(readReaders(data)).toEqual([{ processId: process.pid, revision: 14 }]);
  expect(readdirSync(join(data, 'gateways'))).toEqual(['2']);
  file.close();
  expect(readReaders(data)).toEqual([]);
});

test('one that was killed is waited for by nobody, nor is what no process can have written', () => {
  const { pid } = spawnSync(process.execPath, ['--version']);
  new ReaderFile(data, 0).taken(1);
  for (const [name, text] of [
    ['1', `${pid} 7\n`],
    ['2', ''],
    ['3', 'x y\n'],
    ['4', '-1 7\n'],
    ['5', '0 7\n'],
    ['6.new', `${process.pid} 7\n`],
  ] as const)
    writeFileSync(join(data, 'gateways', name), text);
  expect(readReaders(data)).toEqual([{ processId: process.pid, revision: 1 }]);
});
