/**
 * Gateways that are found (RFC 6762, RFC 6763): two of them and somebody who looks for them, each a host in a network namespace,
 * on one switch. avahi-browse is the one that our own search is compared with.
 * Needs Linux, root, `ip netns` and Debian's avahi-daemon, avahi-utils and dbus.
 */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { root } from '../gateway/gateway-process.ts';
import { whyNoNamespaces } from './namespaces.ts';

const [link, one, two, seeker] = ['s', 'a', 'b', 'c'].map((letter) => `fd${process.pid}${letter}`) as [
  string,
  string,
  string,
  string,
];
const hosts = [one, two, seeker];

function whyNot(): string | undefined {
  const missing = ['avahi-daemon', 'avahi-browse', 'dbus-daemon'].filter(
    (program) => spawnSync('sh', ['-c', `PATH=$PATH:/usr/sbin command -v ${program}`]).status !== 0,
  );
  if (missing.length > 0) return `${missing.join(', ')} of Debian's avahi-daemon, avahi-utils and dbus is missing`;
  return whyNoNamespaces();
}

const missing = whyNot();
const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8', stdio: 'pipe' });

class Gateway {
  readonly #child: ChildProcess;
  #log = '';
  #out = '';

  constructor(namespace: string, folder: string, ...settings: string[]) {
    const own = ['--libraries', join(root, 'libraries'), '--data', join(folder, namespace)];
    const args = ['serve', '--json', '--log-format', 'json', ...own];
    this.#child = spawn(
      'ip',
      ['netns', 'exec', namespace, process.execPath, join(root, 'bin/funcoap.js'), ...args, ...settings],
      { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.#out += text));
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#log += text));
  }

  async logged(text: string): Promise<string> {
    while (!this.#log.includes(text)) await once(this.#child.stderr ?? process, 'data');
    return this.#log;
  }

  async listens(): Promise<void> {
    while (!this.#out.includes('\n')) await once(this.#child.stdout ?? process, 'data');
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await ended;
  }
}

const funcoap = (...args: string[]): { out: string; err: string; code: number | null } => {
  const { stdout, stderr, status } = spawnSync(
    'ip',
    ['netns', 'exec', seeker, process.execPath, join(root, 'bin/funcoap.js'), ...args],
    { encoding: 'utf8' },
  );
  return { out: stdout, err: stderr, code: status };
};

/** avahi-daemon in the seeker's namespace, with a /run of its own, and what it browses, line by line. */
class Avahi {
  readonly #daemon: ChildProcess;
  readonly #lines: string[] = [];

  private constructor(daemon: ChildProcess) {
    this.#daemon = daemon;
    let rest = '';
    daemon.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      this.#lines.push(...lines);
    });
  }

  static start(folder: string): Avahi {
    const run = join(folder, 'run');
    mkdirSync(join(run, 'dbus'), { recursive: true });
    const configuration = join(folder, 'avahi.conf');
    writeFileSync(configuration, '[server]\nuse-ipv4=yes\nuse-ipv6=yes\n[publish]\ndisable-publishing=yes\n');
    const script = [
      'PATH=$PATH:/usr/sbin',
      `mount --bind ${run} /run`,
      'dbus-daemon --system --nofork --nopidfile & bus=$!',
      'until [ -S /run/dbus/system_bus_socket ]; do sleep 0.05; done',
      `avahi-daemon --no-drop-root --no-chroot --no-rlimits -f ${configuration} >/dev/null 2>&1 & daemon=$!`,
      'until avahi-browse -at >/dev/null 2>&1; do sleep 0.1; done',
      'avahi-browse -rp _coap._udp & browser=$!',
      'read -r line',
      'kill $browser $daemon $bus; wait',
    ].join('\n');
    return new Avahi(
      spawn('ip', ['netns', 'exec', seeker, 'unshare', '-m', 'bash', '-c', script], {
        stdio: ['pipe', 'pipe', 'ignore'],
      }),
    );
  }

  /** Waits for a line that matches, and gives it. */
  async line(pattern: RegExp): Promise<string> {
    for (;;) {
      const found = this.#lines.find((text) => pattern.test(text));
      if (found !== undefined) return found;
      await once(this.#daemon.stdout ?? process, 'data');
    }
  }

  async stop(): Promise<void> {
    const ended = once(this.#daemon, 'exit');
    this.#daemon.stdin?.end('\n');
    await ended;
  }
}

let folder: string;
let first: Gateway | undefined;
let second: Gateway | undefined;
let avahi: Avahi | undefined;

beforeEach(({ skip }) => {
  if (missing !== undefined) skip(missing);
});

beforeAll(() => {
  if (missing !== undefined) return;
  folder = mkdtempSync(join(tmpdir(), 'funcoap-mdns-'));
  ip('netns', 'add', link);
  ip('-n', link, 'link', 'add', 'switch', 'type', 'bridge');
  ip('-n', link, 'link', 'set', 'switch', 'up');
  for (const [at, namespace] of hosts.entries()) {
    ip('netns', 'add', namespace);
    ip('-n', namespace, 'link', 'set', 'lo', 'up');
    ip('link', 'add', `port${at}`, 'netns', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace);
    ip('-n', link, 'link', 'set', `port${at}`, 'master', 'switch', 'up');
    ip('-n', namespace, 'address', 'add', `10.79.1.${at + 1}/24`, 'dev', 'eth0');
    ip('-n', namespace, 'address', 'add', `fd79::${at + 1}/64`, 'dev', 'eth0', 'nodad');
    ip('-n', namespace, 'link', 'set', 'eth0', 'up');
  }
});

afterAll(async () => {
  if (missing !== undefined) return;
  await Promise.all([first?.stop(), second?.stop(), avahi?.stop()]);
  for (const namespace of [link, ...hosts]) ip('netns', 'delete', namespace);
  rmSync(folder, { recursive: true, force: true });
});

test(
  'a gateway that listens beyond loopback is found by avahi-browse and by funcoap discover',
  { timeout: 60_000 },
  async () => {
    avahi = Avahi.start(folder);
    first = new Gateway(one, folder, '--listen', '10.79.1.1,fd79::1,127.0.0.1', '--set', 'mdns.name=Gateway 1.0');
    await first.listens();
    // =;eth0;IPv4;name;_coap._udp;local;host;address;port;"attributes"
    const line = await avahi.line(/^=;eth0;IPv4;Gateway\\0321\\.0;/);
    const [, , , , type, , host, , port, text] = line.split(';');
    expect([type, port, text]).toEqual(['_coap._udp', '5683', '"path=/func" "txtvers=1"']);
    expect(host).toMatch(/^funcoap-.*\.local$/);
    const rows = funcoap('discover', '--json')
      .out.trim()
      .split('\n')
      .map((row): unknown => JSON.parse(row));
    const expected = { name: 'Gateway 1.0', host, interface: 'eth0' };
    expect(rows).toEqual([
      { ...expected, uri: 'coap://10.79.1.1' },
      { ...expected, uri: 'coap://[fd79::1]' },
    ]);
    expect(funcoap('discover').out).toMatch(/^Gateway 1\.0  coap:\/\/10\.79\.1\.1 +eth0$/m);
  },
);

test('a second one of the same name, of two processes, is called otherwise', { timeout: 60_000 }, async () => {
  second = new Gateway(two, folder, '--listen', '10.79.1.2', '--set', 'mdns.name=Gateway 1.0', '--processes', '2');
  await second.listens();
  expect(await avahi?.line(/^=;eth0;IPv4;Gateway\\0321\\.0\\032\\0402\\041;/)).toContain(';10.79.1.2;5683;');
  const { out } = funcoap('discover', '--json');
  expect(out).toContain('"name":"Gateway 1.0","uri":"coap://10.79.1.1"');
  expect(out).toContain('"name":"Gateway 1.0 (2)","uri":"coap://10.79.1.2"');
  expect(funcoap('call', 'coap://10.79.1.2/func/math/add', 'a=1', 'b=2')).toEqual({ out: '3\n', err: '', code: 0 });
});

test('one that stops says goodbye', { timeout: 60_000 }, async () => {
  await second?.stop();
  second = undefined;
  expect(await avahi?.line(/^-;eth0;IPv4;Gateway\\0321\\.0\\032\\0402\\041;/)).toBeDefined();
  expect(funcoap('discover', '--json').out).not.toContain('10.79.1.2');
});

test('where port 5353 cannot be had there is a warning, and the gateway serves', { timeout: 60_000 }, async () => {
  const program =
    "const s=require('dgram').createSocket('udp4');s.bind({port:5353,exclusive:true},()=>console.log('ready'))";
  const other = spawn('ip', ['netns', 'exec', two, process.execPath, '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(other.stdout, 'data');
  second = new Gateway(two, folder, '--listen', '10.79.1.2');
  await second.listens();
  expect(await second.logged('Multicast DNS')).toContain(
    'Multicast DNS does not work on eth0: the system says EADDRINUSE. `funcoap discover` does not find the gateway there.',
  );
  expect(funcoap('call', 'coap://10.79.1.2/func/math/add', 'a=1', 'b=2')).toEqual({ out: '3\n', err: '', code: 0 });
  other.kill();
});

test('where nobody is, that is said, and the exit code is 3', { timeout: 60_000 }, async () => {
  await Promise.all([first?.stop(), second?.stop()]);
  first = second = undefined;
  const { out, code } = funcoap('discover', '--timeout', '500ms');
  expect([out, code]).toEqual(['', 3]);
});
