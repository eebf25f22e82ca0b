/**
 * The key under which secrets are encrypted at rest: 32 random bytes in a file of their own, made on first use, so that
 * a copy of the database alone gives nothing away.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, fstatSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { UsageError } from '../core/error.ts';

const keyBytes = 32;

/**
 * Makes the file unless it is there, and reads it.
 * @throws UsageError 'key-file', 'insecure-file'
 */
export function createKeyFile(path: string): Uint8Array {
  // Written aside and then linked: of two processes that begin at once, both read the key of whoever was first, whole.
  const aside = `${path}.${randomBytes(8).toString('hex')}`;
  try {
    writeFileSync(aside, `${randomBytes(keyBytes).toString('base64')}\n`, { mode: 0o600, flag: 'wx', flush: true });
    linkSync(aside, path);
    flushFolder(dirname(path));
  } catch (cause) {
    if (codeOf(cause) !== 'EEXIST') {
      throw new UsageError('cannot-create', `The key file ${path} cannot be made: ${messageOf(cause)}.`, { cause });
    }
  } finally {
    rmSync(aside, { force: true });
  }
  return readKeyFile(path);
}

/** After a power cut the folder lists what it lists now: so the key is there whenever something is that was encrypted under it. */
export function flushFolder(folder: string): void {
  // Windows opens no folders.
  if (process.platform === 'win32') return;
  const file = openSync(folder, 'r');
  fsyncSync(file);
  closeSync(file);
}

/** @throws UsageError 'key-file' where it is missing or no key, 'insecure-file' where others can read it */
export function readKeyFile(path: string): Uint8Array {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (cause) {
    const reason = codeOf(cause) === 'ENOENT' ? 'there is no such file' : messageOf(cause);
    throw new UsageError(
      'key-file',
      `The key file ${path} cannot be read: ${reason}. Without it no stored key can be opened; bring it back from a backup, or remove the database beside it and enroll again.`,
      { cause },
    );
  }
  try {
    checkPrivate(path, fstatSync(file).mode);
    const key = Buffer.from(readFileSync(file, 'utf8').trim(), 'base64');
    if (key.length !== keyBytes) {
      throw new UsageError(
        'key-file',
        `The key file ${path} does not hold a key of ${keyBytes} bytes in base64; bring it back from a backup.`,
      );
    }
    return new Uint8Array(key);
  } finally {
    closeSync(file);
  }
}

/** @throws UsageError 'insecure-file' with the command that mends it */
export function checkPrivate(path: string, mode: number): void {
  // Windows has no such modes: there the folder's access list counts.
  if (process.platform === 'win32' || (mode & 0o077) === 0) return;
  throw new UsageError(
    'insecure-file',
    `${path} can be read or changed by others than its owner (mode ${(mode & 0o777).toString(8).padStart(3, '0')}); run: chmod 600 ${path}`,
  );
}

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined);
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
