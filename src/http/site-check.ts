/**
 * What keeps web pages from using a gateway that their reader can reach: the Host must be one of ours (DNS rebinding: a name of
 * the attacker's that leads here), and a page of another origin is refused (cross-site requests). RFC 9110 §7.2; RFC 6454 §7;
 * https://www.w3.org/TR/fetch-metadata
 *
 * Left out: CORS. No other site is ever allowed in, so there is nothing to say about it.
 */
import { isIP } from 'node:net';
import { CallError } from '../functions/call-error.ts';
import { shown } from '../functions/names.ts';

export interface SiteHeaders {
  readonly 'origin'?: string | undefined;
  readonly 'sec-fetch-site'?: string | string[] | undefined;
  readonly 'sec-fetch-mode'?: string | string[] | undefined;
}

export class SiteCheck {
  readonly #hosts: ReadonlySet<string>;
  /** The same again and again. */
  #lastGood: string | undefined;

  /** @param hosts names under which the gateway may be asked, besides localhost and IP addresses */
  constructor(hosts: readonly string[]) {
    this.#hosts = new Set(['localhost', ...hosts.map((host) => host.toLowerCase())]);
  }

  /** @param host with its port, if it has one @throws CallError `foreign-host` */
  checkHost(host: string | undefined): void {
    if (host !== undefined && host === this.#lastGood) return;
    const name = host === undefined ? '' : nameIn(host);
    // An address is no name that somebody could point here.
    if (isIP(name) === 0 && !this.#hosts.has(name)) {
      throw new CallError(
        'foreign-host',
        `This gateway is not asked as ${shown(host ?? '')}; use its address or localhost, or add the name to http.hosts.`,
      );
    }
    this.#lastGood = host;
  }

  /**
   * @param isSafe the method changes nothing
   * @param isOwn whether an origin is this very gateway, as the client knows it
   * @throws CallError `foreign-origin`
   */
  checkOrigin(headers: SiteHeaders, isSafe: boolean, isOwn: (origin: string) => boolean): void {
    const { origin } = headers;
    if (origin !== undefined && !isOwn(origin)) throw foreign(shown(origin));
    const site = headers['sec-fetch-site'];
    if (site === undefined || site === 'same-origin' || site === 'none') return;
    // A link that somebody follows: what comes is shown to the reader, not to the page.
    if (isSafe && headers['sec-fetch-mode'] === 'navigate') return;
    throw foreign('another site');
  }
}

const foreign = (who: string): CallError =>
  new CallError(
    'foreign-origin',
    `A page of ${who} may not use this gateway; ask it from its own pages or from a program.`,
  );

/** Without port and brackets; empty where it is no host. */
function nameIn(host: string): string {
  const [, address, name = ''] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(host) ?? [];
  return (address ?? name).toLowerCase();
}
