/** Our endpoint against GnuTLS: gnutls-cli and gnutls-serv, with raw public keys too. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { utf8 } from '../../../src/core/bytes.ts';
import { cipherSuiteOf } from '../../../src/dtls/cipher-suites.ts';
import type { ClientCredentials } from '../../../src/dtls/credentials.ts';
import { certificateClient, rawKeyClient } from '../../dtls/certificates.ts';
import { freeUdpPort } from '../../transport/free-port.ts';
import {
  credentials,
  establishedOf,
  openEndpoint,
  pki,
  Program,
  psk,
  pskHex,
  pskIdentity,
  type RunningEndpoint,
} from './endpoint.ts';

const missing = spawnSync('which', ['gnutls-cli']).status === 0 ? undefined : 'needs gnutls-cli (Debian: gnutls-bin)';

beforeEach(({ skip }) => {
  if (missing !== undefined) skip(missing);
});

const priority = (keyExchange: string, cipher: string, extra = ''): string =>
  `NONE:+VERS-DTLS1.2:+${keyExchange}:+${cipher}:+AEAD:+COMP-NULL:+GROUP-X25519:+GROUP-SECP256R1:+SIGN-ECDSA-SHA256${extra}`;

const pskCases = [
  ['AES-128-CCM-8', 0xc0a8],
  ['AES-128-CCM', 0xc0a4],
  ['AES-128-GCM', 0x00a8],
] as const;
const certificateCases = [
  ['AES-128-CCM-8', 0xc0ae],
  ['AES-128-GCM', 0xc02b],
] as const;
const pskArguments = ['--pskusername', pskIdentity, '--pskkey', pskHex];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'funcoap-gnutls-'));
  if (missing !== undefined) return;
  for (const name of ['client', 'server']) {
    const { stdout } = spawnSync('openssl', ['pkey', '-in', pki(`${name}.key`), '-pubout']);
    writeFileSync(join(folder, `${name}.pub`), stdout);
  }
  writeFileSync(join(folder, 'psk'), `${pskIdentity}:${pskHex}\n`);
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('gnutls-cli', () => {
  let server: RunningEndpoint;
  beforeAll(async () => {
    server = await openEndpoint({ server: credentials, connectionId: { length: 6, node: 1 } });
  });
  afterAll(() => server.close());

  async function talks(...args: readonly string[]): Promise<string> {
    const program = new Program('gnutls-cli', '--udp', '-p', String(server.port), ...args, '127.0.0.1');
    await program.prints(/Handshake was completed/);
    program.say('hello');
    await program.prints(/echo hello/);
    await program.end();
    return program.printed;
  }

  test.each(pskCases)('PSK with %s', async (cipher, id) => {
    await talks('--priority', priority('PSK', cipher), ...pskArguments);
    expect(establishedOf(server.events).at(-1)?.result).toMatchObject({
      suite: cipherSuiteOf(id),
      identity: { kind: 'psk', name: 'lamp' },
      extendedMasterSecret: true,
    });
  });
  test.each(certificateCases)('certificates both ways with %s', async (cipher, id) => {
    const own = [
      '--x509cafile',
      pki('root.pem'),
      '--x509certfile',
      pki('client.pem'),
      '--x509keyfile',
      pki('client.key'),
    ];
    const printed = await talks('--priority', priority('ECDHE-ECDSA', cipher, ':+CTYPE-X509'), ...own);
    expect(printed).toContain('The certificate is trusted');
    expect(establishedOf(server.events).at(-1)?.result).toMatchObject({
      suite: cipherSuiteOf(id),
      identity: { kind: 'x509', name: 'client' },
    });
  });
  test('raw public keys both ways', async () => {
    const own = ['--rawpkkeyfile', pki('client.key'), '--rawpkfile', join(folder, 'client.pub')];
    await talks('--insecure', '--priority', priority('ECDHE-ECDSA', 'AES-128-CCM-8', ':+CTYPE-RAWPK'), ...own);
    expect(establishedOf(server.events).at(-1)?.result.identity).toEqual({ kind: 'raw_public_key', name: 'client' });
  });
  test('resumes a session', async () => {
    const printed = new Program(
      'gnutls-cli',
      '--udp',
      '--resume',
      '-p',
      String(server.port),
      '--priority',
      priority('PSK', 'AES-128-CCM-8'),
      ...pskArguments,
      '127.0.0.1',
    );
    await printed.prints(/This is a resumed session/);
    await printed.end();
    expect(establishedOf(server.events).at(-1)?.result.resumed).toBe(true);
  });
});

describe('gnutls-serv', () => {
  let client: RunningEndpoint;
  beforeAll(async () => {
    client = await openEndpoint({});
  });
  afterAll(() => client.close());

  async function answered(credentials: ClientCredentials, id: number, ...args: readonly string[]): Promise<void> {
    const port = await freeUdpPort();
    const server = new Program('gnutls-serv', '--udp', '--echo', '-p', String(port), ...args);
    await server.prints(/listening on .*\.\.\.done/);
    const [before, heard] = [establishedOf(client.events).length, client.heard.length];
    const endpoint = client.connect(port, credentials);
    client.say(endpoint, 'hello');
    const established = await client.until('the handshake', () => establishedOf(client.events)[before]);
    expect(established.result.suite).toEqual(cipherSuiteOf(id));
    await client.until('an echo', () => client.heard.slice(heard).find((line) => line.includes('hello')));
    await server.end();
  }

  test.each(pskCases)('PSK with %s', async (cipher, id) => {
    const known = { preSharedKey: { identity: utf8(pskIdentity), key: psk } };
    await answered(known, id, '--priority', priority('PSK', cipher), '--pskpasswd', join(folder, 'psk'));
  });
  test.each(certificateCases)('certificates both ways with %s', async (cipher, id) => {
    const own = [
      '--x509cafile',
      pki('root.pem'),
      '--x509certfile',
      pki('server.pem'),
      '--x509keyfile',
      pki('server.key'),
    ];
    await answered(
      certificateClient,
      id,
      '--priority',
      priority('ECDHE-ECDSA', cipher, ':+CTYPE-X509'),
      ...own,
      '--require-client-cert',
      '--verify-client-cert',
    );
  });
  test('raw public keys both ways', async () => {
    const own = ['--rawpkkeyfile', pki('server.key'), '--rawpkfile', join(folder, 'server.pub')];
    await answered(
      rawKeyClient,
      0xc0ae,
      '--priority',
      priority('ECDHE-ECDSA', 'AES-128-CCM-8', ':+CTYPE-RAWPK'),
      ...own,
      '--require-client-cert',
    );
  });
});
