/**
 * The sockets of all gateway processes, one of each address for each process, held by the supervisor as long as
 * it lives. Linux divides the peers of a port by the number of its sockets, so a socket that goes and comes
 * with its process gives up to two thirds of the other processes' peers to somebody else meanwhile (measured
 * with four). A socket that stays keeps its peers and what they send, for the process that adopts it next.
 *
 * A device with a Connection ID stays with its process even where its address changes: Linux is told to go by the first byte of it.
 *
 * Only the native transport can do that. Beside the portable one every process binds its own.
 */
import { closeSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import { familyOf, isWildcard, normaliseAddress } from '../transport/address.ts';
import { divideByConnectionId, holdSocket } from '../transport/batch-socket.ts';
import type { UdpAddon } from '../transport/native/addon.ts';
import { findAddon } from '../transport/native/compile.ts';
import { systemCode } from '../transport/notices.ts';
import { bindError } from '../transport/udp-socket.ts';

export interface HeldSockets {
  /** What the transport binds, an address or a wildcard each. */
  readonly addresses: readonly string[];
  /** Of each process, in the order of the addresses. */
  readonly descriptors: readonly (readonly number[])[];
  /** Why Linux does not go by Connection IDs, though it was asked for. */
  readonly undivided: string | undefined;
  close(): void;
}

const none: HeldSockets = { addresses: [], descriptors: [], undivided: undefined, close: () => {} };

/**
 * @param coap with the port that is claimed
 * @param claimed the addresses that are
 * @param secured whether DTLS comes there, in records that a Connection ID may begin
 * @throws UsageError `cannot-listen`
 */
export async function holdSockets(
  coap: Pick<Config['coap'], 'listen' | 'port' | 'receiveBuffer' | 'transport'>,
  claimed: readonly string[],
  processes: number,
  secured: boolean,
): Promise<HeldSockets> {
  if (coap.transport === 'dgram') return none;
  const found = await findAddon();
  if (found.missing !== undefined) return none;
  const { port, receiveBuffer: receiveBufferBytes } = coap;
  const addresses = boundAddresses(coap.listen, claimed);
  const descriptors = Array.from({ length: processes }, (): number[] => []);
  const close = (): void => {
    for (const descriptor of descriptors.flat()) closeSync(descriptor);
  };
  for (const own of descriptors) {
    for (const address of addresses) {
      try {
        own.push(holdSocket(found.addon, { address, port, receiveBufferBytes, reusePort: true }));
      } catch (error) {
        close();
        throw bindError({ address, port }, error);
      }
    }
  }
  const undivided = secured ? divide(found.addon, descriptors[0] ?? []) : undefined;
  return { addresses, descriptors, undivided, close };
}

/** For each address once: the sockets of all processes on it are one group, in the order in which they were bound. */
function divide(addon: UdpAddon, ofFirst: readonly number[]): string | undefined {
  try {
    for (const descriptor of ofFirst) divideByConnectionId(addon, descriptor);
    return undefined;
  } catch (error) {
    return systemCode(error);
  }
}

/** A wildcard is one socket, where there is an address of its IP version. */
function boundAddresses(listen: readonly string[], claimed: readonly string[]): string[] {
  const wildcards = new Set(listen.map(normaliseAddress).filter(isWildcard));
  const usable = [...wildcards].filter((one) => claimed.some((address) => familyOf(address) === familyOf(one)));
  const families = new Set(usable.map(familyOf));
  return [...usable, ...claimed.filter((address) => !families.has(familyOf(address)))];
}
