/**
 * A file of slots of one size: what is sealed in a slot, and beside it what changes and is no secret.
 *
 *     | length 2 | sealed … | zeros | tail |
 *
 * A slot opens in its own place of its own file only. One that is free, torn or damaged does not open.
 */
import { readFileSync } from 'node:fs';
import type { SecretSeal } from '../secret-seal.ts';
import type { JournalWrite } from './journal-messages.ts';

export interface SlotLayout {
  /** What the file holds, for people and as associated data. */
  readonly name: string;
  readonly slotBytes: number;
  readonly tailBytes: number;
}

export interface OpenedSlot {
  readonly slot: number;
  readonly content: Uint8Array;
  readonly tail: Uint8Array;
}

export class SealedSlots {
  readonly #file: number;
  readonly #seal: SecretSeal;
  readonly #layout: SlotLayout;
  /** By position. */
  readonly #pending = new Map<number, Uint8Array>();

  constructor(file: number, seal: SecretSeal, layout: SlotLayout) {
    this.#file = file;
    this.#seal = seal;
    this.#layout = layout;
  }

  /** What processes before this one have written, and how many slots did not open. */
  read(): { readonly slots: readonly OpenedSlot[]; readonly count: number; readonly damaged: number } {
    const { slotBytes, tailBytes } = this.#layout;
    const bytes = readFileSync(this.#file);
    const count = Math.ceil(bytes.length / slotBytes);
    const slots: OpenedSlot[] = [];
    let damaged = 0;
    for (let slot = 0; slot < count; slot++) {
      const whole = new Uint8Array(bytes.subarray(slot * slotBytes, (slot + 1) * slotBytes));
      const length = ((whole[0] ?? 0) << 8) | (whole[1] ?? 0);
      if (length === 0) continue;
      try {
        const content = this.#seal.open(whole.subarray(2, 2 + length), this.#ownerOf(slot));
        slots.push({ slot, content, tail: whole.subarray(slotBytes - tailBytes) });
      } catch {
        damaged++;
      }
    }
    return { slots, count, damaged };
  }

  /** False where it is too long for a slot. */
  put(slot: number, content: Uint8Array, tail?: Uint8Array): boolean {
    const { slotBytes, tailBytes } = this.#layout;
    const sealed = this.#seal.seal(content, this.#ownerOf(slot));
    const whole = new Uint8Array(slotBytes);
    if (2 + sealed.length > slotBytes - tailBytes) return false;
    whole[0] = sealed.length >> 8;
    whole[1] = sealed.length;
    whole.set(sealed, 2);
    if (tail !== undefined) whole.set(tail, slotBytes - tailBytes);
    this.#pending.set(slot * slotBytes, whole);
    return true;
  }

  putTail(slot: number, tail: Uint8Array): void {
    const { slotBytes, tailBytes } = this.#layout;
    const bytes = new Uint8Array(tailBytes);
    bytes.set(tail);
    const whole = this.#pending.get(slot * slotBytes);
    if (whole === undefined) this.#pending.set((slot + 1) * slotBytes - tailBytes, bytes);
    else whole.set(bytes, slotBytes - tailBytes);
  }

  /** What was sealed there is gone from the file. */
  clear(slot: number): void {
    const { slotBytes, tailBytes } = this.#layout;
    if (tailBytes > 0) this.#pending.delete((slot + 1) * slotBytes - tailBytes);
    this.#pending.set(slot * slotBytes, new Uint8Array(slotBytes));
  }

  takeWrites(): JournalWrite[] {
    const writes = Array.from(this.#pending, ([position, bytes]) => ({ file: this.#file, position, bytes }));
    this.#pending.clear();
    return writes;
  }

  #ownerOf(slot: number): string {
    return `${this.#layout.name}, slot ${slot}`;
  }
}
