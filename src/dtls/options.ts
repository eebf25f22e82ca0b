/** What an endpoint is told when it is made, and the bounds on everything that peers can make grow. */
import { seconds } from '../core/duration.ts';
import type { AssociationJournal } from './association-journal.ts';
import { defaultCipherSuites, type CipherSuite } from './cipher-suites.ts';
import type { ServerCredentials } from './credentials.ts';
import type { RetransmissionOptions } from './flight.ts';
import type { Crypto, NamedGroup } from './primitives.ts';
import type { TicketKeys } from './ticket.ts';

export interface DtlsLimits {
  /** The one that was quiet for longest makes room. About 10 kB each, and 6 kB more where CCM is composed. */
  readonly maxAssociations: number;
  /** Handshakes under way, whose peer has shown that it receives at its address; the oldest makes room. */
  readonly maxHandshakes: number;
  /** ClientHellos that are looked at, and answered with a cookie at least; more are ignored, and come again. */
  readonly maxHellosPerSecond: number;
  /** Of clients that have shown that they receive at their address; more are ignored, and come again. */
  readonly maxHandshakesPerSecond: number;
  /** The largest handshake message; a chain of certificates. */
  readonly maxMessageBytes: number;
  /** Sessions remembered by ID. */
  readonly maxSessions: number;
  /** Datagrams that wait for the end of a client's handshake, each association. */
  readonly maxQueuedDatagrams: number;
  /** Records that are not authentic before an association ends, and new keys are needed. */
  readonly maxForgedRecords: number;
}

export const defaultDtlsLimits: DtlsLimits = {
  maxAssociations: 131_072,
  maxHandshakes: 1000,
  // A flood of either costs those who are connected less than a fifth of their rate (docs/performance.md).
  maxHellosPerSecond: 3000,
  maxHandshakesPerSecond: 100,
  maxMessageBytes: 8192,
  maxSessions: 10_000,
  maxQueuedDatagrams: 8,
  // RFC 9147 §4.5.3 wants a limit for DTLS 1.3; 1.2 has none. With tags of 8 bytes this many guesses are right once in 2^28.
  maxForgedRecords: 2 ** 36,
};

export interface DtlsOptions {
  readonly crypto: Crypto;
  /** In milliseconds since 1970: sessions and tickets are older than a monotonic clock. */
  readonly wallClock: () => number;
  readonly limits: DtlsLimits;
  /** In order of preference; the server's counts (RFC 5246 §7.4.1.3). */
  readonly cipherSuites: readonly CipherSuite[];
  readonly groups: readonly NamedGroup[];
  readonly retransmission: RetransmissionOptions;
  /** Handshake messages are fragmented to fit; the default is what every IPv6 link carries. */
  readonly maxDatagramBytes: number;
  /**
   * Connection IDs (RFC 9146) that this end hands out: `length` bytes, 2 to 6, the first of which is `node`, so that a load
   * balancer finds the process. Undefined: it hands out none, and still uses those of others.
   */
  readonly connectionId: { readonly length: number; readonly node: number } | undefined;
  /** Whether a client asks for Connection IDs, if only to use those of its server. */
  readonly offersConnectionId: boolean;
  /** Undefined: this end is a client only. */
  readonly server: ServerCredentials | undefined;
  /** Undefined: no tickets. */
  readonly tickets: TicketKeys | undefined;
  readonly sessionLifetimeMs: number;
  /** Undefined: associations end with the process. */
  readonly journal: AssociationJournal | undefined;
}

export const defaultDtlsOptions: Omit<DtlsOptions, 'crypto' | 'wallClock'> = {
  limits: defaultDtlsLimits,
  cipherSuites: defaultCipherSuites,
  groups: ['x25519', 'secp256r1'],
  retransmission: { initial: seconds(1), longest: seconds(60), attempts: 12 },
  maxDatagramBytes: 1232,
  connectionId: undefined,
  offersConnectionId: true,
  server: undefined,
  tickets: undefined,
  sessionLifetimeMs: 24 * 3600 * 1000,
  journal: undefined,
};
