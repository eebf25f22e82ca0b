/**
 * A client of a few lines over a bare UDP socket, for what coap-client cannot be told to do: an empty token, a ping,
 * a Reset. It shares nothing with src/coap, so that a mistake there is not made twice. Options of up to 268 bytes.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

const types = ['CON', 'NON', 'ACK', 'RST'] as const;

export interface WireMessage {
  readonly type: (typeof types)[number];
  /** `2.05`, `0.01` */
  readonly code: string;
  readonly messageId: number;
  /** Hexadecimal. */
  readonly token: string;
  /** Values in hexadecimal, by option number. */
  readonly options: ReadonlyMap<number, readonly string[]>;
  readonly payload: string;
}

export interface WireRequest {
  readonly type: 'CON' | 'NON';
  readonly code: string;
  readonly messageId: number;
  readonly token: string;
  /** Ascending. */
  readonly options?: readonly (readonly [number: number, value: string | readonly number[]])[];
  readonly payload?: string;
}

/** Longer than anything in these tests takes, on a slow machine too. */
const patienceMs = 10_000;

export class Wire {
  readonly #socket: Socket;
  readonly #arrived: WireMessage[] = [];
  #waiting: (() => void) | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', (bytes) => {
      this.#arrived.push(decode(bytes));
      this.#waiting?.();
    });
  }

  static async open(port: number): Promise<Wire> {
    const socket = createSocket('udp4');
    socket.connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new Wire(socket);
  }

  request(request: WireRequest): void {
    this.#socket.send(encode(request));
  }

  /** An empty message: ACK, RST, or a CON that is a ping (RFC 7252 §4.1, §4.3). */
  empty(type: 'CON' | 'ACK' | 'RST', messageId: number): void {
    this.#socket.send(Uint8Array.of(0x40 | (types.indexOf(type) << 4), 0, messageId >> 8, messageId & 0xff));
  }

  async receive(): Promise<WireMessage> {
    const patience = AbortSignal.timeout(patienceMs);
    for (;;) {
      const message = this.#arrived.shift();
      if (message !== undefined) return message;
      await new Promise<void>((resolve, reject) => {
        this.#waiting = resolve;
        patience.addEventListener('abort', () => reject(new Error('no message arrived')), { once: true });
      });
    }
  }

  /** What arrives up to and with the message that is looked for; every CON among it is acknowledged. */
  async receiveUntil(isIt: (message: WireMessage) => boolean): Promise<[...WireMessage[], WireMessage]> {
    const before: WireMessage[] = [];
    for (;;) {
      const message = await this.receive();
      if (message.type === 'CON') this.empty('ACK', message.messageId);
      if (isIt(message)) return [...before, message];
      before.push(message);
    }
  }

  close(): void {
    this.#socket.close();
  }
}

function encode({ type, code, messageId, token, options = [], payload }: WireRequest): Uint8Array {
  const [cls = 0, detail = 0] = code.split('.').map(Number);
  const tokenBytes = Buffer.from(token, 'hex');
  const first = 0x40 | (types.indexOf(type) << 4) | tokenBytes.length;
  const parts = [Uint8Array.of(first, (cls << 5) | detail, messageId >> 8, messageId & 0xff), tokenBytes];
  let previous = 0;
  for (const [number, value] of options) {
    const bytes = typeof value === 'string' ? Buffer.from(value) : Uint8Array.from(value);
    const [delta, deltaMore] = nibble(number - previous);
    const [length, lengthMore] = nibble(bytes.length);
    parts.push(Uint8Array.of((delta << 4) | length, ...deltaMore, ...lengthMore), bytes);
    previous = number;
  }
  if (payload !== undefined) parts.push(Uint8Array.of(0xff), Buffer.from(payload));
  return Buffer.concat(parts);
}

/** RFC 7252 §3.1: up to 12 in the nibble, up to 268 in a byte after it. */
const nibble = (n: number): [number, number[]] => (n < 13 ? [n, []] : [13, [n - 13]]);

function decode(bytes: Buffer): WireMessage {
  const first = bytes.readUInt8(0);
  const code = bytes.readUInt8(1);
  let at = 4 + (first & 0xf);
  const token = bytes.subarray(4, at).toString('hex');
  const options = new Map<number, string[]>();
  let number = 0;
  while (at < bytes.length && bytes.readUInt8(at) !== 0xff) {
    const header = bytes.readUInt8(at++);
    let delta = header >> 4;
    let length = header & 0xf;
    if (delta === 13) delta += bytes.readUInt8(at++);
    if (length === 13) length += bytes.readUInt8(at++);
    number += delta;
    options.set(number, [...(options.get(number) ?? []), bytes.subarray(at, at + length).toString('hex')]);
    at += length;
  }
  return {
    type: types[(first >> 4) & 3] ?? 'RST',
    code: `${code >> 5}.${String(code & 0x1f).padStart(2, '0')}`,
    messageId: bytes.readUInt16BE(2),
    token,
    options,
    payload: bytes.subarray(at + 1).toString(),
  };
}
