/**
 * A ring of bytes in shared memory through which one thread sends frames to one other, in order.
 *
 *   word 0   head    where the reader is; written by the reader
 *   word 16  tail    where the writer is; written by the writer
 *   word 32  asleep  1 while the reader has seen all there was and waits to be woken
 *   byte 256 data    frames: their length in a 32-bit word, their bytes, room up to the next multiple of 4
 *
 * Head and tail count bytes and wrap at 2^32; what they point to is their remainder by the capacity, a power of two. A frame is never
 * torn in two: where it does not fit before the end, a length of `skip` says that it begins at the start.
 *
 * The other side can write anything at any time: a library can get hold of this memory. So every number is read once
 * and checked, a frame is copied before it is looked into, and what cannot be is a `BrokenRing`.
 * Left out: waking (link.ts) and what a frame says (call-frames.ts).
 */
import { InternalError } from '../../../core/error.ts';

const headWord = 0;
const tailWord = 16;
const asleepWord = 32;
const dataByte = 256;
const skip = -1;
const lengthBytes = 4;

/** Of data; no RFC's number. The calls that a worker is sent ahead fit many times over. */
const defaultCapacity = 65_536;
/** Larger frames go another way: a copy more is not what makes them slow. */
export const maxFrameBytes = 4096;

/** The other side has written what no writer writes. */
export class BrokenRing extends InternalError {
  constructor(why: string) {
    super('broken-ring', `The memory that a worker thread shares with the gateway is damaged: ${why}.`);
  }
}

/** Its reader is asleep: who writes before that has begun wakes it all the same. */
export function createRing(capacity: number = defaultCapacity): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(dataByte + capacity);
  new Int32Array(memory)[asleepWord] = 1;
  return memory;
}

const roomOf = (length: number): number => (lengthBytes + length + 3) & ~3;

export class RingWriter {
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #capacity: number;
  #tail: number;

  /** @param at where the ring is: 0 for a new one */
  constructor(memory: SharedArrayBuffer, at = 0) {
    this.#tail = at;
    this.#words = new Int32Array(memory);
    this.#bytes = new Uint8Array(memory, dataByte);
    this.#capacity = this.#bytes.length;
  }

  /** Puts in the first `length` bytes of `frame`; false, and nothing written, where they do not fit now. */
  write(frame: Uint8Array, length: number): boolean {
    if (length > maxFrameBytes) return false;
    const room = roomOf(length);
    let tail = this.#tail;
    let at = tail & (this.#capacity - 1);
    const before = this.#capacity - at;
    const skipped = room > before ? before : 0;
    const free = this.#capacity - ((tail - Atomics.load(this.#words, headWord)) >>> 0);
    // A reader that lies about its place harms itself only: `free` bounds what is written, not where.
    if (skipped + room > free) return false;
    if (skipped > 0) {
      this.#words[(dataByte + at) >> 2] = skip;
      tail += skipped;
      at = 0;
    }
    this.#words[(dataByte + at) >> 2] = length;
    const start = at + lengthBytes;
    for (let i = 0; i < length; i++) this.#bytes[start + i] = frame[i] ?? 0;
    this.#tail = (tail + room) | 0;
    Atomics.store(this.#words, tailWord, this.#tail);
    return true;
  }

  get readerSleeps(): boolean {
    return Atomics.load(this.#words, asleepWord) === 1;
  }

  /** True once for each time that the reader went to sleep: it has to be woken. */
  takeAsleep(): boolean {
    return Atomics.load(this.#words, asleepWord) === 1 && Atomics.exchange(this.#words, asleepWord, 0) === 1;
  }
}

export class RingReader {
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #capacity: number;
  #head: number;

  /** @param at where the ring is: 0 for a new one */
  constructor(memory: SharedArrayBuffer, at = 0) {
    this.#head = at;
    this.#words = new Int32Array(memory);
    this.#bytes = new Uint8Array(memory, dataByte);
    this.#capacity = this.#bytes.length;
  }

  get empty(): boolean {
    return Atomics.load(this.#words, tailWord) === this.#head;
  }

  /**
   * Copies the next frame into `target`, which holds `maxFrameBytes`, and returns its length; -1 where there is none.
   * @throws BrokenRing
   */
  read(target: Uint8Array): number {
    const filled = (Atomics.load(this.#words, tailWord) - this.#head) >>> 0;
    if (filled === 0) return -1;
    if (filled > this.#capacity) throw new BrokenRing('its end lies outside of it');
    let at = this.#head & (this.#capacity - 1);
    let length = this.#words[(dataByte + at) >> 2] ?? 0;
    let skipped = 0;
    if (length === skip) {
      skipped = this.#capacity - at;
      at = 0;
      length = this.#words[dataByte >> 2] ?? 0;
    }
    if (length < 0 || length > maxFrameBytes || skipped + roomOf(length) > filled)
      throw new BrokenRing('a frame is longer than what was written');
    const start = at + lengthBytes;
    if (start + length > this.#capacity) throw new BrokenRing('a frame goes over its end');
    for (let i = 0; i < length; i++) target[i] = this.#bytes[start + i] ?? 0;
    this.#head = (this.#head + skipped + roomOf(length)) | 0;
    Atomics.store(this.#words, headWord, this.#head);
    return length;
  }

  /** Asks to be woken; false where something came in the meantime. */
  sleep(): boolean {
    Atomics.store(this.#words, asleepWord, 1);
    if (this.empty) return true;
    Atomics.store(this.#words, asleepWord, 0);
    return false;
  }
}
