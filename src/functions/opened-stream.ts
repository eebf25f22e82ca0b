/** A stream that runs in a worker, as those who read it see it: asked for one item at a time. */
import type { Clock } from '../core/clock.ts';
import { after, type Milliseconds } from '../core/duration.ts';
import { isList, type Value } from '../core/value.ts';
import { CallError } from './call-error.ts';
import type { Call, CallResult } from './call.ts';
import { StreamSeat } from './stream-steps.ts';

export interface StreamItem {
  /** Its deterministic CBOR; undefined where CBOR cannot carry it. */
  readonly cbor: Uint8Array | undefined;
  /** Made anew each time. */
  readonly value: Value;
}

export interface OpenedStream {
  /**
   * The next item, or the one after as many as are to be skipped; undefined at the end. Not to be asked twice at a time.
   * @throws CallError where its function failed, and the stream is over
   */
  next(skip: number): Promise<StreamItem | undefined>;
  /** Its generator's `finally` runs, and its signal is aborted. To be called once, whatever has become of it. */
  close(): void;
}

/** Opens streams: calls of functions that are described as such. Rejects with a `CallError`. */
export interface StreamOpener {
  open(call: Call, itemLimit: Milliseconds): Promise<OpenedStream>;
}

/** What runs the steps: worker-pool.ts. */
interface StepRunner {
  invoke(call: Call): Promise<CallResult>;
  leave(seat: StreamSeat): void;
}

/** Calls the function. @param itemLimit how long an item may be waited for */
export async function openStream(
  runner: StepRunner,
  call: Call,
  itemLimit: Milliseconds,
  clock: Clock,
): Promise<OpenedStream> {
  const seat = new StreamSeat();
  const opened = await runner.invoke({ ...call, step: { action: 'open', seat } });
  return new WorkerStream(runner, call, seat, opened.value, itemLimit, clock);
}

class WorkerStream implements OpenedStream {
  readonly #runner: StepRunner;
  readonly #call: Call;
  readonly #seat: StreamSeat;
  readonly #number: Value;
  readonly #itemLimit: Milliseconds;
  readonly #clock: Clock;

  constructor(
    runner: StepRunner,
    { function: fn, caller, correlationId, deadline }: Call,
    seat: StreamSeat,
    number: Value,
    itemLimit: Milliseconds,
    clock: Clock,
  ) {
    this.#runner = runner;
    this.#call = { function: fn, args: [], caller, correlationId, deadline };
    this.#seat = seat;
    this.#number = number;
    this.#itemLimit = itemLimit;
    this.#clock = clock;
  }

  async next(skip: number): Promise<StreamItem | undefined> {
    const { returned, value } = await this.#step('next', [this.#number, skip]);
    if (returned === undefined) throw new CallError('internal-error', 'An item of a stream came without its bytes.');
    const { cbor } = returned;
    // RFC 8949 §3: an array of nothing, or of one item, whose encoding follows.
    if (cbor === undefined ? isList(value) && value.length === 0 : cbor[0] === 0x80) return undefined;
    return {
      cbor: cbor?.subarray(1),
      get value(): Value {
        const { value: items } = returned;
        return isList(items) ? items[0] : undefined;
      },
    };
  }

  close(): void {
    const over = (): void => this.#runner.leave(this.#seat);
    // Where the worker has gone the stream has ended with it.
    this.#step('close', [this.#number]).then(over, over);
  }

  #step(action: 'next' | 'close', args: readonly Value[]): Promise<CallResult> {
    const deadline = after(this.#clock.now(), this.#itemLimit);
    return this.#runner.invoke({ ...this.#call, args, deadline, step: { action, seat: this.#seat } });
  }
}
