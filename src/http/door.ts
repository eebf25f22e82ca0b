/** The HTTP door: listens, and asks the gateway. docs/http.md. */
import { randomInt } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Scheduler } from '../core/clock.ts';
import type { Address } from '../core/datagram.ts';
import { InternalError } from '../core/error.ts';
import type { TimeOfDay } from '../core/time-of-day.ts';
import { seconds } from '../core/duration.ts';
import { nodeCrypto } from '../dtls/crypto.ts';
import { validatePath } from '../dtls/certificate-path.ts';
import { formatAddress } from '../transport/address.ts';
import { Guests, type Identities } from './guest.ts';
import type { GatewayFace } from './gateway-face.ts';
import { Listener, type Client, type Patience, type TlsMaterial } from './listener.ts';
import { PeerConnections } from './peer-connections.ts';
import { openRoutes } from './routes.ts';
import { SiteCheck } from './site-check.ts';

export interface HttpOptions {
  /** Plain HTTP: addresses, possibly none. */
  readonly listen: readonly string[];
  /** 0: the system chooses one. */
  readonly port: number;
  /** The same with TLS. */
  readonly secureListen: readonly string[];
  readonly securePort: number;
  /** What the gateway proves itself with over TLS, in PEM; undefined where it has none. */
  readonly certificate: { readonly certificate: string; readonly privateKey: string } | undefined;
  /** Names under which the gateway may be asked, besides localhost and addresses. */
  readonly hosts: readonly string[];
  /** Addresses of proxies that are believed what they say of clients. */
  readonly proxies: readonly string[];
  readonly maxBodyBytes: number;
  /** Of each address that is listened on. */
  readonly maxConnections: number;
  /** Of each address that connects. */
  readonly maxConnectionsPerPeer: number;
  /** Asked each time; undefined while nobody is enrolled. */
  readonly identities: () => Identities | undefined;
  readonly timeOfDay: () => TimeOfDay;
  /** Other processes listen there too. */
  readonly reusePort: boolean;
  readonly patience?: Patience | undefined;
}

export interface HttpDoor {
  /** `http://127.0.0.1:3419`, of each address that is really listened on. */
  readonly urls: readonly string[];
  /** Requests under way. */
  readonly pending: number;
  stopAccepting(): void;
  close(): Promise<void>;
}

/** How often it is looked whether somebody may not be told anything more; as at the coaps door. No RFC's number. */
const expireEvery = seconds(1);

/** @throws UsageError 'cannot-listen' */
export async function openHttpDoor(options: HttpOptions, face: GatewayFace, scheduler: Scheduler): Promise<HttpDoor> {
  const { identities, proxies, timeOfDay, certificate } = options;
  const clients = new WeakMap<Socket, Client>();
  const guests = new Guests({ identities, proxies, timeOfDay });
  const routes = await openRoutes({
    face,
    scheduler,
    guests,
    site: new SiteCheck(options.hosts),
    maxBodyBytes: options.maxBodyBytes,
    seed: randomInt(2 ** 32),
    connectionOf: ({ socket }) => {
      const client = clients.get(socket);
      if (client === undefined)
        throw new InternalError('unknown-connection', 'A request came over no connection of a listener.');
      return client;
    },
  });
  const { maxConnections, maxConnectionsPerPeer, reusePort, patience } = options;
  const common = {
    maxConnections,
    peers: new PeerConnections(maxConnectionsPerPeer),
    reusePort,
    patience,
    handle: routes.handle,
  };
  const listeners: Listener[] = [];
  const open = async (addresses: readonly string[], port: number, tls: TlsMaterial | undefined): Promise<void> => {
    if (addresses.length > 0) {
      const scheme = tls === undefined ? 'http' : 'https';
      listeners.push(await Listener.open({ ...common, scheme, addresses, port, tls }, clients));
    }
  };
  try {
    await open(options.listen, options.port, undefined);
    if (certificate !== undefined) {
      const credentialOf = (der: Uint8Array): string | undefined => credentialIn(identities(), der, timeOfDay());
      await open(options.secureListen, options.securePort, { ...certificate, credentialOf });
    }
  } catch (error) {
    await Promise.all(listeners.map((listener) => listener.close()));
    throw error;
  }
  let stopExpiring = (): void => undefined;
  const expireLater = (): void => {
    stopExpiring = scheduler.after(expireEvery, () => {
      guests.expire();
      expireLater();
    });
  };
  expireLater();
  return {
    get urls() {
      return listeners.flatMap(({ scheme, addresses }) => addresses.map((address) => urlOf(scheme, address)));
    },
    get pending() {
      return listeners.reduce((sum, listener) => sum + listener.pending, 0);
    },
    stopAccepting() {
      for (const listener of listeners) listener.stopAccepting();
    },
    async close() {
      stopExpiring();
      await Promise.all(listeners.map((listener) => listener.close()));
      await routes.close();
    },
  };
}

/** As at the coaps door: this very certificate is enrolled, valid, and for clients. TLS has seen that the client has its key. */
function credentialIn(identities: Identities | undefined, der: Uint8Array, now: TimeOfDay): string | undefined {
  const peer = identities?.credentials.certificate(der);
  const leaf = peer && nodeCrypto.parseCertificate(der);
  if (peer === undefined || leaf === undefined) return undefined;
  const trusted = { crypto: nodeCrypto, anchors: [leaf], revocationLists: [], usage: 'client', nowMs: now } as const;
  return validatePath([der], trusted).accepted ? peer.credentialId : undefined;
}

const urlOf = (scheme: string, address: Address): string => `${scheme}://${formatAddress(address)}`;
