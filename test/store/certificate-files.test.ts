import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { timeOfDay } from '../../src/core/time-of-day.ts';
import { issueRoot, makeKeyPair, pemOf } from '../../src/devices/certificates.ts';
import { CertificateFiles } from '../../src/store/certificate-files.ts';

let folder = '';
let files = new CertificateFiles('');
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'funcoap-certificates-'));
  files = new CertificateFiles(folder);
});
afterEach(() => rmSync(folder, { recursive: true }));

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });

test('a certificate and its key come back as they went', async () => {
  const keys = await makeKeyPair();
  const { certificate } = await issueRoot(keys, timeOfDay(Date.UTC(2026, 0)));
  expect(files.has('root')).toBe(false);
  files.write('root', pemOf('CERTIFICATE', certificate), keys.privateKey);
  expect(files.has('root')).toBe(true);
  expect(files.certificate('root')).toEqual(certificate);
  expect(files.privateKey('root').equals(keys.privateKey)).toBe(true);
});

test('folder and keys are for their owner alone, and nothing else is left', () => {
  files.write('gateway', 'a certificate', privateKey);
  files.writeRevocationList('a list');
  const mode = (path: string): number => statSync(path).mode & 0o777;
  expect(mode(files.folder)).toBe(0o700);
  expect(readdirSync(files.folder).toSorted()).toEqual(['devices.crl.pem', 'gateway.crt.pem', 'gateway.key.pem']);
  expect(mode(files.pathOf('gateway', 'key'))).toBe(0o600);
  expect(mode(files.pathOf('gateway'))).toBe(0o644);
});

test('a key that others can read is refused with the command that mends it', () => {
  files.write('gateway', 'a certificate', privateKey);
  const path = files.pathOf('gateway', 'key');
  chmodSync(path, 0o640);
  expect(() => files.privateKey('gateway')).toThrow(
    expect.objectContaining({ code: 'insecure-file', message: expect.stringContaining(`chmod 600 ${path}`) }),
  );
});

test('a key opens with its own key file only', () => {
  files.write('gateway', 'a certificate', privateKey);
  writeFileSync(join(folder, 'store.key'), Buffer.alloc(32, 1).toString('base64'));
  expect(() => files.privateKey('gateway')).toThrow(expect.objectContaining({ code: 'key-file' }));
});

test('what is missing is named, with the command that makes it', () => {
  expect(() => files.certificate('devices')).toThrow(
    expect.objectContaining({ code: 'no-ca', message: expect.stringContaining('`funcoap ca init`') }),
  );
});
