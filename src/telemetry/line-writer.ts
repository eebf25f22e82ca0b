/**
 * Writes lines to a file descriptor without waiting for it. The lines of one turn of the event loop
 * go out together; a reader that does not keep up costs lines, which are counted, never memory.
 */
import { destination } from 'pino';

/** What may wait for a slow reader: about ten thousand lines. No RFC gives this number. */
const maxWaitingBytes = 4 * 1024 * 1024;
/** What goes out in one system call. */
const maxWriteBytes = 1024 * 1024;
/** Lines are handed on before a turn's worth of them could reach maxWaitingBytes. */
const maxGatheredLength = 256 * 1024;

export interface LineWriter {
  /** Text that ends with a line end. */
  write(text: string): void;
  lost(): number;
  /** Writes what is left, waiting for it. */
  close(): void;
}

const lineCount = (text: string): number => text.split('\n').length - 1;

export function openLineWriter(fileDescriptor: number): LineWriter {
  const out = destination({
    dest: fileDescriptor,
    sync: false,
    maxLength: maxWaitingBytes,
    maxWrite: maxWriteBytes,
  });
  let lost = 0;
  out.on('drop', (text: string) => {
    lost += lineCount(text);
  });
  // A reader that went away (EPIPE) must not take the gateway down; there is nowhere left to say so.
  out.on('error', () => {
    lost++;
  });

  let gathered = '';
  function handOn(): void {
    const text = gathered;
    gathered = '';
    if (text !== '') out.write(text);
  }
  function close(): void {
    process.off('exit', close);
    try {
      handOn();
      out.flushSync();
    } catch {
      // Its reader is gone.
    }
  }
  // A process that ends by an exception still says why.
  process.once('exit', close);

  return {
    write(text) {
      // One hand-over a turn: the destination measures all that waits at every write.
      if (gathered === '') setImmediate(handOn);
      gathered += text;
      if (gathered.length > maxGatheredLength) handOn();
    },
    lost: () => lost,
    close,
  };
}
