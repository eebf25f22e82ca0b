/**
 * Records one behind the other in chunks of memory, for what is kept by the thousand: as objects they would be a collector's
 * work. A record is never changed, and a chunk never written twice, so a view of one stays as it is.
 *
 *   a record   row of who owns it, 4 bytes · length of the whole, 4 bytes · what it holds, to a multiple of 8 bytes
 *   position   number of the chunk << 13 | place in it, in units of 8 bytes
 */
const chunkBytes = 65_536;
const placeBits = 13;
const headBytes = 8;

/** What a record of so many bytes takes. */
export const recordBytes = (length: number): number => (headBytes + length + 7) & ~7;

/** Longer ones are not taken. No RFC's number. */
export const longestRecord = 4096;

class Chunk {
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  used = 0;

  constructor() {
    const buffer = new ArrayBuffer(chunkBytes);
    this.bytes = new Uint8Array(buffer);
    this.words = new Int32Array(buffer);
  }
}

export class RecordLog {
  /** By number; those that went leave their number to others. */
  readonly #chunks: (Chunk | undefined)[] = [];
  readonly #freeNumbers: number[] = [];
  /** Numbers, the oldest first. */
  readonly #order: number[] = [];
  #newest: Chunk | undefined = undefined;
  #newestNumber = 0;
  /** How much of the oldest chunk has gone. */
  #gone = 0;

  get bytes(): number {
    return this.#order.length * chunkBytes;
  }

  /** Makes a record, of zeros, and returns its position. What it is to hold is written to `bytesAt`. */
  append(row: number, length: number): number {
    const whole = recordBytes(length);
    let chunk = this.#newest;
    if (chunk === undefined || chunk.used + whole > chunkBytes) chunk = this.#begin();
    const at = chunk.used;
    chunk.words[at >> 2] = row;
    chunk.words[(at >> 2) + 1] = whole;
    chunk.used += whole;
    return (this.#newestNumber << placeBits) | (at >> 3);
  }

  /** The chunk of a record; what the record holds begins at `startOf` its position. */
  bytesAt(position: number): Uint8Array {
    return this.#chunk(position).bytes;
  }

  rowAt(position: number): number {
    return this.#chunk(position).words[placeOf(position) >> 2] ?? 0;
  }

  /** The position of the oldest record; undefined where there is none. */
  oldest(): number | undefined {
    for (;;) {
      const [number] = this.#order;
      const chunk = number === undefined ? undefined : this.#chunks[number];
      if (number === undefined || chunk === undefined) return undefined;
      if (this.#gone < chunk.used) return (number << placeBits) | (this.#gone >> 3);
      if (chunk === this.#newest) return undefined;
      this.#release(number);
    }
  }

  /** Lets go of the oldest record, which is there. */
  drop(): void {
    const words = this.#chunks[this.#order[0] ?? 0]?.words;
    this.#gone += words?.[(this.#gone >> 2) + 1] ?? 0;
  }

  clear(): void {
    this.#newest = undefined;
    while (this.#order.length > 0) this.#release(this.#order[0] ?? 0);
  }

  #begin(): Chunk {
    const number = this.#freeNumbers.pop() ?? this.#chunks.length;
    const chunk = new Chunk();
    this.#chunks[number] = chunk;
    this.#order.push(number);
    this.#newest = chunk;
    this.#newestNumber = number;
    return chunk;
  }

  #release(number: number): void {
    this.#order.shift();
    this.#chunks[number] = undefined;
    this.#freeNumbers.push(number);
    this.#gone = 0;
  }

  #chunk(position: number): Chunk {
    return this.#chunks[position >>> placeBits] ?? noChunk;
  }
}

const noChunk = new Chunk();

const placeOf = (position: number): number => (position & ((1 << placeBits) - 1)) << 3;

/** Where in its chunk begins what a record holds. */
export const startOf = (position: number): number => placeOf(position) + headBytes;
