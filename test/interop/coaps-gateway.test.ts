/** What `funcoap enroll` prints for coap-client is pasted as it stands, and calls functions of the running gateway over coaps. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ran } from '../cli/terminal.ts';
import { GatewayProcess } from '../gateway/gateway-process.ts';

const builds = ['openssl', 'gnutls'] as const;
const missing = builds
  .map((build) => `coap-client-${build}`)
  .filter((program) => {
    try {
      execFileSync('which', [program], { stdio: 'ignore' });
      return false;
    } catch {
      return true;
    }
  });

beforeEach(({ skip }) => {
  if (missing.length > 0) skip(`needs ${missing.join(', ')} (Debian: libcoap3-bin)`);
});

const rules = [{ group: 'meters', functions: ['who/am', 'math/add'] }];
let folder = '';
let gateway: GatewayProcess;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'funcoap-coaps-'));
  await funcoap('ca init --host 127.0.0.1');
  gateway = await GatewayProcess.start({
    libraries: {
      'who/index.ts': `import { context } from 'funcoap/library';
        /** @safe */ export function am(): string { return context().identity; }`,
      'math/index.ts': `/** @pure */ export function add(a: number, b: number): number { return a + b; }
        /** @pure */ export function sub(a: number, b: number): number { return a - b; }`,
    },
    settings: [
      `data.folder=${join(folder, 'data')}`,
      'coaps.listen=127.0.0.1',
      'coaps.port=0',
      `access=${JSON.stringify(rules)}`,
    ],
  });
});
afterAll(async () => {
  await gateway.stop();
  rmSync(folder, { recursive: true });
});

async function funcoap(line: string): Promise<string> {
  const { code, out, err } = await ran(line.split(' '), { workingFolder: folder });
  expect([code, err]).toEqual([0, '']);
  return out;
}

/** The line for coap-client in what was printed, for another resource, run by a shell; its output, that for errors too. */
async function paste(printed: string, build: string, path: string): Promise<string> {
  const line = /^ {2}(coap-client-.*)$/m.exec(printed)?.[1] ?? '';
  const command = line
    .replace(/^coap-client-\w+/, `coap-client-${build} -B 3`)
    .replace(/coaps:\/\/127\.0\.0\.1\/\S*$/, `'${gateway.securedUri}${path}'`);
  const run = promisify(execFile)('sh', ['-c', command], { cwd: folder, timeout: 10_000 });
  const { stdout, stderr } = await run.catch((error: unknown) => ({ stdout: '', stderr: String(error) }));
  return stdout + stderr;
}

describe.each(builds)('coap-client-%s', (build) => {
  test('calls with a pre-shared key, as who it is, what its rules allow', async () => {
    const name = `meter-${build}`;
    const out = await funcoap(`enroll ${name} --group meters --host 127.0.0.1 --out .`);
    expect(await paste(out, build, '/func/who/am')).toContain(name);
    expect(await paste(out, build, '/func/math/sub?a=1&b=2')).toContain('4.03');
    expect(await paste(out, build, '/.well-known/core?rt=func')).toMatch(
      /^<\/func\/math\/add>[^<]*<\/func\/who\/am>[^<]*$/,
    );
  });

  test('calls with a certificate, and knows the gateway by the root', async () => {
    const name = `gate-${build}`;
    const out = await funcoap(`enroll ${name} --x509 --group meters --host 127.0.0.1 --out ${name}`);
    expect(await paste(out, build, '/func/who/am')).toContain(name);
    await funcoap(`identities revoke ${name}`);
    expect(await paste(out, build, '/func/who/am')).not.toContain(`${name}\n`);
  });

  test('with a wrong key, or as nobody that is enrolled, gets no answer', async () => {
    const name = `known-${build}`;
    const out = await funcoap(`enroll ${name} --group meters --host 127.0.0.1 --out .`);
    expect(await paste(out, build, '/func/math/add?a=20&b=22')).toBe('\u0018*\n'); // CBOR
    for (const identity of [name, `unknown-${build}`]) {
      writeFileSync(join(folder, `${name}.psk`), `,${identity},nobody-has-this-key\n`);
      const shown = out.replaceAll(`-u ${name}`, `-u ${identity}`);
      expect(await paste(shown, build, '/func/math/add?a=20&b=22')).not.toContain('\u0018*');
    }
  });
});

test('coap-client-gnutls calls with a raw public key', async () => {
  const out = await funcoap('enroll lamp --rpk --group meters --host 127.0.0.1 --out .');
  expect(await paste(out, 'gnutls', '/func/who/am')).toContain('lamp');
});
