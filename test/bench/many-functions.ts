/** A library with any number of functions, to see what their number costs. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Programs } from './build.ts';
import type { Setting } from './contestants.ts';

const source = (i: number): string =>
  `/** @pure @inline @maxAge 3600 */\nexport const f${String(i).padStart(5, '0')} = (a: number, b: number): number => a + b;\n`;

/** In the folder of the programs: it is gone with them. */
export function manyFunctions({ folder }: Programs, count: number): Setting {
  const libraries = join(folder, `libraries-${count}`);
  const library = join(libraries, 'many');
  mkdirSync(library, { recursive: true });
  writeFileSync(join(library, 'index.ts'), Array.from({ length: count }, (_, i) => source(i)).join(''));
  return { environment: { FUNCOAP_LIBRARIES_FOLDER: libraries, FUNCOAP_CACHE_ENTRIES: String(2 * count + 10) } };
}
