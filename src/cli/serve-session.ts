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

/** One line: what is open to whom. Access rules say what they may call. */
export function whoCanCall({ coaps }: Config, plain: readonly Address[], secured: readonly Address[]): string {
  const everyone = plain.every(({ address }) => isLoopback(address))
    ? 'everyone on this machine'
    : 'everyone who can reach these addresses';
  const enrolled =
    secured.length > 0
      ? 'coaps: identities that are enrolled'
      : coaps.listen.length === 0
        ? 'coaps is closed: coaps.listen is empty'
        : 'coaps is closed: nobody is enrolled (`funcoap enroll NAME`, then start again)';
  return `Open to: coap: ${everyone}, as "local"; ${enrolled}.`;
}

/** Over plain CoAP everyone is `local`. */
export function warnIfOpen(addresses: readonly Address[], logger: Logger): void {
  const open = addresses.filter(({ address }) => !isLoopback(address));
  if (open.length > 0)
    logger.warn(
      { event: 'open', addresses: open.map((address) => uriOf(address)) },
      'everyone who can reach these addresses can call what the access rules give to "local": plain CoAP has no authentication',
    );
}

export const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
