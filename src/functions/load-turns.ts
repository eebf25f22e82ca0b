/**
 * Lets a few libraries load at a time. A folder of fifty that all start at once would share the
 * processor with each other, and with one that never ends, until even the quickest is over its limit.
 */
export class LoadTurns {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(atOnce: number) {
    this.#free = atOnce;
  }

  /** Begins `load` when it is its turn. */
  async take<T>(load: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
    try {
      return await load();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
