/** What the two ways to serve, in this process and in several others, have in common. */
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import type { Address } from '../core/datagram.ts';
import { isLoopback } from '../transport/address.ts';
import type { Interrupt } from './interrupt.ts';
import { uriOf, type Ready } from './serve-banner.ts';
import type { Terminal } from './terminal.ts';

export interface ServeSession {
  readonly config: Config;
  readonly interrupt: Interrupt;
  readonly terminal: Terminal;
  /** Prints what is there now. */
  readonly ready: (ready: Ready) => void;
}

/** Everyone is `local` as long as there is no authentication. */
export function warnIfOpen(addresses: readonly Address[], logger: Logger): void {
  const open = addresses.filter(({ address }) => !isLoopback(address));
  if (open.length > 0)
    logger.warn(
      { event: 'open', addresses: open.map(uriOf) },
      'everyone who can reach these addresses can call every function: there is no authentication',
    );
}

export const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
