/** One request to a gateway's HTTP door over Node's fetch, from its beginning to the end of its answer: its time, its end, its errors. */
import type { Scheduler } from '../../core/clock.ts';
import type { Milliseconds } from '../../core/duration.ts';
import { UsageError } from '../../core/error.ts';
import { RequestError, type GivenUp } from '../request-error.ts';

type Ended = GivenUp | 'timeout';

/** Those that are under way. */
export class HttpExchanges {
  readonly #scheduler: Scheduler;
  readonly #underWay = new Set<HttpExchange>();
  #closed = false;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  /** @throws UsageError 'client-closed' */
  begin(url: string, timeout: Milliseconds, signal: AbortSignal | undefined): HttpExchange {
    if (this.#closed) throw new UsageError('client-closed', 'This connection is closed: open another one.');
    const exchange: HttpExchange = new HttpExchange(url, signal, () => this.#underWay.delete(exchange));
    exchange.limit(timeout, this.#scheduler);
    this.#underWay.add(exchange);
    return exchange;
  }

  close(): void {
    this.#closed = true;
    for (const exchange of this.#underWay) exchange.giveUp('closed');
  }
}

export class HttpExchange {
  readonly url: string;
  readonly #controller = new AbortController();
  readonly #signal: AbortSignal | undefined;
  readonly #over: () => void;
  readonly #abort = (): void => this.giveUp('aborted');
  #reason: Ended | undefined;
  #stopTimer: () => void = () => undefined;

  constructor(url: string, signal: AbortSignal | undefined, over: () => void) {
    this.url = url;
    this.#signal = signal;
    this.#over = over;
    signal?.addEventListener('abort', this.#abort, { once: true });
    if (signal?.aborted === true) this.#abort();
  }

  /** For fetch. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  limit(timeout: Milliseconds, scheduler: Scheduler): void {
    this.#stopTimer = scheduler.after(timeout, () => this.giveUp('timeout'));
  }

  /** What comes from now on may take as long as it takes. */
  answered(): void {
    this.#stopTimer();
  }

  /** What comes, as long as there is never so much silence while something is wanted. */
  async *whileAlive(
    body: AsyncIterable<Uint8Array>,
    silence: Milliseconds,
    scheduler: Scheduler,
  ): AsyncGenerator<Uint8Array, void> {
    this.limit(silence, scheduler);
    for await (const part of body) {
      this.answered();
      yield part;
      this.limit(silence, scheduler);
    }
  }

  giveUp(reason: Ended): void {
    this.#reason ??= reason;
    this.#controller.abort();
  }

  end(): void {
    this.#stopTimer();
    this.#signal?.removeEventListener('abort', this.#abort);
    this.#over();
  }

  /** What is still to come is not wanted: the connection is ended. */
  cancel(): void {
    this.end();
    this.#controller.abort();
  }

  /** What to throw for what fetch, or reading its answer, threw. */
  failure(error: unknown): unknown {
    return this.#reason === undefined ? failureOf(error, this.url) : new RequestError(this.#reason, this.url);
  }
}

const unreachable: ReadonlySet<unknown> = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH']);

/** What fetch throws is a TypeError whose cause says what happened. */
function failureOf(error: unknown, url: string): unknown {
  if (!(error instanceof TypeError)) return error;
  const { cause } = error;
  const code: unknown = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    const words = `The name in ${url} cannot be resolved to an address; check its spelling or use an address.`;
    return new UsageError('unknown-host', words, { cause: error });
  }
  if (unreachable.has(code)) return new RequestError('unreachable', url);
  return new RequestError('reset', url, cause instanceof Error ? cause.message : error.message);
}
