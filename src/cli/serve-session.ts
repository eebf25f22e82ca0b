/** What the two ways to serve, in this process and in several others, have in common. */
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import type { Address } from '../core/datagram.ts';
import type { Announcement, AnnouncementOptions } from '../gateway/announcement.ts';
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

interface Open {
  readonly addresses: readonly Address[];
  readonly securedAddresses: readonly Address[];
  readonly httpUrls: readonly string[];
}

/** One line: what is open to whom. Access rules say what they may call. */
export function whoCanCall(config: Config, { addresses, securedAddresses, httpUrls }: Open): string {
  const { coaps } = config;
  const everyone = addresses.every(({ address }) => isLoopback(address))
    ? 'everyone on this machine'
    : 'everyone who can reach these addresses';
  const enrolled =
    securedAddresses.length > 0
      ? 'coaps: identities that are enrolled'
      : coaps.listen.length === 0
        ? 'coaps is closed: coaps.listen is empty'
        : 'coaps is closed: nobody is enrolled (`funcoap enroll NAME` opens it)';
  const http = httpUrls.length === 0 ? 'http is closed: http.listen is empty' : `http: ${overHttp(config, httpUrls)}`;
  return `Open to: coap: ${everyone}, as "local"; ${enrolled}; ${http}.`;
}

/** Tokens are for identities; without one there is `local`, on loopback and where no proxy stands between. */
function overHttp({ http }: Config, urls: readonly string[]): string {
  const isLocal = ({ hostname }: URL): boolean => isLoopback(hostname.replace(/^\[|\]$/g, ''));
  const hasLocal = http.proxies.length === 0 && urls.some((url) => isLocal(new URL(url)));
  const identities = 'identities that are enrolled (`funcoap token NAME`)';
  return hasLocal ? `everyone on this machine, as "local", and ${identities}` : identities;
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

/** Tells the gateway's links by multicast DNS what listens there; undefined where that is switched off. */
export async function announce(
  { mdns }: Config,
  doors: AnnouncementOptions['doors'],
): Promise<Announcement | undefined> {
  if (!mdns.enabled) return undefined;
  const { Announcement } = await import('../gateway/announcement.ts');
  const { systemScheduler: scheduler } = await import('../transport/scheduler.ts');
  const { readInterfaces: interfaces } = await import('../transport/local-addresses.ts');
  // A name of its own: that of the host is announced by others, with addresses that nothing may listen on here.
  const host = `funcoap-${hostname().split('.')[0]}`;
  return new Announcement({ instance: mdns.name, host, doors, scheduler, uniform: Math.random, interfaces });
}

export const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
