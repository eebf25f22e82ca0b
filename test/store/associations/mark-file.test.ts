/** Marks on the disk, where the thread that writes them ends and another goes on. */
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MarkFile, ownerOf, readMarks } from '../../../src/store/associations/mark-file.ts';
import { MarkMemory } from '../../../src/store/associations/mark-memory.ts';

test('a thread that goes on for one that ended writes what that one had taken and not written', () => {
  const folder = mkdtempSync(join(tmpdir(), 'funcoap-marks-'));
  const path = join(folder, 'marks');
  const file = openSync(path, 'w+');
  try {
    const id = '00c0ffeeaaaaaaaa';
    const memory = MarkMemory.make(file, 1000);
    const slot = 700;
    memory.owners[slot] = ownerOf(id);
    memory.received[slot] = 5;
    memory.reserved[slot] = 2048;
    memory.note(slot);
    expect([...memory.takeNew()]).toEqual([slot]);
    new MarkFile(new MarkMemory(memory.shared)).write();
    expect(readMarks(new Uint8Array(readFileSync(path)), slot, id)).toEqual({ receiveMark: 5, sendSequence: 2048 });
  } finally {
    closeSync(file);
    rmSync(folder, { recursive: true });
  }
});
