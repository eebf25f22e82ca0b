/**
 * Writes lines to a file descriptor without waiting for it. The lines of a millisecond
 * go out in one system call; a reader that does not keep up costs lines, which are counted, never memory.
 */
import { write, writeSync } from 'node:fs';
import { milliseconds } from '../core/duration.ts';
import { systemScheduler } from '../transport/scheduler.ts';

/** What may wait for a slow reader: about ten thousand lines. No RFC gives this number. */
const maxWaitingLength = 4 * 1024 * 1024;
/** How long a full pipe is left alone. */
const retryAfter = milliseconds(10);
/** How long lines are gathered. */
const gatherFor = milliseconds(1);

export interface LineWriter {
  /** Text that ends with a line end. */
  readonly write: (text: string) => void;
  /** Texts that a slow or vanished reader has cost so far. */
  readonly lost: () => number;
  /** Waits until what was written before is out. */
  readonly flush: () => Promise<void>;
  /** Waits until all is written. */
  readonly close: () => Promise<void>;
}

export function openLineWriter(fileDescriptor: number): LineWriter {
  let waiting = '';
  let waitingCount = 0;
  let isWriting = false;
  let lost = 0;
  const onIdle: (() => void)[] = [];

  function next(): void {
    if (isWriting) return;
    if (waiting === '') {
      for (const resolve of onIdle.splice(0)) resolve();
      return;
    }
    isWriting = true;
    const bytes = Buffer.from(waiting);
    const count = waitingCount;
    waiting = '';
    waitingCount = 0;
    writeAll(bytes, count);
  }

  function writeAll(bytes: Buffer, count: number): void {
    write(fileDescriptor, bytes, (error, written) => {
      if (error?.code === 'EAGAIN') {
        systemScheduler.after(retryAfter, () => {
          writeAll(bytes, count);
        });
        return;
      }
      if (error === null && written < bytes.length) {
        writeAll(bytes.subarray(written), count);
        return;
      }
      // A reader that went away (EPIPE) must not take the gateway down; there is nowhere left to say so.
      if (error !== null) lost += count;
      isWriting = false;
      next();
    });
  }

  /** A process that ends by an exception still says why. What is being written already gets written. */
  function atExit(): void {
    try {
      if (waiting !== '') writeSync(fileDescriptor, waiting);
    } catch {
      // Its reader is gone.
    }
  }
  process.once('exit', atExit);

  async function flush(): Promise<void> {
    if (!isWriting && waiting === '') return;
    await new Promise<void>((resolve) => {
      onIdle.push(resolve);
    });
  }

  return {
    write(text) {
      if (waiting.length + text.length > maxWaitingLength) {
        lost++;
        return;
      }
      if (waiting === '' && !isWriting) systemScheduler.after(gatherFor, next);
      waiting += text;
      waitingCount++;
    },
    lost: () => lost,
    flush,
    async close() {
      await flush();
      process.off('exit', atExit);
    },
  };
}
