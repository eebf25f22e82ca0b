/** A clock that can also call back: what the worker pool and the registry need of time. */
import { systemClock, type Clock } from '../core/clock.ts';
import type { Milliseconds } from '../core/duration.ts';

export interface Scheduler extends Clock {
  /** Calls `run` once after `span`; the returned function cancels it. Does not keep the process alive. */
  after(span: Milliseconds, run: () => void): () => void;
  /** Calls `run` when what is being done in this turn of the event loop is done. */
  soon(run: () => void): void;
  /** Milliseconds since 1970: what two threads can compare. */
  epoch(): number;
}

export const systemScheduler: Scheduler = {
  now: () => systemClock.now(),
  after(span, run) {
    // Node fires up to a millisecond early and takes at most 2^31 - 1 ms.
    const timer = setTimeout(run, Math.min(Math.ceil(span), 2_147_483_647));
    timer.unref();
    return () => clearTimeout(timer);
  },
  soon: (run) => void setImmediate(run),
  epoch: () => Date.now(),
};
