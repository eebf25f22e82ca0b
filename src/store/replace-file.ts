/** A file that is whole or not there for whoever reads it meanwhile, never readable by more than its mode says, and there after a power cut. */
import { randomBytes } from 'node:crypto';
import { renameSync, rmSync, writeFileSync } from 'node:fs';

/** What is at the path, a link too, is replaced and never written through. */
export function replaceFile(path: string, text: string, mode: number): void {
  // A name that nobody can have made a link of: written to nothing that was there before.
  const aside = `${path}.${randomBytes(8).toString('hex')}`;
  try {
    writeFileSync(aside, text, { mode, flag: 'wx', flush: true });
    renameSync(aside, path);
  } finally {
    rmSync(aside, { force: true });
  }
}
