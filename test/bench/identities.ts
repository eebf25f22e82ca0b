/** Who the load over DTLS is, and what the servers prove themselves with: made once, by funcoap's own commands. */
import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Programs } from './build.ts';

export interface KeyFiles {
  readonly certificate: string;
  readonly privateKey: string;
}

export interface Identities {
  readonly client: KeyFiles;
  readonly server: KeyFiles;
  /** The root of both. */
  readonly trusted: string;
}

const identity = 'bench';
/** 16 bytes, as text because coap-server takes no other. */
export const preSharedKey = 'sixteen-letters!';
/** As the generator takes it. */
export const preSharedWords: string = `${identity}:${Buffer.from(preSharedKey).toString('hex')}`;

type Folder = Pick<Programs, 'folder'>;

/** Funcoap's data folder with the identities in it. */
export const securedData = (programs: Folder): string => {
  identities(programs);
  // One for each server: a folder belongs to one gateway, and sessions of another time are not to be measured.
  const own = join(programs.folder, `secured-data-${++servers}`);
  cpSync(dataOf(programs), own, { recursive: true });
  return own;
};

let servers = 0;

const dataOf = ({ folder }: Folder): string => join(folder, 'secured-data');

const made = new Map<string, Identities>();

export function identities(programs: Folder): Identities {
  const { folder } = programs;
  const known = made.get(folder);
  if (known !== undefined) return known;
  const data = dataOf(programs);
  const funcoap = (...args: readonly string[]): void => {
    const file = join(import.meta.dirname, '../../bin/funcoap.js');
    execFileSync(process.execPath, [file, ...args, '--host', '127.0.0.1', '--data', data], { stdio: 'pipe' });
  };
  const keyFile = join(folder, 'bench.psk');
  writeFileSync(keyFile, preSharedKey);
  funcoap('ca', 'init');
  funcoap('enroll', identity, '--psk', '--from', keyFile);
  const enrolled = (name: string): KeyFiles => {
    funcoap('enroll', name, '--x509', '--out', folder);
    const certificate = join(folder, `${name}.chain.pem`);
    const own = readFileSync(join(folder, `${name}.crt.pem`), 'utf8');
    writeFileSync(certificate, own + readFileSync(join(data, 'ca/devices.crt.pem'), 'utf8'));
    return { certificate, privateKey: join(folder, `${name}.key.pem`) };
  };
  const found = {
    client: enrolled('bench-client'),
    server: enrolled('bench-server'),
    trusted: join(data, 'ca/root.crt.pem'),
  };
  made.set(folder, found);
  return found;
}
