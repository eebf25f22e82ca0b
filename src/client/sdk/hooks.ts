/** What an application is told of each call, for its logs, traces and counters. What a hook throws, the call throws. */
import type { Clock } from '../../core/clock.ts';
import { milliseconds, type Milliseconds } from '../../core/duration.ts';
import type { Argument } from './arguments.ts';

export interface CallEvent {
  /** `math/add`, `bank/Account.deposit`; `b` is a batch. */
  readonly target: string;
  readonly args: readonly Argument[];
}

export interface Hooks {
  /** A call begins: of a function, a class or a method, as a job, or as a batch; or the loop over a stream or what is watched. */
  readonly onCall: (call: CallEvent) => void;
  /** It went well, and took so long. */
  readonly onAnswer: (call: CallEvent, took: Milliseconds) => void;
  /** It throws this. */
  readonly onError: (call: CallEvent, error: unknown) => void;
  /** The connection is closed by this program. */
  readonly onClose: () => void;
}

/** A call that its application is told of. */
export class ToldCall {
  readonly #hooks: Partial<Hooks>;
  readonly #clock: Clock;
  readonly #call: CallEvent;
  readonly #begun: number;

  constructor(hooks: Partial<Hooks>, clock: Clock, target: string, args: readonly Argument[]) {
    this.#hooks = hooks;
    this.#clock = clock;
    this.#call = { target, args };
    this.#begun = clock.now();
    hooks.onCall?.(this.#call);
  }

  answered(): void {
    this.#hooks.onAnswer?.(this.#call, milliseconds(this.#clock.now() - this.#begun));
  }

  failed(error: unknown): void {
    this.#hooks.onError?.(this.#call, error);
  }
}
