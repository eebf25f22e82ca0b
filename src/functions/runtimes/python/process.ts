/**
 * One Python process as the worker pool sees it (worker-port.ts).
 *
 * A plain function holds the process until it is over, so the process is given the next call only then: what it was given has
 * begun, what it was not can still go elsewhere, and nothing is lost with it that had not begun. A coroutine gives it back.
 *
 * Left out: memory is limited by the process itself (host/funcoap_host/limits.py).
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { FuncoapError, InternalError } from '../../../core/error.ts';
import { libraryTitle } from '../../library-title.ts';
import { slotState, type FromWorker, type RunMessage } from '../node/messages.ts';
import { describeModule } from './describe-module.ts';
import { abortFrame, FrameAssembler, readFrame, runFrame, startFrame, type FromPython } from './frames.ts';
import type { PythonManifest } from './manifest.ts';
import { readBounded } from './printed.ts';
import type { StartWorkerOptions, WorkerListener, WorkerLoss, WorkerPort } from '../../worker-port.ts';

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

const mebibyte = 1_048_576;
/** How long a process that has nothing to do may take to end by itself. No RFC's number. */
const leaveMs = 250;
const script = fileURLToPath(new URL('host/start.py', import.meta.url));

/** The interpreter of the library's own virtual environment, where it has one. */
function interpreterOf({ folder, python }: PythonOptions): string {
  const own = join(folder, '.venv', 'bin', 'python3');
  return existsSync(own) ? own : python;
}

export function startPython(options: PythonOptions, start: StartWorkerOptions, listener: WorkerListener): WorkerPort {
  const child = new PythonProcess(options, start, listener);
  return {
    claims: child.claims,
    post: (message) => {
      if (message.kind === 'run') child.run(message);
      else child.abort(message.id);
    },
    checkMemory: () => undefined,
    terminate: () => child.end(),
  };
}

class PythonProcess {
  readonly claims: Int32Array;
  readonly #options: PythonOptions;
  readonly #listener: WorkerListener;
  readonly #child: ChildProcess;
  readonly #socket: Socket;
  readonly #frames = new FrameAssembler();
  readonly #gone: Promise<void>;
  /** Calls that wait for the process, in order. */
  #waiting: RunMessage[] = [];
  /** Calls that it has begun, with their slots. */
  readonly #begun = new Map<number, number>();
  /** The one that computes. */
  #computing: number | undefined;
  #batch: FromWorker[] = [];
  #telling = false;
  #ended = false;

  constructor(options: PythonOptions, { describe, slots }: StartWorkerOptions, listener: WorkerListener) {
    this.claims = new Int32Array(new SharedArrayBuffer(slots * Int32Array.BYTES_PER_ELEMENT));
    this.#options = options;
    this.#listener = listener;
    const { folder, entry, dataFolder, library, printed } = options;
    this.#child = spawn(interpreterOf(options), ['-B', script], {
      cwd: existsSync(dataFolder) ? dataFolder : folder,
      // A group of its own: what the library starts ends with it, and Ctrl-C in a terminal is the gateway's.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    });
    const { stdout, stderr, stdio } = this.#child;
    const [, , , socket] = stdio;
    if (!(socket instanceof Socket) || !(stdout instanceof Readable) || !(stderr instanceof Readable))
      throw new InternalError('no-python-socket', 'A Python process was started without a socket to it.');
    this.#socket = socket;
    this.#gone = new Promise((resolve) => {
      this.#child.once('exit', (code, signal) => {
        resolve();
        // What it said before it ended counts, and may still lie in the socket; a copy of it may hold that open.
        const lost = (): void => this.#lose(lossOf(code, signal));
        if (socket.closed) lost();
        else {
          socket.once('close', lost);
          setTimeout(lost, leaveMs).unref();
        }
      });
      this.#child.once('error', (error) => {
        this.#fail(this.#cannotStart(error));
        resolve();
      });
    });
    readBounded(stdout, (text) => printed('stdout', text));
    readBounded(stderr, (text) => printed('stderr', text));
    socket.on('data', (chunk: Uint8Array) => this.#hear(chunk));
    // Its end is told by 'exit'.
    socket.on('error', () => undefined);
    const memory = options.maxHeapMebibytes * mebibyte;
    socket.write(startFrame({ library, entry, dataFolder, describe, memory, gateway: process.pid }));
  }

  run(message: RunMessage): void {
    this.#waiting.push(message);
    this.#give();
  }

  abort(id: number): void {
    this.#socket.write(abortFrame(id));
  }

  /** At once where it computes; otherwise it is told, so that it can tidy up. */
  async end(): Promise<void> {
    this.#ended = true;
    this.#socket.end();
    const timer = setTimeout(() => this.#kill(), this.#computing === undefined ? leaveMs : 0);
    await this.#gone;
    clearTimeout(timer);
    // What the library has started is of its group.
    this.#kill();
  }

  #kill(): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // Nothing of it is left.
    }
  }

  /** Gives the process the next call, unless it computes. */
  #give(): void {
    while (this.#computing === undefined) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      const { id, slot } = next;
      if (Atomics.compareExchange(this.claims, slot, slotState.offered, slotState.taken) !== slotState.offered) {
        Atomics.store(this.claims, slot, slotState.free);
        this.#tell({ kind: 'heard', id });
        continue;
      }
      this.#begun.set(id, slot);
      this.#computing = id;
      this.#socket.write(runFrame(next));
    }
  }

  #hear(chunk: Uint8Array): void {
    if (this.#ended) return;
    try {
      for (const frame of this.#frames.add(chunk)) this.#take(readFrame(frame));
      this.#give();
      this.#handOn();
    } catch (error) {
      // What a library can make its process say ends that process, not the gateway.
      this.#lose({ kind: 'crashed', ...wordsOf(error) });
    }
  }

  #take(message: FromPython): void {
    switch (message.kind) {
      case 'loaded':
        this.#batch.push(this.#loaded(message.described));
        return;
      case 'done':
      case 'failed': {
        const slot = this.#begun.get(message.id);
        if (slot === undefined) return;
        this.#begun.delete(message.id);
        Atomics.store(this.claims, slot, slotState.free);
        if (this.#computing === message.id) this.#computing = undefined;
        break;
      }
      case 'yielded':
        if (this.#computing === message.id) this.#computing = undefined;
        break;
      case 'load-failed':
      case 'heard':
      case 'invalidate':
    }
    this.#batch.push(message);
  }

  #loaded(described: Parameters<typeof describeModule>[1]): FromWorker {
    if (described === null) return { kind: 'loaded', title: undefined, exports: undefined };
    const { entry, manifest } = this.#options;
    try {
      const exports = describeModule(entry, described, manifest);
      return { kind: 'loaded', title: libraryTitle(dirname(entry)), exports };
    } catch (error) {
      if (!(error instanceof FuncoapError)) throw error;
      return { kind: 'load-failed', failure: { message: error.message } };
    }
  }

  /** Later in this turn: whoever posts is not told in the middle of it. */
  #tell(message: FromWorker): void {
    this.#batch.push(message);
    if (this.#telling) return;
    this.#telling = true;
    setImmediate(() => {
      this.#telling = false;
      this.#handOn();
    });
  }

  #handOn(): void {
    const heard = this.#batch;
    this.#batch = [];
    if (heard.length > 0 && !this.#ended) this.#listener.received(heard);
  }

  /** It has not begun, and never will. */
  #fail(message: string): void {
    if (this.#ended) return;
    this.#listener.received([{ kind: 'load-failed', failure: { message } }]);
  }

  #lose(loss: WorkerLoss): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#listener.lost(loss);
  }

  #cannotStart(error: Error): string {
    const command = interpreterOf(this.#options);
    const missing = 'code' in error && error.code === 'ENOENT';
    return missing
      ? `it is written in Python, and there is no ${command === this.#options.python ? command : '.venv/bin/python3'} on this machine; install Python 3.9 or newer and save the file.`
      : `Python cannot be started: ${error.message}.`;
  }
}

const lossOf = (code: number | null, signal: NodeJS.Signals | null): WorkerLoss => ({
  kind: 'process',
  how: signal === null ? `with exit code ${code ?? 0}` : `by ${signal}`,
});

const wordsOf = (error: unknown): { name: string; message: string; stack: string | undefined } =>
  error instanceof Error
    ? { name: error.name, message: error.message, stack: error.stack }
    : { name: 'Thrown', message: String(error), stack: undefined };
