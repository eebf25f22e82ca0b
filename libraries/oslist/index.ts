/** Rows of an SQLite table in the library's data folder. */
import { realpathSync, statSync, watch } from 'node:fs';
import { join, sep } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { context, invalidArgument, invalidate, tag } from 'funcoap/library';

/** One row of the table: column names and values. */
type Row = Readonly<Record<string, null | number | bigint | string | Uint8Array>>;

/** More rows than a device reads, and few enough for one answer. Who would get a part only is told so. */
const maxRows = 10_000;

/**
 * Operating systems for constrained devices: the rows of the table `os`, by id.
 * @pure
 * @maxAge 240
 * @param databasefile name of an SQLite file in the library's data folder
 */
export function list(databasefile: string = 'os-list.db'): Row[] {
  const path = confined(context().dataFolder, databasefile);
  forgetWhenChanged(context().dataFolder);
  tag(dataTag);
  // Never written to: the folder may be read-only, and so is the installed package.
  const database = new DatabaseSync(path, { readOnly: true });
  const rows: Row[] = [];
  try {
    for (const row of database.prepare('SELECT * FROM os ORDER BY id').iterate()) {
      rows.push(row);
      if (rows.length > maxRows) break;
    }
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    throw invalidArgument(`${JSON.stringify(databasefile)} is not an SQLite file with a table "os".`, 'databasefile');
  } finally {
    database.close();
  }
  if (rows.length > maxRows) {
    throw invalidArgument(
      `${JSON.stringify(databasefile)} has more than ${maxRows} rows, too many for one answer; name a file with fewer.`,
      'databasefile',
    );
  }
  return rows;
}

/** The real path of a file inside the folder; whatever leads out of it is refused. */
function confined(folder: string, name: string): string {
  const refused = invalidArgument(
    `${JSON.stringify(name.slice(0, 100))} is not a file of this library; give the name of an SQLite file in its data folder, such as "os-list.db".`,
    'databasefile',
  );
  // Before the file system is asked: what it would say of other places is nobody's business.
  if (name === '' || name.length > 255 || !/^[\w][\w.-]*(\/[\w][\w.-]*)*$/.test(name)) throw refused;
  try {
    const root = realpathSync(folder);
    // Symbolic links are followed, and then judged by where they lead.
    const path = realpathSync(join(root, name));
    if (path.startsWith(root + sep) && statSync(path).isFile()) return path;
  } catch {
    throw refused;
  }
  throw refused;
}

const dataTag = 'data';
let watching = false;

/** A changed file makes what was read from it out of date. */
function forgetWhenChanged(folder: string): void {
  if (watching) return;
  watching = true;
  try {
    watch(folder, { persistent: false }, () => invalidate({ tag: dataTag })).on('error', () => {
      watching = false;
    });
  } catch {
    // Not watchable here: results age by maxAge.
  }
}
