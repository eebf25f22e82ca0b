import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import { openCoapClient, type CoapClient, type ObserveOptions } from '../../src/client/coap-client.ts';
import type { CoapResponse } from '../../src/client/coap-request.ts';
import { responseCode } from '../../src/coap/codec/codes.ts';
import type { Observation } from '../../src/coap/observe/observation.ts';
import type { Request } from '../../src/coap/request.ts';
import { response } from '../../src/coap/response.ts';
import { hex, textOf, utf8 } from '../../src/core/bytes.ts';
import { milliseconds } from '../../src/core/duration.ts';
import { MemoryNetwork } from '../../src/transport/memory.ts';
import { openMemoryServer } from './memory-server.ts';

const uri = 'coap://192.0.2.1/x';

/** A client, and a server that says its path, lets itself be observed and is silent at /silent. */
async function connected(maxAge = 60): Promise<{
  client: CoapClient;
  network: MemoryNetwork;
  observations: Observation[];
  requests: Request[];
  /** Datagrams that were sent, and whether they are lost. */
  traffic: { sent: number; lost: boolean };
  notify: (text: string) => Promise<void>;
}> {
  const traffic = { sent: 0, lost: false };
  const requests: Request[] = [];
  const lose = (): boolean => {
    traffic.sent++;
    return traffic.lost;
  };
  const network = new MemoryNetwork({ random: () => 0.5, link: { lose } });
  const { scheduler } = network;
  const observations: Observation[] = [];
  const { openTransport, wake } = await openMemoryServer(network, (request, server) => {
    requests.push(request);
    if (request.options.some(({ value }) => String.fromCharCode(...value) === 'silent')) return;
    const observation = server.observe(request, () => undefined, scheduler.now());
    if (observation !== undefined) observations.push(observation);
    server.respond(
      request,
      response(responseCode.content, { payload: utf8('0'), maxAge, observation }),
      scheduler.now(),
    );
  });
  const notify = async (text: string): Promise<void> => {
    observations[0]?.notify(response(responseCode.content, { payload: utf8(text) }), true, scheduler.now());
    wake();
    await Promise.resolve();
    network.advance(milliseconds(5));
  };
  const client = await openCoapClient({ scheduler, openTransport });
  return { client, network, observations, requests, traffic, notify };
}

/** Lets promises go on, and the network's time pass. */
async function pass(network: MemoryNetwork, span = 10): Promise<void> {
  await new Promise(setImmediate);
  network.advance(milliseconds(span));
  await new Promise(setImmediate);
}

const text = (answer: IteratorResult<CoapResponse, void>): string | undefined =>
  answer.done === true ? undefined : textOf(answer.value.payload);

test('a request is answered', async () => {
  const { client, network } = await connected();
  const answer = client.request({ uri, method: 'GET' });
  await pass(network);
  expect(await answer).toMatchObject({ code: responseCode.content, payload: utf8('0') });
});

test('a multicast group is not asked: a confirmable request must not go there (RFC 7252 §8.1), nor does one answer come', async () => {
  const { client } = await connected();
  for (const group of ['coap://224.0.1.187/x', 'coap://[ff02::fd]/x'])
    await expect(client.request({ uri: group, method: 'GET' })).rejects.toMatchObject({
      code: 'multicast-destination',
    });
  await expect(client.ping('coap://224.0.1.187')).rejects.toMatchObject({ code: 'multicast-destination' });
});

test('close ends what is under way: requests, observations and pings fail', async () => {
  const { client, network } = await connected();
  const request = client.request({ uri: 'coap://192.0.2.1/silent', method: 'GET' });
  const ping = client.ping('coap://192.0.2.9/');
  const observation = client.observe({ uri, method: 'GET' });
  const first = observation.next();
  await pass(network, 3000);
  expect((await first).done).toBe(false);
  const next = observation.next();
  await Promise.all([
    client.close(),
    ...[request, ping, next].map(
      async (promise) => await expect(promise).rejects.toMatchObject({ code: 'request-closed' }),
    ),
  ]);
});

test('a closed client says so instead of waiting for ever', async () => {
  const { client } = await connected();
  await client.close();
  for (const promise of [
    client.request({ uri, method: 'GET' }),
    client.ping(uri),
    client.observe({ uri, method: 'GET' }).next(),
  ]) {
    await expect(promise).rejects.toMatchObject({ code: 'client-closed' });
  }
});

test('the signal is let go of when a request or an observation is over', async () => {
  const { client, network } = await connected();
  const { signal } = new AbortController();
  const request = client.request({ uri, method: 'GET', signal });
  const observation = client.observe({ uri, method: 'GET', signal });
  const first = observation.next();
  await pass(network);
  await Promise.all([request, first]);
  expect(getEventListeners(signal, 'abort')).toHaveLength(1);
  await observation.return();
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

test('a signal gives up; one that was given before sends nothing', async () => {
  const { client, network, observations } = await connected();
  const controller = new AbortController();
  const under = client.request({ uri: 'coap://192.0.2.1/silent', method: 'GET', signal: controller.signal });
  await pass(network);
  controller.abort();
  await expect(under).rejects.toMatchObject({ code: 'request-aborted' });
  const late = client.observe({ uri, method: 'GET', signal: controller.signal }).next();
  await expect(late).rejects.toMatchObject({ code: 'request-aborted' });
  await pass(network);
  expect(observations).toEqual([]);
});

test('notifications that nobody takes are bounded: the newest are kept', async () => {
  const { client, network, notify } = await connected();
  const observation = client.observe({ uri, method: 'GET' });
  const first = observation.next();
  await pass(network);
  await first;
  for (let n = 1; n <= 3000; n++) await notify(String(n));
  const taken: string[] = [];
  while (taken.at(-1) !== '3000') {
    const { value } = await observation.next();
    taken.push(String.fromCharCode(...(value?.payload ?? [])));
  }
  expect(taken.length).toBeLessThan(1500);
  await observation.return();
});

test('a request that is being worked on fails when its peer is not there any more', async () => {
  const { client, network, traffic } = await connected();
  const silent = { uri: 'coap://192.0.2.1/silent', method: 'GET', timeout: milliseconds(1_000_000) } as const;
  const outcomes: unknown[] = [];
  for (const pingAfter of [milliseconds(15_000), undefined])
    client.request({ ...silent, pingAfter }).catch((error: unknown) => outcomes.push(error));
  for (let i = 0; i < 100; i++) await pass(network, 1000);
  expect(outcomes).toEqual([]);
  traffic.lost = true;
  for (let i = 0; i < 120; i++) await pass(network, 1000);
  expect(outcomes).toEqual([expect.objectContaining({ code: 'request-timeout' })]);
  await client.close();
});

test('what got no answer is named without its query', async () => {
  const { client, network } = await connected();
  const request = client.request({ uri: 'coap://192.0.2.1/silent?_describe&_why', method: 'GET' });
  await pass(network);
  await Promise.all([client.close(), expect(request).rejects.toThrow(/^coap:\/\/192\.0\.2\.1\/silent was given up/)]);
});

test('what is paced is acknowledged when it is wanted, one after the other', async () => {
  const { client, network, observations, notify } = await connected();
  const acknowledged: string[] = [];
  const observation = client.observe({ uri, method: 'GET' }, { paced: true });
  const first = observation.next();
  await pass(network);
  expect(text(await first)).toBe('0');
  const [registered] = observations;
  if (registered === undefined) throw new Error('It is not observed.');
  registered.onDelivered = () => acknowledged.push('it');
  await notify('1');
  await pass(network, 5000);
  expect(acknowledged).toEqual([]);
  const second = observation.next();
  await pass(network);
  expect(text(await second)).toBe('1');
  expect(acknowledged).toEqual(['it']);
  await observation.return();
});

test('who leaves an observation says so: while it is silent, and by rejecting what was told and not wanted', async () => {
  const { client, network, observations, notify } = await connected();
  for (const paced of [false, true]) {
    const observation = client.observe({ uri, method: 'GET' }, { paced });
    const first = observation.next();
    await pass(network);
    await first;
    const [observed] = observations;
    expect(observed?.ended).toBe(false);
    if (paced) await notify('1');
    await observation.return();
    await pass(network);
    expect(observed?.ended).toBe(true);
    observations.length = 0;
  }
});

describe('an observation that is silent', () => {
  const begin = async (
    client: CoapClient,
    network: MemoryNetwork,
    how: ObserveOptions = {},
  ): Promise<AsyncGenerator<CoapResponse, void>> => {
    const observation = client.observe({ uri, method: 'GET' }, { renewAfter: milliseconds(15_000), ...how });
    const first = observation.next();
    await pass(network);
    expect(text(await first)).toBe('0');
    return observation;
  };

  test('for an hour is registered again under its token, and nothing else is sent', async () => {
    const { client, network, observations, requests, traffic } = await connected(7200);
    const observation = await begin(client, network);
    const next = observation.next();
    const before = traffic.sent;
    for (let i = 0; i < 3600; i++) await pass(network, 1000);
    expect(text(await next)).toBe('0');
    // Four in a minute, and their answers.
    expect(traffic.sent - before).toBeGreaterThan(2 * 3 * 60);
    expect(traffic.sent - before).toBeLessThanOrEqual(2 * 4 * 60);
    expect(new Set(requests.map(({ exchange }) => hex(exchange.token))).size).toBe(1);
    expect(observations.filter(({ ended }) => !ended)).toHaveLength(1);
    await observation.return();
    const after = traffic.sent;
    for (let i = 0; i < 5; i++) await pass(network, 60_000);
    expect(traffic.sent - after).toBeLessThan(10);
  });

  test('is not asked for again while something comes', async () => {
    const { client, network, traffic, notify } = await connected(7200);
    const observation = await begin(client, network);
    const before = traffic.sent;
    for (let i = 0; i < 12; i++) {
      await pass(network, 10_000);
      await notify(String(i));
    }
    await pass(network, 5000);
    expect(traffic.sent - before).toBe(2 * 12);
    await observation.return();
  });

  test('fails when its peer does not answer any more; what is lost for 20 seconds does not matter', async () => {
    const { client, network, traffic } = await connected(7200);
    const observation = await begin(client, network);
    const outcome = { error: undefined as unknown };
    const read = async (): Promise<void> => {
      for await (const { payload } of observation) expect(textOf(payload)).toBe('0');
    };
    read().catch((error: unknown) => (outcome.error = error));
    traffic.lost = true;
    for (let i = 0; i < 35; i++) await pass(network, 1000);
    traffic.lost = false;
    for (let i = 0; i < 120; i++) await pass(network, 1000);
    expect(outcome.error).toBeUndefined();
    traffic.lost = true;
    for (let i = 0; i < 120; i++) await pass(network, 1000);
    expect(outcome.error).toMatchObject({ code: 'request-timeout' });
  });

  test('registers again under its token, whose entry it renews, also where its body goes in blocks', async () => {
    const { client, network, observations, requests } = await connected();
    const payload = new Uint8Array(3000);
    const how = { renewAfter: milliseconds(15_000) };
    const observation = client.observe({ uri, method: 'FETCH', payload }, how);
    const read = async (): Promise<void> => {
      for await (const { payload: told } of observation) expect(textOf(told)).toBe('0');
    };
    read().catch(() => undefined);
    for (let i = 0; i < 50; i++) await pass(network, 1000);
    expect(requests.map((request) => request.payload.length)).toEqual([3000, 3000, 3000, 3000]);
    expect(observations.map(({ ended }) => ended)).toEqual([true, true, true, false]);
    await client.close();
  });

  test('registers again under another token where it asks for something else, under its own where only an ETag is', async () => {
    const { client, network, observations, requests } = await connected();
    const renewed = [
      { uri: `${uri}?_from=7`, method: 'GET' } as const,
      { uri: `${uri}?_from=7`, method: 'GET', etag: Uint8Array.of(1) } as const,
    ];
    let at = 0;
    const renewAfter = milliseconds(60_000);
    const observation = await begin(client, network, {
      renewAfter,
      renewed: () => renewed[Math.min(at++, 1)] ?? { uri, method: 'GET' },
    });
    const next = observation.next();
    next.catch(() => undefined);
    for (let i = 0; i < 3; i++) await pass(network, 60_100);
    const tokens = requests.map(({ exchange }) => hex(exchange.token));
    expect([tokens[0] === tokens[1], tokens[1] === tokens[2]]).toEqual([false, true]);
    expect(observations.length).toBeGreaterThanOrEqual(3);
    await client.close();
  });
});

test('what is told under the token before, while another is registered, does not end what goes on under that one', async () => {
  const { client, network, observations, traffic, notify } = await connected();
  const renewed = (): { uri: string; method: 'GET' } => ({ uri: `${uri}?_from=7`, method: 'GET' });
  const how = { paced: true, renewAfter: milliseconds(15_000), renewed };
  const observation = client.observe({ uri, method: 'GET' }, how);
  const first = observation.next();
  await pass(network);
  await first;
  const next = observation.next();
  traffic.lost = true;
  for (let i = 0; i < 31; i++) await pass(network, 500);
  traffic.lost = false;
  await notify('1');
  await pass(network);
  expect(observations.map(({ ended }) => ended)).toEqual([false]);
  for (let i = 0; i < 6; i++) await pass(network, 1000);
  expect(observations).toHaveLength(2);
  expect(text(await next)).toBe('0');
  // Now it is not wanted any more.
  for (let i = 0; i < 20; i++) await pass(network, 1000);
  expect(observations[0]?.ended).toBe(true);
  await client.close();
});

test('after so much silence as is said it registers again, also while nobody wants what was told', async () => {
  const { client, network, observations, notify } = await connected();
  const observation = client.observe({ uri, method: 'GET' }, { paced: true, renewAfter: milliseconds(60_000) });
  const first = observation.next();
  await pass(network);
  await first;
  expect(observations).toHaveLength(1);
  await pass(network, 59_000);
  expect(observations).toHaveLength(1);
  await notify('1');
  for (let i = 0; i < 5; i++) await pass(network, 500);
  expect(observations).toHaveLength(2);
  await observation.return();
});
