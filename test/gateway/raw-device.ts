/** A device on a real UDP socket that sends bytes as they are and shows what comes back. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { messageType, type Message } from '../../src/coap/codec/message.ts';
import { decodeMessage, isMalformed } from '../../src/coap/codec/rfc7252.ts';
import { assertDeviceFriendly } from '../coap/codec/device-friendly.ts';
import { bytesOf, type OutgoingMessage } from '../coap/lockstep.ts';
import { patience } from '../patience.ts';

export class RawDevice {
  readonly #socket: Socket;
  readonly #port: number;
  readonly received: Uint8Array[] = [];
  #arrived: (() => void) | undefined;
  #messageId = Math.floor(Math.random() * 0x10000);

  private constructor(socket: Socket, port: number) {
    this.#socket = socket;
    this.#port = port;
    socket.on('message', (bytes) => {
      this.received.push(Uint8Array.from(bytes));
      this.#arrived?.();
    });
  }

  static async open(port: number): Promise<RawDevice> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new RawDevice(socket, port);
  }

  nextMessageId(): number {
    this.#messageId = (this.#messageId + 1) & 0xffff;
    return this.#messageId;
  }

  sendBytes(bytes: Uint8Array): void {
    this.#socket.send(bytes, this.#port, '127.0.0.1');
  }

  send(message: Omit<OutgoingMessage, 'messageId'> & { readonly messageId?: number }): void {
    this.sendBytes(bytesOf({ messageId: this.nextMessageId(), ...message }));
  }

  /** The next datagram, decoded; fails when none comes in time. */
  async next(withinMs: number = patience.timeout): Promise<Message> {
    const bytes = await this.nextBytes(withinMs);
    const message = decodeMessage(bytes);
    if (isMalformed(message)) throw new Error(`malformed: ${message.malformed}`);
    if (message.code >= 0x40) assertDeviceFriendly(message);
    return message;
  }

  async nextBytes(withinMs: number = patience.timeout): Promise<Uint8Array> {
    const giveUp = Date.now() + withinMs;
    for (;;) {
      const bytes = this.received.shift();
      if (bytes !== undefined) return bytes;
      const left = giveUp - Date.now();
      if (left <= 0) throw new Error(`no datagram came within ${withinMs} ms`);
      const timer = new AbortController();
      await Promise.race([
        new Promise<void>((resolve) => {
          this.#arrived = resolve;
        }),
        delay(left, undefined, { signal: timer.signal }).catch(() => undefined),
      ]);
      timer.abort();
    }
  }

  /** Sends a request and gives its response; a separate one is acknowledged. */
  async request(
    message: Omit<OutgoingMessage, 'messageId'> & { readonly messageId?: number },
    withinMs: number = patience.timeout,
  ): Promise<Message> {
    const token = message.token ?? Uint8Array.of(0xd0, this.nextMessageId() & 0xff);
    this.send({ ...message, token });
    for (;;) {
      const answer = await this.next(withinMs);
      if (answer.code === 0) continue;
      if (answer.type === messageType.CON) this.send({ type: messageType.ACK, code: 0, messageId: answer.messageId });
      return answer;
    }
  }

  close(): void {
    this.#socket.close();
  }
}
