/** The IP address that a URI's host stands for. */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { UsageError } from '../core/error.ts';

/** @throws UsageError `unknown-host` */
export async function addressOf(host: string): Promise<string> {
  if (isIP(host.split('%', 1)[0] ?? '') !== 0) return host;
  try {
    const { address } = await lookup(host);
    return address;
  } catch (cause) {
    throw new UsageError(
      'unknown-host',
      `The name ${host} cannot be resolved to an address; check its spelling or use an address.`,
      { cause },
    );
  }
}
