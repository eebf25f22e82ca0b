/** DTLS as a transport, over the loopback interface. */
import { afterEach, expect, test } from 'vitest';
import { textOf, utf8 } from '../../src/core/bytes.ts';
import type { Datagram, DatagramReceiver, SendFailure } from '../../src/core/datagram.ts';
import { nodeCrypto } from '../../src/dtls/crypto.ts';
import { AssociationEndpoint } from '../../src/dtls/association.ts';
import type { DtlsEvent } from '../../src/dtls/event.ts';
import { defaultDtlsOptions } from '../../src/dtls/options.ts';
import { JoinedTransport } from '../../src/transport/joined-transport.ts';
import { systemScheduler } from '../../src/transport/scheduler.ts';
import {
  openSecured,
  type SecuredTransport,
  type SecuredTransportOptions,
} from '../../src/transport/secured-transport.ts';
import { openUdp } from '../../src/transport/udp.ts';
import { pskClient, pskServer } from '../dtls/link.ts';

class Heard implements DatagramReceiver {
  readonly datagrams: Datagram[] = [];
  readonly failures: SendFailure[] = [];
  #arrived = Promise.withResolvers<void>();

  receive(batch: readonly Datagram[]): void {
    this.datagrams.push(...batch);
    this.#arrived.resolve();
  }
  sendFailed(failure: SendFailure): void {
    this.failures.push(failure);
    this.#arrived.resolve();
  }
  async next(): Promise<void> {
    await this.#arrived.promise;
    this.#arrived = Promise.withResolvers();
  }
  get texts(): (string | undefined)[] {
    return this.datagrams.map(({ bytes }) => textOf(bytes));
  }
}

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.close()));
});

const openLoopback = (receiver: DatagramReceiver): ReturnType<typeof openUdp> =>
  openUdp({ listen: ['127.0.0.1'], port: 0 }, receiver);

async function open(
  receiver: DatagramReceiver,
  more: Partial<SecuredTransportOptions>,
  server = false,
): Promise<SecuredTransport> {
  const dtls = { ...defaultDtlsOptions, crypto: nodeCrypto, wallClock: () => 1_800_000_000_000 };
  const transport = await openSecured(
    {
      dtls: server ? { ...dtls, server: pskServer } : dtls,
      client: server ? undefined : pskClient,
      scheduler: systemScheduler,
      admit: () => true,
      onEvent: () => undefined,
      open: openLoopback,
      ...more,
    },
    receiver,
  );
  opened.push(transport);
  return transport;
}

const remoteOf = ({ addresses: [address] }: SecuredTransport): { address: string; port: number } =>
  address ?? { address: '127.0.0.1', port: 0 };

test('what is sent arrives, and what is answered comes back to the same endpoint', async () => {
  const [near, far] = [new Heard(), new Heard()];
  const server = await open(far, {}, true);
  const client = await open(near, {});
  const endpoint = client.endpoint(remoteOf(server));
  expect(client.endpoint(remoteOf(server))).toBe(endpoint);
  client.send([{ bytes: utf8('ask'), endpoint, multicast: false }]);
  await far.next();
  const [asked] = far.datagrams;
  if (asked === undefined) throw new Error('nothing came');
  server.send([{ ...asked, bytes: utf8('answer') }]);
  await near.next();
  expect([far.texts, near.texts, near.datagrams[0]?.endpoint]).toEqual([['ask'], ['answer'], endpoint]);
});

test('of a peer that is not admitted nothing is read, and it is told that it is over', async () => {
  const [near, far] = [new Heard(), new Heard()];
  const closed = Promise.withResolvers<DtlsEvent>();
  const server = await open(far, { admit: () => false }, true);
  const client = await open(near, { onEvent: (event) => event.type === 'closed' && closed.resolve(event) });
  client.send([{ bytes: utf8('ask'), endpoint: client.endpoint(remoteOf(server)), multicast: false }]);
  expect(await closed.promise).toMatchObject({ reason: { kind: 'by-peer', alert: 'close_notify' } });
  expect([far.texts, server.dtlsCounters.associations]).toEqual([[], 0]);
});

test('a client that comes back resumes its session, and after a refusal it does not', async () => {
  const [near, far] = [new Heard(), new Heard()];
  const results: boolean[] = [];
  const events = { closed: Promise.withResolvers<void>() };
  const onEvent = (event: DtlsEvent): void => {
    if (event.type === 'established') results.push(event.result.resumed);
    if (event.type === 'closed') events.closed.resolve();
  };
  let known = true;
  const mayResume = (): boolean => known;
  const preSharedKey: (typeof pskServer)['preSharedKey'] = (identity) =>
    known ? pskServer.preSharedKey?.(identity) : undefined;
  const server = await open(far, {
    dtls: {
      ...defaultDtlsOptions,
      crypto: nodeCrypto,
      wallClock: () => 1_800_000_000_000,
      server: { ...pskServer, mayResume, preSharedKey },
    },
  });
  const client = await open(near, { onEvent });
  const ask = async (): Promise<void> => {
    const failures = near.failures.length;
    client.send([{ bytes: utf8('ask'), endpoint: client.endpoint(remoteOf(server)), multicast: false }]);
    // Both ends are told of a handshake that came to nothing.
    await Promise.all(known ? [far.next()] : [far.next(), near.next()]);
    expect(near.failures.length - failures).toBe(known ? 0 : 1);
  };
  const end = async (): Promise<void> => {
    const asked = far.datagrams.at(-1);
    if (asked === undefined || !(asked.endpoint instanceof AssociationEndpoint)) throw new Error('nothing came');
    server.end(asked.endpoint);
    await events.closed.promise;
    events.closed = Promise.withResolvers();
  };
  await ask();
  await end();
  await ask();
  await end();
  known = false;
  await ask();
  known = true;
  await ask();
  expect(results).toEqual([false, true, false]);
});

test('one that waits for its peers speaks to nobody first', async () => {
  const server = await open(new Heard(), {}, true);
  expect(() => server.endpoint({ address: '127.0.0.1', port: 5684 })).toThrow(
    /nothing was given to prove oneself with/,
  );
});

test('joined with a plain one, each datagram leaves by the transport of its endpoint', async () => {
  const [near, far, plainFar] = [new Heard(), new Heard(), new Heard()];
  const server = await open(far, {}, true);
  const plain = await openLoopback(plainFar);
  opened.push(plain);
  const joined = await JoinedTransport.open(openLoopback, (receiver) => open(receiver, {}), near);
  opened.push(joined);
  const [plainAddress] = plain.addresses;
  if (plainAddress === undefined || joined.secured === undefined) throw new Error('it did not open');
  const [clear, secured] = [joined.endpoint(plainAddress), joined.secured.endpoint(remoteOf(server))];
  joined.send([
    { bytes: utf8('clear'), endpoint: clear, multicast: false },
    { bytes: utf8('secret'), endpoint: secured, multicast: false },
  ]);
  await Promise.all([far.next(), plainFar.next()]);
  expect([plainFar.texts, far.texts]).toEqual([['clear'], ['secret']]);
});
