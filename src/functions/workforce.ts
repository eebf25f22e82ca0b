/**
 * The threads of a pool: started one at a time and within the budget that all libraries share, with a pause after those that could
 * not load the library, held to a time for loading, and ended. What they are given to do is the pool's (worker-pool.ts).
 */
import type { Scheduler } from '../core/clock.ts';
import { after, type Instant } from '../core/duration.ts';
import { UsageError } from '../core/error.ts';
import type { Alarm } from './alarm.ts';
import { instanceModesOf, type InstanceModes } from './description.ts';
import { RestartPause } from './restart-pause.ts';
import type { FromWorker } from './runtimes/node/messages.ts';
import { WorkerLane } from './worker-lane.ts';
import { WorkerLanes } from './worker-lanes.ts';
import type { WorkerBudget, WorkerPoolOptions } from './worker-pool-options.ts';
import type { StartWorker, WorkerLoss } from './worker-port.ts';

/** What the first worker found in the library. */
export type LoadedLibrary = Omit<Extract<FromWorker, { kind: 'loaded' }>, 'kind'>;

export interface WorkforceParts {
  readonly options: WorkerPoolOptions;
  readonly budget: WorkerBudget;
  readonly scheduler: Scheduler;
  readonly alarm: Alarm;
  readonly start: StartWorker;
  readonly received: (lane: WorkerLane, batch: readonly FromWorker[]) => void;
  readonly lost: (lane: WorkerLane, loss: WorkerLoss) => void;
  /** None is left, and none can be had: why. */
  readonly hopeless: (message: string) => void;
}

/** What waits for a thread. */
export interface Demand {
  readonly callsWait: boolean;
  readonly retiring: boolean;
}

export class Workforce {
  readonly lanes: WorkerLanes = new WorkerLanes();
  readonly #parts: WorkforceParts;
  readonly #pause: RestartPause;
  readonly #ending = new Set<Promise<void>>();
  #maxWorkers: number;
  #instances: InstanceModes | undefined;
  #opening: { resolve: (loaded: LoadedLibrary) => void; reject: (error: Error) => void } | undefined;
  #closed = false;

  constructor(parts: WorkforceParts) {
    this.#parts = parts;
    this.#maxWorkers = parts.options.maxWorkers;
    this.#pause = new RestartPause(parts.options.restartDelay);
  }

  /** The library exports classes, so that there is one thread. */
  get makesObjects(): boolean {
    return this.#instances !== undefined;
  }

  /** Starts the first one. @throws UsageError 'library-load' with one sentence, file and line where known */
  open(): Promise<LoadedLibrary> {
    return new Promise((resolve, reject) => {
      this.#opening = { resolve, reject };
      this.start();
    });
  }

  start(): void {
    const { budget, options, scheduler, start, received, lost } = this.#parts;
    if (this.#closed || this.lanes.size >= this.#maxWorkers || !budget.take(this.lanes.size === 0)) return;
    const slots = options.concurrency + options.idleStreams;
    const lane: WorkerLane = new WorkerLane(
      start(
        { describe: this.#opening !== undefined, slots, instances: this.#instances },
        {
          received: (batch) => {
            if (lane.state !== 'gone') received(lane, batch);
          },
          lost: (loss) => {
            if (lane.state !== 'gone') lost(lane, loss);
          },
        },
      ),
      options.concurrency,
      scheduler.now(),
    );
    this.lanes.add(lane);
  }

  /** Ends one; its place in the budget is free when it is really gone. */
  stop(lane: WorkerLane): void {
    lane.state = 'gone';
    this.lanes.delete(lane);
    const ending = lane.port.terminate().finally(() => {
      this.#parts.budget.giveBack();
      this.#ending.delete(ending);
    });
    this.#ending.add(ending);
  }

  loaded(lane: WorkerLane, loaded: LoadedLibrary, now: Instant): void {
    lane.state = 'ready';
    lane.idleSince = now;
    if (loaded.exports?.some(({ members }) => members !== undefined) === true) {
      this.#maxWorkers = 1;
      this.#instances = instanceModesOf(loaded.exports);
    }
    this.#opening?.resolve(loaded);
    this.#opening = undefined;
  }

  /** One could not load the library. */
  failed(lane: WorkerLane, message: string, now: Instant): void {
    this.stop(lane);
    if (this.#opening !== undefined) {
      this.#opening.reject(new UsageError('library-load', message));
      this.#opening = undefined;
      return;
    }
    this.#pauseFrom(now);
    if (this.lanes.size === 0 && this.#pause.hopeless) this.#parts.hopeless(message);
  }

  /** One ended by itself. Where it had nothing to do yet, the next would end likewise. */
  lost(lane: WorkerLane, now: Instant): void {
    if (lane.used) this.#pause.succeeded();
    else this.#pauseFrom(now);
  }

  #pauseFrom(now: Instant): void {
    if (this.lanes.some(({ used }) => used)) this.#pause.succeeded();
    this.#parts.alarm.by(this.#pause.failed(now));
  }

  /** Holds one that loads to its time; one that hardly gets a processor has more. */
  watchLoading(lane: WorkerLane, now: Instant): void {
    const { alarm, options } = this.#parts;
    const { loadLimit, loadPatience } = options;
    const limitAt = after(lane.startedAt, loadLimit);
    if (now < limitAt) alarm.by(limitAt);
    else if (now < after(lane.startedAt, loadPatience) && lane.port.starvedIn?.(loadLimit) === true)
      alarm.by(after(now, loadLimit));
    else
      this.failed(
        lane,
        `loading did not finish within ${loadLimit} ms: it loops or waits for something, which is for functions to do; it is tried again.`,
        now,
      );
  }

  /** One more when calls wait and all are busy; one at a time, because starting is work too. */
  grow(now: Instant, { callsWait, retiring }: Demand): void {
    const { alarm, options } = this.#parts;
    if (this.lanes.some((lane) => lane.state === 'loading' || lane.open)) return;
    const pauseEnds = this.#pause.endOf(now);
    if (pauseEnds !== undefined) {
      alarm.by(pauseEnds);
      return;
    }
    // Without any usable worker one is started even before somebody waits for it.
    const usable = this.lanes.some((lane) => lane.state === 'ready');
    if (callsWait || (!usable && !retiring)) this.start();
    for (const lane of this.lanes) if (lane.state === 'loading') alarm.by(after(lane.startedAt, options.loadLimit));
  }

  /** Ends all now; `ended` tells when they are gone. */
  close(): void {
    this.#closed = true;
    for (const lane of this.lanes) this.stop(lane);
    this.#opening?.reject(new UsageError('library-load', 'it was closed while it loaded.'));
    this.#opening = undefined;
  }

  async ended(): Promise<void> {
    await Promise.all(this.#ending);
  }
}
