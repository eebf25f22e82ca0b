/** Publishes what a library prints, bounded: a library that prints without end drowns nobody. */
import { channels } from '../core/channels.ts';
import type { Instant } from '../core/duration.ts';
import type { Scheduler } from '../core/clock.ts';

const windowMs = 1000;
const maxTextLength = 8192;

export class LibraryOutput {
  readonly #library: string;
  readonly #limit: number;
  readonly #scheduler: Scheduler;
  #windowFrom: Instant;
  #left: number;
  #dropped = 0;

  /** `limit` in characters a second. */
  constructor(library: string, limit: number, scheduler: Scheduler) {
    this.#library = library;
    this.#limit = limit;
    this.#scheduler = scheduler;
    this.#windowFrom = scheduler.now();
    this.#left = limit;
  }

  print(stream: 'stdout' | 'stderr', text: string): void {
    const now = this.#scheduler.now();
    if (now - this.#windowFrom >= windowMs) {
      this.#windowFrom = now;
      this.#left = this.#limit;
      if (this.#dropped > 0) this.#publish('stderr', `(${this.#dropped} characters more were printed and left out)`);
      this.#dropped = 0;
    }
    const kept = text.slice(0, Math.min(this.#left, maxTextLength));
    this.#left -= kept.length;
    this.#dropped += text.length - kept.length;
    if (kept !== '') this.#publish(stream, kept);
  }

  #publish(stream: 'stdout' | 'stderr', text: string): void {
    if (channels.libraryPrinted.hasSubscribers)
      channels.libraryPrinted.publish({ library: this.#library, stream, text });
  }
}
