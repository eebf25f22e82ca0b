/**
 * Counts what goes wrong on the way in and out, and publishes it without drowning an operator: a peer
 * can cause as many of these as it likes.
 */
import { channels, type TransportNotice } from '../core/channels.ts';
import { seconds, until, after, type Instant, type Milliseconds } from '../core/duration.ts';
import type { Clock } from '../core/clock.ts';
import type { Endpoint } from '../core/datagram.ts';
import { formatAddress } from './address.ts';

/** One notice of a kind and code in this time, with how many it stands for. No RFC's number. */
const quietTime: Milliseconds = seconds(10);

export interface TransportCounters {
  readonly received: number;
  readonly sent: number;
  /** Received and not delivered: nothing could be answered to source port 0. */
  readonly dropped: number;
  readonly sendFailed: number;
  readonly socketErrors: number;
}

export class Notices {
  readonly #clock: Clock;
  /** By kind and code, of which there are few: system error names and our own addresses. */
  readonly #latest = new Map<string, { quietUntil: Instant; suppressed: number }>();
  /** What has been told already and is not over: a few of our own addresses. */
  readonly #standing = new Set<string>();
  received = 0;
  sent = 0;
  dropped = 0;
  sendFailed = 0;
  socketErrors = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get counters(): TransportCounters {
    const { received, sent, dropped, sendFailed, socketErrors } = this;
    return { received, sent, dropped, sendFailed, socketErrors };
  }

  sendFailure(endpoint: Endpoint, code: string): void {
    this.sendFailed++;
    this.publish(
      'send-failed',
      code,
      () => `A datagram to ${formatAddress(endpoint.remote)} could not be sent: ${code}.`,
    );
  }

  socketError(address: string, error: Error): void {
    this.socketErrors++;
    this.publish(
      'socket-error',
      address,
      () => `The socket on ${address} reports ${systemCode(error)}: ${error.message}`,
    );
  }

  /** For what stays as it is until something changes: told again only after `settle`. */
  publishOnce(kind: TransportNotice['kind'], key: string, message: string): void {
    if (this.#standing.has(key)) return;
    this.#standing.add(key);
    channels.transport.publish({ kind, message });
  }

  /** It is over. */
  settle(key: string): void {
    this.#standing.delete(key);
  }

  /** `message` is a function because it is seldom wanted. */
  publish(kind: TransportNotice['kind'], code: string, message: () => string): void {
    if (!channels.transport.hasSubscribers) return;
    const now = this.#clock.now();
    const key = `${kind} ${code}`;
    const latest = this.#latest.get(key);
    if (latest !== undefined && until(latest.quietUntil, now) > 0) {
      latest.suppressed++;
      return;
    }
    this.#latest.set(key, { quietUntil: after(now, quietTime), suppressed: 0 });
    const more =
      latest === undefined || latest.suppressed === 0 ? '' : ` (and ${latest.suppressed} more like it before)`;
    channels.transport.publish({ kind, message: `${message()}${more}` });
  }
}

/** The system's name of an error, such as `EHOSTUNREACH`. */
export function systemCode(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return 'UNKNOWN';
}
