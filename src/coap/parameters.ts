/**
 * Transmission parameters (RFC 7252 §4.8) and the times derived from them (§4.8.2).
 * One set per link profile; nothing derived is ever typed in.
 */
import { milliseconds, seconds, type Milliseconds } from '../core/duration.ts';
import type { Szx } from './blockwise/block-option.ts';

export interface TransmissionOptions {
  /** ACK_TIMEOUT */
  readonly ackTimeout: Milliseconds;
  /** ACK_RANDOM_FACTOR, at least 1. */
  readonly ackRandomFactor: number;
  /** MAX_RETRANSMIT */
  readonly maxRetransmit: number;
  /** NSTART: outstanding interactions that we start with one peer. */
  readonly nstart: number;
  /** PROBING_RATE: to a peer that does not answer, on average (§4.7). */
  readonly probingBytesPerSecond: number;
  /** DEFAULT_LEISURE: within it a multicast request is answered (§8.2). */
  readonly leisure: Milliseconds;
  /** MAX_LATENCY: the longest a datagram is assumed to be under way. */
  readonly maxLatency: Milliseconds;
  /** An answer that is ready within it travels in the ACK; below ACK_TIMEOUT so that nothing is retransmitted. */
  readonly piggybackWindow: Milliseconds;
  /** Block size, as SZX, towards a peer that has stated none. */
  readonly szx: Szx;
  /** The longest request body that is taken from a peer; a longer one is 4.13. */
  readonly maxBodyBytes: number;
}

export const defaultTransmissionOptions: TransmissionOptions = {
  ackTimeout: seconds(2),
  ackRandomFactor: 1.5,
  maxRetransmit: 4,
  nstart: 1,
  probingBytesPerSecond: 1,
  leisure: seconds(5),
  maxLatency: seconds(100),
  piggybackWindow: seconds(1.5),
  szx: 4,
  maxBodyBytes: 1 << 20,
};

export interface TransmissionParameters extends TransmissionOptions {
  /** From the first transmission of a CON to its last retransmission. */
  readonly maxTransmitSpan: Milliseconds;
  /** From the first transmission of a CON until its sender gives up. */
  readonly maxTransmitWait: Milliseconds;
  readonly maxRtt: Milliseconds;
  /** How long the Message ID of a CON must not be used again. */
  readonly exchangeLifetime: Milliseconds;
  /** How long the Message ID of a NON must not be used again. */
  readonly nonLifetime: Milliseconds;
}

/** RFC 7252 §4.8.2 */
export function deriveParameters(options: TransmissionOptions): TransmissionParameters {
  const { ackTimeout, ackRandomFactor, maxRetransmit, maxLatency } = options;
  const maxTransmitSpan = ackTimeout * (2 ** maxRetransmit - 1) * ackRandomFactor;
  const processingDelay = ackTimeout;
  const maxRtt = 2 * maxLatency + processingDelay;
  return {
    ...options,
    maxTransmitSpan: milliseconds(maxTransmitSpan),
    maxTransmitWait: milliseconds(ackTimeout * (2 ** (maxRetransmit + 1) - 1) * ackRandomFactor),
    maxRtt: milliseconds(maxRtt),
    exchangeLifetime: milliseconds(maxTransmitSpan + maxRtt),
    nonLifetime: milliseconds(maxTransmitSpan + maxLatency),
  };
}

export const defaultParameters: TransmissionParameters = deriveParameters(defaultTransmissionOptions);
