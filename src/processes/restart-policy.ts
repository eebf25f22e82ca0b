/**
 * When a gateway process that has ended is started again: at once as a rule, later and later while it ends
 * soon after each start, and not at all when that goes on.
 */
import { milliseconds, seconds, type Milliseconds } from '../core/duration.ts';

/** Whoever served this long was well; what ended it is something new. No RFC gives these numbers. */
const wellAfter = seconds(10);
const firstDelay = milliseconds(100);
const maxInVain = 6;

export class RestartPolicy {
  #inVain = 0;

  /**
   * @param served how long it had been serving; 0 where it never did
   * @returns how long to wait before the next start; undefined: it is in vain
   */
  ended(served: Milliseconds): Milliseconds | undefined {
    this.#inVain = served >= wellAfter ? 1 : this.#inVain + 1;
    return this.#inVain >= maxInVain ? undefined : milliseconds(firstDelay * 2 ** (this.#inVain - 1));
  }
}
