/**
 * What was worked out from bytes, found again by these bytes: a table of 8-way sets, bounded, in which a look-up looks at
 * so many places at most, whatever peers send. A thing is to be remembered when its bytes come for the second time: what
 * differs every time is never worth it.
 */
import { equalRange } from './bytes.ts';

interface Made {
  readonly code: number;
  /** What it was made of; undefined where it was not made to be remembered. */
  readonly bytes: Uint8Array | undefined;
}

const ways = 8;
const seenPerPlace = 2;
const seenInGroup = 4;
/** One of so many takes the place of another. No RFC's number. */
const refusals = 16;

export class Remembered<T extends Made> {
  readonly #sets: number;
  #things: (T | undefined)[] = [];
  /** Of the bytes of each. */
  #hashes = new Int32Array(0);
  /** Hashes that came without being remembered: several for each thing, so that they do not push each other out. */
  #seen = new Int32Array(0);
  #next = 0;
  #refused = 0;

  /** @param most remembered at most, to the next power of two below; 0 remembers nothing */
  constructor(most: number) {
    this.#sets = most < ways ? 0 : 2 ** Math.floor(Math.log2(most / ways));
  }

  /** @param hash a hash of the code and the bytes from `from` up to `end` */
  find(hash: number, code: number, bytes: Uint8Array, from: number, end: number): T | undefined {
    const first = (hash & (this.#sets - 1)) * ways;
    for (let place = first; place < first + ways; place++) {
      if (this.#hashes[place] !== hash) continue;
      const known = this.#things[place];
      if (
        known?.bytes?.length === end - from &&
        known.code === code &&
        equalRange(bytes, from, known.bytes, end - from)
      )
        return known;
    }
    return undefined;
  }

  /**
   * Whether it is worth remembering: it came before, and there is room. Where it would take another's place it has to come
   * some more times: where more is asked for than there is room for, those that are remembered stay, and are of use.
   */
  isWorthIt(hash: number): boolean {
    if (!this.#sawBefore(hash)) return false;
    if (this.#freePlace(hash) >= 0) return true;
    this.#refused = (this.#refused + 1) % refusals;
    return this.#refused === 0;
  }

  /** The last few unremembered of a group are known: of two that take turns none wipes out the other. */
  #sawBefore(hash: number): boolean {
    if (this.#sets === 0) return false;
    if (this.#things.length < this.#sets) this.#makeRoom();
    const seen = this.#seen;
    const group = (hash >>> 2) & (seen.length - 1) & -seenInGroup;
    for (let i = group; i < group + seenInGroup; i++) if (seen[i] === hash) return true;
    seen.copyWithin(group + 1, group, group + seenInGroup - 1);
    seen[group] = hash;
    return false;
  }

  remember(hash: number, thing: T): void {
    const first = (hash & (this.#sets - 1)) * ways;
    let place = this.#freePlace(hash);
    if (place < 0) {
      place = first + this.#next;
      this.#next = (this.#next + 1) % ways;
    }
    this.#hashes[place] = hash;
    this.#things[place] = thing;
  }

  #freePlace(hash: number): number {
    const first = (hash & (this.#sets - 1)) * ways;
    for (let place = first; place < first + ways; place++) if (this.#things[place] === undefined) return place;
    return -1;
  }

  /** Only who is asked needs it: not a client. */
  #makeRoom(): void {
    this.#things = new Array<T | undefined>(this.#sets * ways).fill(undefined);
    this.#hashes = new Int32Array(this.#sets * ways);
    this.#seen = new Int32Array(this.#sets * ways * seenPerPlace);
  }
}
