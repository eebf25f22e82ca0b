/**
 * The place of one gateway process: whoever fills it has the same number. One that ends is followed by another,
 * after the delay that the policy says; the addresses and the configuration stay.
 *
 *     loading → loaded → (listen) → serving → ended → waiting → loading …
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
    if (message.kind === 'counted') this.memoryBytes = message.memoryBytes;
  }

  /** @returns when to start the next one; undefined: it is in vain */
  ended(): Milliseconds | undefined {
    const since = this.#servingSince;
    this.#child = undefined;
    this.#servingSince = undefined;
    this.memoryBytes = 0;
    this.#exited.resolve();
    return this.#policy.ended(until(this.#owner.scheduler.now(), since ?? this.#owner.scheduler.now()));
  }

  /** Starts none any more; resolves when there is no process. */
  async stop(): Promise<void> {
    this.#cancelStart?.();
    if (this.#child === undefined) return;
    this.tell({ kind: 'stop' });
    await this.#exited.promise;
  }

  kill(): void {
    this.#child?.kill();
  }
}
