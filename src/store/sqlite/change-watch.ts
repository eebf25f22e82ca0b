/** Tells when a database has changed, whoever changed it: `PRAGMA data_version` reads a counter in shared memory. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Scheduler } from '../../core/clock.ts';
import { milliseconds } from '../../core/duration.ts';

/** How soon another process's change is noticed. */
const lookEvery = milliseconds(100);

export class ChangeWatch {
  readonly #scheduler: Scheduler;
  readonly #dataVersion: StatementSync;
  readonly #listeners = new Set<() => void>();
  #seenVersion: unknown;
  #stopLooking: (() => void) | undefined;

  constructor(database: DatabaseSync, scheduler: Scheduler) {
    this.#scheduler = scheduler;
    this.#dataVersion = database.prepare('PRAGMA data_version');
  }

  /** @returns what ends it */
  add(listener: () => void): () => void {
    this.#listeners.add(listener);
    if (this.#stopLooking === undefined) {
      this.#seenVersion = this.#version();
      this.#lookLater();
    }
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.close();
    };
  }

  /** This process has changed something. */
  tell(): void {
    for (const listener of this.#listeners) listener();
  }

  close(): void {
    this.#stopLooking?.();
    this.#stopLooking = undefined;
    this.#listeners.clear();
  }

  #lookLater(): void {
    this.#stopLooking = this.#scheduler.after(lookEvery, () => {
      this.#lookLater();
      const version = this.#version();
      if (version === this.#seenVersion) return;
      this.#seenVersion = version;
      this.tell();
    });
  }

  /** Undefined while it cannot be read: the listeners are told, and whoever then reads reports why. */
  #version(): unknown {
    try {
      return this.#dataVersion.get()?.['data_version'];
    } catch {
      return undefined;
    }
  }
}
