/**
 * A device in another network namespace that sends bytes as they are. Run as a program, this file is the half that is
 * there: lines of its input are datagrams to send, lines of its output those that came.
 */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Arrived {
  /** Address of the sender, with its zone. */
  readonly from: string;
  readonly bytes: Uint8Array;
  /** When, in ms of the machine's monotonic clock. */
  readonly at: number;
}

interface Outgoing {
  readonly to: string;
  readonly hex: string;
}

const clock = (): number => performance.timeOrigin + performance.now();
const port = 5683;

export class NamespaceDevice {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #arrived: Arrived[] = [];

  private constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    createInterface({ input: child.stdout }).on('line', (line) => {
      const { from, hex, at } = JSON.parse(line) as { from: string; hex: string; at: number };
      if (hex !== '') this.#arrived.push({ from, bytes: Uint8Array.from(Buffer.from(hex, 'hex')), at });
    });
    child.stderr.pipe(process.stderr);
  }

  /** `outgoing`: the address (IPv4) or name (IPv6) of the interface that multicast leaves by. */
  static async open(namespace: string, family: 4 | 6, outgoing: string): Promise<NamespaceDevice> {
    const script = new URL(import.meta.url).pathname;
    const args = ['netns', 'exec', namespace, process.execPath, script, String(family), outgoing];
    const child = spawn('ip', args, { stdio: 'pipe' });
    const device = new NamespaceDevice(child);
    await once(child.stdout, 'data');
    return device;
  }

  send(to: string, bytes: Uint8Array): void {
    this.#child.stdin.write(`${JSON.stringify({ to, hex: Buffer.from(bytes).toString('hex') } satisfies Outgoing)}\n`);
  }

  /** Sends one datagram and gives what came within the time; all of it, so that silence shows too. */
  async ask(to: string, bytes: Uint8Array, withinMs: number): Promise<Arrived[]> {
    this.#arrived.length = 0;
    this.send(to, bytes);
    await sleep(withinMs);
    return [...this.#arrived];
  }

  async close(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.stdin.end();
    await ended;
  }
}

function main(family: string, outgoing: string): void {
  const socket = createSocket(family === '6' ? 'udp6' : 'udp4');
  const say = (line: unknown): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
  socket.on('message', (bytes, { address }) => say({ from: address, hex: bytes.toString('hex'), at: clock() }));
  socket.bind(0, () => {
    socket.setMulticastInterface(family === '6' ? `::%${outgoing}` : outgoing);
    say({ from: '', hex: '', at: 0 });
  });
  createInterface({ input: process.stdin })
    .on('line', (line) => {
      const { to, hex } = JSON.parse(line) as Outgoing;
      socket.send(Buffer.from(hex, 'hex'), port, to);
    })
    .on('close', () => socket.close());
}

const [, script, family, outgoing] = process.argv;
if (import.meta.url.endsWith(`/${script?.split('/').at(-1)}`) && family !== undefined && outgoing !== undefined) {
  main(family, outgoing);
}
