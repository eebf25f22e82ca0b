/** A UDP relay in front of a server, that loses the answers it is told to and keeps every datagram it saw. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

export class LossyRelay {
  readonly port: number;
  /** What came from the client. */
  readonly requests: Buffer[] = [];
  /** What came from the server, lost or not. */
  readonly answers: Buffer[] = [];
  readonly #sockets: readonly Socket[];

  private constructor(outside: Socket, inside: Socket, server: number, lost: ReadonlySet<number>) {
    this.port = outside.address().port;
    this.#sockets = [outside, inside];
    let client = 0;
    outside.on('message', (bytes, from) => {
      client = from.port;
      this.requests.push(bytes);
      inside.send(bytes, server, '127.0.0.1');
    });
    inside.on('message', (bytes) => {
      this.answers.push(bytes);
      if (!lost.has(this.answers.length)) outside.send(bytes, client, '127.0.0.1');
    });
  }

  /** `lost`: the numbers, from 1, of the answers that do not arrive. */
  static async open(server: number, lost: readonly number[]): Promise<LossyRelay> {
    const [outside, inside] = [createSocket('udp4'), createSocket('udp4')];
    for (const socket of [outside, inside]) {
      socket.bind(0, '127.0.0.1');
      await once(socket, 'listening');
    }
    return new LossyRelay(outside, inside, server, new Set(lost));
  }

  close(): void {
    for (const socket of this.#sockets) socket.close();
  }
}
