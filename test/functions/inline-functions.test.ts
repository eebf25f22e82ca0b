/** In a process of its own, because the test runner has a module loader of its own. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const program = fileURLToPath(new URL('./programs/inline.ts', import.meta.url));

it('runs inline functions in the I/O thread, stops waiting at their limit, and reloads what they import', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'funcoap-inline-'));
  mkdirSync(join(folder, 'near'));
  writeFileSync(
    join(folder, 'near', 'index.ts'),
    `import { isMainThread } from 'node:worker_threads';
import { fn } from 'funcoap/library';
import { one } from './part.ts';
export const where = fn({ inline: true, safe: true }, () => [isMainThread, one]);
export const far = fn({ safe: true }, () => [isMainThread, one]);
export const slow = fn({ inline: true }, () => new Promise<number>(() => {}));`,
  );
  writeFileSync(join(folder, 'near', 'part.ts'), 'export const one: number = 1;');
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [program, folder]);
    expect(JSON.parse(stdout)).toEqual({ first: [[true, 1], [false, 1], 'time-limit'], second: [true, 2] });
    expect(stderr).toBe('');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
