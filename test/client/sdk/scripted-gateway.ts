/** A gateway in memory with one library, whose answers to calls a test gives one after the other; time is the network's. */
import { contentFormat } from '../../../src/cbor/content-format.ts';
import { encodeCbor } from '../../../src/cbor/encode.ts';
import { connect, type ConnectOptions } from '../../../src/client/sdk/connect.ts';
import type { Connection } from '../../../src/client/sdk/connection-controls.ts';
import type { RemoteFunction } from '../../../src/client/sdk/remote-function.ts';
import { method, responseCode } from '../../../src/coap/codec/codes.ts';
import { findStrings, optionNumber } from '../../../src/coap/codec/options.ts';
import type { Request } from '../../../src/coap/request.ts';
import { response, type Response } from '../../../src/coap/response.ts';
import { milliseconds, type Milliseconds } from '../../../src/core/duration.ts';
import type { Value } from '../../../src/core/value.ts';
import { MemoryNetwork } from '../../../src/transport/memory.ts';
import { openMemoryServer } from '../memory-server.ts';

export interface Scripted {
  readonly lib: Readonly<Record<'read' | 'write', RemoteFunction>>;
}

export const value = (content: Value, maxAge = 0, etag?: Uint8Array): Response =>
  response(responseCode.content, {
    contentFormat: contentFormat.cbor,
    payload: encodeCbor(content),
    maxAge,
    ...(etag && { etag }),
  });

export class ScriptedGateway {
  /** Whether the network loses what is sent now. */
  loses: () => boolean = () => false;
  readonly network: MemoryNetwork = new MemoryNetwork({ random: () => 0.5, link: { lose: () => this.loses() } });
  /** What the next calls are answered; 'silent': acknowledged or answered never. */
  readonly script: (Response | 'silent')[] = [];
  /** What its functions take. */
  parameters: readonly Value[] = [];
  /** What is said of them besides, each time that somebody asks. */
  more: () => Readonly<Record<string, Value>> = () => ({});
  /** Methods of the calls that arrived. */
  readonly calls: number[] = [];

  async open(options: ConnectOptions = {}): Promise<Connection<Scripted>> {
    const { network } = this;
    const { scheduler } = network;
    const { openTransport } = await openMemoryServer(network, (request, server) => {
      const answer = this.#answer(request);
      if (answer !== 'silent') server.respond(request, answer, scheduler.now());
    });
    return await this.pass(
      connect<Scripted>('coap://192.0.2.1', {
        scheduler,
        openTransport,
        ...options,
      }),
    );
  }

  /** Lets time go by, `step` milliseconds at once, until the promise is settled. */
  async pass<T>(promise: Promise<T>, step = 20): Promise<T> {
    const state = { settled: false };
    const end = (): void => {
      state.settled = true;
    };
    promise.then(end, end);
    for (let turns = 0; !state.settled && turns < 20_000; turns++) {
      await new Promise(setImmediate);
      if (!state.settled) this.network.advance(milliseconds(step));
    }
    return await promise;
  }

  /** Lets so much time go by. */
  async wait(span: Milliseconds): Promise<void> {
    const over = new Promise<void>((resolve) => {
      this.network.scheduler.after(span, resolve);
    });
    await this.pass(over, 500);
  }

  #answer(request: Request): Response | 'silent' {
    const path = findStrings(request.options, optionNumber.uriPath) ?? [];
    const query = findStrings(request.options, optionNumber.uriQuery) ?? [];
    if (path.length === 1 && path[0] === 'func') return value({ lib: { id: 0, functions: 2 } }, 60);
    if (query.includes('_describe')) {
      const name = path[2] ?? '';
      return value(
        {
          library: 'lib',
          method: name,
          parameters: this.parameters,
          ...(name === 'read' && { safe: true }),
          ...this.more(),
        },
        60,
      );
    }
    this.calls.push(request.code);
    const answer = this.script.shift();
    return answer ?? response(request.code === method.POST ? responseCode.changed : responseCode.content, {});
  }
}
