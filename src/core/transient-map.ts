/**
 * A map for what comes and goes thousands of times a second. V8's own makes its table anew again and again then, and each
 * old table leads to the next: once one of them has grown old, all that was ever in the later ones counts as
 * alive until the next full collection. This one clears a place when it is given up, and makes a table only when it grows.
 *
 * Linear probing; what is deleted leaves no mark, as those behind it move up (Knuth, The Art of Computer Programming, 6.4 R).
 * Left out: an order. What iterates sees what was there when it began.
 */
import { randomInt } from 'node:crypto';

const firstPlaces = 16;

export class TransientMap<K extends string | number, V> {
  #keys: (K | undefined)[] = emptyPlaces<K>(firstPlaces);
  #values: (V | undefined)[] = emptyPlaces<V>(firstPlaces);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(key: K): V | undefined {
    return this.#size === 0 ? undefined : this.#values[this.#placeOf(key)];
  }

  set(key: K, value: V): void {
    if (2 * (this.#size + 1) > this.#keys.length) this.#grow();
    const place = this.#placeOf(key);
    if (this.#keys[place] === undefined) this.#size++;
    this.#keys[place] = key;
    this.#values[place] = value;
  }

  delete(key: K): boolean {
    let hole = this.#placeOf(key);
    if (this.#keys[hole] === undefined) return false;
    this.#size--;
    const mask = this.#keys.length - 1;
    for (let place = (hole + 1) & mask; ; place = (place + 1) & mask) {
      const other = this.#keys[place];
      if (other === undefined) break;
      // It may not move to before where its search begins.
      if (((place - (hashOf(other) & mask)) & mask) < ((place - hole) & mask)) continue;
      this.#keys[hole] = other;
      this.#values[hole] = this.#values[place];
      hole = place;
    }
    this.#keys[hole] = undefined;
    this.#values[hole] = undefined;
    return true;
  }

  values(): V[] {
    const values: V[] = [];
    for (const [place, key] of this.#keys.entries()) {
      const value = this.#values[place];
      if (key !== undefined && value !== undefined) values.push(value);
    }
    return values;
  }

  /** Where the key is, or would be. */
  #placeOf(key: K): number {
    const mask = this.#keys.length - 1;
    let place = hashOf(key) & mask;
    for (;;) {
      const known = this.#keys[place];
      if (known === undefined || known === key) return place;
      place = (place + 1) & mask;
    }
  }

  #grow(): void {
    const [keys, values] = [this.#keys, this.#values];
    this.#keys = emptyPlaces<K>(2 * keys.length);
    this.#values = emptyPlaces<V>(2 * keys.length);
    for (const [from, key] of keys.entries()) {
      if (key === undefined) continue;
      const place = this.#placeOf(key);
      this.#keys[place] = key;
      this.#values[place] = values[from];
    }
  }
}

const emptyPlaces = <T>(count: number): (T | undefined)[] => new Array<T | undefined>(count).fill(undefined);

/** Secret, so that nobody can choose texts that share a place. */
const seed = randomInt(2 ** 32);

function hashOf(key: string | number): number {
  let hash = seed;
  if (typeof key === 'number') hash = Math.imul(hash ^ key, 0x9e3779b1);
  else {
    for (let i = 0; i < key.length; i++) {
      hash = Math.imul(hash ^ key.charCodeAt(i), 0x9e3779b1);
      hash ^= hash >>> 15;
    }
  }
  return hash ^ (hash >>> 16);
}
