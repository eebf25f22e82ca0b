/** `openssl s_client` against the running gateway: every suite that both have, with what `funcoap enroll` gave, and resumption. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { cipherSuites } from '../../../src/dtls/cipher-suites.ts';
import { Program } from '../dtls/endpoint.ts';
import { whoAmI } from './request.ts';
import { missingPrograms, RunningGateway } from './running-gateway.ts';

const missing = missingPrograms('openssl', 'openssl');
beforeEach(({ skip }) => {
  if (missing !== undefined) skip(missing);
});

/** OpenSSL's names. It has no ECDHE-PSK with GCM or CCM. */
const pskSuites = [
  'PSK-AES128-CCM8',
  'PSK-AES128-CCM',
  'PSK-AES128-GCM-SHA256',
  'ECDHE-PSK-AES128-CBC-SHA256',
] as const;
const certificateSuites = ['ECDHE-ECDSA-AES128-CCM8', 'ECDHE-ECDSA-AES128-GCM-SHA256'] as const;

let gateway: RunningGateway;
beforeAll(async () => {
  const everySuite = cipherSuites.map(({ name }) => name).join(',');
  gateway = await RunningGateway.start({ settings: [`coaps.cipherSuites=${everySuite}`] });
  await gateway.enroll('meter');
  await gateway.enroll('gate', ' --x509');
});
afterAll(() => gateway.stop());

const pskOf = (name: string): string[] => [
  '-psk_identity',
  name,
  '-psk',
  Buffer.from(gateway.keyOf(name)).toString('hex'),
];
const certificateOf = (name: string): string[] => [
  '-cert',
  gateway.path(`${name}.crt.pem`),
  '-key',
  gateway.path(`${name}.key.pem`),
  '-CAfile',
  gateway.path('root.crt.pem'),
  '-verify_return_error',
  '-verify_ip',
  '127.0.0.1',
];

/** Asks who it is; what was printed. */
async function asks(name: string, suite: string, ...args: readonly string[]): Promise<string> {
  const where = ['-dtls1_2', '-connect', `127.0.0.1:${gateway.port}`];
  const client = new Program('openssl', 's_client', ...where, '-cipher', `${suite}:@SECLEVEL=0`, ...args);
  await client.prints(/Extended master secret: yes/);
  client.write(whoAmI());
  await client.prints(new RegExp(name));
  await client.end();
  expect(client.printed).toContain('Secure Renegotiation IS supported');
  expect(client.printed).toContain(`Cipher    : ${suite}`);
  return client.printed;
}

test.each(pskSuites)('%s', async (suite) => {
  await asks('meter', suite, ...pskOf('meter'));
});

test.each(certificateSuites)('%s with certificates both ways', async (suite) => {
  expect(await asks('gate', suite, ...certificateOf('gate'))).toContain('Verify return code: 0 (ok)');
});

describe.each([
  ['by ticket', [] as string[]],
  ['by session ID', ['-no_ticket']],
])('resumes a session %s', (kind, more) => {
  test.each([
    ['PSK-AES128-CCM8', 'meter', () => pskOf('meter')],
    ['PSK-AES128-GCM-SHA256', 'meter', () => pskOf('meter')],
    ['ECDHE-ECDSA-AES128-CCM8', 'gate', () => certificateOf('gate')],
  ] as const)('%s, as who it was', async (suite, name, own) => {
    const file = gateway.path(`${suite} ${kind}`);
    await asks(name, suite, ...own(), ...more, '-sess_out', file);
    expect(await asks(name, suite, ...own(), ...more, '-sess_in', file)).toMatch(/^Reused, /m);
  });
});

test('a session of an identity that is revoked since is not resumed', async () => {
  await gateway.enroll('brief', ' --x509');
  const file = gateway.path('brief-session');
  await asks('brief', 'ECDHE-ECDSA-AES128-CCM8', ...certificateOf('brief'), '-sess_out', file);
  await gateway.funcoap('identities revoke brief');
  const where = ['-dtls1_2', '-connect', `127.0.0.1:${gateway.port}`, '-sess_in', file];
  const again = new Program('openssl', 's_client', ...where, ...certificateOf('brief'));
  await again.prints(/alert certificate unknown/);
  await again.end();
});

test('a suite that is not allowed is not spoken', async () => {
  const plain = await RunningGateway.start({ authority: false });
  try {
    const where = ['-dtls1_2', '-connect', `127.0.0.1:${plain.port}`, '-psk', '00', '-psk_identity', 'somebody'];
    const client = new Program('openssl', 's_client', ...where, '-cipher', 'ECDHE-PSK-AES128-CBC-SHA256:@SECLEVEL=0');
    await client.prints(/alert handshake failure/);
    await client.end();
  } finally {
    await plain.stop();
  }
});
