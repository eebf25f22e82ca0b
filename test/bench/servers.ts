/** The servers that are compared: how each is started, where it listens, what it is. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Programs } from './build.ts';
import type { Scenario, ServerName } from './scenarios.ts';
import { InternalError } from '../../src/core/error.ts';

/** The processor that every server is pinned to with all its threads; the load has another. */
export const serverCpu = 0;
export const loadCpu = 1;

export interface Server extends AsyncDisposable {
  readonly name: ServerName;
  readonly port: number;
  readonly pid: number;
  /** Resident memory, in bytes. */
  memory(): number;
}

export const serverTitles: Readonly<Record<ServerName, string>> = {
  'limit': 'limit (C, recvmmsg, no protocol)',
  'funcoap': 'funcoap',
  'npm-coap': 'npm coap',
  'libcoap': 'libcoap coap-server',
};

interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

const here = import.meta.dirname;
const root = join(here, '../..');

/** Answers of the limit server: the options and payload that funcoap sends. */
const cannedAnswers: Readonly<Record<string, readonly string[]>> = {
  // ETag, Content-Format 60, Max-Age of two bytes, payload
  '2.05': ['69', '44cd994727813c220e10ff181e'],
  // ETag, Max-Age of two bytes
  '2.03': ['67', '44cd994727a20e10'],
};

function commandOf(name: ServerName, port: number, scenario: Scenario, programs: Programs): Command {
  switch (name) {
    case 'limit':
      return { file: programs.limit, args: [String(port), ...(cannedAnswers[scenario.answer.code] ?? [])] };
    case 'npm-coap':
      return { file: process.execPath, args: [join(here, 'npm-coap-server.ts'), String(port)] };
    case 'libcoap':
      return { file: 'coap-server-notls', args: ['-A', '127.0.0.1', '-p', String(port)] };
    case 'funcoap':
      return {
        file: process.execPath,
        args: [join(root, 'bin/funcoap.js'), 'serve'],
        environment: {
          FUNCOAP_COAP_LISTEN: '127.0.0.1',
          FUNCOAP_COAP_PORT: String(port),
          FUNCOAP_LIBRARIES_FOLDER: join(here, 'libraries'),
          FUNCOAP_DATA_FOLDER: join(programs.folder, 'data'),
          FUNCOAP_LOG_LEVEL: 'warn',
        },
      };
  }
}

async function freePort(): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  return port;
}

function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes ?? 0) * 1024;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const impatient = setTimeout(() => child.kill('SIGKILL'), 8000);
  await exited;
  clearTimeout(impatient);
}

/** Starts a server on a free port of the loopback. What it prints on stderr is shown when it ends early. */
export async function startServer(name: ServerName, scenario: Scenario, programs: Programs): Promise<Server> {
  const port = await freePort();
  const { file, args, environment } = commandOf(name, port, scenario, programs);
  // taskset replaces itself by the command: the process is the server's.
  const child = spawn('taskset', ['-c', String(serverCpu), file, ...args], {
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
  const pid = child.pid;
  return { name, port, pid, memory: () => residentBytes(pid), [Symbol.asyncDispose]: () => stop(child) };
}

function outputOf(file: string, args: readonly string[]): string | undefined {
  try {
    return execFileSync(file, [...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return undefined;
  }
}

function packageVersion(path: string): string {
  const parsed: unknown = JSON.parse(readFileSync(path, 'utf8'));
  return typeof parsed === 'object' && parsed !== null && 'version' in parsed ? String(parsed.version) : '?';
}

/** What is measured in which version; undefined where it is not on this machine. */
export function versionOf(name: ServerName): string | undefined {
  switch (name) {
    case 'limit':
      return outputOf('cc', ['-dumpfullversion'])?.replace(/^/, 'cc ');
    case 'funcoap':
      return packageVersion(join(root, 'package.json'));
    case 'npm-coap':
      return packageVersion(join(root, 'node_modules/coap/package.json'));
    case 'libcoap':
      return outputOf('dpkg-query', ['-W', '-f', '${Version}', 'libcoap3-bin']);
  }
}
