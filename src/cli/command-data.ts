/** What the commands about identities work on: the data folder of the configuration, and the store in it. */
import type { Command } from 'commander';
import { UsageError } from '../core/error.ts';
import { timeOfDay, type TimeOfDay } from '../core/time-of-day.ts';
import { formatDuration, parseDuration } from '../config/units.ts';
import { milliseconds, type Milliseconds } from '../core/duration.ts';
import type { IdentityStore } from '../devices/identity-store.ts';
import { configOf } from './config-flags.ts';
import type { Terminal } from './terminal.ts';

export interface DataOptions {
  readonly config?: string;
  readonly data?: string;
}

export const dataOptions = (command: Command): Command =>
  command
    .option('--config <file>', 'configuration file (default: funcoap.config.json, if it is there)')
    .option('--data <folder>', 'folder of identities, keys and certificates (default: data.folder)');

export async function dataFolderOf(options: DataOptions, terminal: Terminal): Promise<string> {
  return (await configOf({ ...options }, terminal)).config.data.folder;
}

/** Where coaps listens, if not on the port that every client takes by itself. */
export async function coapsPortOf(options: DataOptions, terminal: Terminal): Promise<number | undefined> {
  const { port } = (await configOf({ ...options }, terminal)).config.coaps;
  return port === 0 || port === defaultCoapsPort ? undefined : port;
}

/** Runs `use` with the store, which is closed afterwards. */
export async function withStore<T>(
  options: DataOptions,
  terminal: Terminal,
  use: (store: IdentityStore, folder: string) => Promise<T>,
): Promise<T> {
  const folder = await dataFolderOf(options, terminal);
  return await withStoreIn(folder, use);
}

/** The same where there are identities already: nothing is made, and somebody in the wrong folder is told. */
export async function withIdentities<T>(
  options: DataOptions,
  terminal: Terminal,
  use: (store: IdentityStore, folder: string) => Promise<T>,
): Promise<T> {
  const folder = await dataFolderOf(options, terminal);
  const { hasIdentities } = await import('../store/sqlite/identity-store.ts');
  if (!hasIdentities(folder)) {
    throw new UsageError(
      'no-such-identity',
      `There are no identities in ${folder}; \`funcoap enroll\` makes them, and --data names another folder.`,
    );
  }
  return await withStoreIn(folder, use);
}

async function withStoreIn<T>(folder: string, use: (store: IdentityStore, folder: string) => Promise<T>): Promise<T> {
  // Loaded only here: most commands do without SQLite.
  const { SqliteIdentityStore } = await import('../store/sqlite/identity-store.ts');
  const { systemScheduler } = await import('../transport/scheduler.ts');
  const store = SqliteIdentityStore.open(folder, systemScheduler);
  try {
    return await use(store, folder);
  } finally {
    await store.close();
  }
}

/** RFC 7252 §6.2. */
const defaultCoapsPort = 5684;

/** Nobody plans for longer, and a time that no calendar has could not be shown. */
const longestSpan = milliseconds(100 * 365 * 86_400_000);

export const now = (): TimeOfDay => timeOfDay(Date.now());

/** @throws UsageError 'bad-flag' */
export function spanOf(flag: string, text: string, shortest: '0s' | '1s' = '0s'): Milliseconds {
  const span = parseDuration(text);
  if (span !== undefined && span <= longestSpan && span >= (parseDuration(shortest) ?? 0)) return span;
  throw new UsageError(
    'bad-flag',
    `${flag} is ${JSON.stringify(text)}, but must be a duration such as 90d or 12h, from ${shortest} to ${formatDuration(longestSpan)}.`,
  );
}

/** `2027-02-19 10:00 UTC` */
export const timeText = (time: TimeOfDay): string =>
  `${new Date(time).toISOString().slice(0, 16).replace('T', ' ')} UTC`;

/** RFC 3339, for scripts. */
export const timeValue = (time: TimeOfDay | undefined): string | null =>
  time === undefined ? null : new Date(time).toISOString();
