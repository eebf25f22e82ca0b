/**
 * One Python process as the worker pool sees it (worker-port.ts).
 *
 * A plain function holds the process until it is over, a coroutine gives it back. A call with side effects is sent when nothing
 * is ahead of it, so what was sent has begun, and nothing else is lost with the process. Safe calls are sent ahead, as long as
 * those before were quick: they may be begun by a process that is ended, and run once more by the next.
 *
 * Left out: memory is limited by the process itself (host/funcoap_host/limits.py).
 */
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { dirname } from 'node:path';
import type { Milliseconds } from '../../../core/duration.ts';
import { FuncoapError } from '../../../core/error.ts';
import { libraryTitle } from '../../library-title.ts';
import { slotState, type CallFailure, type FromWorker, type RunMessage } from '../node/messages.ts';
import { describeModule } from './describe-module.ts';
import { abortFrame, FrameAssembler, readFrame, runFrame, startFrame, type FromPython } from './frames.ts';
import { spawnPython, startFailure, type PythonOptions, type SpawnedPython } from './spawn-python.ts';
import type { StartWorkerOptions, WorkerListener, WorkerLoss, WorkerPort } from '../../worker-port.ts';

const mebibyte = 1_048_576;
/** Safe calls that are on their way to a process that is quick, and how soon a quick one answers. No RFC's numbers. */
const maxAhead = 32;
const quickMs = 2;
/** How long a process that has nothing to do may take to end by itself. No RFC's number. */
const leaveMs = 250;
export function startPython(options: PythonOptions, start: StartWorkerOptions, listener: WorkerListener): WorkerPort {
  const spawned = spawnPython(options);
  if (!('child' in spawned)) return notStarted(options, start, listener, spawned.refusal);
  const child = new PythonProcess(options, spawned, start, listener);
  return {
    claims: child.claims,
    post: (message) => {
      if (message.kind === 'run') child.run(message);
      else child.abort(message.id);
    },
    checkMemory: () => undefined,
    starvedIn: (span) => child.starvedIn(span),
    terminate: () => child.end(),
  };
}

function notStarted(
  options: PythonOptions,
  { slots }: StartWorkerOptions,
  listener: WorkerListener,
  refusal: Promise<Error>,
): WorkerPort {
  void refusal.then((error) => listener.received([startFailure(options, error)]));
  return {
    claims: new Int32Array(new SharedArrayBuffer(slots * Int32Array.BYTES_PER_ELEMENT)),
    post: () => undefined,
    checkMemory: () => undefined,
    starvedIn: () => false,
    terminate: () => Promise.resolve(),
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
  /** Calls that were sent and have no result, with their slots. */
  readonly #sent = new Map<number, number>();
  /** Those of them that have not given the process back, in order: the first one computes. */
  #line: number[] = [];
  /** When the first one began, as far as known. */
  #beganAt = 0;
  #window = 1;
  #corked = false;
  /** None of those in line has side effects. */
  #onlySafe = true;
  #batch: FromWorker[] = [];
  #telling = false;
  #ended = false;

  constructor(
    options: PythonOptions,
    { child, socket }: SpawnedPython,
    { describe, slots }: StartWorkerOptions,
    listener: WorkerListener,
  ) {
    this.claims = new Int32Array(new SharedArrayBuffer(slots * Int32Array.BYTES_PER_ELEMENT));
    this.#options = options;
    this.#listener = listener;
    this.#child = child;
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
        if (!this.#ended) listener.received([startFailure(options, error)]);
        resolve();
      });
    });
    socket.on('data', (chunk: Uint8Array) => this.#hear(chunk));
    // Its end is told by 'exit'.
    socket.on('error', () => undefined);
    const { library, entry, dataFolder } = options;
    const memory = options.maxHeapMebibytes * mebibyte;
    socket.write(startFrame({ library, entry, dataFolder, describe, memory, gateway: process.pid }));
  }

  run(message: RunMessage): void {
    this.#waiting.push(message);
    this.#give();
  }

  abort(id: number): void {
    const slot = this.#sent.get(id);
    if (slot !== undefined && Atomics.load(this.claims, slot) === slotState.ahead) {
      // It waits for another: the process has nothing to do with it yet, and its result will be nobody's.
      this.#sent.delete(id);
      Atomics.store(this.claims, slot, slotState.free);
      this.#tell({ kind: 'failed', id, failure: givenUp });
      return;
    }
    this.#write(abortFrame(id));
  }

  /** Runnable, and without the processor time to show for it. Only Linux says. */
  starvedIn(span: Milliseconds): boolean {
    try {
      const [state, ...fields] = readFileSync(`/proc/${this.#child.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
      // proc(5): user and system time, in hundredths of a second.
      return state === 'R' && (Number(fields[10]) + Number(fields[11])) * 10 < span / 2;
    } catch {
      return false;
    }
  }

  /** At once where it computes; otherwise it is told, so that it can tidy up. */
  async end(): Promise<void> {
    this.#ended = true;
    this.#socket.end();
    const timer = setTimeout(() => this.#kill(), this.#line.length === 0 ? leaveMs : 0);
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

  /** Gives the process the next calls, as many as may be on their way. */
  #give(): void {
    for (;;) {
      const [next] = this.#waiting;
      if (next === undefined) return;
      const { length } = this.#line;
      if (length > 0 && (next.safe !== true || !this.#onlySafe || length >= this.#window)) return;
      this.#waiting.shift();
      const { id, slot } = next;
      const state = length === 0 ? slotState.taken : slotState.ahead;
      if (Atomics.compareExchange(this.claims, slot, slotState.offered, state) !== slotState.offered) {
        Atomics.store(this.claims, slot, slotState.free);
        this.#tell({ kind: 'heard', id });
        continue;
      }
      this.#sent.set(id, slot);
      this.#line.push(id);
      this.#onlySafe = next.safe === true;
      if (length === 0) this.#beganAt = performance.now();
      this.#write(runFrame(next));
    }
  }

  /** The function has returned, or a coroutine waits: the next one in line computes. */
  #advance(id: number): void {
    const at = this.#line.indexOf(id);
    if (at < 0) return;
    this.#line.splice(at, 1);
    if (at > 0) return;
    const now = performance.now();
    this.#window = now - this.#beganAt < quickMs ? maxAhead : 1;
    this.#beganAt = now;
    const slot = this.#sent.get(this.#line[0] ?? -1);
    if (slot !== undefined) Atomics.compareExchange(this.claims, slot, slotState.ahead, slotState.taken);
  }

  /** All that is written in a turn leaves at once. */
  #write(frame: Uint8Array): void {
    if (!this.#corked) {
      this.#corked = true;
      this.#socket.cork();
      process.nextTick(() => {
        this.#corked = false;
        this.#socket.uncork();
      });
    }
    this.#socket.write(frame);
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
        const slot = this.#sent.get(message.id);
        this.#advance(message.id);
        if (slot === undefined) return;
        this.#sent.delete(message.id);
        Atomics.store(this.claims, slot, slotState.free);
        break;
      }
      case 'yielded':
        this.#advance(message.id);
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

  #lose(loss: WorkerLoss): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#listener.lost(loss);
  }
}

/** The pool has told its caller already. */
const givenUp: CallFailure = {
  problem: 'function-failed',
  message: 'The call was given up before it began.',
  parameter: undefined,
  thrown: undefined,
};

const lossOf = (code: number | null, signal: NodeJS.Signals | null): WorkerLoss => ({
  kind: 'process',
  how: signal === null ? `with exit code ${code ?? 0}` : `by ${signal}`,
});

const wordsOf = (error: unknown): { name: string; message: string; stack: string | undefined } =>
  error instanceof Error
    ? { name: error.name, message: error.message, stack: error.stack }
    : { name: 'Thrown', message: String(error), stack: undefined };
