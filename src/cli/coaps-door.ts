/** What `serve` opens for coaps: who is enrolled, the gateway's certificate where there is one, and what associations leave behind. */
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import { timeOfDay } from '../core/time-of-day.ts';
import { cipherSuites, type CipherSuite } from '../dtls/cipher-suites.ts';
import type { CoapsOptions } from '../gateway/coaps.ts';
import { CertificateFiles } from '../store/certificate-files.ts';
import { hasIdentities } from '../store/sqlite/identity-store.ts';
import { systemScheduler } from '../transport/scheduler.ts';
import { openEnrolled, type Enrolled } from './enrolled.ts';
import { GatewayCertificate } from './gateway-certificate.ts';
import { openAssociations } from './kept-associations.ts';

export interface OpenedDoor {
  readonly options: CoapsOptions;
  readonly enrolled: Enrolled;
  close(): Promise<void>;
}

/** As long as nobody is enrolled and there is no certificate, nobody could come in. */
export const opensCoaps = ({ coaps, data: { folder } }: Config): boolean =>
  coaps.listen.length > 0 && (hasIdentities(folder) || new CertificateFiles(folder).has('gateway'));

/**
 * @param node the number of this process
 * @param fingerprintKey that of a gateway which runs already
 * @throws UsageError where the store, the key file or the certificate cannot be used
 */
export async function openCoapsDoor(
  config: Config,
  logger: Logger,
  node: number,
  fingerprintKey?: number,
): Promise<OpenedDoor> {
  const { coap, coaps, data } = config;
  const { folder } = data;
  const enrolled = await openEnrolled(folder, logger);
  const onFault = (error: unknown): void => {
    logger.error({ event: 'identities' }, error instanceof Error ? error.message : String(error));
  };
  try {
    const certificate = new GatewayCertificate(new CertificateFiles(folder), systemScheduler, onFault);
    const udp = {
      transport: coap.transport,
      listen: coaps.listen,
      port: coaps.port,
      receiveBufferBytes: coap.receiveBuffer,
    };
    const limits = { maxAssociations: coaps.sessions, maxHandshakesPerSecond: coaps.handshakeRate };
    const kept = await openAssociations(config, logger, node, fingerprintKey);
    return {
      enrolled,
      options: {
        udp,
        cipherSuites: suitesOf(coaps),
        credentials: enrolled.credentials,
        certificates: () => certificate.current,
        node,
        limits,
        sessionsPerIdentity: coaps.sessionsPerIdentity,
        timeOfDay: () => timeOfDay(Date.now()),
        store: kept.associations,
        ticketKeys: kept.ticketKeys,
      },
      close: async () => {
        await kept.close();
        await enrolled.close();
      },
    };
  } catch (error) {
    await enrolled.close();
    throw error;
  }
}

const suitesOf = ({ cipherSuites: names }: Config['coaps']): readonly CipherSuite[] =>
  names.flatMap((name) => cipherSuites.find((suite) => suite.name === name) ?? []);
