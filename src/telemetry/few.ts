/** Something under each of a few texts, which are constants nearly always: going through them is faster than a Map. */
export class Few<T> {
  readonly #keys: string[] = [];
  readonly #values: T[] = [];
  readonly #make: () => T;

  constructor(make: () => T) {
    this.#make = make;
  }

  at(key: string): T {
    for (let i = 0; i < this.#keys.length; i++) {
      const value = this.#keys[i] === key ? this.#values[i] : undefined;
      if (value !== undefined) return value;
    }
    const made = this.#make();
    this.#keys.push(key);
    this.#values.push(made);
    return made;
  }

  *[Symbol.iterator](): Generator<[string, T], void, undefined> {
    for (const [i, value] of this.#values.entries()) yield [this.#keys[i] ?? '', value];
  }
}
