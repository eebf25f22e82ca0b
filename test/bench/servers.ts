/** Starts and stops the servers, each on its processor. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { availableParallelism } from 'node:os';
import type { Programs } from './build.ts';
import type { Call } from './calls.ts';
import { contestants, type ContestantName, type Setting } from './contestants.ts';
import { InternalError } from '../../src/core/error.ts';
import { freeUdpPort } from '../transport/free-port.ts';

/** The processor that a server is pinned to with all its threads; the load has another. */
export const serverCpu = 0;
export const loadCpu = 1;
/** Of a server with several processes: it shares the load's processor where there are only two. */
const spreadCpus = availableParallelism() > 2 ? `${serverCpu},2` : `${serverCpu},${loadCpu}`;

export interface Server extends AsyncDisposable {
  readonly name: ContestantName;
  readonly port: number;
  readonly pid: number;
  /** When its process was started, by `performance.now()`. */
  readonly startedAt: number;
  /** Resident memory, in bytes. */
  memory(): number;
  /** Whether its socket is there. */
  listens(): boolean;
  /** Datagrams that came while its receive buffer was full, so far. */
  dropped(): number;
  /** The last of what it wrote on its error output. */
  complaint(): string;
}

/** A free port of UDP may be that of a connection of TCP. */
async function freeTcpPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes ?? 0) * 1024;
}

/** The columns of the sockets with this local port. */
function socketsOf(port: number): string[][] {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const lines = readFileSync('/proc/net/udp', 'utf8').split('\n').slice(1);
  return lines.map((line) => line.trim().split(/\s+/)).filter((fields) => fields[1]?.endsWith(local));
}

/** The last column. */
const droppedBy = (port: number): number => socketsOf(port).reduce((sum, fields) => sum + Number(fields.at(-1)), 0);

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const impatient = setTimeout(() => child.kill('SIGKILL'), 8000);
  await exited;
  clearTimeout(impatient);
}

export interface StartOptions {
  readonly call: Call;
  readonly setting?: Setting;
  /** Of Node itself. */
  readonly nodeFlags?: readonly string[];
}

/** On a free port of the loopback. It may not listen yet: `probe` waits for that. */
export async function startServer(
  name: ContestantName,
  { call, setting = {}, nodeFlags = [] }: StartOptions,
  programs: Programs,
): Promise<Server> {
  const { command, spreads, protocol } = contestants[name];
  const port = await (protocol === 'http' ? freeTcpPort() : freeUdpPort());
  const { file, args, environment } = command(port, call, setting, programs);
  const cpus = spreads === true ? spreadCpus : String(serverCpu);
  const startedAt = performance.now();
  // taskset replaces itself by the command: the process is the server's.
  const child = spawn('taskset', ['-c', cpus, file, ...nodeFlags, ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...environment },
  });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-2000);
  });
  child.once('exit', (code) => {
    if (code !== null && code !== 0 && code !== 143) process.stderr.write(`${name} ended with ${code}: ${complaint}\n`);
  });
  await once(child, 'spawn');
  if (child.pid === undefined) throw new InternalError('bench-server', `${name} did not start.`);
  const { pid } = child;
  return {
    name,
    port,
    pid,
    startedAt,
    memory: () => residentBytes(pid),
    listens: () => socketsOf(port).length > 0,
    dropped: () => droppedBy(port),
    complaint: () => complaint,
    [Symbol.asyncDispose]: () => stop(child),
  };
}
