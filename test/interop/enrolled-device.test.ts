/** What `funcoap enroll` prints for coap-client is pasted as it stands, against servers of libcoap's that know the same secrets. */
import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ran } from '../cli/terminal.ts';
import { freeUdpPort } from '../transport/free-port.ts';

const builds = ['openssl', 'gnutls'] as const;
const missing = builds
  .flatMap((build) => [`coap-client-${build}`, `coap-server-${build}`])
  .filter((program) => {
    try {
      execFileSync('which', [program], { stdio: 'ignore' });
      return false;
    } catch {
      return true;
    }
  });

let folder = '';
let server: ChildProcess | undefined;
beforeEach(({ skip }) => {
  if (missing.length > 0) skip(`needs ${missing.join(', ')} (Debian: libcoap3-bin)`);
  folder = mkdtempSync(join(tmpdir(), 'funcoap-enrolled-'));
});
afterEach(async () => {
  if (server !== undefined && server.exitCode === null) {
    server.kill();
    await once(server, 'exit');
  }
  server = undefined;
  if (folder !== '') rmSync(folder, { recursive: true });
});

async function funcoap(line: string): Promise<string> {
  const { code, out, err } = await ran(line.split(' '), { workingFolder: folder });
  expect([code, err]).toEqual([0, '']);
  return out;
}

/** The port of coaps, one above that of coap. */
async function serve(build: string, ...args: string[]): Promise<number> {
  const port = await freeUdpPort();
  server = spawn(`coap-server-${build}`, ['-A', '127.0.0.1', '-p', String(port), ...args], {
    cwd: folder,
    stdio: 'ignore',
  });
  await once(server, 'spawn');
  return port + 1;
}

/** The line for coap-client in what was printed, run by a shell until the server listens. */
async function paste(out: string, port: number, build: string): Promise<string> {
  const line = /^ {2}(coap-client-.*)$/m.exec(out)?.[1] ?? '';
  const command = line
    .replace(/^coap-client-\w+/, `coap-client-${build} -B 2`)
    .replace('coaps://127.0.0.1/', `coaps://127.0.0.1:${port}/`);
  for (let attempt = 1; ; attempt++) {
    const { stdout } = await promisify(execFile)('sh', ['-c', command], { cwd: folder, timeout: 10_000 }).catch(
      (error: unknown) => ({ stdout: '', error }),
    );
    // It may say first that nobody listens yet.
    if (stdout.includes('</') || attempt === 25) return stdout;
    await delay(200);
  }
}

describe.each(builds)('coap-client-%s', (build) => {
  test('proves itself with a pre-shared key that stands in a file', async () => {
    const out = await funcoap('enroll meter-7 --host 127.0.0.1 --out .');
    const [, identity, key = ''] = readFileSync(join(folder, 'meter-7.psk'), 'utf8').trim().split(',');
    expect(identity).toBe('meter-7');
    // The server takes this identity with this key alone, and sends no hint.
    writeFileSync(join(folder, 'identities'), `,meter-7,${key}\n`);
    const port = await serve('openssl', '-h', '', '-k', 'nobody-has-this-key', '-i', 'identities');
    expect(await paste(out, port, build)).toContain('</');
  });

  test('proves itself with a certificate, to a server that trusts the device CA, and trusts it by the root', async () => {
    await funcoap('ca init --host 127.0.0.1');
    const out = await funcoap('enroll gate --x509 --host 127.0.0.1 --out device');
    const ca = join(folder, 'data', 'ca');
    const key = createPrivateKey({
      key: readFileSync(join(ca, 'gateway.key.pem')),
      passphrase: readFileSync(join(folder, 'data', 'store.key'), 'utf8').trim(),
    });
    writeFileSync(join(folder, 'gateway.key'), key.export({ type: 'pkcs8', format: 'pem' }));
    // OpenSSL wants to end at a root.
    const trusted = ['devices', 'root'].map((name) => readFileSync(join(ca, `${name}.crt.pem`), 'utf8'));
    writeFileSync(join(folder, 'trusted.pem'), trusted.join(''));
    const port = await serve('openssl', '-c', join(ca, 'gateway.crt.pem'), '-j', 'gateway.key', '-R', 'trusted.pem');
    expect(await paste(out, port, build)).toContain('</');
  });
});

test('coap-client-gnutls proves itself with a raw public key', async () => {
  const out = await funcoap('enroll lamp --rpk --host 127.0.0.1 --out .');
  await funcoap('enroll server --rpk --host 127.0.0.1 --out .');
  const port = await serve('gnutls', '-M', 'server.rpk.pem');
  expect(await paste(out, port, 'gnutls')).toContain('</');
});
