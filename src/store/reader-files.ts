/**
 * Which gateway processes use a data folder, and up to which revision of its identities each has taken them up: a file for each
 * process, `gateways/{number}`, that holds its process id and the revision. So a command knows when what it changed counts, and
 * need not guess how busy a gateway is.
 *
 * Left out: processes of another machine, or of another container, whose ids say nothing here. They notice by themselves a
 * little later, and are not waited for.
 */
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeDataFolder } from './data-folder.ts';

export interface Reader {
  readonly processId: number;
  readonly revision: number;
}

const folderOf = (data: string): string => join(data, 'gateways');

/** A gateway process says what it has taken up. */
export class ReaderFile {
  readonly #path: string;

  /** @param node the number of the process: whoever has it next writes over what a killed one left */
  constructor(data: string, node: number) {
    makeDataFolder(folderOf(data));
    this.#path = join(folderOf(data), String(node));
  }

  /** Whole or not at all; not to the disk, because when the machine stops the process is gone as well. */
  taken(revision: number): void {
    const aside = `${this.#path}.new`;
    writeFileSync(aside, `${process.pid} ${revision}\n`, { mode: 0o600 });
    renameSync(aside, this.#path);
  }

  close(): void {
    rmSync(this.#path, { force: true });
  }
}

/** Those that run. */
export function readReaders(data: string): readonly Reader[] {
  return namesIn(folderOf(data)).flatMap((name) => {
    const [processId = 0, revision = 0] = textOf(join(folderOf(data), name))
      .split(' ')
      .map(Number);
    return Number.isSafeInteger(processId) && processId > 0 && runs(processId) ? [{ processId, revision }] : [];
  });
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).filter((name) => /^\d+$/.test(name));
  } catch {
    // No gateway has ever been here.
    return [];
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // It has ended meanwhile.
    return '';
  }
}

function runs(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    // Of another user, but there.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
