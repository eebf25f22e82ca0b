/**
 * `libraries/funcoap.lock.json`: the ids that devices may burn in, kept with the libraries.
 *
 * New ids are written before anybody sees them: under an exclusive file the lock file is read again,
 * what another gateway added is kept, and the whole is replaced at once (temporary file, fsync,
 * rename, fsync of the folder). Where that cannot be done, new names stay without ids and the reason is
 * returned. A lock file that cannot be understood is never overwritten.
 */
import { randomUUID } from 'node:crypto';
import { access, constants, open, readFile, realpath, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { UsageError } from '../core/error.ts';
import { codeOf, defaultExclusiveFileOptions, holdExclusively, type ExclusiveFileOptions } from './exclusive-file.ts';
import {
  assignIds,
  formatTable,
  isComplete,
  mergeTables,
  parseTable,
  type LibraryIds,
  type LibraryNames,
  type LockTable,
} from './lock-table.ts';

export interface Locked {
  /** By library; a name that is missing here has no id yet. */
  readonly ids: LockTable;
  /** Why some name has no id, in one sentence; undefined where all have one. */
  readonly reason: string | undefined;
}

export class LockFile {
  readonly #path: string;
  readonly #options: ExclusiveFileOptions;
  #table: LockTable;
  /** Calls of one gateway wait for each other here, gateways on the exclusive file. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(path: string, table: LockTable, options: ExclusiveFileOptions) {
    this.#path = path;
    this.#table = table;
    this.#options = options;
  }

  /**
   * A file that does not exist yet is an empty one.
   * @throws UsageError `lock-file` where the file is there and cannot be read or understood
   */
  static async load(path: string, options: ExclusiveFileOptions = defaultExclusiveFileOptions): Promise<LockFile> {
    return new LockFile(path, await readTable(path), options);
  }

  /** The ids of a library as far as they are known. */
  idsOf(library: string): LibraryIds | undefined {
    return this.#table.get(library);
  }

  /**
   * Gives an id to every library, method and parameter that has none, in the given order, and keeps it.
   * Touches no file where all have one.
   * @throws UsageError `lock-file` where the file was damaged meanwhile
   */
  assign(libraries: readonly LibraryNames[]): Promise<Locked> {
    const turn = this.#last.then(() => this.#assign(libraries));
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #assign(libraries: readonly LibraryNames[]): Promise<Locked> {
    if (isComplete(this.#table, libraries)) return { ids: this.#table, reason: undefined };
    const failure = await this.#extend(libraries);
    const complete = isComplete(this.#table, libraries);
    return { ids: this.#table, reason: complete ? undefined : (failure ?? fullReason(this.#path)) };
  }

  /** @returns why nothing could be written */
  async #extend(libraries: readonly LibraryNames[]): Promise<string | undefined> {
    try {
      const path = await targetOf(this.#path);
      const held = await holdExclusively(`${path}.lock`, this.#options);
      if (held === undefined) {
        return `${path}.lock is held by another gateway, so new functions have no compact id; delete it if none is running.`;
      }
      try {
        const onDisk = await readTable(path);
        const grown = assignIds(mergeTables(onDisk, this.#table), libraries);
        if (formatTable(grown) !== formatTable(onDisk)) {
          if (!(await replace(path, formatTable(grown), held.stillHeld))) {
            return `${path} was being written by another gateway, so new functions have no compact id until they are loaded again.`;
          }
        }
        this.#table = grown;
        return undefined;
      } finally {
        await held.release();
      }
    } catch (error) {
      if (error instanceof UsageError) throw error;
      return unwritableReason(this.#path, error);
    }
  }
}

/** A lock file far beyond this is none. */
const maxBytes = 16 * 1024 * 1024;

async function readTable(path: string): Promise<LockTable> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return new Map();
    throw new UsageError(
      'lock-file',
      `${path} cannot be read (${codeOf(cause) ?? 'unknown error'}); make it readable for the gateway.`,
      { cause },
    );
  }
  if (bytes.length > maxBytes) {
    throw new UsageError(
      'lock-file',
      `${path} is larger than ${maxBytes} bytes and cannot be a lock file; put it back from version control.`,
    );
  }
  return parseTable(new TextDecoder().decode(bytes), path);
}

/** Where a link points to: replacing the link would part it from what it names. */
async function targetOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return path;
    throw error;
  }
}

/** @returns false when the exclusive file was lost meanwhile */
async function replace(path: string, text: string, stillHeld: () => Promise<boolean>): Promise<boolean> {
  // A folder that can be written hides that the file must not be.
  await access(path, constants.W_OK).catch((error: unknown) => {
    if (codeOf(error) !== 'ENOENT') throw error;
  });
  const draft = `${path}.${randomUUID()}`;
  try {
    const file = await open(draft, 'wx');
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    if (!(await stillHeld())) return false;
    await rename(draft, path);
  } finally {
    await rm(draft, { force: true });
  }
  await syncFolder(dirname(path));
  // Whoever took over before the rename did not read this text and may write over it: these ids are not given out.
  return stillHeld();
}

/** So that the rename outlives a power cut; systems that cannot open a folder do without. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r').catch(() => undefined);
  if (folder === undefined) return;
  await folder.sync().catch(() => undefined);
  await folder.close();
}

const unwritableReason = (path: string, error: unknown): string =>
  `${path} cannot be written (${codeOf(error) ?? 'unknown error'}), so new functions have no compact id until it can; make the folder writable, or commit a lock file that has them.`;

const fullReason = (path: string): string =>
  `${path} has no number left for some name, so it has no compact id; use its name.`;
