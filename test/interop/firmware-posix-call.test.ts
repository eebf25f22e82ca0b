/** firmware-examples/posix/call, built with the system's libcoap and run against the gateway process. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freeUdpPort } from '../transport/free-port.ts';

const root = join(import.meta.dirname, '../..');
const example = join(root, 'firmware-examples/posix/call');

function missingTool(): string | undefined {
  try {
    execFileSync('make', ['--version'], { stdio: 'ignore' });
    execFileSync('cc', ['--version'], { stdio: 'ignore' });
    execFileSync('pkg-config', ['--exists', 'libcoap-3-notls'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'needs gcc, make, pkg-config and libcoap3-dev';
  }
}

const missing = missingTool();
if (missing !== undefined) process.stderr.write(`firmware-posix-call is skipped: ${missing}\n`);

/** A UDP relay that notes the size of each CoAP message with a code: what the device and the gateway really sent. */
interface Relay {
  readonly port: number;
  /** Bytes of requests and of answers since the last call. */
  take(): { readonly requests: number; readonly answers: number };
  close(): void;
}

const portOf = async (socket: Socket): Promise<number> => {
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket.address().port;
};

async function openRelay(gatewayPort: number): Promise<Relay> {
  const towardsDevice = createSocket('udp4');
  const towardsGateway = createSocket('udp4');
  let device: { readonly port: number; readonly address: string } | undefined;
  let requests = 0;
  let answers = 0;
  towardsDevice.on('message', (bytes, from) => {
    device = from;
    if (bytes[1] !== 0) requests += bytes.length;
    towardsGateway.send(bytes, gatewayPort, '127.0.0.1');
  });
  towardsGateway.on('message', (bytes) => {
    if (bytes[1] !== 0) answers += bytes.length;
    if (device !== undefined) towardsDevice.send(bytes, device.port, device.address);
  });
  const port = await portOf(towardsDevice);
  await portOf(towardsGateway);
  return {
    port,
    take() {
      const taken = { requests, answers };
      requests = 0;
      answers = 0;
      return taken;
    },
    close() {
      towardsDevice.close();
      towardsGateway.close();
    },
  };
}

/** Pings (RFC 7252 §4.3) until the gateway answers with a reset. */
async function untilAnswering(port: number): Promise<void> {
  const socket = createSocket('udp4');
  await portOf(socket);
  const answered = once(socket, 'message', { signal: AbortSignal.timeout(15_000) });
  const again = setInterval(() => socket.send(Uint8Array.of(0x40, 0, 0x12, 0x34), port, '127.0.0.1'), 50);
  try {
    await answered;
  } finally {
    clearInterval(again);
    socket.close();
  }
}

interface Run {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(program: string, port: number): Promise<Run> {
  const child = spawn(program, [String(port)], { stdio: ['ignore', 'pipe', 'pipe'], timeout: 20_000 });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  await once(child, 'close');
  return { status: child.exitCode, stdout, stderr };
}

/** What differs from run to run. */
const masked = (output: string): string =>
  output.replaceAll(/ETag [0-9a-f]{8}/g, 'ETag ########').replaceAll(/Max-Age \d+/g, 'Max-Age #');

const printed = (output: string, word: 'request' | 'answer'): number =>
  [...output.matchAll(new RegExp(`^ +${word} .*?(\\d+) bytes`, 'gm'))].reduce(
    (sum, match) => sum + Number(match[1]),
    0,
  );

describe.skipIf(missing !== undefined)('the C program of firmware-examples/posix/call', () => {
  let folder: string;
  let gateway: ChildProcess;
  let port: number;
  let relay: Relay;

  const build = (source: string): string => {
    execFileSync('make', ['-s', '-C', source, `BUILD=${folder}`], { stdio: ['ignore', 'ignore', 'pipe'] });
    return join(folder, 'call');
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'funcoap-firmware-'));
    port = await freeUdpPort();
    gateway = spawn(process.execPath, [join(root, 'bin/funcoap.js'), 'serve'], {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit'],
      env: {
        ...process.env,
        FUNCOAP_COAP_LISTEN: '127.0.0.1',
        FUNCOAP_COAP_PORT: String(port),
        FUNCOAP_DATA_FOLDER: join(folder, 'data'),
        FUNCOAP_LOG_LEVEL: 'error',
      },
    });
    await untilAnswering(port);
    relay = await openRelay(port);
  }, 30_000);

  afterAll(async () => {
    relay.close();
    const exited = once(gateway, 'exit');
    gateway.kill('SIGTERM');
    await exited;
    rmSync(folder, { recursive: true });
  });

  it('prints what expected-output.txt shows', async () => {
    const { status, stdout, stderr } = await run(build(example), port);
    expect(stderr).toBe('');
    expect(masked(stdout)).toBe(masked(readFileSync(join(example, 'expected-output.txt'), 'utf8')));
    expect(status).toBe(0);
  }, 60_000);

  it('prints the sizes that were on the air', async () => {
    const { stdout } = await run(build(example), relay.port);
    const { requests, answers } = relay.take();
    expect(printed(stdout, 'request')).toBe(requests);
    expect(printed(stdout, 'answer')).toBe(answers);
  }, 60_000);

  it('prints the number of the problem where FUNCTION names a method that is not there', async () => {
    const copy = join(folder, 'copy');
    cpSync(join(root, 'firmware-examples'), copy, { recursive: true });
    const source = join(copy, 'posix/call/main.c');
    writeFileSync(source, readFileSync(source, 'utf8').replace('oslist/list', 'oslist/nothing'));
    const { status, stderr } = await run(build(join(copy, 'posix/call')), port);
    expect(stderr).toMatch(/^the gateway answered 4\.04, problem 2\n/);
    expect(status).toBe(1);
  }, 60_000);

  it('says so where no gateway listens', async () => {
    const { status, stderr } = await run(build(example), await freeUdpPort());
    expect(stderr).toMatch(/^call: /);
    expect(status).toBe(1);
  }, 60_000);
});
