/** Reads what a process prints, and no faster than somebody could ever want to: a library that prints without end waits, and the gateway does not. */
import { StringDecoder } from 'node:string_decoder';
import type { Readable } from 'node:stream';

const windowMs = 1000;
/** Read and mostly left out of the log (library-output.ts), in a second. No RFC's number. */
const maxBytesPerWindow = 8_388_608;

export function readBounded(stream: Readable, printed: (text: string) => void): void {
  const decoder = new StringDecoder('utf8');
  let left = maxBytesPerWindow;
  let timer: NodeJS.Timeout | undefined;
  const renew = (): void => {
    timer = undefined;
    left = maxBytesPerWindow;
    stream.resume();
  };
  stream.on('data', (chunk: Buffer) => {
    // From the first byte on: who prints nothing needs no timer.
    timer ??= setTimeout(renew, windowMs).unref();
    left -= chunk.length;
    if (left <= 0) stream.pause();
    printed(decoder.write(chunk));
  });
  stream.on('close', () => clearTimeout(timer));
  // A broken pipe of a process that is gone.
  stream.on('error', () => undefined);
}
