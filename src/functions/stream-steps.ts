/**
 * A stream, as the worker that runs it is asked for it. Each step is a call like any other, under a name that no function
 * can have, so that limits, losses and the accounts of a worker are those of calls (worker-pool.ts):
 *
 *   open:NAME   the function's arguments   calls it, keeps what it returned → the stream's number
 *   next:       number, how many to skip   → `[item]`, or `[]` at its end
 *   close:      number                     ends it: its generator's `finally` runs → nothing
 *
 * All steps after the first go to the worker that opened it, and are never run elsewhere.
 */

export type StreamAction = 'open' | 'next' | 'close';

/** Stands for the worker that a stream runs on, which its pool knows once it has been opened (seats.ts). */
export class StreamSeat {
  /** Without a member, anything would do. */
  readonly isSeat = true;
}

export interface StreamStep {
  readonly action: StreamAction;
  readonly seat: StreamSeat;
}

export const openPrefix = 'open:';
export const nextName = 'next:';
export const closeName = 'close:';

/** The name under which a worker is asked. */
export function stepName(action: StreamAction, method: string): string {
  switch (action) {
    case 'open':
      return openPrefix + method;
    case 'next':
      return nextName;
    case 'close':
      return closeName;
  }
}
