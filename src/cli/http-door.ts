/** What `serve` opens for HTTP: who is enrolled, and the certificate where there is TLS. */
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import { UsageError } from '../core/error.ts';
import { timeOfDay } from '../core/time-of-day.ts';
import type { HttpOptions } from '../http/door.ts';
import { CertificateFiles } from '../store/certificate-files.ts';
import { hasIdentities } from '../store/sqlite/identity-store.ts';
import { openEnrolled, type Enrolled } from './enrolled.ts';

export interface OpenedHttp {
  readonly options: HttpOptions;
  /** Somebody is enrolled now who was not when it was opened. */
  admit(enrolled: Enrolled): void;
  /** Who is enrolled, where only this door reads it. */
  readonly own: Enrolled | undefined;
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
  known: Enrolled | undefined,
  reusePort: boolean,
): Promise<OpenedHttp> {
  const { data, http, https, limits } = config;
  const { folder } = data;
  const certificate = https.listen.length > 0 ? certificateIn(folder) : undefined;
  const own = known === undefined && hasIdentities(folder) ? await openEnrolled(folder, logger) : undefined;
  let enrolled = known ?? own;
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
      maxConnectionsPerPeer: http.connectionsPerPeer,
      identities: () => enrolled,
      timeOfDay: now,
      reusePort,
    },
    own,
    admit: (late) => {
      enrolled = late;
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
