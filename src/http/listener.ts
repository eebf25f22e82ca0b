/**
 * The sockets of this door: one server for each address, plain or TLS, with the limits of time and number that keep slow and
 * many clients from holding it.
 */
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Address } from '../core/datagram.ts';
import { seconds, type Milliseconds } from '../core/duration.ts';
import { UsageError } from '../core/error.ts';
import { formatAddress, isLoopback, normaliseAddress } from '../transport/address.ts';
import type { Connection } from './guest.ts';
import { networkOf } from '../transport/network.ts';
import type { PeerConnections } from './peer-connections.ts';

/** PEM. */
export interface TlsMaterial {
  readonly certificate: string;
  readonly privateKey: string;
  /** The credential of a certificate in DER, which the client has proved to have; undefined for a stranger's. */
  readonly credentialOf: (certificate: Uint8Array) => string | undefined;
}

export interface ListenerOptions {
  readonly scheme: 'http' | 'https';
  readonly addresses: readonly string[];
  /** 0: the system chooses one, the same for all. */
  readonly port: number;
  /** Undefined: plain HTTP. */
  readonly tls: TlsMaterial | undefined;
  /** Connections of each address at a time. */
  readonly maxConnections: number;
  /** Connections of each client, at all listeners; undefined: nobody is to connect. */
  readonly peers: PeerConnections | undefined;
  /** Other processes listen there too. */
  readonly reusePort: boolean;
  /** Undefined: `defaultPatience`. */
  readonly patience?: Patience | undefined;
  readonly handle: RequestListener;
}

/** How long a client may take. */
export interface Patience {
  /** For the headers of a request, and for a handshake of TLS. */
  readonly headers: Milliseconds;
  /** For all of a request, however slowly it drips. */
  readonly request: Milliseconds;
  /** Between two requests. */
  readonly keepAlive: Milliseconds;
  /** Nothing is read or written, and nobody waits for a function. */
  readonly idle: Milliseconds;
  /** How often is looked. */
  readonly lookEvery: Milliseconds;
}

/** No RFC's numbers. */
const defaultPatience: Patience = {
  headers: seconds(10),
  request: seconds(30),
  keepAlive: seconds(65),
  idle: seconds(70),
  lookEvery: seconds(2),
};
/** The first line among them. */
export const maxHeaderBytes = 16_384;
const portAttempts = 10;

/** A connection, and the answers to its requests that are under way. */
export interface Client extends Connection {
  /** As `PeerConnections` counts it. */
  readonly peer: string;
  readonly answers: Set<ServerResponse>;
}

export class Listener {
  readonly scheme: 'http' | 'https';
  readonly #options: ListenerOptions;
  readonly #servers: Server[] = [];
  readonly #clients: WeakMap<Socket, Client>;
  #pending = 0;

  private constructor(options: ListenerOptions, clients: WeakMap<Socket, Client>) {
    this.#options = options;
    this.#clients = clients;
    this.scheme = options.scheme;
  }

  /** @throws UsageError 'cannot-listen' where an address is taken, or none can be had */
  static async open(options: ListenerOptions, clients: WeakMap<Socket, Client>): Promise<Listener> {
    const listener = new Listener(options, clients);
    for (let attempt = 1; ; attempt++) {
      const failure = await listener.#tryAll();
      if (failure === undefined) return listener;
      await listener.close();
      if (options.port !== 0 || attempt === portAttempts) throw failure;
    }
  }

  get addresses(): readonly Address[] {
    return this.#servers.map((server) => {
      const { address, port } = server.address() as AddressInfo;
      return { address, port };
    });
  }

  /** Requests under way. */
  get pending(): number {
    return this.#pending;
  }

  /** From here on nobody connects; connections without a request end. */
  stopAccepting(): void {
    for (const server of this.#servers) {
      server.close();
      server.closeIdleConnections();
    }
  }

  async close(): Promise<void> {
    const servers = this.#servers.splice(0);
    await Promise.all(
      servers.map((server) => {
        const closed = new Promise((resolve) => {
          server.once('close', resolve);
          if (!server.listening) resolve(undefined);
        });
        server.close();
        server.closeAllConnections();
        return closed;
      }),
    );
  }

  async #tryAll(): Promise<UsageError | undefined> {
    let { port } = this.#options;
    let failure: UsageError | undefined;
    for (const address of new Set(this.#options.addresses.map(normaliseAddress))) {
      const server = this.#createServer(isLoopback(address));
      const error = await this.#listen(server, address, port);
      if (error === undefined) {
        this.#servers.push(server);
        ({ port } = server.address() as AddressInfo);
      } else {
        const told = listenError(this.scheme, { address, port }, error);
        if (error.code === 'EADDRINUSE') return told;
        failure ??= told;
      }
    }
    // An address that this machine does not have is no matter while there is another.
    return this.#servers.length === 0 ? failure : undefined;
  }

  #listen(server: Server, host: string, port: number): Promise<NodeJS.ErrnoException | undefined> {
    return new Promise((resolve) => {
      server.once('error', resolve);
      server.listen({ host, port, ipv6Only: host.includes(':'), reusePort: this.#options.reusePort }, () => {
        server.removeListener('error', resolve);
        resolve(undefined);
      });
    });
  }

  #createServer(isLoopbackListener: boolean): Server {
    const { tls, maxConnections, peers, patience = defaultPatience } = this.#options;
    /** Connections on which nobody asks anything, the longest silent first, and how much each had said by then. */
    const resting = new Map<Socket, number>();
    const receive: RequestListener = (request, response) => this.#receive(request, response, resting);
    const server = newServer(tls, patience, receive);
    // Whoever asks first whether to send its body (RFC 9110 §10.1.1) is told once it is let in, or told why not: routes.ts.
    server.on('checkContinue', receive);
    server.maxConnections = maxConnections;
    // Bounded by their bytes. By number they would be cut off silently, and with them what a proxy says at the end.
    server.maxHeadersCount = 0;
    // Who only keeps a connection makes room for who asks something. To Node an answer that is still being read is over.
    const makeRoom = (peer?: string): boolean => {
      for (const [socket, said] of resting) {
        if (socket.bytesRead !== said || (peer !== undefined && this.#clients.get(socket)?.peer !== peer)) continue;
        resting.delete(socket);
        socket.destroy();
        return true;
      }
      return false;
    };
    server.on('drop', () => makeRoom());
    // Also where TLS has not begun.
    server.prependListener('connection', (socket: Socket) => {
      if (peers?.admit(socket, makeRoom) !== true) socket.destroy();
    });
    server.on(tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
      this.#clients.set(socket, clientOf(socket, isLoopbackListener, tls));
      socket.once('close', () => resting.delete(socket));
    });
    server.setTimeout(patience.idle, (socket) => {
      if ((this.#clients.get(socket)?.answers.size ?? 0) === 0) socket.destroy();
    });
    server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
      const answers = [...(this.#clients.get(socket)?.answers ?? [])];
      // Whoever reads an answer would take anything more for a part of it.
      if (answers.some(({ headersSent, writableFinished }) => headersSent && !writableFinished)) socket.destroy();
      else refuse(error, socket);
    });
    return server;
  }

  #receive(request: IncomingMessage, response: ServerResponse, resting: Map<Socket, number>): void {
    const { socket } = request;
    const answers = this.#clients.get(socket)?.answers;
    this.#pending++;
    answers?.add(response);
    resting.delete(socket);
    response.on('close', () => {
      this.#pending--;
      answers?.delete(response);
      if (answers?.size === 0 && !socket.destroyed) resting.set(socket, socket.bytesRead);
    });
    if (hasTwoHosts(request.rawHeaders)) {
      const head = { 'content-type': 'application/problem+json', 'connection': 'close' };
      response.writeHead(400, head).end(problemText(400, 'Bad Request'));
    } else this.#options.handle(request, response);
  }
}

function newServer(tls: TlsMaterial | undefined, patience: Patience, listener: RequestListener): Server {
  const limits = {
    headersTimeout: patience.headers,
    requestTimeout: patience.request,
    keepAliveTimeout: patience.keepAlive,
    connectionsCheckingInterval: patience.lookEvery,
    maxHeaderSize: maxHeaderBytes,
    noDelay: true,
    // Who has vanished in the middle of a stream is found out by the kernel, or by nobody.
    keepAlive: true,
    keepAliveInitialDelay: patience.keepAlive,
  };
  if (tls === undefined) return createServer(limits, listener);
  const secure = {
    cert: tls.certificate,
    key: tls.privateKey,
    minVersion: 'TLSv1.2',
    handshakeTimeout: patience.headers,
    // Asked for, not required: a token does too. Who a certificate is of is for `credentialOf` to say.
    requestCert: true,
    rejectUnauthorized: false,
  } as const;
  return createSecureServer({ ...limits, ...secure }, listener);
}

function clientOf(socket: Socket, isLoopbackListener: boolean, tls: TlsMaterial | undefined): Client {
  const at = (address = '0.0.0.0', port = 0): Address => ({ address: normaliseAddress(address), port });
  const remote = at(socket.remoteAddress, socket.remotePort);
  const local = at(socket.localAddress, socket.localPort);
  const shown = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
  return {
    peer: networkOf(remote.address),
    remote,
    local,
    scheme: tls === undefined ? 'http' : 'https',
    isLoopbackListener,
    certificate: shown && { credentialId: tls?.credentialOf(new Uint8Array(shown.raw)) },
    // Each call of curl has a port of its own: a limit for each port would be none.
    anonymous: { key: `http ${remote.address}`, remote, local, loopback: isLoopback(remote.address) },
    answers: new Set(),
  };
}

/** RFC 9112 §3.2: 400. Node takes the first; who stands between might take the other. @param raw names and values in turn */
function hasTwoHosts(raw: readonly string[]): boolean {
  let hosts = 0;
  for (let i = 0; i < raw.length; i += 2) if (raw[i]?.length === 4 && raw[i]?.toLowerCase() === 'host') hosts++;
  return hosts > 1;
}

/** What Node's parser refuses is answered by hand: there is no request yet. */
function refuse(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, reason] = refusals.get(error.code ?? '') ?? [400, 'Bad Request'];
  const body = problemText(status, reason);
  socket.end(
    `HTTP/1.1 ${status} ${reason}\r\ncontent-type: application/problem+json\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
  );
}

const problemText = (status: number, title: string): string =>
  `{"type":"about:blank","status":${status},"title":"${title}"}`;

const refusals: ReadonlyMap<string, readonly [number, string]> = new Map([
  ['HPE_HEADER_OVERFLOW', [431, 'Request Header Fields Too Large']],
  ['ERR_HTTP_REQUEST_TIMEOUT', [408, 'Request Timeout']],
]);

const reasons: ReadonlyMap<unknown, string> = new Map([
  ['EADDRINUSE', 'another program uses that port; choose one with'],
  ['EADDRNOTAVAIL', 'this machine does not have that address; see'],
  ['EACCES', 'the port is reserved for the system; choose one from 1024 with'],
]);

function listenError(scheme: string, address: Address, error: NodeJS.ErrnoException): UsageError {
  const reason = reasons.get(error.code);
  const setting = error.code === 'EADDRNOTAVAIL' ? `${scheme}.listen` : `${scheme}.port`;
  const why = reason === undefined ? error.message : `${reason} ${setting}`;
  return new UsageError('cannot-listen', `Cannot listen on ${formatAddress(address)} for ${scheme}: ${why}.`, {
    cause: error,
  });
}
