/**
 * Identities in an SQLite file (`identities.db`) beside the key file (`store.key`) that its secrets are encrypted under.
 *
 * Every change gives the identity a new revision, so that what changed is one read of an index.
 */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { hex, utf8 } from '../../core/bytes.ts';
import type { Scheduler } from '../../core/clock.ts';
import { UsageError } from '../../core/error.ts';
import type { TimeOfDay } from '../../core/time-of-day.ts';
import type { Credential, Identity, NewCredential, NewIdentity } from '../../devices/identity.ts';
import type { IdentityChanges, IdentityStore } from '../../devices/identity-store.ts';
import { createKeyFile, readKeyFile } from '../key-file.ts';
import { SecretSeal } from '../secret-seal.ts';
import { ChangeWatch } from './change-watch.ts';
import { openDatabase, transaction } from './database.ts';
import { credentialOf, identityMigrations, identityOf } from './identity-schema.ts';
import { Statements, type Row } from './statements.ts';

const keyCheck = 'the key file';

/** Whether a folder has identities: asking makes nothing. */
export const hasIdentities = (folder: string): boolean => existsSync(join(folder, 'identities.db'));

export class SqliteIdentityStore implements IdentityStore {
  readonly #database: DatabaseSync;
  readonly #seal: SecretSeal;
  readonly #changes: ChangeWatch;
  readonly #statements: Statements;

  private constructor(database: DatabaseSync, seal: SecretSeal, scheduler: Scheduler) {
    this.#database = database;
    this.#statements = new Statements(database);
    this.#seal = seal;
    this.#changes = new ChangeWatch(database, scheduler);
  }

  /**
   * Makes the folder, the database and the key file where they are missing.
   * @throws UsageError 'store-failed', 'store-version', 'key-file', 'insecure-file', 'cannot-create'
   */
  static open(folder: string, scheduler: Scheduler): SqliteIdentityStore {
    const database = openDatabase(join(folder, 'identities.db'), identityMigrations);
    try {
      return new SqliteIdentityStore(database, openSeal(database, join(folder, 'store.key')), scheduler);
    } catch (error) {
      database.close();
      throw error;
    }
  }

  enroll(identity: NewIdentity): Promise<Identity> {
    return this.#change(() => {
      const { name, groups, created, expires, allowLegacyMasterSecret, credential } = identity;
      const known = this.#rowOf(name);
      if (known !== undefined && known['revoked'] === null) {
        throw new UsageError(
          'identity-exists',
          `${name} is enrolled already; choose another name, or give it new keys with \`funcoap identities rotate ${name}\`.`,
        );
      }
      // What was revoked has ended: only certificates are kept, for the revocation list.
      if (known !== undefined) this.#endCredentials(known, created, created);
      this.#statements.run(
        `INSERT INTO identities (name, groups, created, expires, legacy, revision)
         VALUES (?, ?, ?, ?, ?, (SELECT coalesce(max(revision), 0) + 1 FROM identities))
         ON CONFLICT (name) DO UPDATE SET groups = excluded.groups, created = excluded.created,
           expires = excluded.expires, revoked = NULL, legacy = excluded.legacy, revision = excluded.revision`,
        [name, groups.join(' '), created, expires ?? null, allowLegacyMasterSecret ? 1 : 0],
      );
      this.#insert(name, credential, created);
      return name;
    });
  }

  rotate(name: string, credential: NewCredential, now: TimeOfDay, overlapUntil: TimeOfDay): Promise<Identity> {
    return this.#change(() => {
      const row = this.#existing(name);
      if (row['revoked'] !== null || (row['expires'] !== null && Number(row['expires']) <= now)) {
        throw new UsageError('identity-ended', `${name} is revoked or has expired; enroll a new identity.`);
      }
      this.#endCredentials(row, now, overlapUntil);
      this.#insert(name, credential, now);
      this.#touch(name);
      return name;
    });
  }

  revoke(name: string, now: TimeOfDay): Promise<Identity> {
    return this.#change(() => {
      const row = this.#existing(name);
      if (row['revoked'] !== null) return name;
      this.#statements.run('UPDATE identities SET revoked = ? WHERE name = ?', [now, name]);
      this.#touch(name);
      return name;
    });
  }

  find(name: string): Promise<Identity | undefined> {
    return settled(() => {
      const row = this.#rowOf(name);
      return row === undefined ? undefined : this.#identity(row);
    });
  }

  list(): Promise<readonly Identity[]> {
    return settled(() => this.#identitiesSince(0).toSorted((a, b) => (a.name < b.name ? -1 : 1)));
  }

  changes(since: number): Promise<IdentityChanges> {
    return settled(() => {
      // Read first: what changes in between is told once more.
      const newest = this.#statements.all('SELECT max(revision) AS revision FROM identities')[0]?.['revision'];
      return { identities: this.#identitiesSince(since), revision: Number(newest ?? since) };
    });
  }

  onChange(listener: () => void): () => void {
    return this.#changes.add(listener);
  }

  keyOf(credential: Credential): Uint8Array {
    return this.#seal.open(credential.sealedKey ?? new Uint8Array(0), ownerOf(credential));
  }

  close(): Promise<void> {
    this.#changes.close();
    return settled(() => this.#database.close());
  }

  #change(change: () => string): Promise<Identity> {
    return settled(() => {
      const identity = transaction(this.#database, () => this.#identity(this.#existing(change())));
      this.#changes.tell();
      return identity;
    });
  }

  #existing(name: string): Row {
    const row = this.#rowOf(name);
    if (row !== undefined) return row;
    throw new UsageError('no-such-identity', `No identity is called ${name}; \`funcoap identities ls\` lists them.`);
  }

  #insert(name: string, credential: NewCredential, now: TimeOfDay): void {
    const { kind, shown, key, serial } = credential;
    if (this.#statements.all('SELECT 1 FROM credentials WHERE kind = ? AND shown = ?', [kind, shown]).length > 0) {
      throw new UsageError(
        'credential-taken',
        `The ${kind} credential for ${name} belongs to an identity already; each needs its own.`,
      );
    }
    const id = randomUUID();
    const sealed = key === undefined ? null : this.#seal.seal(key, ownerOf({ id, kind, shown }));
    this.#statements.run(
      `INSERT INTO credentials (id, identity, kind, shown, serial, sealed, created, number)
       SELECT ?, id, ?, ?, ?, ?, ?, (SELECT coalesce(max(number), 0) + 1 FROM credentials)
       FROM identities WHERE name = ?`,
      [id, kind, shown, serial ?? null, sealed, now, name],
    );
  }

  #endCredentials(identity: Row, now: TimeOfDay, until: TimeOfDay): void {
    const id = identity['id'] ?? null;
    this.#statements.run('UPDATE credentials SET until = min(coalesce(until, ?), ?) WHERE identity = ?', [
      until,
      until,
      id,
    ]);
    // Keys that open nothing any more are not kept.
    this.#statements.run(`DELETE FROM credentials WHERE identity = ? AND until <= ? AND kind <> 'x509'`, [id, now]);
  }

  #touch(name: string): void {
    this.#statements.run(`UPDATE identities SET revision = (SELECT max(revision) + 1 FROM identities) WHERE name = ?`, [
      name,
    ]);
  }

  #rowOf(name: string): Row | undefined {
    return this.#statements.all('SELECT * FROM identities WHERE name = ?', [name])[0];
  }

  #identity(row: Row): Identity {
    const id = row['id'] ?? null;
    const rows = this.#statements.all('SELECT * FROM credentials WHERE identity = ? ORDER BY number DESC', [id]);
    return identityOf(row, rows.map(credentialOf));
  }

  /** In the order of their changes. */
  #identitiesSince(revision: number): Identity[] {
    const rows = this.#statements.all('SELECT * FROM identities WHERE revision > ? ORDER BY revision', [revision]);
    const credentials = Map.groupBy(
      this.#statements.all(
        `SELECT * FROM credentials WHERE identity IN (SELECT id FROM identities WHERE revision > ?) ORDER BY number DESC`,
        [revision],
      ),
      (row) => row['identity'],
    );
    return rows.map((row) => identityOf(row, (credentials.get(row['id']) ?? []).map(credentialOf)));
  }
}

/** What a sealed key belongs to: it opens in this row, for this PSK identity. */
const ownerOf = ({ id, kind, shown }: Pick<Credential, 'id' | 'kind' | 'shown'>): string =>
  `the credential ${id} (${kind} ${hex(shown)})`;

/** The first process makes the key file; later ones must find the same. */
function openSeal(database: DatabaseSync, keyPath: string): SecretSeal {
  const find = database.prepare('SELECT value FROM facts WHERE name = ?');
  const sealed = find.get(keyCheck)?.['value'];
  if (sealed instanceof Uint8Array) return checked(readKeyFile(keyPath), sealed, keyPath);
  return transaction(database, () => {
    const seal = new SecretSeal(createKeyFile(keyPath));
    database
      .prepare('INSERT INTO facts (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING')
      .run(keyCheck, seal.seal(utf8(keyCheck), keyCheck));
    return seal;
  });
}

function checked(key: Uint8Array, sealed: Uint8Array, keyPath: string): SecretSeal {
  const seal = new SecretSeal(key);
  try {
    seal.open(sealed, keyCheck);
    return seal;
  } catch (cause) {
    throw new UsageError(
      'key-file',
      `The key file ${keyPath} is not the one that the database beside it was written with; bring both back from one backup.`,
      { cause },
    );
  }
}

/** SQLite answers at once; a store in general does not. */
async function settled<T>(work: () => T): Promise<T> {
  return work();
}
