/** Our endpoint against `openssl s_client` and `openssl s_server`, with every suite that both have. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { utf8 } from '../../../src/core/bytes.ts';
import { cipherSuiteOf } from '../../../src/dtls/cipher-suites.ts';
import type { ClientCredentials } from '../../../src/dtls/credentials.ts';
import { certificateClient } from '../../dtls/certificates.ts';
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

const missing = spawnSync('which', ['openssl']).status === 0 ? undefined : 'needs openssl (Debian: openssl)';

beforeEach(({ skip }) => {
  if (missing !== undefined) skip(missing);
});

/** OpenSSL's names. */
const pskSuites = [
  ['PSK-AES128-CCM8', 0xc0a8],
  ['PSK-AES128-CCM', 0xc0a4],
  ['PSK-AES128-GCM-SHA256', 0x00a8],
  ['ECDHE-PSK-AES128-CBC-SHA256', 0xc037],
] as const;
const certificateSuites = [
  ['ECDHE-ECDSA-AES128-CCM8', 0xc0ae],
  ['ECDHE-ECDSA-AES128-GCM-SHA256', 0xc02b],
] as const;
const pskArguments = ['-psk', pskHex, '-psk_identity', pskIdentity];
const cipher = (name: string): string[] => ['-cipher', `${name}:@SECLEVEL=0`];

describe('openssl s_client', () => {
  let server: RunningEndpoint;
  let folder: string;
  beforeAll(async () => {
    server = await openEndpoint({ server: credentials, connectionId: { length: 6, node: 1 } });
    folder = mkdtempSync(join(tmpdir(), 'funcoap-openssl-'));
  });
  afterAll(async () => {
    await server.close();
    rmSync(folder, { recursive: true });
  });

  const client = (...args: readonly string[]): Program =>
    new Program('openssl', 's_client', '-dtls1_2', '-connect', `127.0.0.1:${server.port}`, ...args);

  async function talks(program: Program): Promise<string> {
    program.say('hello');
    await program.prints(/echo hello/);
    await program.end();
    return program.printed;
  }

  test.each(pskSuites)('%s', async (name, id) => {
    const printed = await talks(client(...cipher(name), ...pskArguments));
    expect(printed).toContain('Secure Renegotiation IS supported');
    expect(printed).toContain('Extended master secret: yes');
    expect(establishedOf(server.events).at(-1)?.result).toMatchObject({
      suite: cipherSuiteOf(id),
      identity: { kind: 'psk', name: 'lamp' },
    });
  });

  test.each(
    certificateSuites.flatMap(([name, id]) => ['X25519:P-256', 'P-256'].map((group) => [name, group, id] as const)),
  )('%s with %s and certificates both ways', async (name, group, id) => {
    const own = [
      '-cert',
      pki('client.pem'),
      '-key',
      pki('client.key'),
      '-CAfile',
      pki('root.pem'),
      '-verify_return_error',
    ];
    const printed = await talks(client(...cipher(name), '-groups', group, ...own));
    expect(printed).toContain('Verify return code: 0 (ok)');
    expect(establishedOf(server.events).at(-1)?.result).toMatchObject({
      suite: cipherSuiteOf(id),
      identity: { kind: 'x509', name: 'client' },
    });
  });

  test('without a certificate where one is required is refused', async () => {
    const program = client(...cipher('ECDHE-ECDSA-AES128-CCM8'));
    await program.prints(/alert handshake failure/);
    await program.end();
  });

  test('with a wrong key, and with an unknown identity, hears the same', async () => {
    for (const args of [
      ['-psk', '00112233', '-psk_identity', pskIdentity],
      ['-psk', pskHex, '-psk_identity', 'nobody'],
    ]) {
      const program = client(...cipher('PSK-AES128-CCM8'), ...args);
      await program.prints(/alert decrypt error/);
      await program.end();
    }
  });

  test('that speaks DTLS 1.0 is refused', async () => {
    const program = new Program(
      'openssl',
      's_client',
      '-dtls1',
      '-connect',
      `127.0.0.1:${server.port}`,
      '-cipher',
      'ALL:@SECLEVEL=0',
      ...pskArguments,
    );
    await program.prints(/alert protocol version/);
    await program.end();
  });

  test.each([
    ['by ticket', []],
    ['by session ID', ['-no_ticket']],
  ])('resumes a session %s', async (kind, args) => {
    const file = join(folder, kind.replaceAll(' ', '-'));
    const common = [...cipher('PSK-AES128-CCM8'), ...pskArguments, ...args];
    await talks(client(...common, '-sess_out', file));
    const printed = await talks(client(...common, '-sess_in', file));
    expect(printed).toMatch(/^Reused, /m);
    expect(establishedOf(server.events).at(-1)?.result).toMatchObject({ resumed: true, identity: { name: 'lamp' } });
  });

  test('in datagrams of 300 bytes', async () => {
    const own = ['-cert', pki('client.pem'), '-key', pki('client.key'), '-CAfile', pki('root.pem')];
    await talks(client(...cipher('ECDHE-ECDSA-AES128-CCM8'), '-mtu', '300', ...own));
  });

  test('that wants fragments of at most 512 bytes gets such', async () => {
    const own = ['-cert', pki('client.pem'), '-key', pki('client.key'), '-CAfile', pki('root.pem')];
    await talks(client(...cipher('ECDHE-ECDSA-AES128-CCM8'), '-maxfraglen', '512', ...own));
  });
});

describe('openssl s_server', () => {
  let client: RunningEndpoint;
  beforeAll(async () => {
    client = await openEndpoint({});
  });
  afterAll(() => client.close());

  async function answered(credentials: ClientCredentials, id: number, ...args: readonly string[]): Promise<void> {
    const port = await freeUdpPort();
    const server = new Program('openssl', 's_server', '-dtls1_2', '-accept', String(port), '-listen', ...args);
    await server.prints(/ACCEPT/);
    const before = establishedOf(client.events).length;
    const endpoint = client.connect(port, credentials);
    client.say(endpoint, 'hello');
    const established = await client.until('the handshake', () => establishedOf(client.events)[before]);
    expect(established.result.suite).toEqual(cipherSuiteOf(id));
    await server.prints(/hello/);
    server.say('how are you');
    await client.until('an answer', () => client.heard.find((line) => line === 'how are you\n'));
    await server.end();
  }

  const pskCredentials: ClientCredentials = { preSharedKey: { identity: utf8(pskIdentity), key: psk } };

  test.each(pskSuites)('%s', async (name, id) => {
    await answered(pskCredentials, id, '-nocert', ...cipher(name), ...pskArguments);
  });
  test.each(certificateSuites)('%s with certificates both ways', async (name, id) => {
    const own = ['-cert', pki('server.pem'), '-key', pki('server.key'), '-CAfile', pki('root.pem')];
    await answered(certificateClient, id, ...cipher(name), ...own, '-Verify', '1', '-verify_return_error');
  });
});
