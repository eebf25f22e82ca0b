/** The pause before a worker that died while it loaded is started again: it doubles with each failure, up to a limit. */
import { after, type Instant, type Milliseconds } from '../core/duration.ts';

const maxDoublings = 5;
/** Failed attempts after which those who wait are told so. */
const patience = 3;

export class RestartPause {
  readonly #first: Milliseconds;
  #failures = 0;
  #endsAt: Instant | undefined;

  constructor(first: Milliseconds) {
    this.#first = first;
  }

  /** Returns when the next attempt may be made. */
  failed(now: Instant): Instant {
    const pause = (this.#first * 2 ** Math.min(this.#failures, maxDoublings)) as Milliseconds;
    this.#failures++;
    this.#endsAt = after(now, pause);
    return this.#endsAt;
  }

  succeeded(): void {
    this.#failures = 0;
  }

  get hopeless(): boolean {
    return this.#failures >= patience;
  }

  /** When it ends; undefined where there is none. */
  endOf(now: Instant): Instant | undefined {
    return this.#endsAt !== undefined && now < this.#endsAt ? this.#endsAt : undefined;
  }
}
