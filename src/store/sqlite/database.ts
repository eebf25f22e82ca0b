/**
 * Opens an SQLite file that several processes use at once: write-ahead log, waiting for each other, a schema with a
 * version, and file modes that keep others out.
 */
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { UsageError } from '../../core/error.ts';
import { makeDataFolder } from '../data-folder.ts';
import { makeFile, reasonOf } from '../make-folder.ts';

/** How long a process waits for another one's change. */
const busyTimeoutMs = 5000;

/**
 * Opens the file, makes it where it is missing, and brings its schema up to date.
 *
 * @param migrations each brings the schema from the version of its index to the next
 * @throws UsageError 'cannot-create', 'store-failed', 'store-version'
 */
export function openDatabase(path: string, migrations: readonly string[]): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    makeDataFolder(dirname(path));
    // Made here, for its mode: SQLite gives the write-ahead log the mode of the database.
    makeFile(path);
    database = new DatabaseSync(path, { timeout: busyTimeoutMs });
    // FULL: what a command has said is done survives a power cut. Changes are rare.
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;');
    migrate(database, path, migrations);
    return database;
  } catch (cause) {
    database?.close();
    if (cause instanceof UsageError) throw cause;
    throw new UsageError('store-failed', `The store ${path} cannot be opened: ${reasonOf(cause)}.`, { cause });
  }
}

function migrate(database: DatabaseSync, path: string, migrations: readonly string[]): void {
  if (versionOf(database) === migrations.length) return;
  transaction(database, () => {
    const version = versionOf(database);
    if (version > migrations.length) {
      throw new UsageError(
        'store-version',
        `The store ${path} was written by a newer funcoap (schema ${version}, this one knows ${migrations.length}); use that one.`,
      );
    }
    for (const statements of migrations.slice(version)) database.exec(statements);
    database.exec(`PRAGMA user_version = ${migrations.length}`);
  });
}

function versionOf(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
}

/** All or nothing, and alone: the lock is taken before anything is read. */
export function transaction<T>(database: DatabaseSync, change: () => T): T {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = change();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}
