/** The thread that writes the journal: the system may let a write wait, and that must not hold up the gateway. Started by journal-writer.ts. */
import { fsyncSync, writeSync } from 'node:fs';
// A thread of its own has no driver.
import { setInterval } from 'node:timers';
import { parentPort } from 'node:worker_threads';
import { InternalError } from '../../core/error.ts';
import type { FromWriter, JournalWrite, ToWriter } from './journal-messages.ts';
import { MarkFile } from './mark-file.ts';
import { MarkMemory, type SharedMarks } from './mark-memory.ts';

if (parentPort === null) throw new InternalError('not-a-worker', 'journal-thread.ts runs in a worker thread only.');
const port = parentPort;

/** With what it takes to write, marks are on their way within 10 ms. */
const lookEveryMs = 5;
/** Then there is nothing to do any more. */
const looksInVain = 20;

let file: MarkFile | undefined;
let watching: NodeJS.Timeout | undefined;
let inVain = 0;

const tell = (message: FromWriter): void => port.postMessage(message);

function fileOf(marks: SharedMarks): MarkFile {
  if (file?.memory.shared.id !== marks.id) file = new MarkFile(new MarkMemory(marks));
  return file;
}

function look(): void {
  if (file === undefined) return;
  try {
    inVain = file.write() ? 0 : inVain + 1;
    if (inVain < looksInVain) return;
    Atomics.store(file.memory.asleep, 0, 1);
    // What came just before that was noted by somebody who saw it awake.
    if (file.write()) Atomics.store(file.memory.asleep, 0, 0);
    else stop();
  } catch (error) {
    // It is told once, and then asked to write again.
    stop();
    tell({ kind: 'failed', failure: reasonOf(error) });
  }
}

function stop(): void {
  clearInterval(watching);
  watching = undefined;
}

function watch(marks: SharedMarks): void {
  Atomics.store(fileOf(marks).memory.asleep, 0, 0);
  inVain = 0;
  watching ??= setInterval(look, lookEveryMs);
  look();
}

function write({ file, position, bytes }: JournalWrite): void {
  for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at, bytes.length - at, position + at);
}

function act(message: Exclude<ToWriter, { kind: 'watch' }>): string | undefined {
  try {
    if (message.kind === 'flush') for (const file of message.files) fsyncSync(file);
    else {
      for (const one of message.writes) write(one);
      fileOf(message.marks).write();
    }
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

port.on('message', (message: ToWriter) => {
  if (message.kind === 'watch') watch(message.marks);
  else tell({ kind: 'done', failure: act(message) });
});
