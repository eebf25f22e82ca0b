/** What `serve` opens so that associations outlive the process: a part of the data folder, for one process at a time. */
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import { UsageError } from '../core/error.ts';
import { timeOfDay } from '../core/time-of-day.ts';
import { defaultDtlsLimits } from '../dtls/options.ts';
import { AssociationStore } from '../store/associations/association-store.ts';
import { JournalWriter } from '../store/associations/journal-writer.ts';
import { removeOtherParts } from '../store/associations/other-parts.ts';
import { readBootId } from '../store/associations/part-state.ts';
import { TicketKeyFiles } from '../store/associations/ticket-key-files.ts';
import { makeDataFolder } from '../store/data-folder.ts';
import { lockFileSoon } from '../store/file-lock.ts';
import { reasonOf } from '../store/make-folder.ts';
import { readKeyFile } from '../store/key-file.ts';
import { SecretSeal } from '../store/secret-seal.ts';
import { systemScheduler } from '../transport/scheduler.ts';

/**
 * What processes have left that this gateway has not is removed. For whoever holds the data folder.
 * @param nodes the numbers of all its processes
 * @throws UsageError 'cannot-create', 'store-failed'
 */
export function removeOthers({ data: { folder } }: Pick<Config, 'data'>, nodes: readonly number[]): void {
  const associations = join(folder, 'associations');
  makeDataFolder(associations);
  try {
    removeOtherParts(associations, nodes);
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    const what = `What is not needed in ${associations} cannot be removed: ${reasonOf(cause)}.`;
    throw new UsageError('store-failed', what, { cause });
  }
}

export interface KeptAssociations {
  readonly associations: AssociationStore;
  readonly ticketKeys: TicketKeyFiles;
  close(): Promise<void>;
}

/**
 * What outlives the process. Each process has a part of its own.
 * @param fingerprintKey that of a gateway which runs already
 */
export async function openAssociations(
  config: Pick<Config, 'coaps' | 'data'>,
  logger: Logger,
  node: number,
  fingerprintKey: number | undefined,
): Promise<KeptAssociations> {
  const { folder: data } = config.data;
  const folder = join(data, 'associations');
  // Of several processes, the supervisor does it.
  if (node === 0) removeOthers(config, [0]);
  makeDataFolder(folder);
  const unlock = await lockFileSoon(join(folder, `${node}.lock`), systemScheduler);
  if (unlock === undefined) {
    throw new UsageError(
      'data-in-use',
      `A process of a gateway that was killed goes on with ${folder}; it ends by itself, so start once more.`,
    );
  }
  try {
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
        unlock();
      },
    };
  } catch (error) {
    unlock();
    throw error;
  }
}
