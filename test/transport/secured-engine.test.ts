/** DTLS between a transport and an engine: the engine sees associations, the transport sees records. */
import { describe, expect, test } from 'vitest';
import { textOf, utf8 } from '../../src/core/bytes.ts';
import type { Datagram, Endpoint, SendFailure } from '../../src/core/datagram.ts';
import { after, seconds, type Instant } from '../../src/core/duration.ts';
import { associationOf } from '../../src/dtls/association.ts';
import { nodeCrypto } from '../../src/dtls/crypto.ts';
import type { DtlsEvent } from '../../src/dtls/event.ts';
import { defaultDtlsLimits, defaultDtlsOptions, type DtlsOptions } from '../../src/dtls/options.ts';
import type { SansIoEngine } from '../../src/transport/driver.ts';
import { SecuredEngine } from '../../src/transport/secured-engine.ts';
import { endpointOf, pskClient, pskServer } from '../dtls/link.ts';

const start = 1000 as Instant;

/** Repeats what it hears in capitals, and remembers what it was told. */
class Application implements SansIoEngine {
  readonly heard: string[] = [];
  readonly peers: Endpoint[] = [];
  readonly failures: SendFailure[] = [];
  deadline: Instant | undefined = undefined;
  polled: Instant[] = [];
  output: Datagram[] = [];

  receive(batch: readonly Datagram[]): void {
    for (const { bytes, endpoint } of batch) {
      const text = textOf(bytes) ?? '';
      this.heard.push(text);
      this.peers.push(endpoint);
      if (text !== text.toUpperCase()) this.say(endpoint, text.toUpperCase());
    }
  }
  say(endpoint: Endpoint, text: string): void {
    this.output.push({ bytes: utf8(text), endpoint, multicast: false });
  }
  poll(now: Instant): void {
    this.polled.push(now);
  }
  nextDeadline(): Instant | undefined {
    return this.deadline;
  }
  takeOutput(): readonly Datagram[] {
    return this.output.splice(0);
  }
  sendFailed(failure: SendFailure): void {
    this.failures.push(failure);
  }
}

function side(options: Partial<DtlsOptions>): { application: Application; engine: SecuredEngine; events: DtlsEvent[] } {
  const application = new Application();
  const events: DtlsEvent[] = [];
  const all = { ...defaultDtlsOptions, crypto: nodeCrypto, wallClock: () => 1_800_000_000_000, ...options };
  return { application, events, engine: new SecuredEngine(all, application, (event) => events.push(event), start) };
}

const serverSeen = endpointOf('server', 'client');
const clientSeen = endpointOf('client', 'server');

/** Carries what both send, until both are silent; returns all of it. */
function carry(client: SecuredEngine, server: SecuredEngine, now: Instant = start): Uint8Array[] {
  const carried: Uint8Array[] = [];
  for (;;) {
    const [up, down] = [client.takeOutput(), server.takeOutput()];
    if (up.length + down.length === 0) return carried;
    for (const { bytes } of up) server.receive([{ bytes, endpoint: clientSeen, multicast: false }], now);
    for (const { bytes } of down) client.receive([{ bytes, endpoint: serverSeen, multicast: false }], now);
    carried.push(...[...up, ...down].map(({ bytes }) => bytes));
  }
}

describe('an engine over DTLS', () => {
  test('talks with associations, and its words are not in what is carried', () => {
    const [client, server] = [side({}), side({ server: pskServer })];
    const endpoint = client.engine.dtls.connect(serverSeen, pskClient, start);
    client.application.say(endpoint, 'hello there');
    const carried = carry(client.engine, server.engine);
    expect([server.application.heard, client.application.heard]).toEqual([['hello there'], ['HELLO THERE']]);
    expect(carried.some((bytes) => Buffer.from(bytes).includes('hello there'))).toBe(false);
    expect(client.application.peers[0]).toBe(endpoint);
    expect(server.application.peers[0]?.remote.address).toBe('client');
  });

  test('knows who its peer is', () => {
    const [client, server] = [side({}), side({ server: pskServer })];
    client.application.say(client.engine.dtls.connect(serverSeen, pskClient, start), 'hello');
    carry(client.engine, server.engine);
    const [peer] = server.application.peers;
    expect(peer === undefined ? undefined : associationOf(peer)?.identity).toEqual({ kind: 'psk', name: 'lamp' });
    expect(associationOf(clientSeen)).toBeUndefined();
  });

  test('is woken for its own deadline and for that of a handshake, whichever is first', () => {
    const client = side({});
    expect(client.engine.nextDeadline()).toBeUndefined();
    client.engine.dtls.connect(serverSeen, pskClient, start);
    expect(client.engine.nextDeadline()).toBe(start + seconds(1));
    client.application.deadline = (start + 10) as Instant;
    expect(client.engine.nextDeadline()).toBe(start + 10);
    client.engine.takeOutput();
    client.engine.poll((start + seconds(1)) as Instant);
    expect(client.application.polled).toEqual([start + seconds(1)]);
    expect(client.engine.takeOutput()).toHaveLength(1); // the ClientHello again
  });

  test('is told when the handshake that its words wait for fails', () => {
    const [client, server] = [side({}), side({ server: pskServer })];
    const wrong = { preSharedKey: { identity: utf8('nobody'), key: utf8('nothing') } };
    const endpoint = client.engine.dtls.connect(serverSeen, wrong, start);
    client.application.say(endpoint, 'hello');
    carry(client.engine, server.engine);
    expect(client.application.failures).toEqual([{ endpoint, code: 'ECONNREFUSED' }]);
    expect(client.events.map(({ type }) => type)).toEqual(['failed']);
  });

  test('is told when nobody listens there', () => {
    const client = side({});
    const endpoint = client.engine.dtls.connect(serverSeen, pskClient, start);
    client.engine.sendFailed({ endpoint: serverSeen, code: 'ECONNREFUSED' }, start);
    expect(client.application.failures).toEqual([{ endpoint, code: 'ECONNREFUSED' }]);
  });

  test('hears of what could not be sent over an association', () => {
    const [client, server] = [side({}), side({ server: pskServer })];
    const endpoint = client.engine.dtls.connect(serverSeen, pskClient, start);
    carry(client.engine, server.engine);
    client.engine.sendFailed({ endpoint: serverSeen, code: 'EMSGSIZE' }, start);
    expect(client.application.failures).toEqual([{ endpoint, code: 'EMSGSIZE' }]);
  });

  test('says which ClientHellos are of use in a flood', () => {
    const server = side({ server: pskServer, limits: { ...defaultDtlsLimits, maxHellosPerSecond: 10 } });
    // As far as its message type: it is looked at, and is none that can be read.
    const hello = {
      bytes: Uint8Array.of(22, 254, 253, ...new Uint8Array(9), 1, 1),
      endpoint: clientSeen,
      multicast: false,
    };
    expect(server.engine.helloShares).toEqual({ fresh: 1, returning: 1 });
    server.engine.receive([hello], start);
    for (let i = 0; i < 100; i++) server.engine.receive([hello], start);
    server.engine.poll(after(start, seconds(1)));
    // Of 101 in a second, ten.
    expect(server.engine.helloShares).toEqual({ fresh: 10 / 101, returning: 1 });
    expect(server.engine.nextDeadline()).toBe(after(start, seconds(1.1)));
  });

  test('never hears a datagram that came in the clear', () => {
    const server = side({ server: pskServer });
    server.engine.receive([{ bytes: utf8('hello'), endpoint: clientSeen, multicast: false }], start);
    server.engine.receive([{ bytes: utf8('hello'), endpoint: clientSeen, multicast: true }], start);
    expect([server.application.heard, server.engine.takeOutput()]).toEqual([[], []]);
  });
});
