/** When a client takes an association for lost: its server is real and near, its time the test's. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openCoapClient, type CoapClient } from '../../src/client/coap-client.ts';
import { RequestError } from '../../src/client/request-error.ts';
import { hex, textOf, utf8 } from '../../src/core/bytes.ts';
import { CoapEngine, defaultEngineLimits } from '../../src/coap/engine.ts';
import { responseCode } from '../../src/coap/codec/codes.ts';
import { defaultParameters } from '../../src/coap/parameters.ts';
import type { Request } from '../../src/coap/request.ts';
import { response } from '../../src/coap/response.ts';
import { milliseconds, seconds } from '../../src/core/duration.ts';
import { nodeCrypto } from '../../src/dtls/crypto.ts';
import type { AssociationJournal } from '../../src/dtls/association-journal.ts';
import type { DtlsEvent } from '../../src/dtls/event.ts';
import { defaultDtlsOptions } from '../../src/dtls/options.ts';
import { TicketKeys } from '../../src/dtls/ticket.ts';
import { drive } from '../../src/transport/driver.ts';
import { ManualScheduler } from '../../src/transport/manual-scheduler.ts';
import { systemRandomness } from '../../src/transport/randomness.ts';
import { systemScheduler } from '../../src/transport/scheduler.ts';
import { openSecured } from '../../src/transport/secured-transport.ts';
import { openUdp } from '../../src/transport/udp.ts';
import { pskClient, pskServer } from '../dtls/link.ts';
import { eventually } from '../transport/eventually.ts';

/** What outlives the server, as the files of a gateway do. */
const tickets = new TicketKeys(nodeCrypto, 3_600_000);
/** A server that has one tells nobody that it is over when it ends. This one is lost each time. */
const journal: AssociationJournal = {
  opened: () => -1,
  reserve() {},
  received() {},
  moved() {},
  closed() {},
  remembered() {},
  forgotten() {},
};
const wallClock = (): number => 1_800_000_000_000;
/** RFC 7252 §4.8.2 */
const { maxTransmitWait } = defaultParameters;

class Server {
  readonly events: DtlsEvent[] = [];
  readonly requests: Request[] = [];
  port = 0;
  #close: () => Promise<void> = () => Promise.resolve();

  /** At the same port again, where it was open before, and with nothing of what it knew but the keys of tickets. */
  async open(): Promise<void> {
    const handle = (request: Request): void => {
      this.requests.push(request);
      // It is acknowledged, and never answered.
      if (request.options.some(({ value }) => textOf(value) === 'silent')) return;
      const observation = engine.observe(request, () => undefined, systemScheduler.now());
      const answer = response(responseCode.content, { payload: utf8('here'), observation });
      engine.respond(request, answer, systemScheduler.now());
    };
    const engine = new CoapEngine(
      {
        limits: defaultEngineLimits,
        parametersFor: () => ({ ...defaultParameters, piggybackWindow: milliseconds(0) }),
        random: systemRandomness,
        seal: () => systemRandomness.bytes(8),
        now: systemScheduler.now(),
      },
      { handle },
    );
    const { transport, close } = await drive(engine, (receiver) =>
      openSecured(
        {
          dtls: { ...defaultDtlsOptions, crypto: nodeCrypto, wallClock, server: pskServer, tickets, journal },
          client: undefined,
          scheduler: systemScheduler,
          admit: () => true,
          onEvent: (event) => this.events.push(event),
          open: (records) => openUdp({ listen: ['127.0.0.1'], port: this.port }, records),
        },
        receiver,
      ),
    );
    this.port = transport.addresses[0]?.port ?? 0;
    this.#close = close;
  }

  async close(): Promise<void> {
    await this.#close();
  }

  /** Whether each handshake was a short one. */
  get handshakes(): boolean[] {
    return this.events.flatMap((event) => (event.type === 'established' ? [event.result.resumed] : []));
  }
}

let server: Server;
let client: CoapClient;
let scheduler: ManualScheduler;
let uri: string;
/** Messages that the client has sent. */
let sent: number;

/** Nobody is told that it is over. */
async function forgetAll(): Promise<void> {
  const forgotten = new Server();
  forgotten.port = server.port;
  await server.close();
  server = forgotten;
  await server.open();
}

const failureOf = async (asked: Promise<unknown>): Promise<unknown> =>
  await asked.then(
    () => 'answered',
    (error: unknown) => (error instanceof RequestError ? error.code : error),
  );

/** Everything that is there has been looked at: a record that nobody knows is not answered. */
async function arrived(): Promise<void> {
  for (let turns = 0; turns < 5; turns++) await new Promise(setImmediate);
}

/** What it fails with when so much time has passed. */
async function failsAfter(asked: Promise<unknown>, span = maxTransmitWait): Promise<unknown> {
  const failure = failureOf(asked);
  await arrived();
  scheduler.advance(span);
  return await failure;
}

const ask = async (path = '', timeout = seconds(200)): Promise<string | undefined> =>
  textOf((await client.request({ uri: `${uri}/${path}`, method: 'POST', timeout })).payload);

beforeEach(async () => {
  server = new Server();
  await server.open();
  uri = `coaps://127.0.0.1:${server.port}`;
  scheduler = new ManualScheduler();
  sent = 0;
  const onMessage = (direction: 'in' | 'out'): void => {
    if (direction === 'out') sent++;
  };
  client = await openCoapClient({ scheduler, credentials: pskClient, onMessage });
  expect(await ask()).toBe('here');
});
afterEach(async () => {
  await client.close();
  await server.close();
});

describe('a server that has forgotten the association is silent', () => {
  beforeEach(forgetAll);

  test('a request that nobody acknowledged to its end fails, and the next one is asked over a new association, resumed', async () => {
    expect(await failsAfter(ask())).toBe('request-timeout');
    expect(server.handshakes).toEqual([]);
    expect(await ask()).toBe('here');
    expect(server.handshakes).toEqual([true]);
    expect(server.requests).toHaveLength(1);
  });

  test('so after a ping that nobody answered', async () => {
    expect(await failsAfter(client.ping(uri))).toBe('request-timeout');
    expect(await ask()).toBe('here');
    expect(server.handshakes).toEqual([true]);
  });

  test('requests that were given up before their end are as good a sign, once they were sent in vain for as long', async () => {
    // Whatever is drawn by chance, the third one is still sent after so long.
    const patience = seconds(40);
    for (let span = 0; span <= maxTransmitWait; span += patience) {
      expect(await failsAfter(ask('', patience), patience)).toBe('request-timeout');
      expect(server.handshakes).toEqual([]);
    }
    expect(await ask()).toBe('here');
    expect(server.handshakes).toEqual([true]);
  });
});

test('where nobody answers the handshake, that is said, and not that it was refused', async () => {
  const deaf = createSocket('udp4').bind(0, '127.0.0.1');
  await once(deaf, 'listening');
  uri = `coaps://127.0.0.1:${deaf.address().port}`;
  const asked = failureOf(ask());
  await once(deaf, 'message');
  scheduler.advance(maxTransmitWait);
  expect(await asked).toBe('request-handshake-timeout');
  deaf.close();
});

test('a handshake in which what was asked has timed out goes on, and is not begun anew', async () => {
  const randoms = new Set<string>();
  const deaf = createSocket('udp4').bind(0, '127.0.0.1');
  // RFC 6347 §4.2.2: behind the headers of record and message, and the version
  deaf.on('message', (hello) => randoms.add(hex(hello.subarray(27, 59))));
  await once(deaf, 'listening');
  uri = `coaps://127.0.0.1:${deaf.address().port}`;
  for (const asked of ['first', 'second']) expect(await failsAfter(ask(asked))).toBe('request-handshake-timeout');
  await arrived();
  expect(randoms.size).toBe(1);
  deaf.close();
});

test('where nobody listens, that is said, and not that the handshake was refused', async () => {
  uri = 'coaps://127.0.0.1:9';
  expect(await failureOf(ask())).toBe('request-unreachable');
});

test('what else was under way over the lost association fails when another is begun', async () => {
  const observation = client.observe({ uri, method: 'GET' });
  expect((await observation.next()).done).toBe(false);
  const next = failureOf(observation.next());
  await forgetAll();
  expect(await failsAfter(ask())).toBe('request-timeout');
  expect(await ask()).toBe('here');
  expect(await next).toBe('request-timeout');
  // That the observation is not wanted any more was said over what is lost: it is not said again.
  const before = sent;
  scheduler.advance(maxTransmitWait);
  await arrived();
  expect(sent).toBe(before);
});

test('a request that was acknowledged and not answered in its own time says nothing of the association', async () => {
  const silent = failureOf(ask('silent', seconds(1000)));
  await eventually(() => server.requests.length === 2);
  // Its acknowledgement has come before.
  await ask();
  scheduler.advance(seconds(1000));
  expect(await silent).toBe('request-timeout');
  expect([await ask(), await ask()]).toEqual(['here', 'here']);
  expect(server.handshakes).toEqual([false]);
});

test('where nothing listens any more that is known at once: the next request begins a new association', async () => {
  const [, waiting] = [await server.close(), failureOf(ask())];
  expect(await waiting).toBe('request-unreachable');
  const again = new Server();
  again.port = server.port;
  server = again;
  await server.open();
  expect(await ask()).toBe('here');
  expect(server.handshakes).toEqual([true]);
});
