/**
 * A gateway of several processes beyond loopback: a multicast request (RFC 7252 §8) is answered once, not by each
 * process, over both transports; and once more when the process that answers has been replaced. Two hosts, each
 * a network namespace, on a veth pair. Needs Linux, root and `ip netns`.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { method, responseCode } from '../../src/coap/codec/codes.ts';
import { messageType } from '../../src/coap/codec/message.ts';
import { optionNumber, stringOption } from '../../src/coap/codec/options.ts';
import { bytesOf } from '../coap/lockstep.ts';
import { root } from '../gateway/gateway-process.ts';
import { childrenOf } from '../processes/devices.ts';
import { NamespaceDevice } from './namespace-device.ts';
import { whyNoNamespaces } from './namespaces.ts';

const [host, far] = [`fp${process.pid}h`, `fp${process.pid}f`];
const leisureMs = 300;
const patienceMs = leisureMs + 700;
const processes = 3;

const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8', stdio: 'pipe' });

const missing = whyNoNamespaces();
beforeEach(({ skip }) => {
  if (missing !== undefined) skip(missing);
});

beforeAll(() => {
  if (missing !== undefined) return;
  for (const namespace of [host, far]) {
    ip('netns', 'add', namespace);
    ip('netns', 'exec', namespace, 'sh', '-c', 'for f in /proc/sys/net/ipv6/conf/*/accept_dad; do echo 0 > $f; done');
    ip('-n', namespace, 'link', 'set', 'lo', 'up');
  }
  ip('link', 'add', 'eth0', 'netns', host, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', far);
  ip('-n', host, 'address', 'add', '10.79.1.1/24', 'dev', 'eth0');
  ip('-n', far, 'address', 'add', '10.79.1.9/24', 'dev', 'eth0');
  for (const namespace of [host, far]) ip('-n', namespace, 'link', 'set', 'eth0', 'up');
  ip('-n', far, 'route', 'add', '224.0.0.0/4', 'dev', 'eth0');
});
afterAll(() => {
  if (missing !== undefined) return;
  for (const namespace of [host, far]) ip('netns', 'delete', namespace);
});

let messageId = 0x2000;
function discovery(): Uint8Array {
  messageId++;
  const options = ['.well-known', 'core'].map((segment) => stringOption(optionNumber.uriPath, segment));
  const token = Uint8Array.of(messageId >> 8, messageId & 0xff);
  return bytesOf({ type: messageType.NON, code: method.GET, messageId, token, options });
}

describe.each(['native', 'dgram'])('over %s', (transport) => {
  let folder: string;
  let gateway: ChildProcess | undefined;
  let device4: NamespaceDevice;
  let device6: NamespaceDevice;

  beforeAll(async () => {
    if (missing !== undefined) return;
    folder = mkdtempSync(join(tmpdir(), 'funcoap-processes-'));
    mkdirSync(join(folder, 'libraries'));
    const settings = [`processes=${processes}`, `coap.transport=${transport}`, `coap.leisure=${leisureMs}ms`];
    const serve = ['serve', '--json', '--listen', '0.0.0.0,::', '--log-level', 'silent'];
    const args = [...serve, ...settings.flatMap((setting) => ['--set', setting])];
    const child = spawn('ip', ['netns', 'exec', host, process.execPath, join(root, 'bin/funcoap.js'), ...args], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    gateway = child;
    await once(child.stdout, 'data');
    device4 = await NamespaceDevice.open(far, 4, '10.79.1.9');
    device6 = await NamespaceDevice.open(far, 6, 'eth0');
  });
  afterAll(async () => {
    if (gateway === undefined) return;
    await Promise.all([device4.close(), device6.close()]);
    const ended = once(gateway, 'exit');
    gateway.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true });
  });

  /** How many answers each request gets, and with which code. */
  async function answers(): Promise<number[][]> {
    const [four, six] = await Promise.all([
      device4.ask('224.0.1.187', discovery(), patienceMs),
      device6.ask('ff02::fd%eth0', discovery(), patienceMs),
    ]);
    return [four, six].map((each) => each.map(({ bytes }) => bytes[1] ?? 0));
  }

  test('every multicast request has one answer', async () => {
    for (let i = 0; i < 3; i++) expect(await answers()).toEqual([[responseCode.content], [responseCode.content]]);
  });

  test('also when the process that answers them has been replaced', async () => {
    // `ip netns exec` becomes the gateway.
    const children = childrenOf(gateway?.pid ?? 0);
    expect(children).toHaveLength(processes);
    const first = children.find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`\x001/${processes}`));
    process.kill(first ?? 0, 'SIGKILL');
    await vi.waitFor(async () => expect(await answers()).toEqual([[responseCode.content], [responseCode.content]]), {
      timeout: 30_000,
    });
    expect(childrenOf(gateway?.pid ?? 0)).not.toContain(first);
  });
});
