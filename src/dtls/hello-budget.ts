/**
 * How many ClientHellos of one kind are looked at, and, while more come, which share of all that come is of use: to hand one over
 * costs half of what an answer does, so whoever can is to leave the others out before. The share is found by what has come of
 * it: of twice as many as are wanted, half of the share before.
 */
import type { Instant, Milliseconds } from '../core/duration.ts';
import { RateLimit } from './rate-limit.ts';

/** So that a share that nobody has heeded does not vanish. No RFC's number. */
const smallestShare = 2 ** -10;

export class HelloBudget {
  readonly #perSecond: number;
  readonly #rate: RateLimit;
  #share = 1;
  /** In this slice of time. */
  #came = 0;
  #refused = 0;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
    this.#rate = new RateLimit(perSecond);
  }

  /** From `smallestShare` to 1. */
  get share(): number {
    return this.#share;
  }

  /** One has come, and is of no use now. */
  refuses(now: Instant): boolean {
    if (!this.#rate.isSpent(now)) return false;
    this.#came++;
    this.#refused++;
    return true;
  }

  /** One has come; true: it is to be looked at. */
  take(now: Instant): boolean {
    this.#came++;
    if (this.#rate.take(now)) return true;
    this.#refused++;
    return false;
  }

  /** The slice is over. A burst that there is room for is no flood. */
  review(slice: Milliseconds): void {
    const wanted = (this.#perSecond * slice) / 1000;
    const isFlood = this.#share < 1 || this.#refused > 0;
    const share = isFlood ? (this.#share * wanted) / this.#came : 1;
    this.#share = Math.min(1, Math.max(smallestShare, share));
    this.#came = this.#refused = 0;
  }
}
