/** Reading a piece of source as a library's file, for tests. */
import { UsageError } from '../../../src/core/error.ts';
import type { DeclaredExport } from '../../../src/functions/signature/declared-export.ts';
import { readExports } from '../../../src/functions/signature/exports.ts';

export const read = (source: string, file = 'libraries/x/index.ts'): DeclaredExport[] => readExports(source, file);

export function only(source: string, file?: string): DeclaredExport {
  const [first] = read(source, file);
  if (first === undefined) throw new Error('nothing is exported');
  return first;
}

export const kinds = (source: string): string[] => read(source).map(({ name, kind }) => `${name}: ${kind}`);

export function failure(source: string, file?: string): UsageError {
  try {
    read(source, file);
  } catch (error) {
    if (error instanceof UsageError) return error;
    throw error;
  }
  throw new Error('it loads');
}
