/** What `serve` opens so that associations outlive the process: a part of the data folder, for one process at a time. */
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import { milliseconds, type Milliseconds } from '../core/duration.ts';
import { UsageError } from '../core/error.ts';
import { timeOfDay } from '../core/time-of-day.ts';
import { defaultDtlsLimits } from '../dtls/options.ts';
import { AssociationStore } from '../store/associations/association-store.ts';
import { JournalWriter } from '../store/associations/journal-writer.ts';
import { removeOtherParts } from '../store/associations/other-parts.ts';
import { lockFile } from '../store/associations/part-lock.ts';
import { readBootId } from '../store/associations/part-state.ts';
import { TicketKeyFiles } from '../store/associations/ticket-key-files.ts';
import { readKeyFile } from '../store/key-file.ts';
import { SecretSeal } from '../store/secret-seal.ts';
import { systemScheduler } from '../transport/scheduler.ts';

/**
 * A second gateway on the same folder would speak with the same keys. What processes have left that this gateway has not is removed.
 * @param nodes the numbers of all its processes
 * @param wait for another that is just ending
 * @throws UsageError 'data-in-use', 'store-failed'
 */
export function lockDataFolder(
  { data: { folder } }: Pick<Config, 'data'>,
  nodes: readonly number[],
  wait?: Milliseconds,
): () => void {
  const associations = join(folder, 'associations');
  const unlock = lockFile(join(associations, 'gateway.lock'), (cause) => inUse(folder, cause), wait);
  try {
    removeOtherParts(associations, nodes);
    return unlock;
  } catch (cause) {
    unlock();
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError('store-failed', `What is not needed in ${associations} cannot be removed: ${reason}.`, {
      cause,
    });
  }
}

/** What answers already must not stand still while it waits, and asks again later (door-watch.ts). */
export const noWait: Milliseconds = milliseconds(0);

const inUse = (folder: string, cause: unknown): UsageError =>
  new UsageError(
    'data-in-use',
    `Another gateway uses the data folder ${folder}; stop that one, or give this one a folder of its own (data.folder).`,
    { cause },
  );

export interface KeptAssociations {
  readonly associations: AssociationStore;
  readonly ticketKeys: TicketKeyFiles;
  close(): Promise<void>;
}

/**
 * What outlives the process. Each process has a part of its own.
 * @param fingerprintKey that of a gateway which runs already
 */
export function openAssociations(
  config: Pick<Config, 'coaps' | 'data'>,
  logger: Logger,
  node: number,
  fingerprintKey: number | undefined,
): KeptAssociations {
  const { folder: data } = config.data;
  const folder = join(data, 'associations');
  // Of several processes, the supervisor has it.
  const wait = fingerprintKey === undefined ? undefined : noWait;
  const unlock = node === 0 ? lockDataFolder(config, [0], wait) : () => undefined;
  let unlockPart: (() => void) | undefined;
  try {
    unlockPart = lockFile(join(folder, `${node}.lock`), (cause) => inUse(data, cause));
    const seal = new SecretSeal(readKeyFile(join(data, 'store.key')));
    const onNotice = (level: 'info' | 'warn' | 'error', text: string): void => {
      logger[level]({ event: 'associations' }, text);
    };
    const associations = new AssociationStore({
      folder,
      part: node,
      seal,
      bootId: readBootId(),
      fingerprintKey,
      maxAssociations: config.coaps.sessions,
      maxSessions: defaultDtlsLimits.maxSessions,
      writer: new JournalWriter(),
      scheduler: systemScheduler,
      timeOfDay: () => timeOfDay(Date.now()),
      onNotice,
    });
    const ticketKeys = new TicketKeyFiles(folder, seal, (error) => {
      onNotice('warn', `A ticket key cannot be kept in ${folder}: ${String(error)}. Tickets end with this process.`);
    });
    return {
      associations,
      ticketKeys,
      close: async () => {
        await associations.close();
        unlockPart?.();
        unlock();
      },
    };
  } catch (error) {
    unlockPart?.();
    unlock();
    throw error;
  }
}
