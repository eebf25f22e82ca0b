/**
 * A peer that speaks CoAP byte by byte to an engine, on a clock that only the test moves.
 * Nothing here knows what the engine should do: it encodes what it is told and decodes what comes back.
 */
import { CoapEngine, defaultEngineLimits, type EngineLimits } from '../../src/coap/engine.ts';
import type { Ledger } from '../../src/coap/exchange/ledger.ts';
import { messageType, type Message } from '../../src/coap/codec/message.ts';
import { sortOptions, type Option } from '../../src/coap/codec/options.ts';
import { decodeMessage, encodeMessage, isMalformed } from '../../src/coap/codec/rfc7252.ts';
import { defaultTransmissionOptions, deriveParameters, type TransmissionOptions } from '../../src/coap/parameters.ts';
import type { RefusalPayload } from '../../src/coap/refusal.ts';
import type { Request } from '../../src/coap/request.ts';
import type { Response } from '../../src/coap/response.ts';
import type { RefusedRequest } from '../../src/coap/server.ts';
import { hash32 } from '../../src/core/bytes.ts';
import type { Endpoint } from '../../src/core/datagram.ts';
import type { Instant, Milliseconds } from '../../src/core/duration.ts';
import { assertDeviceFriendly } from './codec/device-friendly.ts';

export type Handler = (request: Request, engine: CoapEngine, now: Instant) => Response | undefined;

export interface LockstepOptions {
  readonly limits: Partial<EngineLimits>;
  readonly transmission: Partial<TransmissionOptions>;
  /** What "random" numbers are: 0.5 unless the test says otherwise. */
  readonly random: () => number;
  readonly refusalPayload: RefusalPayload;
  readonly refused: (refused: RefusedRequest) => void;
  readonly ledger: Ledger;
  readonly onVerified: (endpoint: Endpoint) => void;
}

export interface OutgoingMessage {
  readonly type?: Message['type'];
  readonly code: number;
  readonly messageId: number;
  readonly token?: Uint8Array;
  readonly options?: readonly Option[];
  readonly payload?: Uint8Array;
}

export class Lockstep {
  readonly engine: CoapEngine;
  now: Instant = 1000 as Instant;
  /** Requests that reached the application, in order. */
  readonly requests: Request[] = [];

  constructor(handler: Handler = () => undefined, options: Partial<LockstepOptions> = {}) {
    const parameters = deriveParameters({ ...defaultTransmissionOptions, ...options.transmission });
    let count = 0;
    this.engine = new CoapEngine(
      {
        limits: { ...defaultEngineLimits, ...options.limits },
        parametersFor: () => parameters,
        random: {
          uniform: options.random ?? (() => 0.5),
          bytes: (length) =>
            Uint8Array.from({ length }, (_, index) => (index === length - 1 ? ++count & 0xff : 0xa0 + index)),
        },
        seal: (input) => {
          const sealed = new Uint8Array(8);
          new DataView(sealed.buffer).setUint32(0, hash32(input));
          return sealed;
        },
        now: this.now,
        ledger: options.ledger,
        onVerified: (endpoint) => options.onVerified?.(endpoint),
        ...(options.refusalPayload !== undefined && { refusalPayload: options.refusalPayload }),
      },
      {
        handle: (request, now) => {
          this.requests.push(request);
          const response = handler(request, this.engine, now);
          if (response !== undefined) this.engine.respond(request, response, now);
        },
        refused: (refused) => options.refused?.(refused),
      },
    );
  }

  /** The peer `name` sends bytes; what goes back to it, and to anybody else, comes out. */
  sendBytes(bytes: Uint8Array, name = 'device', multicast = false): Message[] {
    this.engine.receive([{ bytes, endpoint: endpointOf(name), multicast }], this.now);
    return this.output();
  }

  send(message: OutgoingMessage, name = 'device', multicast = false): Message[] {
    return this.sendBytes(bytesOf(message), name, multicast);
  }

  /** Time passes; what the engine does in it comes out. Stops at each deadline on the way. */
  advance(span: Milliseconds | number): Message[] {
    const end = (this.now + span) as Instant;
    const output: Message[] = [];
    for (let next = this.engine.nextDeadline(); next !== undefined && next <= end; next = this.engine.nextDeadline()) {
      this.now = Math.max(this.now, next) as Instant;
      this.engine.poll(this.now);
      output.push(...this.output());
    }
    this.now = end;
    return output;
  }

  respond(request: Request | undefined, response: Response): Message[] {
    if (request === undefined) throw new Error('no request reached the application');
    this.engine.respond(request, response, this.now);
    return this.output();
  }

  outputBytes(): Uint8Array[] {
    return this.engine.takeOutput().map((datagram) => datagram.bytes);
  }

  output(): Message[] {
    return this.outputBytes().map((bytes) => {
      const message = decodeMessage(bytes);
      if (isMalformed(message)) throw new Error(`the engine sent a malformed message: ${message.malformed}`);
      if (message.code >= 0x40) assertDeviceFriendly(message);
      return message;
    });
  }
}

export const bytesOf = (message: OutgoingMessage): Uint8Array =>
  encodeMessage({
    type: message.type ?? messageType.CON,
    code: message.code,
    messageId: message.messageId,
    token: message.token ?? new Uint8Array(0),
    options: sortOptions(message.options ?? []),
    payload: message.payload ?? new Uint8Array(0),
  });

/** `far…` names peers off this machine: they start unverified. */
export const endpointOf = (name: string): Endpoint => ({
  key: name,
  remote: { address: name.startsWith('far') ? '198.51.100.7' : '127.0.0.1', port: 40_000 },
  local: { address: '127.0.0.1', port: 5683 },
  loopback: !name.startsWith('far'),
});
