/**
 * A device with our DTLS client, a Connection ID and a socket of its own, which remembers every datagram: what it sent can be
 * replayed, and the numbers of what it got can be compared. It sends CoAP as a device without any state does: one message at a
 * time, again and again until there is an answer.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { utf8 } from '../../src/core/bytes.ts';
import type { Endpoint } from '../../src/core/datagram.ts';
import type { Instant } from '../../src/core/duration.ts';
import { method } from '../../src/coap/codec/codes.ts';
import { messageType, type Message } from '../../src/coap/codec/message.ts';
import { optionNumber, stringOption, type Option } from '../../src/coap/codec/options.ts';
import { decodeMessage, encodeMessage, isMalformed } from '../../src/coap/codec/rfc7252.ts';
import type { AssociationEndpoint } from '../../src/dtls/association.ts';
import { nodeCrypto } from '../../src/dtls/crypto.ts';
import { DtlsEngine } from '../../src/dtls/engine.ts';
import type { DtlsEvent } from '../../src/dtls/event.ts';
import { defaultDtlsOptions } from '../../src/dtls/options.ts';
import { decodeRecords } from '../../src/dtls/record.ts';
import type { ClientSession } from '../../src/dtls/session.ts';

const now = (): Instant => performance.now() as Instant;

export interface DeviceOptions {
  /** Otherwise it says nothing but what it is told to: no path responses (RFC 9853). */
  readonly answersByItself?: boolean;
  /** Its own address. */
  readonly from?: string;
  readonly port: number;
  readonly identity: string;
  readonly key: string;
}

export class RestartDevice {
  readonly #options: DeviceOptions;
  readonly #engine: DtlsEngine;
  readonly #gateway: Endpoint;
  readonly #waiting = new Map<number, (reply: Uint8Array) => void>();
  #socket: Socket;
  #association: AssociationEndpoint | undefined;
  #messageId = Math.floor(Math.random() * 0x8000);
  /** Datagrams to the gateway, in order. */
  readonly sent: Uint8Array[] = [];
  /** Epoch and number of every protected record of the gateway. */
  readonly numbers: string[] = [];
  /** Unprotected records of the gateway: of handshakes. */
  handshakeRecords = 0;
  established = 0;
  resumed = false;
  /** What it may resume with. */
  session: ClientSession | undefined;
  closed = 0;

  constructor(options: DeviceOptions) {
    this.#options = options;
    this.#gateway = {
      key: 'gateway',
      remote: { address: '127.0.0.1', port: options.port },
      local: { address: '127.0.0.1', port: 0 },
      loopback: true,
    };
    this.#engine = new DtlsEngine(
      { ...defaultDtlsOptions, crypto: nodeCrypto, wallClock: Date.now },
      (event) => this.#happened(event),
      now(),
    );
    this.#socket = this.#openSocket();
  }

  get port(): number {
    return this.#socket.address().port;
  }

  /** Shakes hands; with a session, resumes it. */
  async connect(session?: ClientSession): Promise<void> {
    const { identity, key } = this.#options;
    await this.#bound();
    const before = this.established;
    const preSharedKey = { identity: utf8(identity), key: utf8(key) };
    this.#association = this.#engine.connect(this.#gateway, { preSharedKey }, now(), session);
    for (let tries = 0; this.established === before; tries++) {
      if (tries === 1000) throw new Error('the handshake does not end');
      this.#engine.poll(now());
      this.#flush();
      await delay(20);
    }
  }

  /** A CON POST to a function, with one argument as text; not sent yet. */
  call(path: readonly string[], argument: string): Uint8Array {
    return this.request(method.POST, path, stringOption(optionNumber.uriQuery, `what=${argument}`));
  }

  /** A CON request without a payload; not sent yet. */
  request(code: number, path: readonly string[], ...more: readonly Option[]): Uint8Array {
    this.#messageId = (this.#messageId + 1) & 0xffff;
    return encodeMessage({
      type: messageType.CON,
      code,
      messageId: this.#messageId,
      token: Uint8Array.of(this.#messageId >> 8, this.#messageId & 0xff, 7),
      options: [...path.map((segment) => stringOption(optionNumber.uriPath, segment)), ...more],
      payload: new Uint8Array(0),
    });
  }

  /** Sends a message once: in a new record each time. */
  say(message: Uint8Array): void {
    if (this.#association === undefined) throw new Error('it is not connected');
    this.#engine.send([{ bytes: message, endpoint: this.#association, multicast: false }], now());
    this.#flush();
  }

  /** Sends a message until its ACK comes, and returns the ACK's bytes. */
  async ask(message: Uint8Array, patienceMs = 15_000): Promise<Uint8Array> {
    const messageId = ((message[2] ?? 0) << 8) | (message[3] ?? 0);
    const { promise, resolve } = Promise.withResolvers<Uint8Array>();
    this.#waiting.set(messageId, resolve);
    for (const until = now() + patienceMs; now() < until;) {
      this.say(message);
      const reply = await Promise.race([promise, delay(500, undefined)]);
      if (reply === undefined) continue;
      this.#waiting.delete(messageId);
      return reply;
    }
    throw new Error(`no answer at port ${this.port}`);
  }

  /** From now on it is somewhere else. */
  async move(): Promise<void> {
    const before = this.#socket;
    this.#socket = this.#openSocket();
    await this.#bound();
    // Not sooner, or one in some thousands would be given the port that it had.
    before.close();
  }

  close(): void {
    this.#socket.close();
  }

  #openSocket(): Socket {
    const socket = createSocket('udp4');
    socket.bind(0, this.#options.from ?? '127.0.0.1');
    socket.on('message', (bytes) => this.#receive(new Uint8Array(bytes)));
    // A gateway that is down is told of by ICMP.
    socket.on('error', () => undefined);
    return socket;
  }

  async #bound(): Promise<void> {
    try {
      this.#socket.address();
    } catch {
      await once(this.#socket, 'listening');
    }
  }

  #receive(bytes: Uint8Array): void {
    for (const { epoch, sequence } of decodeRecords(bytes, 0)) {
      if (epoch === 0) this.handshakeRecords++;
      else this.numbers.push(`${this.established} ${epoch} ${sequence}`);
    }
    this.#engine.receive([{ bytes, endpoint: this.#gateway, multicast: false }], now());
    for (const { bytes } of this.#engine.takePlaintext()) {
      const message = decodeMessage(bytes);
      if (!isMalformed(message)) this.#heard(message, bytes);
    }
    const isQuiet = this.established > 0 && this.#options.answersByItself === false;
    if (isQuiet) this.#engine.takeOutput();
    else this.#flush();
  }

  #heard({ type, messageId }: Message, bytes: Uint8Array): void {
    if (type === messageType.ACK) this.#waiting.get(messageId)?.(bytes);
  }

  #flush(): void {
    for (const { bytes } of this.#engine.takeOutput()) {
      this.sent.push(new Uint8Array(bytes));
      this.#socket.send(bytes, this.#options.port, '127.0.0.1');
    }
  }

  #happened(event: DtlsEvent): void {
    if (event.type === 'closed') this.closed++;
    if (event.type !== 'established') return;
    this.established++;
    this.resumed = event.result.resumed;
    this.session = event.result.clientSession ?? this.session;
  }
}
