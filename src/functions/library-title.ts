/** The title of a library: the first heading of its README. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export function libraryTitle(folder: string): string | undefined {
  try {
    return /^#\s+(.+?)\s*$/m.exec(readFileSync(join(folder, 'README.md'), 'utf8').slice(0, 4096))?.[1]?.slice(0, 200);
  } catch {
    // A README is welcome, not needed.
    return undefined;
  }
}
