/** Calls that wait for a worker, in the order in which they get one. */
import type { Instant } from '../core/duration.ts';
import type { PendingCall } from './pending-call.ts';

export class CallQueue {
  #calls: PendingCall[] = [];

  get size(): number {
    return this.#calls.length;
  }

  push(call: PendingCall): void {
    this.#calls.push(call);
  }

  /** They had been given away: they go ahead of all others. */
  putBack(...calls: readonly PendingCall[]): void {
    this.#calls = [...calls, ...this.#calls];
  }

  remove(call: PendingCall): void {
    this.#calls = this.#calls.filter((other) => other !== call);
  }

  /** Offers call after call until one is not taken; returns how many were. */
  give(take: (call: PendingCall) => boolean): number {
    const refused = this.#calls.findIndex((call) => !take(call));
    const given = refused < 0 ? this.#calls.length : refused;
    if (given > 0) this.#calls = this.#calls.slice(given);
    return given;
  }

  /** Takes out those that waited until their deadline. */
  expire(now: Instant): readonly PendingCall[] {
    return this.takeOut((call) => call.limitAt <= now);
  }

  takeOut(which: (call: PendingCall) => boolean): readonly PendingCall[] {
    const taken = this.#calls.filter(which);
    if (taken.length > 0) this.#calls = this.#calls.filter((call) => !which(call));
    return taken;
  }

  /** When the next of them expires. */
  nextExpiry(): Instant | undefined {
    let earliest: Instant | undefined;
    for (const { limitAt } of this.#calls) if (earliest === undefined || limitAt < earliest) earliest = limitAt;
    return earliest;
  }

  /** Takes out all. */
  drain(): readonly PendingCall[] {
    const all = this.#calls;
    this.#calls = [];
    return all;
  }
}
