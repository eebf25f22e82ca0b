/** `gnutls-cli` against the running gateway, with what `funcoap enroll` gave: PSK, certificates and raw public keys both ways, resumption. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { Program } from '../dtls/endpoint.ts';
import { whoAmI } from './request.ts';
import { missingPrograms, RunningGateway } from './running-gateway.ts';

const missing = missingPrograms('gnutls-bin, openssl', 'gnutls-cli', 'openssl');
beforeEach(({ skip }) => {
  if (missing !== undefined) skip(missing);
});

let gateway: RunningGateway;
beforeAll(async () => {
  gateway = await RunningGateway.start();
  await gateway.enroll('meter');
  await gateway.enroll('gate', ' --x509');
  await gateway.enroll('lamp', ' --rpk');
  const { stdout } = spawnSync('openssl', ['pkey', '-in', gateway.path('lamp.rpk.pem'), '-pubout']);
  writeFileSync(gateway.path('lamp.pub.pem'), stdout);
});
afterAll(() => gateway.stop());

const priority = (keyExchange: string, cipher: string, type = 'X509'): string[] => [
  '--priority',
  `NONE:+VERS-DTLS1.2:+${keyExchange}:+${cipher}:+AEAD:+COMP-NULL:+GROUP-X25519:+GROUP-SECP256R1:+SIGN-ECDSA-SHA256:+CTYPE-${type}`,
];

const client = (...args: readonly string[]): Program =>
  new Program('gnutls-cli', '--udp', '-p', String(gateway.port), ...args, '127.0.0.1');

async function asks(name: string, program: Program): Promise<string> {
  await program.prints(/Handshake was completed/);
  program.write(whoAmI());
  await program.prints(new RegExp(name));
  await program.end();
  return program.printed;
}

const pskArguments = (): string[] => [
  '--pskusername',
  'meter',
  '--pskkey',
  Buffer.from(gateway.keyOf('meter')).toString('hex'),
];

test.each(['AES-128-CCM-8', 'AES-128-CCM', 'AES-128-GCM'])('PSK with %s', async (cipher) => {
  await asks('meter', client(...priority('PSK', cipher), ...pskArguments()));
});

test.each(['AES-128-CCM-8', 'AES-128-GCM'])('certificates both ways with %s', async (cipher) => {
  const own = ['--x509cafile', 'root.crt.pem', '--x509certfile', 'gate.crt.pem', '--x509keyfile', 'gate.key.pem'];
  const args = own.map((word) => (word.startsWith('-') ? word : gateway.path(word)));
  const printed = await asks('gate', client(...priority('ECDHE-ECDSA', cipher), ...args));
  expect(printed).toContain('The certificate is trusted');
});

test('raw public keys both ways', async () => {
  const own = ['--rawpkkeyfile', gateway.path('lamp.rpk.pem'), '--rawpkfile', gateway.path('lamp.pub.pem')];
  await asks('lamp', client('--insecure', ...priority('ECDHE-ECDSA', 'AES-128-CCM-8', 'RAWPK'), ...own));
});

test('resumes a session, as who it was', async () => {
  const program = client('--resume', ...priority('PSK', 'AES-128-CCM-8'), ...pskArguments());
  await program.prints(/This is a resumed session/);
  program.write(whoAmI());
  await program.prints(/meter/);
  await program.end();
});

test('without a key that is known is refused', async () => {
  const args = ['--pskusername', 'meter', '--pskkey', '00112233'];
  const program = client(...priority('PSK', 'AES-128-CCM-8'), ...args);
  await program.prints(/Received alert \[51\]: Decrypt error/);
  await program.end();
});
