/**
 * Large bodies, decoded, bound and made a key of on a thread of their own, so that none holds up the gateway's. One thread
 * serves all: it runs no library's code, and nothing in it takes longer than the limits of a body allow. It starts
 * with the first large body, and again with the next one after it was lost.
 *
 * Left out: bodies for inline functions, whose arguments are needed in the gateway's thread.
 */
import { Worker } from 'node:worker_threads';
import { seconds } from '../core/duration.ts';
import { CallError } from '../functions/call-error.ts';
import type { FunctionDescription } from '../functions/description.ts';
import { PackedArguments } from '../functions/packed-arguments.ts';
import type { BodyRead, BodyThreadStart, BodyToRead } from './body-messages.ts';
import { stopping } from './stopping.ts';

/**
 * Shorter bodies are read where they are: the way to the thread and back costs as much (npm run bench -- --micro).
 * No RFC's number.
 */
export const largeBodyBytes = 2048;

/** Bodies that wait for the thread, which peers could pile up. */
const maxWaiting = 256;
const maxWaitingBytes: number = 32 * 1024 * 1024;
const comeBack = seconds(1);

export interface ReadBody {
  readonly args: PackedArguments;
  /** The arguments' part of the cache's key. */
  readonly part: string | undefined;
}

interface Waiting {
  readonly bytes: number;
  readonly resolve: (read: ReadBody) => void;
  readonly reject: (error: CallError) => void;
}

const noClasses: NonNullable<FunctionDescription['classes']> = new Map();

/** The thread has to know that there are classes, and not which. */
const withoutOthers = (fn: FunctionDescription): FunctionDescription =>
  fn.classes === undefined ? fn : { ...fn, classes: noClasses, members: undefined };

const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
const workerUrl = new URL(`./body-worker${extension}`, import.meta.url);

export class BodyThread {
  readonly #start: BodyThreadStart;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #waitingBytes = 0;
  #next = 0;
  #closed = false;

  constructor(start: BodyThreadStart) {
    this.#start = start;
  }

  /** Rejects with a `CallError`: what is wrong with the body, or `overloaded`, `not-ready`. The bytes are copied at once. */
  read(fn: FunctionDescription, body: Uint8Array, format: number): Promise<ReadBody> {
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(stopping());
        return;
      }
      if (this.#waiting.size >= maxWaiting || this.#waitingBytes + body.length > maxWaitingBytes) {
        reject(
          new CallError('overloaded', 'Too many large bodies are waiting; come back later.', { retryAfter: comeBack }),
        );
        return;
      }
      const id = this.#next++;
      const message: BodyToRead = { id, fn: withoutOthers(fn), format, body: new Uint8Array(body) };
      this.#waiting.set(id, { bytes: body.length, resolve, reject });
      this.#waitingBytes += body.length;
      this.#worker ??= this.#startWorker();
      this.#worker.postMessage(message, [message.body.buffer as ArrayBuffer]);
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#refuseAll(stopping);
    await this.#worker?.terminate();
  }

  #startWorker(): Worker {
    const worker = new Worker(workerUrl, { workerData: this.#start, name: 'funcoap bodies', execArgv: [], argv: [] });
    // Nobody's work is lost with it when all else has ended.
    worker.unref();
    worker.on('message', (answer: BodyRead) => this.#settle(answer));
    // Followed by 'exit'.
    worker.on('error', () => undefined);
    worker.on('exit', () => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      this.#refuseAll(threadStopped);
    });
    return worker;
  }

  #settle(answer: BodyRead): void {
    const waiting = this.#waiting.get(answer.id);
    if (waiting === undefined) return;
    this.#waiting.delete(answer.id);
    this.#waitingBytes -= waiting.bytes;
    if ('problem' in answer) waiting.reject(new CallError(answer.problem, answer.message, answer.details));
    else waiting.resolve({ args: new PackedArguments(answer.args), part: answer.part });
  }

  #refuseAll(why: () => CallError): void {
    const all = [...this.#waiting.values()];
    this.#waiting.clear();
    this.#waitingBytes = 0;
    for (const { reject } of all) reject(why());
  }
}

const threadStopped = (): CallError =>
  new CallError('not-ready', 'The thread that reads large bodies stopped; call again.', { retryAfter: comeBack });
