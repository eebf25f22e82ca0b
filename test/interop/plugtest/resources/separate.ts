/** /separate: the answer comes later than an ACK can wait (CORE_09, 11, 16, 17; RFC 7252 §5.2.2). */
import { method } from '../../../../src/coap/codec/codes.ts';
import type { Answer, Resource, Visit } from '../../../../src/gateway/resource.ts';
import type { Milliseconds } from '../../../../src/core/duration.ts';
import type { Scheduler } from '../../../../src/core/clock.ts';
import { read, text } from '../representation.ts';

export class SeparateResource implements Resource {
  readonly methods: readonly number[] = [method.GET];
  readonly conditional = false;
  readonly multicast = false;
  readonly #delay: Milliseconds;
  readonly #scheduler: Scheduler;

  /** @param delay longer than the piggyback window */
  constructor(delay: Milliseconds, scheduler: Scheduler) {
    this.#delay = delay;
    this.#scheduler = scheduler;
  }

  async handle({ request }: Visit): Promise<Answer> {
    await new Promise<void>((resolve) => {
      this.#scheduler.after(this.#delay, resolve);
    });
    return { response: read(request, text('This took its time.')) };
  }
}
