/**
 * Replies one behind the other in chunks of memory, the oldest chunk out when there are too many: what deduplication
 * keeps for safe requests, without an object each. A chunk is never written twice, so what is still on its way to
 * a socket stays as it is.
 */
import type { Instant } from '../../core/duration.ts';

interface Chunk {
  readonly buffer: ArrayBuffer;
  used: number;
  /** When the last of its replies is of no use any more. */
  expires: Instant;
}

export class ReplyLog {
  readonly #chunkBytes: number;
  readonly #maxChunks: number;
  readonly #chunks: Chunk[] = [];
  /** Chunks that have gone. */
  #gone = 0;
  /** Where the reply begins that was written last: counted from the very first, so never used again. */
  position = 0;

  constructor(maxBytes: number) {
    this.#chunkBytes = Math.min(largestChunk, Math.max(smallestChunk, Math.floor(maxBytes / fewestChunks)));
    this.#maxChunks = Math.max(1, Math.floor(maxBytes / this.#chunkBytes));
  }

  get bytes(): number {
    return this.#chunks.length * this.#chunkBytes;
  }

  /** Room for a reply, at `position`; undefined where it is larger than a chunk. */
  append(length: number, expires: Instant): Uint8Array | undefined {
    let chunk = this.#chunks.at(-1);
    if (chunk === undefined || chunk.used + length > this.#chunkBytes) {
      if (length > this.#chunkBytes) return undefined;
      if (this.#chunks.length === this.#maxChunks) this.#drop();
      chunk = { buffer: new ArrayBuffer(this.#chunkBytes), used: 0, expires };
      this.#chunks.push(chunk);
    }
    const at = chunk.used;
    chunk.used += length;
    if (expires > chunk.expires) chunk.expires = expires;
    this.position = (this.#gone + this.#chunks.length - 1) * this.#chunkBytes + at;
    return new Uint8Array(chunk.buffer, at, length);
  }

  /** The reply that was written there, or undefined where it has gone. */
  at(position: number, length: number): Uint8Array | undefined {
    const chunk = this.#chunks[Math.floor(position / this.#chunkBytes) - this.#gone];
    return chunk && new Uint8Array(chunk.buffer, position % this.#chunkBytes, length);
  }

  /** Lets go of chunks that hold nothing of use. */
  expire(now: Instant): void {
    for (let oldest = this.#chunks[0]; oldest !== undefined && oldest.expires <= now; oldest = this.#chunks[0]) {
      this.#drop();
    }
  }

  #drop(): void {
    this.#chunks.shift();
    this.#gone++;
  }
}

/** No RFC's numbers. A chunk takes some microseconds to make, and is let go of as one. */
const largestChunk = 256 << 10;
const smallestChunk = 2048;
const fewestChunks = 4;
