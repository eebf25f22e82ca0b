/**
 * Certificates and their keys as files in `ca/` of the data folder, in PEM, so that other tools read them too:
 *
 *     root.crt.pem  devices.crt.pem  gateway.crt.pem     certificates
 *     root.key.pem  devices.key.pem  gateway.key.pem     keys, for their owner alone and encrypted (PKCS #8)
 *     devices.crl.pem                                    what the device CA has revoked
 *
 * The keys' passphrase is the line in the key file: `openssl pkey -in root.key.pem -passin file:../store.key`.
 */
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { closeSync, existsSync, fstatSync, openSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../core/error.ts';
import { makeDataFolder } from './data-folder.ts';
import { checkPrivate, createKeyFile, readKeyFile } from './key-file.ts';
import { replaceFile } from './replace-file.ts';

export type CertificateName = 'root' | 'devices' | 'gateway';

export class CertificateFiles {
  readonly folder: string;
  readonly #keyFile: string;

  /** @param dataFolder need not exist */
  constructor(dataFolder: string) {
    this.folder = join(dataFolder, 'ca');
    this.#keyFile = join(dataFolder, 'store.key');
  }

  pathOf(name: CertificateName, kind: 'crt' | 'key' | 'crl' = 'crt'): string {
    return join(this.folder, `${name}.${kind}.pem`);
  }

  has(name: CertificateName): boolean {
    return existsSync(this.pathOf(name));
  }

  /** Another one for each time that the certificate was written; undefined where there is none. */
  stateOf(name: CertificateName): string | undefined {
    const state = statSync(this.pathOf(name), { throwIfNoEntry: false });
    return state && `${state.ino} ${state.mtimeMs} ${state.size}`;
  }

  /** DER. @throws UsageError 'no-ca' */
  certificate(name: CertificateName): Uint8Array {
    return new Uint8Array(new X509Certificate(this.#read(this.pathOf(name))).raw);
  }

  /** @throws UsageError 'no-ca', 'insecure-file', 'key-file' */
  privateKey(name: CertificateName): KeyObject {
    const path = this.pathOf(name, 'key');
    const key = this.#read(path, checkPrivate);
    try {
      return createPrivateKey({ key, passphrase: passphraseOf(readKeyFile(this.#keyFile)) });
    } catch (cause) {
      if (cause instanceof UsageError) throw cause;
      throw new UsageError('key-file', `${path} does not open with the key file ${this.#keyFile}.`, { cause });
    }
  }

  /** The key first: a certificate says that its key is there. @throws UsageError 'cannot-create', 'key-file' */
  write(name: CertificateName, certificatePem: string, privateKey: KeyObject): void {
    makeDataFolder(this.folder);
    const passphrase = passphraseOf(createKeyFile(this.#keyFile));
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase });
    replaceFile(this.pathOf(name, 'key'), String(pem), 0o600);
    replaceFile(this.pathOf(name), certificatePem, 0o644);
  }

  writeRevocationList(pem: string): void {
    replaceFile(this.pathOf('devices', 'crl'), pem, 0o644);
  }

  /** What is checked and what is read are one and the same file, whatever becomes of the path meanwhile. */
  #read(path: string, check: (path: string, mode: number) => void = () => undefined): string {
    let file: number | undefined;
    try {
      file = openSync(path, 'r');
      check(path, fstatSync(file).mode);
      return readFileSync(file, 'utf8');
    } catch (cause) {
      if (!(cause instanceof Error && 'code' in cause && cause.code === 'ENOENT')) throw cause;
      const hint = this.has('root')
        ? 'if it was taken away for safety, bring it back for this command.'
        : '`funcoap ca init` makes the certificates.';
      throw new UsageError('no-ca', `There is no ${path}; ${hint}`, { cause });
    } finally {
      if (file !== undefined) closeSync(file);
    }
  }
}

const passphraseOf = (key: Uint8Array): string => Buffer.from(key).toString('base64');
