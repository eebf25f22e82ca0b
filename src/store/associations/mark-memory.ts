/**
 * What changes of an association with every record, its receive mark and its reservation, in memory that the gateway's thread
 * and the one that writes share: noting one is a few stores, and no call into the system however many records there are.
 *
 *     Who notes stores the value first, and then that it is new; who writes takes that back first, and then reads the value.
 *     Both in sequence (Atomics), so whatever comes in between is written now or the next time.
 */
import { randomUUID } from 'node:crypto';

/** Of a file of marks (mark-file.ts). */
const slotsPerBlock = 256;

export interface SharedMarks {
  /** Memory that travels between threads is another object each time. */
  readonly id: string;
  readonly file: number;
  readonly slots: number;
  readonly memory: SharedArrayBuffer;
}

export class MarkMemory {
  readonly shared: SharedMarks;
  readonly received: Float64Array;
  readonly reserved: Float64Array;
  /** Of associations' ids, a hash. */
  readonly owners: Int32Array;
  readonly isNew: Uint8Array;
  readonly hasNew: Uint8Array;
  /** One word: the thread that writes looks for what is new only when it is told. */
  readonly asleep: Int32Array;

  constructor(shared: SharedMarks) {
    const { memory, slots } = shared;
    this.shared = shared;
    this.received = new Float64Array(memory, 8, slots);
    this.reserved = new Float64Array(memory, 8 + 8 * slots, slots);
    this.owners = new Int32Array(memory, 8 + 16 * slots, slots);
    this.isNew = new Uint8Array(memory, 8 + 20 * slots, slots);
    this.hasNew = new Uint8Array(memory, 8 + 21 * slots, blocksOf(slots));
    this.asleep = new Int32Array(memory, 0, 1);
  }

  /** Memory is taken where it is written to, and not before. */
  static make(file: number, slots: number): MarkMemory {
    const made = new MarkMemory({
      id: randomUUID(),
      file,
      slots,
      memory: new SharedArrayBuffer(8 + 21 * slots + blocksOf(slots)),
    });
    made.asleep[0] = 1;
    return made;
  }

  /** The values of a slot have changed. True where the thread that writes has to be told. */
  note(slot: number): boolean {
    Atomics.store(this.isNew, slot, 1);
    Atomics.store(this.hasNew, Math.floor(slot / slotsPerBlock), 1);
    return Atomics.load(this.asleep, 0) === 1;
  }

  /** Slots whose values have changed since they were taken last. */
  *takeNew(): Generator<number, void, undefined> {
    for (let block = 0; block < this.hasNew.length; block++) {
      if (this.hasNew[block] === 0 || Atomics.exchange(this.hasNew, block, 0) === 0) continue;
      const end = Math.min((block + 1) * slotsPerBlock, this.shared.slots);
      for (let slot = block * slotsPerBlock; slot < end; slot++) {
        if (this.isNew[slot] === 1 && Atomics.exchange(this.isNew, slot, 0) === 1) yield slot;
      }
    }
  }
}

const blocksOf = (slots: number): number => Math.ceil(slots / slotsPerBlock);
