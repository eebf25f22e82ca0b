/**
 * How often something may happen: so many times a second, by a bucket that fills evenly and holds those of one second. In a flood
 * each moment has its part of them: a device that comes again after exactly a second has another chance, not the same again.
 */
import { longAgo, until, type Instant } from '../core/duration.ts';

export class RateLimit {
  readonly #perSecond: number;
  #left: number;
  #at: Instant = longAgo;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
    this.#left = perSecond;
  }

  /** Nothing more may happen now. */
  isSpent(now: Instant): boolean {
    this.#fill(now);
    return this.#left < 1;
  }

  take(now: Instant): boolean {
    if (this.isSpent(now)) return false;
    this.#left--;
    return true;
  }

  #fill(now: Instant): void {
    this.#left = Math.min(this.#perSecond, this.#left + (until(now, this.#at) / 1000) * this.#perSecond);
    this.#at = now;
  }
}
