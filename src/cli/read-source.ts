/** Reads what a command is given: a file, or the input where the name is `-`. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { UsageError } from '../core/error.ts';
import type { ReadSource } from './call-arguments.ts';
import type { Terminal } from './terminal.ts';

export const readSource =
  ({ readInput, workingFolder }: Terminal): ReadSource =>
  async (name) => {
    if (name === '-') return await readInput();
    try {
      return new Uint8Array(await readFile(resolve(workingFolder, name)));
    } catch (cause) {
      const reason =
        cause instanceof Error && 'code' in cause && cause.code === 'ENOENT' ? 'there is no such file' : String(cause);
      throw new UsageError('bad-argument', `The file ${name} cannot be read: ${reason}.`, { cause });
    }
  };
