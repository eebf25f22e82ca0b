/** Our commands against Debian's coap-server, in its builds with OpenSSL and GnuTLS, with what `funcoap enroll` and `ca init` made. */
import { createPrivateKey } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ran, type Ran } from '../../cli/terminal.ts';
import { freeUdpPort } from '../../transport/free-port.ts';
import { Program } from '../dtls/endpoint.ts';
import { missingPrograms } from './running-gateway.ts';

const builds = ['openssl', 'gnutls'] as const;
const missing = missingPrograms('libcoap3-bin, openssl', 'coap-server-openssl', 'coap-server-gnutls', 'openssl');
beforeEach(({ skip }) => {
  if (missing !== undefined) skip(missing);
});

let folder = '';
let server: Program | undefined;
const path = (file: string): string => join(folder, file);
const run = (line: string): Promise<Ran> => ran(line.split(' '), { workingFolder: folder });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'funcoap-coap-server-'));
  const made = [
    'ca init --host 127.0.0.1',
    'enroll meter --out .',
    'enroll gate --x509 --out .',
    'enroll lamp --rpk --out .',
  ];
  for (const line of made) expect((await run(line)).code).toBe(0);
  const key = createPrivateKey({
    key: readFileSync(path('data/ca/gateway.key.pem')),
    passphrase: readFileSync(path('data/store.key'), 'utf8').trim(),
  });
  writeFileSync(path('gateway.key.pem'), key.export({ type: 'pkcs8', format: 'pem' }));
  // libcoap reads raw public keys with RFC 5915.
  writeFileSync(path('gateway.rpk.pem'), key.export({ type: 'sec1', format: 'pem' }));
  // OpenSSL wants to end at a root.
  const trusted = ['devices', 'root'].map((name) => readFileSync(path(`data/ca/${name}.crt.pem`), 'utf8'));
  writeFileSync(path('trusted.pem'), trusted.join(''));
});
afterEach(async () => {
  await server?.end();
  server = undefined;
});
afterAll(() => rmSync(folder, { recursive: true }));

/** The URI of coaps, one port above that of coap (its own rule). */
async function serve(build: string, ...args: readonly string[]): Promise<string> {
  const port = await freeUdpPort();
  server = new Program(`coap-server-${build}`, '-A', '127.0.0.1', '-p', String(port), ...args);
  // It prints nothing when it is ready.
  await delay(500);
  return `coaps://127.0.0.1:${port + 1}`;
}

async function speaks(uri: string, flags: string): Promise<void> {
  expect(await run(`call ${uri}/.well-known/core ${flags}`)).toMatchObject({
    code: 0,
    out: expect.stringContaining('</time>'),
  });
  expect(await run(`ls ${uri}/.well-known/core ${flags}`)).toMatchObject({
    code: 0,
    out: expect.stringContaining('/time'),
  });
  expect(await run(`ping ${uri} ${flags}`)).toMatchObject({ code: 0, out: expect.stringContaining('answered in') });
  const put = await run(`call ${uri}/example_data ${flags} -m PUT --content-format 0 @text`);
  expect(put).toMatchObject({ code: 0, err: '' });
  expect(await run(`call ${uri}/example_data ${flags}`)).toMatchObject({
    code: 0,
    out: expect.stringContaining('x'.repeat(2000)),
  });
}

describe.each(builds)('of %s', (build) => {
  beforeAll(() => writeFileSync(path('text'), 'x'.repeat(2000)));

  test('with a pre-shared key', async () => {
    const key = readFileSync(path('meter.psk'), 'utf8').trim().split(',')[2] ?? '';
    const uri = await serve(build, '-k', key);
    await speaks(uri, '--identity meter --key-file meter.psk');
    await speaks(uri, '--identity meter --key-file meter.psk --no-cid');
    writeFileSync(path('wrong.psk'), 'not the key of the server');
    // It says nothing to who has a wrong key (RFC 6347 §4.1.2.7).
    expect(await run(`ping ${uri} --identity meter --key-file wrong.psk --timeout 2s`)).toMatchObject({
      code: 3,
      err: expect.stringContaining('did not finish the DTLS handshake in time'),
    });
  });

  test('with certificates both ways', async () => {
    const own = ['-c', path('data/ca/gateway.crt.pem'), '-j', path('gateway.key.pem'), '-R', path('trusted.pem')];
    const uri = await serve(build, ...own);
    await speaks(uri, '--certificate gate.crt.pem --key-file gate.key.pem --ca root.crt.pem');
    const stranger = await run(`ping ${uri} --certificate gate.crt.pem --key-file gate.key.pem --ca gate.crt.pem`);
    expect(stranger.err).toContain('is not believed to be who was meant: No trusted authority has issued CN=funcoap ');
  });
});

test('of gnutls with raw public keys both ways', async () => {
  const uri = await serve('gnutls', '-M', path('gateway.rpk.pem'));
  await speaks(uri, '--key-file lamp.rpk.pem --gateway-key gateway.pub.pem');
});
