/**
 * The gateway process beyond loopback: multicast (RFC 7252 §8), the address that answers, and the limit for peers whose
 * address nobody has verified (RFC 9175 §2.3). Two hosts, each a network namespace, on a veth pair.
 * Needs Linux, root and `ip netns`.
 */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { encodeBlock, findBlock } from '../../src/coap/blockwise/block-option.ts';
import { method, responseCode } from '../../src/coap/codec/codes.ts';
import { messageType, type Message } from '../../src/coap/codec/message.ts';
import { findOption, opaqueOption, optionNumber, stringOption, type Option } from '../../src/coap/codec/options.ts';
import { decodeMessage, isMalformed } from '../../src/coap/codec/rfc7252.ts';
import { assertDeviceFriendly } from '../coap/codec/device-friendly.ts';
import { bytesOf } from '../coap/lockstep.ts';
import { root } from '../gateway/gateway-process.ts';
import { missingCoapClient, optionOf, readLog, type LoggedMessage } from './plugtest/libcoap.ts';
import { NamespaceDevice, type Arrived } from './namespace-device.ts';
import { whyNoNamespaces } from './namespaces.ts';

const { CON, NON, ACK } = messageType;
const [host, far] = [`fm${process.pid}h`, `fm${process.pid}f`];
const leisureMs = 1000;
/** Leisure, and what a busy machine adds. */
const patienceMs = leisureMs + 500;

const missing = whyNoNamespaces();
const ip = (...args: string[]): void => {
  execFileSync('ip', args, { stdio: 'pipe' });
};
const within = (namespace: string, ...args: string[]): string =>
  execFileSync('ip', ['netns', 'exec', namespace, ...args], { encoding: 'utf8', stdio: 'pipe' });

const library = `
import { appendFileSync } from 'node:fs';
/** @safe */
export function text(length: number): string { appendFileSync('$MARKS', 'x'); return 'x'.repeat(length); }
export function write(): string { appendFileSync('$MARKS', 'x'); return 'done'; }
`;

let folder: string;
let gateway: ChildProcess | undefined;
let device4: NamespaceDevice;
let device6: NamespaceDevice;
/** The host's link-local address. */
let linkLocal: string;

const marks = (): number => readFileSync(join(folder, 'marks')).length;

/** A device that the gateway has not heard of before. */
const stranger = (): Promise<NamespaceDevice> => NamespaceDevice.open(far, 4, '10.78.1.9');

let messageId = 0x1000;
const request = (
  code: number,
  path: string,
  {
    type = NON,
    options = [],
    query = [],
  }: { type?: Message['type']; options?: readonly Option[]; query?: readonly string[] } = {},
): Uint8Array => {
  messageId++;
  const segments = path.split('/').map((segment) => stringOption(optionNumber.uriPath, segment));
  const items = query.map((item) => stringOption(optionNumber.uriQuery, item));
  return bytesOf({
    type,
    code,
    messageId,
    token: Uint8Array.of(messageId >> 8, messageId & 0xff),
    options: [...segments, ...items, ...options],
  });
};

function decoded({ bytes }: Arrived): Message {
  const message = decodeMessage(bytes);
  if (isMalformed(message)) throw new Error(`malformed: ${message.malformed}`);
  if (message.code >= 0x40) assertDeviceFriendly(message);
  return message;
}

const text = (message: Message): string => Buffer.from(message.payload).toString();
const block2Of = (message: Message): unknown => findBlock(message.options, optionNumber.block2);
const echoOf = (message: Message): Uint8Array | undefined => findOption(message.options, optionNumber.echo);

beforeEach(({ skip }) => {
  if (missing !== undefined) skip(missing);
});

beforeAll(async () => {
  if (missing !== undefined) return;
  for (const namespace of [host, far]) {
    ip('netns', 'add', namespace);
    // Addresses are usable at once where nobody looks for duplicates.
    within(namespace, 'sh', '-c', 'for f in /proc/sys/net/ipv6/conf/*/accept_dad; do echo 0 > $f; done');
    ip('-n', namespace, 'link', 'set', 'lo', 'up');
  }
  ip('link', 'add', 'eth0', 'netns', host, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', far);
  for (const address of ['10.78.1.1/24', '10.78.1.2/24', 'fd78::1/64', 'fd78::2/64'])
    ip('-n', host, 'address', 'add', address, 'dev', 'eth0', ...(address.includes(':') ? ['nodad'] : []));
  ip('-n', far, 'address', 'add', '10.78.1.9/24', 'dev', 'eth0');
  ip('-n', far, 'address', 'add', 'fd78::9/64', 'dev', 'eth0', 'nodad');
  for (const namespace of [host, far]) ip('-n', namespace, 'link', 'set', 'eth0', 'up');
  ip('-n', far, 'route', 'add', '224.0.0.0/4', 'dev', 'eth0');
  linkLocal = /inet6 (fe80:[0-9a-f:]+)/.exec(within(host, 'ip', 'address', 'show', 'dev', 'eth0'))?.[1] ?? '';

  folder = mkdtempSync(join(tmpdir(), 'funcoap-multicast-'));
  writeFileSync(join(folder, 'marks'), '');
  mkdirSync(join(folder, 'libraries/calc'), { recursive: true });
  writeFileSync(join(folder, 'libraries/calc/index.ts'), library.replaceAll('$MARKS', join(folder, 'marks')));
  const serve = [
    'serve',
    '--json',
    '--listen',
    '0.0.0.0,::',
    '--set',
    `coap.leisure=${leisureMs}ms`,
    '--log-level',
    'error',
  ];
  const child = spawn('ip', ['netns', 'exec', host, process.execPath, join(root, 'bin/funcoap.js'), ...serve], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  gateway = child;
  await once(child.stdout, 'data');
  device4 = await stranger();
  device6 = await NamespaceDevice.open(far, 6, 'eth0');
});

afterAll(async () => {
  if (missing !== undefined) return;
  await device4.close();
  await device6.close();
  if (gateway !== undefined) {
    const ended = once(gateway, 'exit');
    gateway.kill('SIGTERM');
    await ended;
  }
  for (const namespace of [host, far]) spawnSync('ip', ['netns', 'delete', namespace]);
  rmSync(folder, { recursive: true });
});

describe('multicast', () => {
  const groups: [string, () => NamespaceDevice, () => string][] = [
    ['224.0.1.187', () => device4, () => '10.78.1.1'],
    ['ff02::fd%eth0', () => device6, () => `${linkLocal}%eth0`],
  ];

  test.each(groups)(
    'GET /.well-known/core to %s: one NON answer, within leisure, from the unicast address',
    async (group, device, from) => {
      const bytes = request(method.GET, '.well-known/core');
      const answers = await device().ask(group, bytes, patienceMs);
      expect(answers.map((answer) => answer.from)).toEqual([from()]);
      const [answer] = answers.map(decoded);
      expect(answer).toMatchObject({ type: NON, code: responseCode.content, token: bytes.subarray(4, 6) });
      expect(answer && text(answer)).toMatch(/^<\/func>;/);
    },
  );

  test('ff05::fd is joined too; the answer comes from one of the global addresses', async () => {
    const answers = await device6.ask('ff05::fd', request(method.GET, '.well-known/core'), patienceMs);
    expect(answers.map(decoded)).toMatchObject([{ type: NON, code: responseCode.content }]);
    expect(['fd78::1', 'fd78::2']).toContain(answers[0]?.from);
  });

  test('answers are spread over leisure', async () => {
    const asked = performance.timeOrigin + performance.now();
    for (let i = 0; i < 7; i++) device4.send('224.0.1.187', request(method.GET, '.well-known/core'));
    const answers = await device4.ask('224.0.1.187', request(method.GET, '.well-known/core'), patienceMs);
    const delays = answers.map(({ at }) => at - asked);
    expect(delays).toHaveLength(8);
    expect(Math.max(...delays)).toBeLessThan(patienceMs);
    expect(Math.max(...delays) - Math.min(...delays)).toBeGreaterThan(leisureMs / 10);
  });

  test.each<[string, Uint8Array]>([
    ['nothing there (4.04)', request(method.GET, 'nothing')],
    [
      'nothing that matches the query (RFC 7252 §8.2.1)',
      request(method.GET, '.well-known/core', { query: ['rt=nothing'] }),
    ],
    ['a method that is not allowed (4.05)', request(method.DELETE, '.well-known/core')],
    [
      'a critical option that nobody knows (4.02)',
      request(method.GET, '.well-known/core', { options: [opaqueOption(65_001, Uint8Array.of(1))] }),
    ],
    ['a confirmable request (RFC 7252 §8.1)', request(method.GET, '.well-known/core', { type: CON })],
    ['a ping', Uint8Array.of(0x40, 0, 0x12, 0x34)],
    ['what is no message', Uint8Array.of(0x4f, 1, 0x12, 0x35, 0xff)],
    ['a safe function', request(method.GET, 'func/calc/text', { query: ['length=5'] })],
    ['a function with side effects', request(method.POST, 'func/calc/write')],
  ])('%s: silence, and no function runs', async (_, bytes) => {
    const before = marks();
    expect(await device4.ask('224.0.1.187', bytes, patienceMs)).toEqual([]);
    expect(await device6.ask('ff02::fd%eth0', bytes, patienceMs)).toEqual([]);
    expect(marks()).toBe(before);
  });

  test('an answer longer than a stranger may get is one datagram: its first block', async () => {
    const device = await stranger();
    const answers = await device.ask('224.0.1.187', request(method.GET, '.well-known/core'), patienceMs);
    expect(answers).toHaveLength(1);
    expect(answers[0]?.bytes.length).toBeLessThanOrEqual(136);
    expect(answers.map((answer) => block2Of(decoded(answer)))).toMatchObject([{ num: 0, more: true }]);
    await device.close();
  });
});

describe('a reply leaves from the address that was asked', () => {
  test.each(['10.78.1.1', '10.78.1.2'])('%s', async (address) => {
    const answers = await device4.ask(address, request(method.GET, 'clock', { type: CON }), 300);
    expect(answers).toMatchObject([{ from: address }]);
  });

  test.each(['fd78::1', 'fd78::2'])('%s', async (address) => {
    const answers = await device6.ask(address, request(method.GET, 'clock', { type: CON }), 300);
    expect(answers).toMatchObject([{ from: address }]);
  });
});

describe('a peer whose address is not verified', () => {
  const get = (options: readonly Option[] = []): Uint8Array =>
    request(method.GET, 'func/calc/text', { type: CON, query: ['length=1000'], options });
  const accept = [opaqueOption(optionNumber.accept, new Uint8Array(0))];
  const ask = async (device: NamespaceDevice, bytes: Uint8Array): Promise<[Message, number]> => {
    const answers = await device.ask('10.78.1.1', bytes, 300);
    expect(answers).toHaveLength(1);
    const [answer] = answers;
    if (answer === undefined) throw new Error('no answer');
    return [decoded(answer), answer.bytes.length];
  };

  test('gets 136 bytes at most, with Echo; once it has returned that, whole blocks without Echo', async () => {
    const device = await stranger();
    const before = marks();
    const [cut, length] = await ask(device, get(accept));
    expect(cut).toMatchObject({ type: ACK, code: responseCode.content });
    expect(length).toBeLessThanOrEqual(136);
    expect(length).toBeGreaterThan(64);
    expect(block2Of(cut)).toMatchObject({ num: 0, more: true });
    const echo = echoOf(cut);
    expect(echo).toHaveLength(8);

    const [again] = await ask(device, get(accept));
    expect(echoOf(again)).toEqual(echo);
    const [verified, whole] = await ask(
      device,
      get([...accept, opaqueOption(optionNumber.echo, echo ?? new Uint8Array(0))]),
    );
    expect(whole).toBeGreaterThan(136);
    expect(block2Of(verified)).toMatchObject({ num: 0, more: true, szx: 4 });
    expect(echoOf(verified)).toBeUndefined();
    expect(echoOf((await ask(device, get(accept)))[0])).toBeUndefined();
    expect(marks() - before).toBe(4);
    await device.close();
  });

  test.each([
    ['eight bytes of its own', () => Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)],
    [
      'an Echo of another port',
      async () => {
        const other = await stranger();
        const [cut] = await ask(other, get(accept));
        await other.close();
        return echoOf(cut) ?? new Uint8Array(0);
      },
    ],
  ])('is not verified by %s', async (_, value) => {
    const device = await stranger();
    const [answer, length] = await ask(device, get([...accept, opaqueOption(optionNumber.echo, await value())]));
    expect(length).toBeLessThanOrEqual(136);
    expect(echoOf(answer)).toHaveLength(8);
    await device.close();
  });

  test('gets a block that is small enough as it is', async () => {
    const device = await stranger();
    const block = [opaqueOption(optionNumber.block2, encodeBlock({ num: 0, more: false, szx: 1 }))];
    const [answer] = await ask(device, get([...accept, ...block]));
    expect(block2Of(answer)).toMatchObject({ num: 0, more: true, szx: 1 });
    expect(echoOf(answer)).toBeUndefined();
    await device.close();
  });

  test('gets a short answer as it is', async () => {
    const device = await stranger();
    const [answer] = await ask(device, request(method.GET, 'clock', { type: CON }));
    expect(block2Of(answer)).toBeUndefined();
    expect(echoOf(answer)).toBeUndefined();
    await device.close();
  });
});

describe('coap-client', () => {
  beforeEach(({ skip }) => {
    const why = missingCoapClient();
    if (why !== undefined) skip(why);
  });

  /** What it logged of messages, and the body. */
  function coapClient(
    uri: string,
    ...args: readonly string[]
  ): { received: readonly LoggedMessage[]; sent: readonly LoggedMessage[]; body: string } {
    const body = join(folder, 'body');
    writeFileSync(body, '');
    const line = ['netns', 'exec', far, 'coap-client-notls', '-v', '7', '-B', '5', '-o', body, ...args, uri];
    const { stdout, stderr } = spawnSync('ip', line, { encoding: 'utf8', timeout: 20_000 });
    const messages = readLog(stdout + stderr);
    return {
      received: messages.filter(({ direction }) => direction === 'received'),
      sent: messages.filter(({ direction }) => direction === 'sent'),
      body: readFileSync(body, 'utf8'),
    };
  }

  test.each(['224.0.1.187', '[ff02::fd%eth0]'])('GET coap://%s/.well-known/core by NON', (group) => {
    const { received, body } = coapClient(`coap://${group}/.well-known/core`, '-N');
    expect(received[0]).toMatchObject({ type: 'NON', code: '2.05' });
    expect(body).toMatch(/^<\/func>;[^]*<\/func\/calc>;[^]*"$/);
  });

  test('takes up the Echo of a first block: the next request returns it', () => {
    const before = marks();
    const { received, sent, body } = coapClient('coap://10.78.1.1/func/calc/text?length=1000', '-A', '0');
    const [first] = received;
    const echo = first && optionOf(first, 'Echo');
    expect(echo).toMatch(/^0x[0-9a-f]{16}$/);
    expect(first && optionOf(first, 'Block2')).toBe('0/M/64');
    const requests = sent.filter(({ code }) => code === 'GET');
    expect(requests.map((message) => optionOf(message, 'Echo'))).toEqual([
      undefined,
      echo,
      ...Array(14).fill(undefined),
    ]);
    expect(received.slice(1).map((message) => optionOf(message, 'Echo'))).toEqual(Array(15).fill(undefined));
    expect(body).toBe('x'.repeat(1000));
    expect(marks() - before).toBe(1);
  });
});
