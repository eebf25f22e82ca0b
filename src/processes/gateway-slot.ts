/**
 * The place of one gateway process: whoever fills it has the same number. One that ends is followed by another,
 * after the delay that the policy says; the addresses and the configuration stay.
 *
 *     loading → loaded → (listen) → serving → ended → waiting → loading …
 *                                      ↓ (replace)                  ↑
 *                                   stopping ───────────────────────┘
 */
import type { Scheduler } from '../core/clock.ts';
import { until, type Instant, type Milliseconds } from '../core/duration.ts';
import type { GatewayChild } from './gateway-child.ts';
import type { FromProcess, StartFailure, ToProcess } from './messages.ts';
import { RestartPolicy } from './restart-policy.ts';

export interface SlotOwner {
  readonly scheduler: Scheduler;
  /** Starts the program for a slot, which hands what it is told to `hear` and `ended`. */
  readonly start: (slot: GatewaySlot) => GatewayChild;
}

export class GatewaySlot {
  readonly number: number;
  readonly #owner: SlotOwner;
  readonly #policy = new RestartPolicy();
  #child: GatewayChild | undefined;
  #servingSince: Instant | undefined;
  #failure: StartFailure | undefined;
  #cancelStart: (() => void) | undefined;
  #exited = Promise.withResolvers<void>();
  #replacement: PromiseWithResolvers<void> | undefined;
  /** It was told to end so that another one can begin. */
  #isLeaving = false;
  starts = 0;
  memoryBytes = 0;

  constructor(number: number, owner: SlotOwner) {
    this.number = number;
    this.#owner = owner;
  }

  get serving(): boolean {
    return this.#servingSince !== undefined;
  }

  get running(): boolean {
    return this.#child !== undefined;
  }

  /** Why the process that is there, or was there last, could not start. */
  get failure(): StartFailure | undefined {
    return this.#failure;
  }

  start(): void {
    this.#cancelStart = undefined;
    this.#failure = undefined;
    this.#exited = Promise.withResolvers<void>();
    this.starts++;
    this.#child = this.#owner.start(this);
  }

  startAfter(delay: Milliseconds): void {
    this.#cancelStart = this.#owner.scheduler.after(delay, () => this.start());
  }

  tell(message: ToProcess): void {
    this.#child?.tell(message);
  }

  hear(message: FromProcess): void {
    if (message.kind === 'failed') this.#failure = message;
    if (message.kind === 'serving') this.#servingSince = this.#owner.scheduler.now();
    if (message.kind === 'serving') this.#replacement?.resolve();
    if (message.kind === 'counted') this.memoryBytes = message.memoryBytes;
  }

  /** @returns when to start the next one, 'now' where that was the plan; undefined: it is in vain */
  ended(): Milliseconds | 'now' | undefined {
    const since = this.#servingSince;
    const wasLeaving = this.#isLeaving;
    this.#isLeaving = false;
    // One that cannot start comes again later, as any other.
    if (!wasLeaving) this.#replacement?.resolve();
    this.#child = undefined;
    this.#servingSince = undefined;
    this.memoryBytes = 0;
    this.#exited.resolve();
    if (wasLeaving) return 'now';
    return this.#policy.ended(until(this.#owner.scheduler.now(), since ?? this.#owner.scheduler.now()));
  }

  /**
   * Ends the process in order and starts another one; resolves when that serves or has ended. One that is on its way is new enough.
   * @param patience how long the old one may take
   */
  async replace(patience: Milliseconds): Promise<void> {
    if (!this.serving || this.#isLeaving) return;
    this.#isLeaving = true;
    this.#replacement = Promise.withResolvers<void>();
    const cancel = this.#owner.scheduler.after(patience, () => {
      if (this.#isLeaving) this.kill();
    });
    this.tell({ kind: 'stop' });
    await this.#replacement.promise;
    cancel();
  }

  /** Starts none any more; resolves when there is no process. */
  async stop(): Promise<void> {
    this.#cancelStart?.();
    this.#isLeaving = false;
    this.#replacement?.resolve();
    if (this.#child === undefined) return;
    this.tell({ kind: 'stop' });
    await this.#exited.promise;
  }

  kill(): void {
    this.#child?.kill();
  }
}
