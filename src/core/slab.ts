/**
 * Short arrays cut from longer ones: V8 keeps up to 64 bytes in its own heap, and takes half a microsecond for
 * the memory of an array that is longer. What is cut keeps its whole slab alive, so a slab is for what does not live long.
 */

/** V8's limit for a typed array in its own heap (`--typed-array-max-size-in-heap`). */
export const inHeapBytes = 64;

export class Slab {
  readonly #size: number;
  #buffer = new ArrayBuffer(0);
  #used = 0;

  /** `size`: of each slab, in bytes. What takes more than a quarter of one gets memory of its own. */
  constructor(size: number) {
    this.#size = size;
  }

  /** An array of zeros that nobody else has. */
  take(length: number): Uint8Array {
    if (length <= inHeapBytes || length > this.#size / 4) return new Uint8Array(length);
    if (this.#used + length > this.#buffer.byteLength) {
      this.#buffer = new ArrayBuffer(this.#size);
      this.#used = 0;
    }
    const at = this.#used;
    this.#used += length;
    return new Uint8Array(this.#buffer, at, length);
  }
}
