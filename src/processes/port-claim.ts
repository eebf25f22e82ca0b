/**
 * Makes sure that the addresses are ours alone before several processes share them: with SO_REUSEPORT a second
 * gateway of the same user would silently get a part of the peers instead of being refused.
 *
 * Each address is bound once without it, which fails where anybody has it, and left again for the processes.
 * From then until `release` an abstract Unix socket (unix(7)) stands for it: the system takes that away with
 * this process, however it ends, and like ports each network namespace has its own.
 *
 * Left out: a program of the same user that sets SO_REUSEPORT and is no gateway.
 */
import { createServer, type Server } from 'node:net';
import type { UsageError } from '../core/error.ts';
import { expandListen, localAddresses, readInterfaces } from '../transport/local-addresses.ts';
import { systemCode } from '../transport/notices.ts';
import { bindError, bindSocket, closeSocket, type BoundSocket } from '../transport/udp-socket.ts';
import { freePortAttempts } from '../transport/udp.ts';

export interface PortClaim {
  /** The one that was asked for; where that was 0, one that is free on all addresses. */
  readonly port: number;
  /** Those of the settings, wildcards expanded, that this machine has. */
  readonly addresses: readonly string[];
  release(): void;
}

export interface ClaimOptions {
  readonly listen: readonly string[];
  readonly port: number;
}

/** @throws UsageError `cannot-listen` where one of the addresses is taken, or none can be bound */
export async function claimPort({ listen, port }: ClaimOptions): Promise<PortClaim> {
  const addresses = expandListen(listen, localAddresses(readInterfaces() ?? {}));
  for (let attempt = 1; ; attempt++) {
    const claim = await tryClaim(addresses, port);
    if (!('taken' in claim)) return claim;
    if (port !== 0 || attempt === freePortAttempts) throw claim.taken;
  }
}

async function tryClaim(addresses: readonly string[], wanted: number): Promise<PortClaim | { taken: UsageError }> {
  const bound: BoundSocket[] = [];
  const marks: Server[] = [];
  const release = (): void => {
    for (const mark of marks) mark.close();
  };
  let port = wanted;
  let failure: UsageError | undefined;
  try {
    for (const address of addresses) {
      try {
        const socket = await bindSocket({ address, port, receiveBufferBytes: 0 }, deaf);
        bound.push(socket);
        ({ port } = socket.local);
        marks.push(await mark(address, port));
      } catch (error) {
        const taken = bindError({ address, port }, error);
        if (systemCode(error) === 'EADDRINUSE') {
          release();
          return { taken };
        }
        // It is a warning of the processes while there is another address.
        failure ??= taken;
      }
    }
  } finally {
    await Promise.all(bound.map(({ socket }) => closeSocket(socket)));
  }
  if (bound.length === 0 && failure !== undefined) throw failure;
  return { port, addresses: bound.map(({ local }) => local.address), release };
}

/** What comes before the processes listen is lost, as it was before this process began. */
const deaf = { message: (): void => {}, error: (): void => {} };

function mark(address: string, port: number): Promise<Server> {
  const server = createServer((connection) => connection.destroy());
  server.unref();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path: `\0funcoap/udp/${address}/${port}` }, () => resolve(server));
  });
}
