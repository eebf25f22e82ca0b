/**
 * A file by which a folder that was put back is known: nothing is ever written to it, so the time of its last change, which no
 * program can set, stays what it was until it is copied, overwritten, or given to another owner. Inode numbers do not tell:
 * file systems hand out again those of files that were removed.
 */
import { closeSync, fstatSync, fsyncSync, openSync, rmSync, statSync, writeSync, type BigIntStats } from 'node:fs';

/** Makes another one. @returns by which it is known */
export function makeWitness(path: string): string {
  rmSync(path, { force: true });
  const file = openSync(path, 'wx', 0o600);
  try {
    // So that whoever overwrites it changes it.
    writeSync(file, 'Tells whether this folder was put back from a copy.\n');
    fsyncSync(file);
    return markOf(fstatSync(file, { bigint: true }));
  } finally {
    closeSync(file);
  }
}

/** Undefined where there is none. */
export function readWitness(path: string): string | undefined {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found && markOf(found);
}

const markOf = ({ ino, ctimeNs }: BigIntStats): string => `${ino} ${ctimeNs}`;
