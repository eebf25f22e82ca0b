/**
 * What the supervisor and its gateway processes say to each other, over the channel that Node gives a child
 * process. Both ends are of one installation, so nothing here has a version.
 */
import type { Config } from '../config/config.ts';
import type { LibraryChanged, TransportNotice } from '../core/channels.ts';
import type { Address } from '../core/datagram.ts';
import type { LibraryDescription } from '../functions/description.ts';
import type { LibraryInvalidation } from '../functions/registry.ts';
import type { MetricsSnapshot } from '../telemetry/metrics.ts';

/** What a process is to do; `config` is the supervisor's, so that all have the same and a later one has it too. */
export interface Assignment {
  /** From 1. */
  readonly number: number;
  /** How many there are. */
  readonly of: number;
  readonly config: Config;
  /** The lines of the log end up on a terminal. */
  readonly isTerminal: boolean;
  /** What is bound by the sockets that the process was started with, from `firstSocketDescriptor` on. */
  readonly held: readonly string[];
  /** The same for coaps, of the descriptors that follow; undefined: it is not opened. */
  readonly heldSecured: readonly string[] | undefined;
}

export type ToProcess =
  | { readonly kind: 'load'; readonly assignment: Assignment }
  /** Once all have loaded: the peers are divided once, not anew with each process that comes. */
  | { readonly kind: 'listen' }
  | { readonly kind: 'invalidate'; readonly what: LibraryInvalidation }
  | { readonly kind: 'count' }
  | { readonly kind: 'stop' };

/** Why a process could not start. */
export interface StartFailure {
  readonly kind: 'failed';
  /** Something that its user can mend; a fault of funcoap otherwise. */
  readonly isUsage: boolean;
  /** A name of docs/errors.md. */
  readonly code: string;
  readonly message: string;
}

export type FromProcess =
  | { readonly kind: 'loaded' }
  | {
      readonly kind: 'serving';
      readonly addresses: readonly Address[];
      readonly securedAddresses: readonly Address[];
      readonly httpUrls: readonly string[];
      readonly libraries: readonly LibraryDescription[];
    }
  | StartFailure
  | { readonly kind: 'invalidated'; readonly what: LibraryInvalidation }
  | { readonly kind: 'library'; readonly event: LibraryChanged }
  | { readonly kind: 'transport'; readonly event: TransportNotice }
  | { readonly kind: 'counted'; readonly metrics: MetricsSnapshot; readonly memoryBytes: number };
