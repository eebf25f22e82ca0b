/**
 * What only one process at a time may use: a lock that the system takes away when its holder ends, however it ends. SQLite knows
 * how to take such a lock on every system; the file holds nothing.
 */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { milliseconds, type Milliseconds } from '../../core/duration.ts';
import type { UsageError } from '../../core/error.ts';

/** A process that was just killed may not be gone yet. No RFC's number. */
const patience = milliseconds(1000);

/** @returns what releases it. @throws `taken` where another process has it, and keeps it for longer than `wait`. */
export function lockFile(
  path: string,
  taken: (cause: unknown) => UsageError,
  wait: Milliseconds = patience,
): () => void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: wait });
    database.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    database?.close();
    throw taken(cause);
  }
  const held = database;
  return () => held.close();
}
