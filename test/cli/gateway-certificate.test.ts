/** The gateway's certificate while it is made, renewed and damaged. */
import { createPrivateKey } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { GatewayCertificate } from '../../src/cli/gateway-certificate.ts';
import type { Instant } from '../../src/core/duration.ts';
import { equalBytes } from '../../src/core/bytes.ts';
import { pkiFile } from '../dtls/certificates.ts';
import { CertificateFiles } from '../../src/store/certificate-files.ts';

let folder = '';
let files: CertificateFiles;
let now = 0;
const faults: string[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'funcoap-certificate-'));
  files = new CertificateFiles(folder);
  faults.length = 0;
});
afterEach(() => rmSync(folder, { recursive: true }));

const open = (): GatewayCertificate =>
  new GatewayCertificate(files, { now: () => now as Instant }, (error) => faults.push(String(error)));
const later = (): void => {
  now += 100;
};
/** As `funcoap ca` does it, with certificates that are there. */
const make = (certificate: string, key = certificate): void =>
  files.write('gateway', pkiFile(`${certificate}.pem`), createPrivateKey(pkiFile(`${key}.key`)));
const shown = (certificate: GatewayCertificate): Uint8Array => certificate.current[0]?.payload[0] ?? new Uint8Array(0);

test('is in use as soon as there is one, as a certificate and as a raw public key, and as soon as it is renewed', () => {
  const certificate = open();
  expect(certificate.current).toEqual([]);
  make('server');
  expect(certificate.current).toEqual([]); // looked for a moment ago
  later();
  expect(certificate.current.map(({ type }) => type)).toEqual(['x509', 'raw_public_key']);
  const first = shown(certificate);
  expect(equalBytes(first, files.certificate('gateway'))).toBe(true);
  expect(certificate.current).toBe(certificate.current);
  make('client');
  later();
  expect(equalBytes(shown(certificate), first)).toBe(false);
  expect(equalBytes(shown(certificate), files.certificate('gateway'))).toBe(true);
});

test('stays as it was while its two files do not belong together', () => {
  make('server');
  const certificate = open();
  const first = shown(certificate);
  make('server', 'client');
  later();
  expect(shown(certificate)).toBe(first);
  expect(faults).toEqual([]);
  make('client');
  later();
  expect(equalBytes(shown(certificate), files.certificate('gateway'))).toBe(true);
});

test('stays as it was where the new one cannot be used, which is told once', () => {
  make('server');
  const certificate = open();
  const first = shown(certificate);
  make('client');
  chmodSync(files.pathOf('gateway', 'key'), 0o644);
  for (let i = 0; i < 3; i++) {
    later();
    expect(shown(certificate)).toBe(first);
  }
  expect(faults).toEqual([expect.stringContaining('chmod')]);
  chmodSync(files.pathOf('gateway', 'key'), 0o600);
  later();
  expect(equalBytes(shown(certificate), files.certificate('gateway'))).toBe(true);
  writeFileSync(files.pathOf('gateway'), 'no certificate');
  later();
  expect(certificate.current).toHaveLength(2);
  expect(faults).toHaveLength(2);
});
