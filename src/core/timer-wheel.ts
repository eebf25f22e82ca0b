/**
 * Protocol timers, sans-IO: arm and cancel in O(1), a cancelled timer is freed at once, and the next
 * deadline is exact. After G. Varghese and T. Lauck, "Hashed and Hierarchical Timing Wheels" (1987).
 *
 * Two wheels. *Near*: 4096 slots of 16 ms, one lap of 65.5 s that slides with the time, so that a slot
 * holds one tick only. *Far*: 256 slots of one near lap each; a far slot is dealt out again when its
 * lap begins, and what lies beyond 4.6 hours waits in the last one. Neither number is from an RFC.
 *
 * Left out: a clock and callbacks. The owner says what time it is and handles what expired.
 */
import type { Instant } from './duration.ts';

const tickMs = 16;
const nearSlots = 4096;
const farSlots = 256;

/** `slot` of a timer that is in neither wheel. */
const idle = -1;
const expiring = -2;

/** What `arm` hands out, to cancel by. All but `deadline` and `payload` is the wheel's own. */
export class Timer<T> {
  readonly deadline: Instant;
  readonly payload: T;
  /** Intrusive list of the slot. */
  previous: Timer<T> | undefined = undefined;
  next: Timer<T> | undefined = undefined;
  slot: number = idle;

  constructor(deadline: Instant, payload: T) {
    this.deadline = deadline;
    this.payload = payload;
  }
}

const byDeadline = (a: Timer<unknown>, b: Timer<unknown>): number => a.deadline - b.deadline;

export class TimerWheel<T> {
  /** Heads of the slots' lists: near ones, then far ones. */
  readonly #heads: (Timer<T> | undefined)[] = new Array<Timer<T> | undefined>(nearSlots + farSlots).fill(undefined);
  /** One bit a slot: its list is not empty. */
  readonly #occupied: Int32Array = new Int32Array((nearSlots + farSlots) / 32);
  /** The tick of the latest `now`. Every near timer lies in [tick, tick + nearSlots). */
  #tick: number;
  #nearCount = 0;
  #farCount = 0;
  /** Exact where defined, undefined where it must be looked up again. */
  #nearEarliest: Instant | undefined = undefined;
  #farEarliest: Instant | undefined = undefined;

  /** @param now where the clock stands; a wheel that is told works on near slots from the start. */
  constructor(now: Instant = 0 as Instant) {
    this.#tick = Math.floor(now / tickMs);
  }

  /** How many timers are armed. */
  get size(): number {
    return this.#nearCount + this.#farCount;
  }

  /** A deadline in the past expires with the next `advance`. */
  arm(deadline: Instant, payload: T): Timer<T> {
    const timer = new Timer(deadline, payload);
    this.#insert(timer);
    return timer;
  }

  /** Harmless for a timer that has expired or was cancelled before. */
  cancel(timer: Timer<T>): void {
    if (timer.slot === expiring) timer.slot = idle;
    else if (timer.slot !== idle) this.#remove(timer);
  }

  /**
   * Hands over every payload whose deadline is `now` or earlier, in the order of their deadlines.
   * `expired` may arm and cancel; what it arms waits for the next call, even when it is due already.
   */
  advance(now: Instant, expired: (payload: T) => void): void {
    const due = this.#collect(now);
    if (due === undefined) return;
    if (due.length > 1) due.sort(byDeadline);
    let at = 0;
    try {
      while (at < due.length) {
        const timer = due[at++];
        if (timer?.slot !== expiring) continue; // cancelled by one that expired before it
        timer.slot = idle;
        expired(timer.payload);
      }
    } finally {
      // Only where `expired` threw: the rest is not lost.
      for (; at < due.length; at++) {
        const timer = due[at];
        if (timer?.slot === expiring) this.#insert(timer);
      }
    }
  }

  /** When `advance` has something to do next; undefined when nothing is armed. */
  nextDeadline(): Instant | undefined {
    if (this.#nearCount === 0) return this.#farDeadline();
    const near = (this.#nearEarliest ??= this.#scanNear());
    if (this.#farCount === 0) return near;
    // A far slot need not be searched while its lap begins after the nearest timer.
    if (this.#farEarliest === undefined && this.#firstFarLap() * nearSlots * tickMs > near) return near;
    const far = this.#farDeadline();
    return far === undefined || near < far ? near : far;
  }

  #insert(timer: Timer<T>): void {
    const tick = Math.max(Math.floor(timer.deadline / tickMs), this.#tick);
    if (tick - this.#tick < nearSlots) {
      this.#link(timer, tick & (nearSlots - 1));
      if (this.#nearCount++ === 0 || (this.#nearEarliest !== undefined && timer.deadline < this.#nearEarliest))
        this.#nearEarliest = timer.deadline;
      return;
    }
    const lap = Math.min(Math.floor(tick / nearSlots), Math.floor(this.#tick / nearSlots) + farSlots - 1);
    this.#link(timer, nearSlots + (lap & (farSlots - 1)));
    if (this.#farCount++ === 0 || (this.#farEarliest !== undefined && timer.deadline < this.#farEarliest))
      this.#farEarliest = timer.deadline;
  }

  #link(timer: Timer<T>, slot: number): void {
    const head = this.#heads[slot];
    timer.slot = slot;
    timer.next = head;
    if (head !== undefined) head.previous = timer;
    this.#heads[slot] = timer;
    this.#occupied[slot >> 5] = (this.#occupied[slot >> 5] ?? 0) | (1 << (slot & 31));
  }

  #remove(timer: Timer<T>): void {
    const { slot, previous, next } = timer;
    if (next !== undefined) next.previous = previous;
    if (previous !== undefined) previous.next = next;
    else {
      this.#heads[slot] = next;
      if (next === undefined) this.#occupied[slot >> 5] = (this.#occupied[slot >> 5] ?? 0) & ~(1 << (slot & 31));
    }
    timer.previous = undefined;
    timer.next = undefined;
    timer.slot = idle;
    if (slot < nearSlots) {
      this.#nearCount--;
      if (timer.deadline === this.#nearEarliest) this.#nearEarliest = undefined;
    } else {
      this.#farCount--;
      if (timer.deadline === this.#farEarliest) this.#farEarliest = undefined;
    }
  }

  /** Moves the time on and takes out everything that is due before any of it is handled. */
  #collect(now: Instant): Timer<T>[] | undefined {
    const from = this.#tick;
    const to = Math.max(Math.floor(now / tickMs), from);
    let due: Timer<T>[] | undefined;

    if (this.#nearCount > 0 && !(this.#nearEarliest !== undefined && this.#nearEarliest > now)) {
      const last = Math.min(to, from + nearSlots - 1);
      for (let tick = from; tick <= last; tick++) {
        tick += this.#distance(tick & (nearSlots - 1), last - tick, 0, nearSlots);
        if (tick > last) break;
        due = this.#takeDue(tick & (nearSlots - 1), now, due);
      }
    }

    this.#tick = to;
    const fromLap = Math.floor(from / nearSlots);
    const toLap = Math.floor(to / nearSlots);
    if (toLap > fromLap && this.#farCount > 0) {
      const last = Math.min(toLap, fromLap + farSlots);
      for (let lap = fromLap + 1; lap <= last; lap++) {
        const slot = nearSlots + (lap & (farSlots - 1));
        due = this.#takeDue(slot, now, due);
        this.#dealOut(slot);
      }
    }
    return due;
  }

  #takeDue(slot: number, now: Instant, due: Timer<T>[] | undefined): Timer<T>[] | undefined {
    let taken = due;
    let timer = this.#heads[slot];
    let first = timer;
    // Lists are built at the head: from the tail on, equal deadlines keep the order of arming.
    while (timer !== undefined) {
      first = timer;
      timer = timer.next;
    }
    for (timer = first; timer !== undefined;) {
      const previous = timer.previous;
      if (timer.deadline <= now) {
        this.#remove(timer);
        timer.slot = expiring;
        (taken ??= []).push(timer);
      }
      timer = previous;
    }
    return taken;
  }

  /** A lap begins: its timers move to near slots, or on to a later far slot. */
  #dealOut(slot: number): void {
    const timers: Timer<T>[] = [];
    for (let timer = this.#heads[slot]; timer !== undefined; timer = timer.next) timers.push(timer);
    for (const timer of timers.reverse()) {
      this.#remove(timer);
      this.#insert(timer);
    }
  }

  #farDeadline(): Instant | undefined {
    if (this.#farCount === 0) return undefined;
    return (this.#farEarliest ??= this.#scanFar());
  }

  #scanNear(): Instant {
    const start = this.#tick & (nearSlots - 1);
    const slot = (start + this.#distance(start, nearSlots - 1, 0, nearSlots)) & (nearSlots - 1);
    return this.#earliestOf(slot);
  }

  /** Slots in the order of their laps, until no later lap can hold anything earlier. */
  #scanFar(): Instant {
    let earliest = Infinity;
    const base = Math.floor(this.#tick / nearSlots);
    for (let lap = base; lap < base + farSlots; lap++) {
      const start = lap & (farSlots - 1);
      lap += this.#distance(start, farSlots - 1, nearSlots, farSlots);
      if (lap >= base + farSlots || lap * nearSlots * tickMs > earliest) break;
      earliest = Math.min(earliest, this.#earliestOf(nearSlots + (lap & (farSlots - 1))));
    }
    return earliest as Instant;
  }

  #firstFarLap(): number {
    const base = Math.floor(this.#tick / nearSlots);
    return base + this.#distance(base & (farSlots - 1), farSlots - 1, nearSlots, farSlots);
  }

  #earliestOf(slot: number): Instant {
    let earliest = Infinity;
    for (let timer = this.#heads[slot]; timer !== undefined; timer = timer.next)
      if (timer.deadline < earliest) earliest = timer.deadline;
    return earliest as Instant;
  }

  /**
   * How many slots after `start`, going round a wheel of `slots` slots whose first is `offset`, the
   * next occupied one is; more than `limit` when none of the first `limit + 1` is.
   */
  #distance(start: number, limit: number, offset: number, slots: number): number {
    let distance = 0;
    while (distance <= limit) {
      const slot = (start + distance) & (slots - 1);
      const word = (this.#occupied[(offset + slot) >> 5] ?? 0) >>> (slot & 31);
      if (word !== 0) return distance + 31 - Math.clz32(word & -word);
      distance += 32 - (slot & 31);
    }
    return distance;
  }
}
