/** How often something may happen: so many times in each second, counted from when it is first asked. */
import { seconds, type Instant } from '../core/duration.ts';

export class RateLimit {
  readonly #perSecond: number;
  #window = -Infinity;
  #taken = 0;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** Nothing more may happen in this second. */
  isSpent(now: Instant): boolean {
    return this.#taken >= this.#perSecond && now - this.#window < seconds(1);
  }

  take(now: Instant): boolean {
    if (now - this.#window >= seconds(1)) {
      this.#window = now;
      this.#taken = 0;
    }
    return this.#taken++ < this.#perSecond;
  }
}
