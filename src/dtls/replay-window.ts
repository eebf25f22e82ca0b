/**
 * The anti-replay window (RFC 6347 §4.1.2.6): of the 64 sequence numbers up to the newest, which have been seen.
 * It is asked before a record is opened and moved only by one that is authentic.
 */

const windowSize = 64;

export class ReplayWindow {
  /** The newest number seen; -1 before the first. */
  #newest: number;
  /** Bit i of the pair: `newest - i` was seen. Two words, because numbers have 32 bits for bitwise work. */
  #low: number;
  #high: number;

  /** @param mark nothing at or below it is accepted any more: where a window goes on that was lost. */
  constructor(mark = -1) {
    this.#newest = mark;
    this.#low = mark < 0 ? 0 : -1;
    this.#high = mark < 0 ? 0 : -1;
  }

  get newest(): number {
    return this.#newest;
  }

  accepts(sequence: number): boolean {
    const age = this.#newest - sequence;
    if (age < 0) return true;
    if (age >= windowSize) return false;
    return ((age < 32 ? this.#low >>> age : this.#high >>> (age - 32)) & 1) === 0;
  }

  /** Marks as seen; true where it is newer than all before (RFC 9146 §6). */
  add(sequence: number): boolean {
    const step = sequence - this.#newest;
    if (step <= 0) {
      const age = -step;
      if (age < 32) this.#low |= 1 << age;
      else if (age < windowSize) this.#high |= 1 << (age - 32);
      return false;
    }
    this.#shift(step);
    this.#low |= 1;
    this.#newest = sequence;
    return true;
  }

  #shift(step: number): void {
    if (step >= windowSize) {
      this.#high = 0;
      this.#low = 0;
    } else if (step >= 32) {
      this.#high = this.#low << (step - 32);
      this.#low = 0;
    } else {
      this.#high = (this.#high << step) | (this.#low >>> (32 - step));
      this.#low <<= step;
    }
  }
}
