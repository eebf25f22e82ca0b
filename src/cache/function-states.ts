/** What the cache remembers of each function besides results: its part of the key, and whether it reads who calls. */
import type { ReadCaller } from '../core/principal.ts';
import type { Cacheable } from './cacheable.ts';

export interface FunctionState {
  readonly library: string;
  readonly method: string;
  readonly version: string;
  /** Different for each version of each function. */
  readonly number: number;
  /** Begins the key of each of its results. */
  readonly prefix: string;
  /** Once a run has read who calls, results are kept per identity or per peer, for as long as this version lives. */
  private: ReadCaller;
}

/** One state per function: as many as there are functions, which no peer can add to. */
export class FunctionStates {
  readonly #byName = new Map<string, FunctionState>();
  /** The hot path: descriptions are objects that live as long as their version. */
  readonly #byDescription = new WeakMap<Cacheable, FunctionState>();
  readonly #replaced: (state: FunctionState) => void;
  #next = 0;

  /** `replaced` is told of a state whose function now has another version. */
  constructor(replaced: (state: FunctionState) => void) {
    this.#replaced = replaced;
  }

  of(fn: Cacheable): FunctionState {
    return this.#byDescription.get(fn) ?? this.#meet(fn);
  }

  ofLibrary(library: string): readonly FunctionState[] {
    return [...this.#byName.values()].filter((state) => state.library === library);
  }

  named(library: string, method: string): FunctionState | undefined {
    return this.#byName.get(nameOf(library, method));
  }

  /** False once its function has another version: nothing will ask for its results again. */
  isCurrent(state: FunctionState): boolean {
    return this.named(state.library, state.method) === state;
  }

  #meet(fn: Cacheable): FunctionState {
    const name = nameOf(fn.library, fn.method);
    let state = this.#byName.get(name);
    if (state?.version !== fn.version) {
      if (state !== undefined) this.#replaced(state);
      const { library, method, version } = fn;
      const number = this.#next++;
      state = {
        library,
        method,
        version,
        number,
        prefix: `${number}|`,
        private: false,
      };
      this.#byName.set(name, state);
    }
    this.#byDescription.set(fn, state);
    return state;
  }
}

const nameOf = (library: string, method: string): string => `${library}/${method}`;
