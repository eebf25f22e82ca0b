/** The tables of identities, and how their rows are read. Times are milliseconds since 1970. */
import type { SQLOutputValue } from 'node:sqlite';
import type { Row } from './statements.ts';
import { timeOfDay, type TimeOfDay } from '../../core/time-of-day.ts';
import type { Credential, CredentialKind, Identity } from '../../devices/identity.ts';

/** Never edited, only added to. */
export const identityMigrations: readonly string[] = [
  `CREATE TABLE identities (
     id INTEGER PRIMARY KEY,
     name TEXT NOT NULL UNIQUE,
     groups TEXT NOT NULL,
     created INTEGER NOT NULL,
     expires INTEGER,
     revoked INTEGER,
     legacy INTEGER NOT NULL,
     revision INTEGER NOT NULL
   ) STRICT;
   CREATE INDEX identities_revision ON identities (revision);
   CREATE TABLE credentials (
     id TEXT PRIMARY KEY,
     identity INTEGER NOT NULL REFERENCES identities (id),
     kind TEXT NOT NULL,
     shown BLOB NOT NULL,
     serial TEXT,
     sealed BLOB,
     created INTEGER NOT NULL,
     until INTEGER,
     number INTEGER NOT NULL,
     UNIQUE (kind, shown)
   ) STRICT;
   CREATE INDEX credentials_identity ON credentials (identity);
   CREATE TABLE facts (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;`,
];

const time = (value: SQLOutputValue | undefined): TimeOfDay | undefined =>
  value === null || value === undefined ? undefined : timeOfDay(Number(value));

const bytes = (value: SQLOutputValue | undefined): Uint8Array | undefined =>
  value instanceof Uint8Array ? value : undefined;

export const credentialOf = (row: Row): Credential => ({
  id: String(row['id']),
  // Written by `insert` alone.
  kind: row['kind'] as CredentialKind,
  shown: bytes(row['shown']) ?? new Uint8Array(0),
  serial: typeof row['serial'] === 'string' ? row['serial'] : undefined,
  sealedKey: bytes(row['sealed']),
  created: timeOfDay(Number(row['created'])),
  until: time(row['until']),
});

export const identityOf = (row: Row, credentials: readonly Credential[]): Identity => ({
  name: String(row['name']),
  groups: String(row['groups'])
    .split(' ')
    .filter((group) => group !== ''),
  created: timeOfDay(Number(row['created'])),
  expires: time(row['expires']),
  revoked: time(row['revoked']),
  allowLegacyMasterSecret: row['legacy'] === 1,
  credentials,
});
