/** `--host`: how devices reach the gateway, as a name or an address. */
import { isIP } from 'node:net';
import { UsageError } from '../core/error.ts';

/** Letters, digits and hyphens (RFC 952, RFC 1123 §2.1), and the underscores that names of machines and containers have. */
const name = /^(?=.{1,253}$)[a-z\d_]([a-z\d_-]{0,61}[a-z\d_])?(\.[a-z\d_]([a-z\d_-]{0,61}[a-z\d_])?)*\.?$/i;

/** An IPv6 address may stand in brackets. @throws UsageError 'bad-flag' */
export function hostOf(written: string): string {
  const text = /^\[(.*)\]$/.exec(written)?.[1] ?? written;
  const isAddress = isIP(text) !== 0 && !text.includes('%');
  if (isAddress || (text === written && name.test(text))) return text;
  throw new UsageError(
    'bad-flag',
    `--host is ${JSON.stringify(written)}, but must be a name or an address, such as gateway.example or 2001:db8::7; the port is that of the configuration (coaps.port).`,
  );
}

/** As it stands in a URI (RFC 3986 §3.2). @param port undefined: that of the scheme */
export const authorityOf = (host: string, port: number | undefined): string =>
  `${host.includes(':') ? `[${host}]` : host}${port === undefined ? '' : `:${port}`}`;
