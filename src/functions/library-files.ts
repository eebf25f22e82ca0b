/**
 * The files of a library's folder and the version that they make: a hash over names and contents.
 * Not counted: node_modules, what Python compiles, the data folder, and names that begin with a dot (editors' own files).
 */
import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { existsSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { UsageError } from '../core/error.ts';

export interface LibraryFiles {
  /** 16 hexadecimal digits. */
  readonly version: string;
  /** All folders that hold files of the library, itself first: what a watcher has to watch. */
  readonly folders: readonly string[];
}

/** Far more than a library of hand-written functions has, and few enough to read in a moment. */
const maxFiles = 2000;
/** Larger files count by size and time of change. */
const maxContentBytes = 1 << 20;
const maxDepth = 16;

export const dataFolderName = 'data';

/** In the order of preference. A Python module has the name of its library, `-` written as `_`, or is a package. */
const entryNames = (library: string): readonly string[] => [
  'index.ts',
  'index.mts',
  'index.js',
  'index.mjs',
  `${library.replaceAll('-', '_')}.py`,
  '__init__.py',
];

export const isPython = (entry: string): boolean => entry.endsWith('.py');

export const libraryNamePattern: RegExp = /^[a-z][a-z0-9_-]{0,63}$/;

/** The file that is loaded, or undefined where the folder has none. A folder may be called otherwise than its library. */
export function entryOf(folder: string, library: string): string | undefined {
  return entryNames(library)
    .map((name) => join(folder, name))
    .find((path) => existsSync(path));
}

/** Changes whenever the entry file is written or replaced; undefined where there is no folder. One system call as a rule. */
export function entryMark(folder: string): string | undefined {
  for (const name of entryNames(basename(folder))) {
    const found = statSync(join(folder, name), { throwIfNoEntry: false });
    if (found !== undefined) return `${name} ${found.ino} ${found.size} ${found.mtimeMs}`;
  }
  return statSync(folder, { throwIfNoEntry: false }) === undefined ? undefined : 'no entry';
}

/** @throws UsageError 'library-too-large'; file system errors other than files that vanish meanwhile. */
export async function readLibraryFiles(folder: string): Promise<LibraryFiles> {
  const hash = createHash('sha256');
  const folders: string[] = [];
  let files = 0;
  const walk = async (path: string, name: string, depth: number): Promise<void> => {
    folders.push(path);
    const names = (await readdir(path)).filter((entry) => isCounted(entry, depth)).sort();
    for (const entry of names) {
      const entryPath = join(path, entry);
      // Follows symbolic links; one that leads nowhere counts as absent.
      const found = await stat(entryPath).catch(() => undefined);
      if (found?.isDirectory() === true && depth < maxDepth) await walk(entryPath, `${name}${entry}/`, depth + 1);
      if (found?.isFile() !== true) continue;
      if (++files > maxFiles)
        throw new UsageError(
          'library-too-large',
          `the folder has more than ${maxFiles} files; move data to its ${dataFolderName} folder.`,
        );
      const large = found.size > maxContentBytes;
      const content = large ? `${found.size} ${found.mtimeMs}` : await readFile(entryPath).catch(() => '');
      hash.update(`${name}${entry}\0${content.length}\0`).update(content);
    }
  };
  await walk(folder, '', 0);
  return { version: hash.digest('hex').slice(0, 16), folders };
}

const isCounted = (name: string, depth: number): boolean =>
  !name.startsWith('.') &&
  !name.endsWith('~') &&
  name !== 'node_modules' &&
  name !== '__pycache__' &&
  !(depth === 0 && name === dataFolderName);
