/** The table of jobs, and how its rows are read. Times are milliseconds since 1970. */
import type { SQLOutputValue } from 'node:sqlite';
import type { Row } from './statements.ts';
import { emptyBytes } from '../../core/bytes.ts';
import { timeOfDay, type TimeOfDay } from '../../core/time-of-day.ts';
import type { Job, JobOrder, JobOutcome, JobState, JobSummary } from '../../functions/job-store.ts';

/** Never edited, only added to. What is long comes last: rows are counted without reading it. */
export const jobMigrations: readonly string[] = [
  `CREATE TABLE jobs (
     number INTEGER PRIMARY KEY AUTOINCREMENT,
     id TEXT NOT NULL UNIQUE,
     identity TEXT NOT NULL,
     bytes INTEGER NOT NULL,
     state TEXT NOT NULL,
     owner TEXT,
     runs INTEGER NOT NULL,
     keep_until INTEGER,
     library TEXT NOT NULL,
     method TEXT NOT NULL,
     safe INTEGER NOT NULL,
     format INTEGER NOT NULL,
     body_format INTEGER NOT NULL,
     created INTEGER NOT NULL,
     groups TEXT NOT NULL,
     peer TEXT NOT NULL,
     correlation TEXT NOT NULL,
     problem TEXT,
     message TEXT,
     remote TEXT,
     items TEXT NOT NULL,
     body BLOB,
     result BLOB,
     shown BLOB
   ) STRICT;
   CREATE INDEX jobs_room ON jobs (identity, bytes);
   CREATE INDEX jobs_state ON jobs (state, identity);`,
  'ALTER TABLE jobs ADD COLUMN enrolled INTEGER',
  'ALTER TABLE jobs ADD COLUMN network TEXT; CREATE INDEX jobs_network ON jobs (network, bytes);',
];

const bytes = (value: SQLOutputValue | undefined): Uint8Array | undefined =>
  value instanceof Uint8Array ? value : undefined;

const enrolledOf = ({ enrolled }: Row): TimeOfDay | undefined =>
  typeof enrolled === 'number' ? timeOfDay(enrolled) : undefined;

export const orderOf = (row: Row): JobOrder => ({
  id: String(row['id']),
  identity: String(row['identity']),
  groups: JSON.parse(String(row['groups'])) as string[],
  enrolled: enrolledOf(row),
  peer: String(row['peer']),
  network: typeof row['network'] === 'string' ? row['network'] : undefined,
  library: String(row['library']),
  method: String(row['method']),
  safe: row['safe'] === 1,
  body: bytes(row['body']) ?? emptyBytes,
  bodyFormat: Number(row['body_format']),
  items: JSON.parse(String(row['items'])) as string[],
  format: Number(row['format']),
  correlationId: String(row['correlation']),
  created: timeOfDay(Number(row['created'])),
});

/** Written by this store alone. */
export const stateOf = (row: Row): JobState => row['state'] as JobState;

export const jobOf = (row: Row): Job => ({ order: orderOf(row), state: stateOf(row), outcome: outcomeOf(row) });

export const summaryOf = (row: Row): JobSummary => ({
  id: String(row['id']),
  library: String(row['library']),
  method: String(row['method']),
  created: timeOfDay(Number(row['created'])),
  enrolled: enrolledOf(row),
  state: stateOf(row),
});

function outcomeOf(row: Row): JobOutcome | undefined {
  switch (stateOf(row)) {
    case 'queued':
    case 'running':
      return undefined;
    case 'done':
      return { state: 'done', cbor: bytes(row['result']) ?? emptyBytes, shown: bytes(row['shown']) };
    case 'failed': {
      type Failed = Extract<JobOutcome, { state: 'failed' }>;
      const { problem, remote } = row;
      return {
        state: 'failed',
        problem: problem as Failed['problem'],
        message: String(row['message']),
        ...(typeof remote === 'string' && { remote: JSON.parse(remote) as Failed['remote'] }),
      };
    }
  }
}
