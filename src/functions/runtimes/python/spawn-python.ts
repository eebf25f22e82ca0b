/** Asks the system for a Python process with a socket to it, and says why there is none. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { FromWorker } from '../node/messages.ts';
import type { PythonManifest } from './manifest.ts';
import { readBounded } from './printed.ts';

export interface PythonOptions {
  readonly library: string;
  readonly folder: string;
  readonly entry: string;
  readonly dataFolder: string;
  /** The command, where the library has no `.venv`. */
  readonly python: string;
  readonly maxHeapMebibytes: number;
  readonly manifest: PythonManifest;
  readonly printed: (stream: 'stdout' | 'stderr', text: string) => void;
}

const script = fileURLToPath(new URL('host/start.py', import.meta.url));

/** The interpreter of the library's own virtual environment, where it has one. */
function interpreterOf({ folder, python }: PythonOptions): string {
  const own = join(folder, '.venv', 'bin', 'python3');
  return existsSync(own) ? own : python;
}

export interface SpawnedPython {
  readonly child: ChildProcess;
  readonly socket: Socket;
}

const errorOf = (child: ChildProcess): Promise<Error> =>
  new Promise((resolve) => {
    child.once('error', resolve);
  });

/** Node throws, or gives a process without streams, where the system refuses one: there are too many open files, say. */
export function spawnPython(options: PythonOptions): SpawnedPython | { readonly refusal: Promise<Error> } {
  const { folder, dataFolder, printed } = options;
  try {
    const child = spawn(interpreterOf(options), ['-B', script], {
      cwd: existsSync(dataFolder) ? dataFolder : folder,
      // A group of its own: what the library starts ends with it, and Ctrl-C in a terminal is the gateway's.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    });
    const { stdout, stderr, stdio }: Partial<ChildProcess> = child;
    const socket = stdio?.[3];
    if (!(socket instanceof Socket) || !(stdout instanceof Readable) || !(stderr instanceof Readable))
      return { refusal: errorOf(child) };
    readBounded(stdout, (text) => printed('stdout', text));
    readBounded(stderr, (text) => printed('stderr', text));
    return { child, socket };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { refusal: Promise.resolve(error) };
  }
}

/** It has not begun, and never will. */
export function startFailure(options: PythonOptions, error: Error): FromWorker {
  const command = interpreterOf(options);
  const missing = 'code' in error && error.code === 'ENOENT';
  const message = missing
    ? `it is written in Python, and there is no ${command === options.python ? command : '.venv/bin/python3'} on this machine; install Python 3.9 or newer and save the file.`
    : `Python cannot be started: ${error.message}.`;
  return { kind: 'load-failed', failure: { message } };
}
