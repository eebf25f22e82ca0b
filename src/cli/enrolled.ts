/** Who is enrolled, as one gateway process reads it from the data folder, for all its doors. */
import type { KeyObject } from 'node:crypto';
import type { Logger } from 'pino';
import { timeOfDay } from '../core/time-of-day.ts';
import { Credentials } from '../devices/credentials.ts';
import { ReaderFile } from '../store/reader-files.ts';
import { SqliteIdentityStore } from '../store/sqlite/identity-store.ts';
import { tokenKey } from '../store/token-key.ts';
import { systemScheduler } from '../transport/scheduler.ts';

export interface Enrolled {
  readonly credentials: Credentials;
  /** Of bearer tokens. */
  readonly tokenKey: KeyObject;
  /** Its doors are open: from now on commands wait until what they change counts here too. @param node the number of the process */
  takesPart(node: number): void;
  close(): Promise<void>;
}

/**
 * Makes the store where there is none.
 * @throws UsageError where the store or the key file cannot be used
 */
export async function openEnrolled(folder: string, logger: Logger): Promise<Enrolled> {
  const store = SqliteIdentityStore.open(folder, systemScheduler);
  const onFault = (error: unknown): void => {
    logger.error({ event: 'identities' }, error instanceof Error ? error.message : String(error));
  };
  let reader: ReaderFile | undefined;
  try {
    const credentials = await Credentials.open({ store, timeOfDay: () => timeOfDay(Date.now()), onFault });
    return {
      credentials,
      tokenKey: tokenKey(folder),
      takesPart: (node) => {
        credentials.onTaken((revision) => {
          // Commands wait a little longer then: nothing for which nobody could come in.
          try {
            reader ??= new ReaderFile(folder, node);
            reader.taken(revision);
          } catch (error) {
            onFault(error);
          }
        });
      },
      close: async () => {
        reader?.close();
        credentials.close();
        await store.close();
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}
