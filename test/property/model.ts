/**
 * What a server owes to one peer, as simply as it can be said. It knows nothing of the engine.
 */
import { hex } from '../../src/core/bytes.ts';

/** Which datagrams are copies of earlier ones (RFC 7252 §4.5). */
export class CopyModel {
  readonly #first = new Map<string, number>();

  /** True for the first of equal datagrams within `lifetime`. */
  isNew(bytes: Uint8Array, now: number, lifetime: number): boolean {
    const key = hex(bytes);
    const first = this.#first.get(key);
    if (first !== undefined && now < first + lifetime) return false;
    this.#first.set(key, now);
    return true;
  }
}

export type BlockOutcome = 'continue' | 'incomplete' | 'whole';

/** One body that is put together from equal blocks in their order (RFC 7959 §2.5). */
export class BodyModel {
  /** Blocks that are there; undefined before the first. */
  #have: number | undefined;

  next(num: number, more: boolean): BlockOutcome {
    if (num === 0) {
      if (!more) return 'whole'; // by itself; what is under assembly stays
      this.#have = 1;
      return 'continue';
    }
    if (this.#have === undefined) return 'incomplete';
    // The block before, once more under another Message ID.
    if (more && num === this.#have - 1) return 'continue';
    if (num !== this.#have) {
      this.#have = undefined;
      return 'incomplete';
    }
    this.#have = more ? num + 1 : undefined;
    return more ? 'continue' : 'whole';
  }
}
