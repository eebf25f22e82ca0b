/** What `serve` opens for HTTP: who is enrolled, the key that tokens are signed with, and the certificate where there is TLS. */
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import { UsageError } from '../core/error.ts';
import { timeOfDay } from '../core/time-of-day.ts';
import { Credentials } from '../devices/credentials.ts';
import type { HttpOptions } from '../http/door.ts';
import { CertificateFiles } from '../store/certificate-files.ts';
import { hasIdentities, SqliteIdentityStore } from '../store/sqlite/identity-store.ts';
import { tokenKey } from '../store/token-key.ts';
import { systemScheduler } from '../transport/scheduler.ts';

export interface OpenedHttp {
  readonly options: HttpOptions;
  close(): Promise<void>;
}

export const opensHttp = ({ http, https }: Config): boolean => http.listen.length > 0 || https.listen.length > 0;

/**
 * @param known who is enrolled, where the coaps door has read that already
 * @throws UsageError where the store, the key file or the certificate cannot be used
 */
export async function openHttp(
  config: Config,
  logger: Logger,
  known: Credentials | undefined,
  reusePort: boolean,
): Promise<OpenedHttp> {
  const { data, http, https, limits } = config;
  const { folder } = data;
  const certificate = https.listen.length > 0 ? certificateIn(folder) : undefined;
  const own = known === undefined && hasIdentities(folder) ? await openCredentials(folder, logger) : undefined;
  const credentials = known ?? own?.credentials;
  // Where there is a certificate but nobody is enrolled there may be no key file yet, and there are no tokens.
  const identities =
    credentials === undefined || !hasIdentities(folder) ? undefined : { credentials, tokenKey: tokenKey(folder) };
  return {
    options: {
      listen: http.listen,
      port: http.port,
      secureListen: https.listen,
      securePort: https.port,
      certificate,
      hosts: http.hosts,
      proxies: http.proxies,
      maxBodyBytes: limits.requestBody,
      maxConnections: http.connections,
      identities,
      timeOfDay: now,
      reusePort,
    },
    close: async () => own?.close(),
  };
}

const now = (): ReturnType<typeof timeOfDay> => timeOfDay(Date.now());

function certificateIn(folder: string): HttpOptions['certificate'] {
  const files = new CertificateFiles(folder);
  if (!files.has('gateway')) {
    throw new UsageError(
      'no-ca',
      '`https.listen` needs a certificate: `funcoap ca init --host NAME` makes one, or leave https.listen empty.',
    );
  }
  const privateKey = String(files.privateKey('gateway').export({ type: 'pkcs8', format: 'pem' }));
  const certificate = Buffer.from(files.certificate('gateway')).toString('base64');
  return { certificate: `-----BEGIN CERTIFICATE-----\n${certificate}\n-----END CERTIFICATE-----\n`, privateKey };
}

async function openCredentials(
  folder: string,
  logger: Logger,
): Promise<{ readonly credentials: Credentials; close(): Promise<void> }> {
  const store = SqliteIdentityStore.open(folder, systemScheduler);
  const onFault = (error: unknown): void => {
    logger.error({ event: 'identities' }, error instanceof Error ? error.message : String(error));
  };
  try {
    const credentials = await Credentials.open({ store, timeOfDay: now, onFault });
    return {
      credentials,
      close: async () => {
        credentials.close();
        await store.close();
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}
