/** What the commands about identities work on: the data folder of the configuration, and the store in it. */
import type { Command } from 'commander';
import { UsageError } from '../core/error.ts';
import { timeOfDay, type TimeOfDay } from '../core/time-of-day.ts';
import { parseDuration } from '../config/units.ts';
import type { Milliseconds } from '../core/duration.ts';
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

export const now = (): TimeOfDay => timeOfDay(Date.now());

/** @throws UsageError 'bad-flag' */
export function spanOf(flag: string, text: string): Milliseconds {
  const span = parseDuration(text);
  if (span !== undefined) return span;
  throw new UsageError(
    'bad-flag',
    `${flag} is ${JSON.stringify(text)}, but must be a duration such as 90d, 12h or 0s.`,
  );
}

/** `2027-02-19 10:00 UTC` */
export const timeText = (time: TimeOfDay): string =>
  `${new Date(time).toISOString().slice(0, 16).replace('T', ' ')} UTC`;

/** RFC 3339, for scripts. */
export const timeValue = (time: TimeOfDay | undefined): string | null =>
  time === undefined ? null : new Date(time).toISOString();
