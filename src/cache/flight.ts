/** Computations under way, so that equal calls share one, and so that what is called out of date meanwhile is not kept. */
import { TransientMap } from '../core/transient-map.ts';
import type { Asker } from './asker.ts';
import type { ReadCaller } from '../core/principal.ts';
import type { Computed } from './cacheable.ts';
import type { Result } from './result.ts';

export interface Flight {
  readonly library: string;
  readonly method: string;
  readonly asker: Asker;
  /** In the order they began. */
  readonly sequence: number;
  /** Its place among those under way; -1 once it has ended. */
  place: number;
  /** Everything it may compute is out of date. */
  outdated: boolean;
  /** What is out of date if the result turns out to have one of these tags. */
  outdatedTags: readonly string[];
}

/** How a flight ended. */
export interface Landing {
  /** For who began it. */
  readonly result: Result;
  /** The same for one that waited for it. */
  joined(): Result;
  /** What of its asker others must share to see it. */
  readonly private: ReadCaller;
}

/** A flight that others may join. */
export interface Running {
  readonly key: string;
  readonly flight: Flight;
  readonly landing: Promise<Landing>;
}

const noTags: readonly string[] = [];

export class Flights {
  readonly #joinable = new TransientMap<string, Running>();
  /** An array and no Set: nearly all begin and end at once, and a Set makes a new table again and again for that. */
  readonly #flying: Flight[] = [];
  #next = 0;

  begin(library: string, method: string, asker: Asker): Flight {
    const flight: Flight = {
      library,
      method,
      asker,
      sequence: this.#next++,
      place: this.#flying.length,
      outdated: false,
      outdatedTags: noTags,
    };
    this.#flying.push(flight);
    return flight;
  }

  /** Lets others join, unless it has ended or been called out of date already. */
  offer(key: string, flight: Flight, landing: Promise<Landing>): void {
    if (flight.place < 0 || flight.outdated || flight.outdatedTags.length > 0) return;
    this.#joinable.set(key, { key, flight, landing });
  }

  find(key: string): Running | undefined {
    return this.#joinable.get(key);
  }

  end(key: string, flight: Flight): void {
    if (flight.place < 0) return;
    const last = this.#flying.pop();
    if (last !== undefined && last !== flight) {
      this.#flying[flight.place] = last;
      last.place = flight.place;
    }
    flight.place = -1;
    if (this.#joinable.get(key)?.flight === flight) this.#joinable.delete(key);
  }

  /** Who asks from now on does not join what began before. */
  outdate(concerns: (flight: Flight) => boolean, tag?: string): void {
    for (const flight of this.#flying) {
      if (!concerns(flight)) continue;
      if (tag === undefined) flight.outdated = true;
      else if (!flight.outdatedTags.includes(tag)) flight.outdatedTags = [...flight.outdatedTags, tag];
    }
    for (const { key, flight } of this.#joinable.values()) if (concerns(flight)) this.#joinable.delete(key);
  }
}

/** Its result was called out of date while it was computed. */
export function isOutdated(flight: Flight, computed: Computed): boolean {
  return flight.outdated || flight.outdatedTags.some((tag) => computed.tags.includes(tag));
}
