/**
 * A NAT that forgets: between one client and a server, every second datagram of the application leaves from a new port. A handshake is left
 * alone, because its cookie is for one address (RFC 6347 §4.2.1). What comes back, to any of the ports, goes to the client. Run as a
 * program, with the address and port of the server, it prints its own port and goes on until its input ends.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';

/** RFC 5246 §6.2.1, RFC 9146 §4: what a datagram of the application begins with. */
const applicationData = 23;
const withConnectionId = 25;

interface Server {
  readonly address: string;
  readonly port: number;
}

export class PortChangingProxy {
  readonly #front: Socket;
  readonly #server: Server;
  /** All that were used; answers may come to old ones. */
  readonly #backs: Socket[] = [];
  #client: RemoteInfo | undefined;
  #datagrams = 0;

  private constructor(front: Socket, server: Server) {
    this.#front = front;
    this.#server = server;
    front.on('message', (bytes, from) => {
      this.#client = from;
      this.#toServer(bytes);
    });
  }

  static async open(server: Server): Promise<PortChangingProxy> {
    const front = createSocket('udp4').bind(0, '127.0.0.1');
    await once(front, 'listening');
    return new PortChangingProxy(front, server);
  }

  get port(): number {
    return this.#front.address().port;
  }

  /** How many ports it has sent from. */
  get ports(): number {
    return this.#backs.length;
  }

  #toServer(bytes: Buffer): void {
    const ofApplication = bytes[0] === applicationData || bytes[0] === withConnectionId;
    const changes = ofApplication && ++this.#datagrams % 2 === 0;
    const back = (changes ? undefined : this.#backs.at(-1)) ?? this.#newBack();
    back.send(bytes, this.#server.port, this.#server.address);
  }

  #newBack(): Socket {
    const back = createSocket('udp4');
    back.on('message', (bytes) => {
      if (this.#client !== undefined) this.#front.send(bytes, this.#client.port, this.#client.address);
    });
    this.#backs.push(back);
    return back;
  }

  close(): void {
    for (const socket of [this.#front, ...this.#backs]) socket.close();
  }
}

const [, script, address, port] = process.argv;
if (import.meta.url.endsWith(`/${script?.split('/').at(-1)}`) && address !== undefined) {
  const proxy = await PortChangingProxy.open({ address, port: Number(port) });
  process.stdout.write(`${proxy.port}\n`);
  process.stdin.resume().on('end', () => {
    process.stdout.write(`${proxy.ports}\n`);
    proxy.close();
  });
}
