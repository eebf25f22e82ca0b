/** What an identity has at the running gateway whatever association it comes by: results, rate, link; and how associations end. */
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { decodeCbor } from '../../../src/cbor/decode.ts';
import { encodeCbor } from '../../../src/cbor/encode.ts';
import { openCoapClient, type CoapClient } from '../../../src/client/coap-client.ts';
import type { CoapRequest, CoapResponse } from '../../../src/client/coap-request.ts';
import { dotted, method } from '../../../src/coap/codec/codes.ts';
import { decodeMessage, encodeMessage, isMalformed } from '../../../src/coap/codec/rfc7252.ts';
import { messageType } from '../../../src/coap/codec/message.ts';
import { optionNumber, stringOption, uintOption } from '../../../src/coap/codec/options.ts';
import { utf8 } from '../../../src/core/bytes.ts';
import type { Datagram } from '../../../src/core/datagram.ts';
import { openEndpoint, type RunningEndpoint } from '../dtls/endpoint.ts';
import { RunningGateway } from './running-gateway.ts';

const access = [
  { identity: 'busy', rate: { perSecond: 0.01, burst: 3 } },
  { group: 'sleepy', profile: { blockSize: 32, maxBody: 64, piggybackWindow: '50ms', ackTimeout: '3s' } },
  { functions: ['*'], resources: ['*'] },
];

let gateway: RunningGateway;
const clients: CoapClient[] = [];
beforeAll(async () => {
  gateway = await RunningGateway.start({
    authority: false,
    access,
    settings: ['metrics.enabled=true', 'metrics.port=0'],
  });
  for (const name of ['one', 'other', 'busy']) await gateway.enroll(name);
  await gateway.enroll('slow', ' --group sleepy');
});
afterAll(() => gateway.stop());
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});

interface Seen {
  readonly direction: 'in' | 'out';
  readonly bytes: Uint8Array;
}
/** An association of its own. */
async function associate(name: string, seen: Seen[] = []): Promise<CoapClient> {
  const preSharedKey = { identity: utf8(name), key: utf8(gateway.keyOf(name)) };
  const onMessage = (direction: 'in' | 'out', bytes: Uint8Array): void => void seen.push({ direction, bytes });
  const client = await openCoapClient({ credentials: { preSharedKey }, onMessage });
  clients.push(client);
  return client;
}
const ask = (client: CoapClient, path: string, more: Partial<CoapRequest> = {}): Promise<CoapResponse> =>
  client.request({ uri: `${gateway.uri}${path}`, method: 'GET', ...more });
const value = async (client: CoapClient, path: string): Promise<unknown> =>
  decodeCbor((await ask(client, path)).payload);

describe('a private result', () => {
  test("is the identity's over all its associations, and nobody else's", async () => {
    const [first, second, other] = [await associate('one'), await associate('one'), await associate('other')];
    const mine = await value(first, '/func/who/secret');
    expect(mine).toMatch(/^one /);
    expect(await value(second, '/func/who/secret')).toBe(mine);
    const theirs = await value(other, '/func/who/secret');
    expect(theirs).toMatch(/^other /);
    expect(await value(first, '/func/who/secret')).toBe(mine);
    const plain = await openCoapClient();
    clients.push(plain);
    const { payload } = await plain.request({ uri: `${gateway.process.uri}/func/who/secret`, method: 'GET' });
    expect(decodeCbor(payload)).toMatch(/^local /);
  });
});

describe('the rules for an identity', () => {
  test('limit its rate over all its associations together, and nobody else', async () => {
    const codes: string[] = [];
    for (let count = 0; count < 5; count++) {
      const client = await associate('busy');
      codes.push(dotted((await ask(client, '/func/who/am')).code));
    }
    expect(codes).toEqual(['2.05', '2.05', '2.05', '4.29', '4.29']);
    expect(dotted((await ask(await associate('one'), '/func/who/am')).code)).toBe('2.05');
  });

  test('limit its bodies: a longer one is 4.13 with Size1', async () => {
    const body = { method: 'POST', contentFormat: 60, payload: encodeCbor(['x'.repeat(100)]) } as const;
    const refused = await ask(await associate('slow'), '/func/text/lengthOf', body);
    expect(dotted(refused.code)).toBe('4.13');
    expect(refused.options.find(({ number }) => number === 60)?.value).toEqual(Uint8Array.of(64));
    expect(dotted((await ask(await associate('one'), '/func/text/lengthOf', body)).code)).toBe('2.04');
  });

  /** The types of messages that came for a call that takes 400 ms, and how soon the first came. */
  const typesFor = async (name: string): Promise<readonly number[]> => {
    const seen: Seen[] = [];
    await ask(await associate(name, seen), '/func/text/slow');
    return seen.flatMap(({ direction, bytes }) => {
      const message = decodeMessage(bytes);
      return direction === 'in' && !isMalformed(message) ? [message.type] : [];
    });
  };
  test('set its piggyback window: what takes longer is acknowledged, and answered separately', async () => {
    expect(await typesFor('slow')).toEqual([messageType.ACK, messageType.CON]);
    expect(await typesFor('one')).toEqual([messageType.ACK]);
  });

  /** A device that says one thing, and then only listens: it acknowledges nothing. */
  class Listener {
    readonly heard: { readonly bytes: Uint8Array; readonly at: number }[] = [];
    readonly #output: Datagram[] = [];
    say(bytes: Uint8Array, endpoint: Datagram['endpoint']): void {
      this.#output.push({ bytes, endpoint, multicast: false });
    }
    receive(batch: readonly Datagram[]): void {
      this.heard.push(...batch.map(({ bytes }) => ({ bytes, at: performance.now() })));
    }
    poll(): void {
      // It has no timers.
    }
    nextDeadline(): undefined {
      return undefined;
    }
    takeOutput(): readonly Datagram[] {
      return this.#output.splice(0);
    }
  }
  const endpoints: RunningEndpoint[] = [];
  afterEach(async () => {
    for (const endpoint of endpoints.splice(0)) await endpoint.close();
  });
  /** What it hears after `GET path`, until there are so many messages. */
  const hears = async (
    name: string,
    path: readonly string[],
    query: string,
    count: number,
  ): Promise<Listener['heard']> => {
    const listener = new Listener();
    const device = await openEndpoint({}, listener);
    endpoints.push(device);
    const preSharedKey = { identity: utf8(name), key: utf8(gateway.keyOf(name)) };
    const association = device.connect(gateway.port, { preSharedKey });
    const options = [
      ...path.map((segment) => stringOption(optionNumber.uriPath, segment)),
      ...(query === '' ? [] : [stringOption(optionNumber.uriQuery, query)]),
      uintOption(optionNumber.accept, 0),
    ];
    const [token, payload] = [Uint8Array.of(1), new Uint8Array(0)];
    const request = { type: messageType.CON, code: method.GET, messageId: 7, token, options, payload };
    listener.say(encodeMessage(request), association);
    device.wake();
    await vi.waitFor(() => expect(listener.heard.length).toBeGreaterThanOrEqual(count), { timeout: 20_000 });
    return listener.heard;
  };

  test('set its block size, where it states none', async () => {
    const blockOf = async (name: string): Promise<number> => {
      const [answer] = await hears(name, ['func', 'text', 'long'], 'lines=100', 1);
      const message = decodeMessage(answer?.bytes ?? new Uint8Array(0));
      return isMalformed(message) ? -1 : message.payload.length;
    };
    expect([await blockOf('slow'), await blockOf('one')]).toEqual([32, 256]);
  });

  test('set how long it has for an acknowledgement', async () => {
    // The empty ACK, the separate answer, and that again after ACK_TIMEOUT to 1.5 times that.
    const [, answer, again] = await hears('slow', ['func', 'text', 'slow'], '', 3);
    expect(again?.bytes).toEqual(answer?.bytes);
    const waited = (again?.at ?? 0) - (answer?.at ?? 0);
    expect(waited).toBeGreaterThan(2900);
    expect(waited).toBeLessThan(6000);
  });
});

describe('an association', () => {
  const figure = async (name: string): Promise<number> => {
    const page = await (await fetch(gateway.process.metricsUrl ?? '')).text();
    return Number(new RegExp(`^funcoap_dtls_${name} (\\d+)$`, 'm').exec(page)?.[1]);
  };
  const associations = (): Promise<number> => figure('associations');

  test('is gone when its client says so (close_notify)', async () => {
    const client = await associate('one');
    await client.ping(gateway.uri);
    const before = await associations();
    await client.close();
    await vi.waitFor(async () => expect(await associations()).toBe(before - 1), { timeout: 5000 });
  });

  test('answers a CoAP ping with a Reset', async () => {
    const seen: Seen[] = [];
    await (await associate('one', seen)).ping(gateway.uri);
    const [ping, reset] = seen.map(({ bytes }) => [...bytes]);
    expect(ping?.slice(0, 2)).toEqual([0x40, 0]);
    expect(reset).toEqual([0x70, 0, ...(ping?.slice(2) ?? [])]);
  });

  test('of an identity that is revoked ends, and the identity is unknown from then on', async () => {
    await gateway.enroll('gone');
    const client = await associate('gone');
    const states = client.observe({ uri: `${gateway.uri}/clock`, method: 'GET' });
    await states.next();
    const watched = (async () => {
      for await (const { code } of states) expect(dotted(code)).toBe('2.05');
    })();
    const [ended] = await Promise.allSettled([watched, gateway.funcoap('identities revoke gone')]);
    expect(ended).toMatchObject({ status: 'rejected', reason: { code: 'request-association-closed' } });
    await expect(ask(client, '/clock')).rejects.toMatchObject({ code: 'request-handshake' });
  });
});
