/** Writes to files on a thread of its own, one batch after the other: the gateway's thread pays for a message, not for the disk. */
import { Worker } from 'node:worker_threads';
import { InternalError, UsageError } from '../../core/error.ts';
import type { FromWriter, JournalWrite, ToWriter } from './journal-messages.ts';
import type { SharedMarks } from './mark-memory.ts';

const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
const threadUrl = new URL(`./journal-thread${extension}`, import.meta.url);

export class JournalWriter {
  #thread: Worker | undefined;
  #settle: ((failure: string | undefined) => void) | undefined;
  /** Marks that were watched could not be written; set by whoever uses it. */
  onFailure: (failure: UsageError) => void = () => undefined;

  /** Takes a tenth of a second: who asks for it first need not wait. */
  start(): void {
    this.#started();
  }

  /** All of it, in this order, and new marks. @throws UsageError 'store-failed' where the system refuses, with its reason. */
  write(writes: readonly JournalWrite[], marks: SharedMarks): Promise<void> {
    return this.#ask({ kind: 'write', writes, marks });
  }

  /** What was written is on the disk. @throws UsageError 'store-failed' */
  flush(files: readonly number[]): Promise<void> {
    return this.#ask({ kind: 'flush', files });
  }

  /** New marks are written within 10 ms, as long as there are any. */
  watch(marks: SharedMarks): void {
    this.#started().postMessage({ kind: 'watch', marks } satisfies ToWriter);
  }

  async close(): Promise<void> {
    await this.#thread?.terminate();
  }

  #ask(message: ToWriter): Promise<void> {
    if (this.#settle !== undefined) throw new InternalError('journal-busy', 'The journal is being written already.');
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#settle = (failure) => {
      this.#settle = undefined;
      if (failure === undefined) resolve();
      else reject(new UsageError('store-failed', failure));
    };
    this.#started().postMessage(message);
    return promise;
  }

  #started(): Worker {
    this.#thread ??= this.#start();
    return this.#thread;
  }

  #start(): Worker {
    const thread = new Worker(threadUrl, { name: 'funcoap journal', execArgv: [], argv: [] });
    thread.unref();
    thread.on('message', (message: FromWriter) => {
      if (message.kind === 'done') this.#settle?.(message.failure);
      else this.onFailure(new UsageError('store-failed', message.failure));
    });
    // Followed by 'exit'.
    thread.on('error', () => undefined);
    thread.on('exit', () => {
      if (this.#thread !== thread) return;
      this.#thread = undefined;
      if (this.#settle === undefined) this.onFailure(new UsageError('store-failed', stopped));
      else this.#settle(stopped);
    });
    return thread;
  }
}

const stopped = 'the thread that writes has stopped';
