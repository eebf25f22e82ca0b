/**
 * Marks and reservations on the disk.
 *
 *     a slot, 16 bytes, native byte order
 *     | mark + 1, low 32 bits | reserved until, low 32 bits | the high 16 bits of both | check |
 *
 * The check is over the rest and the association's id: a mark of whoever had the slot before is none. A slot lies in one page,
 * and so is written as a whole or not at all, whenever the process is killed.
 */
import { writeSync } from 'node:fs';
import type { MarkMemory } from './mark-memory.ts';

const words = 4;
const slotBytes = 4 * words;
const pageBytes = 4096;

export interface Marks {
  readonly receiveMark: number;
  readonly sendSequence: number;
}

/** Writes what is new, page by page. */
export class MarkFile {
  readonly #memory: MarkMemory;
  readonly #image: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #pages = new Set<number>();

  constructor(memory: MarkMemory) {
    const pages = Math.ceil((memory.shared.slots * slotBytes) / pageBytes);
    this.#memory = memory;
    this.#image = new Int32Array((pages * pageBytes) / 4);
    this.#bytes = new Uint8Array(this.#image.buffer);
    // What was written before stands in the same pages; and what a thread has taken that ended before it wrote, nobody else tells.
    for (let slot = 0; slot < memory.shared.slots; slot++) if (memory.owners[slot] !== 0) this.#put(slot);
  }

  get memory(): MarkMemory {
    return this.#memory;
  }

  /** True where anything was new. Throws what the system says; what was new is written the next time then. */
  write(): boolean {
    for (const slot of this.#memory.takeNew()) this.#put(slot);
    const any = this.#pages.size > 0;
    for (const page of this.#pages) {
      const at = page * pageBytes;
      for (let done = 0; done < pageBytes;) {
        done += writeSync(this.#memory.shared.file, this.#bytes, at + done, pageBytes - done, at + done);
      }
      this.#pages.delete(page);
    }
    return any;
  }

  /** Into the page, which is to be written. */
  #put(slot: number): void {
    this.#pages.add(Math.floor((slot * slotBytes) / pageBytes));
    const { owners, received, reserved } = this.#memory;
    const [mark, until] = [(received[slot] ?? 0) + 1, reserved[slot] ?? 0];
    const at = slot * words;
    const high = highOf(mark) | (highOf(until) << 16);
    this.#image[at] = mark;
    this.#image[at + 1] = until;
    this.#image[at + 2] = high;
    this.#image[at + 3] = checkOf(mark | 0, until | 0, high, owners[slot] ?? 0);
  }
}

/** The marks of an association in what a process before this one has written; undefined where they are not its own. */
export function readMarks(bytes: Uint8Array, slot: number, id: string): Marks | undefined {
  if ((slot + 1) * slotBytes > bytes.length) return undefined;
  const own = bytes.slice(slot * slotBytes, (slot + 1) * slotBytes);
  const [mark = 0, until = 0, high = 0, check = 0] = new Int32Array(own.buffer);
  if (check !== checkOf(mark, until, high, ownerOf(id))) return undefined;
  const whole = (low: number, high: number): number => (low >>> 0) + (high & 0xffff) * 0x1_0000_0000;
  return { receiveMark: whole(mark, high) - 1, sendSequence: whole(until, high >>> 16) };
}

/** By which the slots of associations are told apart; their ids are random. */
export const ownerOf = (id: string): number => Number.parseInt(id.slice(0, 8), 16) | 0;

const highOf = (sequence: number): number => Math.floor(sequence / 0x1_0000_0000) & 0xffff;

function checkOf(mark: number, until: number, high: number, owner: number): number {
  let hash = owner ^ 0x5bd1e995;
  for (const word of [mark, until, high]) {
    hash = Math.imul(hash ^ word, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return Math.imul(hash, 0x85ebca6b) | 0;
}
