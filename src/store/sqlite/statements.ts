/** Statements of one database, each prepared when it is first used. SQL is text of the sources: what varies is bound. */
import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite';

export type Row = Readonly<Record<string, SQLOutputValue>>;
export type Bound = string | number | bigint | null | Uint8Array;

export class Statements {
  readonly #database: DatabaseSync;
  readonly #prepared = new Map<string, StatementSync>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  all(sql: string, values: readonly Bound[] = []): Row[] {
    return this.#of(sql).all(...values);
  }

  run(sql: string, values: readonly Bound[]): void {
    this.#of(sql).run(...values);
  }

  #of(sql: string): StatementSync {
    const known = this.#prepared.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    this.#prepared.set(sql, statement);
    return statement;
  }
}
