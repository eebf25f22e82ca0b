/**
 * The same beyond loopback, where a peer at a new address is a stranger again (RFC 9146 §8): answers are cut to what an unverified
 * address may get until it has shown that it receives there (RFC 9853, RFC 9175), and everything completes nevertheless. Two hosts, each
 * a network namespace, on a veth pair. Needs Linux, root and `ip netns`.
 */
import { execFile, execFileSync, spawn, spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { ran } from '../../cli/terminal.ts';
import { root } from '../../gateway/gateway-process.ts';
import { libraries } from './running-gateway.ts';

const [host, far] = [`fc${process.pid}h`, `fc${process.pid}f`];
const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8', stdio: 'pipe' });

function whyNot(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces are of Linux';
  if (process.getuid?.() !== 0) return 'only root may make network namespaces';
  const made = spawnSync('ip', ['netns', 'add', `${host}x`], { encoding: 'utf8' });
  if (made.status !== 0) return `"ip netns add" does not work here: ${made.stderr ?? made.error?.message}`;
  ip('netns', 'delete', `${host}x`);
  return undefined;
}
const missing = whyNot();
beforeEach(({ skip }) => {
  if (missing !== undefined) skip(missing);
});

const bin = join(root, 'bin/funcoap.js');
const inside = (namespace: string, ...args: readonly string[]): string[] => [
  'netns',
  'exec',
  namespace,
  process.execPath,
  ...args,
];
let folder = '';
let gateway: ChildProcessWithoutNullStreams | undefined;
let proxy: ChildProcessWithoutNullStreams | undefined;
let uri = '';

beforeAll(async () => {
  if (missing !== undefined) return;
  for (const namespace of [host, far]) {
    ip('netns', 'add', namespace);
    ip('-n', namespace, 'link', 'set', 'lo', 'up');
  }
  ip('link', 'add', 'eth0', 'netns', host, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', far);
  ip('-n', host, 'address', 'add', '10.79.2.1/24', 'dev', 'eth0');
  ip('-n', far, 'address', 'add', '10.79.2.9/24', 'dev', 'eth0');
  for (const namespace of [host, far]) ip('-n', namespace, 'link', 'set', 'eth0', 'up');
  folder = mkdtempSync(join(tmpdir(), 'funcoap-moving-'));
  for (const [file, text] of Object.entries(libraries)) {
    mkdirSync(dirname(join(folder, 'libraries', file)), { recursive: true });
    writeFileSync(join(folder, 'libraries', file), text);
  }
  expect((await ran('enroll meter --out .'.split(' '), { workingFolder: folder })).code).toBe(0);
  gateway = spawn(
    'ip',
    inside(host, bin, 'serve', '--json', '--log-level', 'silent', '--set', 'coaps.listen=10.79.2.1'),
    {
      cwd: folder,
    },
  );
  await once(gateway.stdout, 'data');
  const script = new URL('port-changing-proxy.ts', import.meta.url).pathname;
  proxy = spawn('ip', inside(far, script, '10.79.2.1', '5684'));
  const [port] = (await once(proxy.stdout, 'data')) as [Buffer];
  uri = `coaps://127.0.0.1:${String(port).trim()}`;
});
afterAll(async () => {
  if (missing !== undefined) return;
  proxy?.kill();
  if (gateway !== undefined) {
    gateway.kill();
    await once(gateway, 'exit');
  }
  for (const namespace of [host, far]) ip('netns', 'delete', namespace);
  rmSync(folder, { recursive: true });
});

async function funcoap(line: string): Promise<string> {
  const flags = '--identity meter --key-file meter.psk --timeout 30s';
  const args = inside(far, bin, ...line.split(' '), ...flags.split(' '));
  const { stdout } = await promisify(execFile)('ip', args, { cwd: folder });
  return stdout;
}

test('with a Connection ID calls, blocks both ways and observations complete', async () => {
  expect(await funcoap(`call ${uri}/func/sum/add a=1 b=2`)).toBe('3\n');
  expect(await funcoap(`call ${uri}/func/text/long lines=100`)).toHaveLength(32 * 100 + 1);
  writeFileSync(join(folder, 'body'), JSON.stringify({ text: 'x'.repeat(8000) }));
  expect(await funcoap(`call ${uri}/func/text/lengthOf @body --block 64`)).toBe('8000\n');
  expect((await funcoap(`call ${uri}/clock --observe --count 4`)).trim().split('\n')).toHaveLength(4);
  proxy?.stdin.end();
  const [ports] = (await once(proxy?.stdout ?? process.stdin, 'data')) as [Buffer];
  expect(Number(String(ports))).toBeGreaterThan(60);
});
