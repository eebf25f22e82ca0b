/** What is observed over CoAP and silent: the gateway is asked again within 15 seconds, and what nobody needs twice is not told twice. */
import { expect, test } from 'vitest';
import { contentFormat } from '../../../src/cbor/content-format.ts';
import { encodeCbor } from '../../../src/cbor/encode.ts';
import { openCoapClient, type CoapClient } from '../../../src/client/coap-client.ts';
import { endedJob, observedResult, observedStream } from '../../../src/client/sdk/observed.ts';
import { responseCode } from '../../../src/coap/codec/codes.ts';
import { findOption, findStrings, findUint, optionNumber } from '../../../src/coap/codec/options.ts';
import type { Request } from '../../../src/coap/request.ts';
import { response, type Response } from '../../../src/coap/response.ts';
import { hex } from '../../../src/core/bytes.ts';
import { milliseconds } from '../../../src/core/duration.ts';
import { MemoryNetwork } from '../../../src/transport/memory.ts';
import { openMemoryServer } from '../memory-server.ts';

const uri = 'coap://192.0.2.1/x';
const etag = Uint8Array.of(0x9f, 0x3a);

/** A server that observes where what it answers is no error. */
async function connected(answer: (request: Request) => Response): Promise<{
  readonly client: CoapClient;
  readonly network: MemoryNetwork;
  /** Seconds, the query and the ETag of each request. */
  readonly asked: readonly (readonly [number, readonly string[] | undefined, string | undefined])[];
}> {
  const network = new MemoryNetwork({ random: () => 0.5, link: {} });
  const { scheduler } = network;
  const started = scheduler.now();
  const asked: [number, readonly string[] | undefined, string | undefined][] = [];
  const { openTransport } = await openMemoryServer(network, (request, server) => {
    const now = scheduler.now();
    if (findUint(request.options, optionNumber.observe) !== 0) return;
    const tag = findOption(request.options, optionNumber.etag);
    const query = findStrings(request.options, optionNumber.uriQuery);
    asked.push([Math.round((now - started) / 1000), query, tag && hex(tag)]);
    const told = answer(request);
    const observation = told.code < 0x80 ? server.observe(request, () => undefined, now) : undefined;
    server.respond(request, { ...told, ...(observation && { observation }) }, now);
  });
  const client = await openCoapClient({ scheduler, openTransport });
  return { client, network, asked };
}

/** Lets so many seconds go by. */
async function pass(network: MemoryNetwork, span: number): Promise<void> {
  for (let i = 0; i < span; i++) {
    network.advance(milliseconds(1000));
    await new Promise(setImmediate);
  }
}

test('a stream in which nothing comes is lost within 15 seconds where its gateway was started again', async () => {
  const gone = response(responseCode.preconditionFailed, { maxAge: 0 });
  const begun = response(responseCode.content, { contentFormat: contentFormat.cborSequence, etag, maxAge: 3600 });
  const { client, network, asked } = await connected(() => (asked.length === 1 ? begun : gone));
  const told: string[] = [];
  const read = async (): Promise<void> => {
    const items = observedStream(client, { from: 7, run: undefined }, ({ from, run }) => ({
      uri: `${uri}?_from=${from}${run === undefined ? '' : `&_run=${run}`}`,
      method: 'FETCH',
    }));
    for await (const { type } of items) told.push(type);
  };
  const reading = read();
  await pass(network, 14);
  expect(told).toEqual(['begun']);
  await pass(network, 3);
  expect(told).toEqual(['begun', 'failed']);
  expect(asked.map(([, query]) => query)).toEqual([['_from=7'], ['_from=7', '_run=9f3a']]);
  await reading;
  await client.close();
});

test('a result that is watched is asked for again with its ETag, and told again as often as c.pmax says', async () => {
  const state = { etag, maxAge: 60 } as const;
  const { client, network, asked } = await connected(({ options }) =>
    findOption(options, optionNumber.etag) === undefined
      ? response(responseCode.content, {
          ...state,
          contentFormat: contentFormat.cbor,
          payload: encodeCbor('the price'),
        })
      : response(responseCode.valid, state),
  );
  const told: unknown[] = [];
  const read = async (): Promise<void> => {
    for await (const event of observedResult(client, { uri, method: 'FETCH' }, network.scheduler)) told.push(event);
  };
  const reading = read();
  reading.catch(() => undefined);
  await pass(network, 20);
  expect(told).toHaveLength(1);
  await pass(network, 40);
  expect(told).toEqual([
    { type: 'state', value: 'the price', etag },
    { type: 'state', value: 'the price', etag },
  ]);
  expect(asked.slice(0, 3).map(([at, , tag]) => [at, tag])).toEqual([
    [expect.closeTo(1, 0), undefined],
    [expect.closeTo(16, -0.5), '9f3a'],
    [expect.closeTo(31, -0.5), '9f3a'],
  ]);
  await client.close();
});

test('a result is not asked for again within c.pmin, when nothing is to be told', async () => {
  let price = 0;
  const { client, network, asked } = await connected(() =>
    response(responseCode.content, {
      etag: Uint8Array.of(price),
      maxAge: 3600,
      contentFormat: contentFormat.cbor,
      payload: encodeCbor(price++),
    }),
  );
  const told: unknown[] = [];
  const read = async (): Promise<void> => {
    const events = observedResult(client, { uri: `${uri}?c.pmin=30&_why`, method: 'FETCH' }, network.scheduler);
    for await (const event of events) told.push(event);
  };
  const reading = read();
  reading.catch(() => undefined);
  await pass(network, 44);
  expect(told).toHaveLength(1);
  await pass(network, 4);
  expect(told).toHaveLength(2);
  expect(asked.map(([at]) => at)).toEqual([expect.closeTo(1, 0), expect.closeTo(46, -0.5)]);
  await client.close();
});

test('a gateway that has no room for who waits for a job is asked again when it says', async () => {
  const busy = response(responseCode.serviceUnavailable, { maxAge: 7 });
  const done = response(responseCode.content, { contentFormat: contentFormat.cborSequence, payload: encodeCbor('it') });
  const { client, network, asked } = await connected(() => (asked.length === 1 ? busy : done));
  const told: string[] = [];
  const ended = endedJob(client, { uri, method: 'GET' }, network.scheduler, () => told.push('pending'));
  ended.catch(() => undefined);
  await pass(network, 10);
  expect(asked.map(([at]) => at)).toEqual([expect.closeTo(1, 0), expect.closeTo(8, -0.5)]);
  expect((await ended).payload).toEqual(encodeCbor('it'));
  expect(told).toEqual(['pending']);
  await client.close();
});

test.each(['text', ['first', 'item'], 7])('%j is no item of a stream', async (told) => {
  const payload = encodeCbor(told);
  const { client, network } = await connected(() =>
    response(responseCode.content, { contentFormat: contentFormat.cborSequence, payload }),
  );
  const first = observedStream(client, { from: 0, run: undefined }, () => ({ uri, method: 'FETCH' })).next();
  first.catch(() => undefined);
  await pass(network, 2);
  await expect(first).rejects.toMatchObject({ code: 'not-a-stream' });
  await client.close();
});
