/**
 * The UDP transport on a machine with two interfaces and several addresses: a server and two devices,
 * each in a network namespace of its own. Needs Linux, root and `ip netns`.
 */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { missingAddon } from '../transport/native-addon.ts';
import { whyNoNamespaces } from './namespaces.ts';
import type { ProbeResult } from './transport-node.ts';

const id = `fc${process.pid}`;
const [server, left, right] = [`${id}s`, `${id}l`, `${id}r`];
const script = new URL('transport-node.ts', import.meta.url).pathname;
const port = 5683;

const missing = whyNoNamespaces();
const ip = (...args: string[]): void => {
  execFileSync('ip', args, { stdio: 'pipe' });
};
const within = (namespace: string, ...args: string[]): string =>
  execFileSync('ip', ['netns', 'exec', namespace, ...args], { encoding: 'utf8', stdio: 'pipe' });

interface Seen {
  readonly bytes: readonly number[];
  readonly remote: { readonly address: string; readonly port: number };
  readonly local: string;
  readonly multicast: boolean;
}

interface Line {
  readonly listening?: readonly { address: string }[];
  readonly seen?: Seen;
  readonly failed?: { readonly code: string; readonly remote: { readonly address: string } };
  readonly addresses?: readonly { address: string }[];
  readonly counters?: { readonly dropped: number };
}

const lines: Line[] = [];
let child: ChildProcess | undefined;
const heard = new EventEmitter();

/** The first line, said or still to come, that `what` finds something in. */
async function line<T>(what: (line: Line) => T | undefined): Promise<T> {
  for (let at = 0; ; at++) {
    while (at >= lines.length) await once(heard, 'line');
    const said = lines[at];
    const found = said === undefined ? undefined : what(said);
    if (found !== undefined) return found;
  }
}

let nextByte = 0;

/** Sends one datagram; who answered, and what the server saw of it. */
async function probe(
  from: string,
  to: string,
  name?: string,
  length = 1,
): Promise<{ answers: string[]; seen: Seen[] }> {
  nextByte++;
  const byte = nextByte;
  const request = JSON.stringify({ to, port, byte, length, interface: name });
  const { from: answers } = JSON.parse(within(from, process.execPath, script, 'probe', request)) as ProbeResult;
  await line(({ seen }) => (seen?.bytes[0] === byte ? seen : undefined));
  return { answers, seen: lines.flatMap(({ seen }) => (seen?.bytes[0] === byte ? [seen] : [])) };
}

describe.each(['dgram', 'native'] as const)('the %s transport on a machine with several addresses', (transport) => {
  beforeEach(({ skip }) => {
    if (missing !== undefined) skip(missing);
    if (transport === 'native' && missingAddon !== undefined) skip(missingAddon);
  });

  beforeAll(async () => {
    if (missing !== undefined || (transport === 'native' && missingAddon !== undefined)) return;
    for (const namespace of [server, left, right]) {
      ip('netns', 'add', namespace);
      // Addresses are usable at once where nobody looks for duplicates.
      within(namespace, 'sh', '-c', 'for f in /proc/sys/net/ipv6/conf/*/accept_dad; do echo 0 > $f; done');
      ip('-n', namespace, 'link', 'set', 'lo', 'up');
    }
    for (const [namespace, n] of [
      [left, 1],
      [right, 2],
    ] as const) {
      ip('link', 'add', `eth${n}`, 'netns', server, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace);
      for (const address of [`10.77.${n}.1/24`, `10.77.${n}.2/24`, `fd77:${n}::1/64`, `fd77:${n}::2/64`])
        ip('-n', server, 'address', 'add', address, 'dev', `eth${n}`, ...(address.includes(':') ? ['nodad'] : []));
      ip('-n', namespace, 'address', 'add', `10.77.${n}.9/24`, 'dev', 'eth0');
      ip('-n', namespace, 'address', 'add', `fd77:${n}::9/64`, 'dev', 'eth0', 'nodad');
      ip('-n', server, 'link', 'set', `eth${n}`, 'up');
      ip('-n', namespace, 'link', 'set', 'eth0', 'up');
    }
    ip('-n', server, 'route', 'add', 'unreachable', '10.99.0.0/16');

    lines.length = 0;
    const options = {
      transport,
      listen: ['0.0.0.0', '::'],
      port,
      groups: ['224.0.1.187', 'ff02::fd', 'ff05::fd'],
      interfaceInterval: 100,
    };
    child = spawn('ip', ['netns', 'exec', server, process.execPath, script, 'echo', JSON.stringify(options)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    if (child.stdout === null) return;
    createInterface({ input: child.stdout }).on('line', (text) => {
      lines.push(JSON.parse(text) as Line);
      heard.emit('line');
    });
    await line(({ listening }) => listening);
  });

  afterAll(async () => {
    if (missing !== undefined) return;
    if (child !== undefined) {
      const ended = once(child, 'exit');
      child.stdin?.end();
      await ended;
    }
    for (const namespace of [server, left, right]) spawnSync('ip', ['netns', 'delete', namespace]);
  });

  test('answers from the address that was asked, over both IP versions', async () => {
    for (const address of ['10.77.1.1', '10.77.1.2', 'fd77:1::1', 'fd77:1::2']) {
      const { answers, seen } = await probe(left, address);
      expect(answers).toEqual([address]);
      expect(seen).toMatchObject([{ local: address, multicast: false }]);
    }
  });

  test('answers a link-local peer from its own link-local address', async () => {
    const linkLocal = /inet6 (fe80:[0-9a-f:]+)/.exec(within(server, 'ip', 'address', 'show', 'dev', 'eth1'))?.[1];
    const { answers, seen } = await probe(left, `${linkLocal}%eth0`);
    expect(answers).toEqual([`${linkLocal}%eth0`]);
    expect(seen).toMatchObject([{ local: `${linkLocal}%eth1` }]);
    expect(seen[0]?.remote.address).toMatch(/^fe80:.*%eth1$/);
  });

  test('flags what came by an IPv4 group, once, and answers from the unicast address of the interface', async () => {
    for (const [namespace, n] of [
      [left, 1],
      [right, 2],
    ] as const) {
      const { answers, seen } = await probe(namespace, '224.0.1.187', `10.77.${n}.9`);
      expect(seen).toMatchObject([{ multicast: true, local: `10.77.${n}.1`, remote: { address: `10.77.${n}.9` } }]);
      expect(answers).toEqual([`10.77.${n}.1`]);
    }
  });

  test('does the same for IPv6 groups, link-local and site-local', async () => {
    for (const [namespace, n] of [
      [left, 1],
      [right, 2],
    ] as const) {
      const link = await probe(namespace, 'ff02::fd', 'eth0');
      expect(link.seen).toMatchObject([{ multicast: true }]);
      expect(link.seen[0]?.local).toMatch(new RegExp(`^fe80:.*%eth${n}$`));
      expect(link.answers).toEqual([expect.stringMatching(/^fe80:.*%eth0$/)]);
      const site = await probe(namespace, 'ff05::fd', 'eth0');
      expect(site.seen).toMatchObject([{ multicast: true, remote: { address: `fd77:${n}::9` } }]);
      // Which of the interface's two is the system's choice of order.
      expect([`fd77:${n}::1`, `fd77:${n}::2`]).toContain(site.seen[0]?.local);
      expect(site.answers).toEqual([site.seen[0]?.local]);
    }
  });

  test('reports what cannot be reached, and goes on', async () => {
    child?.stdin?.write(`${JSON.stringify({ send: { address: '10.99.0.1', port: 5683 } })}\n`);
    expect((await line(({ failed }) => failed)).code).toBe('EHOSTUNREACH');
    child?.stdin?.write(`${JSON.stringify({ send: { address: '203.0.113.1', port: 5683 } })}\n`);
    const second = await line(({ failed }) => (failed?.remote.address === '203.0.113.1' ? failed : undefined));
    expect(second.code).toBe('ENETUNREACH');
    expect((await probe(left, '10.77.1.1')).answers).toEqual(['10.77.1.1']);
  });

  test('sends in fragments what is longer than its path takes, and what is not as before', async () => {
    ip('-n', server, 'route', 'add', '10.77.1.9/32', 'dev', 'eth1', 'mtu', '600');
    for (const length of [1, 1200, 1])
      expect((await probe(left, '10.77.1.1', undefined, length)).answers).toEqual(['10.77.1.1']);
    ip('-n', server, 'route', 'delete', '10.77.1.9/32');
  });

  test('drops and counts what comes from port 0', async () => {
    // IPv4 with the header made by the system; UDP with source port 0, and no checksum (RFC 768).
    const python = `
import socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
s.sendto(struct.pack('!HHHH', 0, ${port}, 9, 0) + b'\\xff', ('10.77.1.1', 0))`;
    within(left, 'python3', '-c', python);
    await probe(left, '10.77.1.1');
    child?.stdin?.write('{}\n');
    const counters = await line(({ counters: said }) => said);
    expect(counters.dropped).toBe(1);
    expect(lines.some(({ seen }) => seen?.bytes[0] === 0xff)).toBe(false);
  });

  test('listens on an address and an interface that appear while it runs', async () => {
    ip('-n', server, 'address', 'add', '10.77.1.3/24', 'dev', 'eth1');
    await expect
      .poll(async () => {
        lines.length = 0;
        child?.stdin?.write('{}\n');
        return (await line(({ addresses }) => addresses)).map(({ address }) => address);
      })
      .toContain('10.77.1.3');
    expect((await probe(left, '10.77.1.3')).answers).toEqual(['10.77.1.3']);
    ip('-n', server, 'link', 'delete', 'eth2');
    await expect
      .poll(async () => {
        lines.length = 0;
        child?.stdin?.write('{}\n');
        return (await line(({ addresses }) => addresses)).map(({ address }) => address);
      })
      .not.toContain('10.77.2.1');
    expect((await probe(left, '224.0.1.187', '10.77.1.9')).seen).toMatchObject([{ multicast: true }]);
  });
});
