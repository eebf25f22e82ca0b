/** What `serve` opens for coaps: the store of identities in the data folder, and the gateway's certificate where there is one. */
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import { timeOfDay } from '../core/time-of-day.ts';
import { Credentials } from '../devices/credentials.ts';
import { cipherSuites, type CipherSuite } from '../dtls/cipher-suites.ts';
import type { CoapsOptions } from '../gateway/coaps.ts';
import { CertificateFiles } from '../store/certificate-files.ts';
import { hasIdentities, SqliteIdentityStore } from '../store/sqlite/identity-store.ts';
import { GatewayCertificate } from './gateway-certificate.ts';
import { openAssociations } from './kept-associations.ts';
import { systemScheduler } from '../transport/scheduler.ts';

export interface OpenedDoor {
  readonly options: CoapsOptions;
  close(): Promise<void>;
}

/** As long as nobody is enrolled and there is no certificate, nobody could come in, and nothing is made on disk. */
export const opensCoaps = ({ coaps, data: { folder } }: Config): boolean =>
  coaps.listen.length > 0 && (hasIdentities(folder) || new CertificateFiles(folder).has('gateway'));

/**
 * @param node the number of this process
 * @throws UsageError where the store, the key file or the certificate cannot be used
 */
export async function openCoapsDoor(config: Config, logger: Logger, node: number): Promise<OpenedDoor> {
  const { coap, coaps, data } = config;
  const { folder } = data;
  const store = SqliteIdentityStore.open(folder, systemScheduler);
  const now = (): ReturnType<typeof timeOfDay> => timeOfDay(Date.now());
  const onFault = (error: unknown): void => {
    logger.error({ event: 'identities' }, error instanceof Error ? error.message : String(error));
  };
  try {
    const certificate = new GatewayCertificate(new CertificateFiles(folder), systemScheduler, onFault);
    const credentials = await Credentials.open({ store, timeOfDay: now, onFault });
    const udp = {
      transport: coap.transport,
      listen: coaps.listen,
      port: coaps.port,
      receiveBufferBytes: coap.receiveBuffer,
    };
    const limits = { maxAssociations: coaps.sessions, maxHandshakesPerSecond: coaps.handshakeRate };
    const kept = openAssociations(config, logger, node);
    return {
      options: {
        udp,
        cipherSuites: suitesOf(coaps),
        credentials,
        certificates: () => certificate.current,
        node,
        limits,
        sessionsPerIdentity: coaps.sessionsPerIdentity,
        timeOfDay: now,
        store: kept.associations,
        ticketKeys: kept.ticketKeys,
      },
      close: async () => {
        await kept.close();
        credentials.close();
        await store.close();
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

const suitesOf = ({ cipherSuites: names }: Config['coaps']): readonly CipherSuite[] =>
  names.flatMap((name) => cipherSuites.find((suite) => suite.name === name) ?? []);
