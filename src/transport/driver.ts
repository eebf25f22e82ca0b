/**
 * Ties a sans-IO engine to a transport, a clock and one timer. What an engine says after a batch
 * leaves as one batch. The timer is set anew only when the deadline moves earlier: nearly every
 * protocol timer is cancelled, and an early wake-up now and then costs less than a timer a datagram.
 */
import type { Datagram, DatagramReceiver, DatagramTransport, HelloShares, SendFailure } from '../core/datagram.ts';
import { never, until, type Instant } from '../core/duration.ts';
import type { Scheduler } from '../core/clock.ts';
import { systemScheduler } from './scheduler.ts';

export interface SansIoEngine {
  receive(batch: readonly Datagram[], now: Instant): void;
  /** See DatagramReceiver. */
  refuses?(bytes: Uint8Array, from: number, length: number, now: Instant): boolean;
  /** Called at `nextDeadline`, or earlier. */
  poll(now: Instant): void;
  nextDeadline(): Instant | undefined;
  /** What is to be sent since it was last asked. */
  takeOutput(): readonly Datagram[];
  /** What it can use of the ClientHellos that come; another object when that changes. */
  readonly helloShares?: HelloShares;
  /** A datagram did not leave. An engine may give up earlier for it (RFC 7252 §4.2). */
  sendFailed?(failure: SendFailure, now: Instant): void;
}

class Driver<T extends DatagramTransport> implements DatagramReceiver {
  readonly #engine: SansIoEngine;
  readonly #scheduler: Scheduler;
  #transport: T | undefined = undefined;
  #armedFor: Instant = never;
  #disarm: (() => void) | undefined = undefined;
  #flushQueued = false;
  #helloShares: HelloShares | undefined;
  #closed = false;

  constructor(engine: SansIoEngine, scheduler: Scheduler) {
    this.#engine = engine;
    this.#scheduler = scheduler;
    this.#helloShares = engine.helloShares;
  }

  /** From here on output leaves; what arrived while the transport was opening is answered now. */
  start(transport: T): void {
    this.#transport = transport;
    this.#flush();
  }

  refuses(bytes: Uint8Array, from: number, length: number): boolean {
    return this.#engine.refuses?.(bytes, from, length, this.#scheduler.now()) === true;
  }

  receive(batch: readonly Datagram[]): void {
    if (this.#closed) return;
    this.#engine.receive(batch, this.#scheduler.now());
    this.#flush();
  }

  sendFailed(failure: SendFailure): void {
    if (this.#closed || this.#engine.sendFailed === undefined) return;
    this.#engine.sendFailed(failure, this.#scheduler.now());
    this.wake();
  }

  /** The engine has something to send that no datagram and no deadline caused. Many calls, one batch. */
  readonly wake = (): void => {
    if (this.#flushQueued) return;
    this.#flushQueued = true;
    queueMicrotask(() => {
      this.#flushQueued = false;
      this.#flush();
    });
  };

  async close(): Promise<void> {
    this.#closed = true;
    this.#disarm?.();
    await this.#transport?.close();
  }

  #flush(): void {
    if (this.#closed || this.#transport === undefined) return;
    const output = this.#engine.takeOutput();
    if (output.length > 0) this.#transport.send(output);
    const { helloShares } = this.#engine;
    if (helloShares !== this.#helloShares) {
      this.#helloShares = helloShares;
      if (helloShares !== undefined) this.#transport.admit?.(helloShares);
    }
    const deadline = this.#engine.nextDeadline();
    if (deadline === undefined || deadline >= this.#armedFor) return;
    this.#disarm?.();
    this.#armedFor = deadline;
    this.#disarm = this.#scheduler.after(until(deadline, this.#scheduler.now()), this.#expire);
  }

  readonly #expire = (): void => {
    this.#armedFor = never;
    this.#disarm = undefined;
    this.#engine.poll(this.#scheduler.now());
    this.#flush();
  };
}

/** Opens a transport for an engine: `drive(engine, (receiver) => openUdp(options, receiver))`. */
export async function drive<T extends DatagramTransport>(
  engine: SansIoEngine,
  open: (receiver: DatagramReceiver) => Promise<T> | T,
  scheduler: Scheduler = systemScheduler,
): Promise<{ readonly transport: T; readonly wake: () => void; close(): Promise<void> }> {
  const driver = new Driver<T>(engine, scheduler);
  const transport = await open(driver);
  driver.start(transport);
  return { transport, wake: driver.wake, close: () => driver.close() };
}
