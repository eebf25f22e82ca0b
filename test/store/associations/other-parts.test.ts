import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { removeOtherParts } from '../../../src/store/associations/other-parts.ts';
import { lockFile } from '../../../src/store/file-lock.ts';

const kinds = ['associations', 'marks', 'sessions', 'state', 'state.new', 'witness', 'requests.1', 'requests.12'];
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'funcoap-parts-'));
  for (const part of [0, 1, 2, 11]) for (const kind of kinds) writeFileSync(join(folder, `${part}.${kind}`), 'x');
  for (const name of ['ticket-key.7', '0.lock', 'x1.marks']) writeFileSync(join(folder, name), 'x');
});
afterEach(() => rmSync(folder, { recursive: true }));

const partsLeft = (): string[] => {
  const names = readdirSync(folder).filter((name) =>
    kinds.some((kind) => /^\d/.test(name) && name.endsWith(`.${kind}`)),
  );
  return [...new Set(names.map((name) => name.split('.')[0] ?? ''))].toSorted();
};

test('what belongs to processes that there are no more is removed, whole, and nothing else', () => {
  removeOtherParts(folder, [1, 2]);
  expect(partsLeft()).toEqual(['1', '2']);
  const left = readdirSync(folder);
  for (const part of [1, 2]) for (const kind of kinds) expect(left).toContain(`${part}.${kind}`);
  for (const name of ['ticket-key.7', '0.lock', 'x1.marks']) expect(left).toContain(name);
});

test('a part whose process has not ended yet stays', () => {
  const unlock = lockFile(join(folder, '11.lock'));
  removeOtherParts(folder, [0]);
  expect(partsLeft()).toEqual(['0', '11']);
  unlock?.();
  removeOtherParts(folder, [0]);
  expect(partsLeft()).toEqual(['0']);
});
