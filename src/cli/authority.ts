/** The certificates of `ca/`: made by `funcoap ca init`, used to enroll devices and to revoke them. */
import { UsageError } from '../core/error.ts';
import type { TimeOfDay } from '../core/time-of-day.ts';
import {
  issueDeviceAuthority,
  issueGateway,
  issueRevocationList,
  issueRoot,
  makeKeyPair,
  pemOf,
  type Issuer,
} from '../devices/certificates.ts';
import { validUntil } from '../devices/identity.ts';
import type { IdentityStore } from '../devices/identity-store.ts';
import { CertificateFiles, type CertificateName } from '../store/certificate-files.ts';

/** Makes root, device CA, gateway certificate and an empty revocation list. @throws UsageError 'ca-exists' */
export async function makeAuthority(files: CertificateFiles, hosts: readonly string[], now: TimeOfDay): Promise<void> {
  if (files.has('root')) {
    throw new UsageError(
      'ca-exists',
      `${files.pathOf('root')} is there already, and devices trust it; \`funcoap ca gateway\` gives the gateway another certificate.`,
    );
  }
  const keys = await makeKeyPair();
  const root: Issuer = { privateKey: keys.privateKey, ...(await issueRoot(keys, now)) };
  const deviceKeys = await makeKeyPair();
  const devices: Issuer = {
    privateKey: deviceKeys.privateKey,
    ...(await issueDeviceAuthority(root, deviceKeys.publicKey, now)),
  };
  write(files, 'devices', devices);
  files.writeRevocationList(pemOf('X509 CRL', await issueRevocationList(devices, [], now)));
  await makeGatewayCertificate(files, root, hosts, now);
  // The last: while it is missing, another attempt may begin anew.
  write(files, 'root', root);
}

export async function makeGatewayCertificate(
  files: CertificateFiles,
  root: Issuer,
  hosts: readonly string[],
  now: TimeOfDay,
): Promise<void> {
  const keys = await makeKeyPair();
  const { certificate } = await issueGateway(root, keys.publicKey, hosts, now);
  write(files, 'gateway', { certificate, privateKey: keys.privateKey });
}

/** @throws UsageError 'no-ca' */
export const issuerIn = (files: CertificateFiles, name: CertificateName): Issuer => ({
  certificate: files.certificate(name),
  privateKey: files.privateKey(name),
});

/** Writes what has ended; nothing where there is no device CA. The path of the list, where one was written. */
export async function writeRevocationList(
  folder: string,
  store: IdentityStore,
  now: TimeOfDay,
): Promise<string | undefined> {
  const files = new CertificateFiles(folder);
  if (!files.has('devices')) return undefined;
  const revoked = (await store.list()).flatMap((identity) =>
    identity.credentials.flatMap((credential) => {
      const { kind, serial } = credential;
      // What has merely expired says so itself.
      const since = validUntil({ ...identity, expires: undefined }, credential);
      return kind === 'x509' && serial !== undefined && since !== undefined && since <= now ? [{ serial, since }] : [];
    }),
  );
  files.writeRevocationList(pemOf('X509 CRL', await issueRevocationList(issuerIn(files, 'devices'), revoked, now)));
  return files.pathOf('devices', 'crl');
}

const write = (files: CertificateFiles, name: CertificateName, { certificate, privateKey }: Issuer): void =>
  files.write(name, pemOf('CERTIFICATE', certificate), privateKey);
