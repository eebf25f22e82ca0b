/** What users of Pyro can do with objects and futures, row by row, over CoAP, HTTP and on the command line. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { decodeCbor } from '../../src/cbor/decode.ts';
import { defaultDecodeLimits } from '../../src/cbor/limits.ts';
import { asPath } from '../../src/cbor/reference-tag.ts';
import { encodeCbor } from '../../src/cbor/encode.ts';
import { openCoapClient, type CoapClient } from '../../src/client/coap-client.ts';
import type { CoapRequest, CoapResponse } from '../../src/client/coap-request.ts';
import { dotted } from '../../src/coap/codec/codes.ts';
import { findStrings, optionNumber } from '../../src/coap/codec/options.ts';
import type { Value } from '../../src/core/value.ts';
import { decodeProblem } from '../../src/functions/problem-details.ts';
import { ran } from '../cli/terminal.ts';
import { ask as http, post, startGateway, type TestGateway } from '../http/gateway.ts';

const libraries = {
  'shop/third-party/being.js': `
    export class Being {
      things = [];
      constructor(name) { this.name = name; }
      greet() { return 'I am ' + this.name; }
    }`,
  'shop/index.ts': `
    import { setTimeout as sleep } from 'node:timers/promises';
    import { context } from 'funcoap/library';
    import { Being } from './third-party/being.js';
    /** A warehouse, as in Pyro's tutorial. */
    export class Warehouse {
      contents: string[] = ['chair', 'bike'];
      label: string = 'main';
      /** @safe */ list(): string[] { return this.contents; }
      take(item: string): void { this.contents = this.contents.filter((other) => other !== item); }
      private audit(): void {}
    }
    /** @instance single */
    export class Board { notes: string[] = []; leave(note: string): number { return this.notes.push(note); } }
    /** @instance session */
    export class Basket { items: string[] = []; put(item: string): number { return this.items.push(item); } }
    /** @instance percall */
    export class Query { #used: number = 0; use(): number { return ++this.#used; } }
    /** Somebody who takes things, as in Pyro's tutorial. */
    export class Person extends Being {
      visit(warehouse: Warehouse, item: string): number { warehouse.take(item); this.things.push(item); return this.things.length; }
      friend(): Person { return (this.known ??= new Person('a friend of ' + this.name)); }
      friends(): Person[] { return [this.friend()]; }
      private known: Person | undefined;
    }
    export async function assemble(what: string): Promise<string> { await sleep(20); return what + ' assembled'; }
    export function explode(): never { throw new RangeError('out of parts'); }
    export async function forever(): Promise<void> {
      await new Promise((resolve) => context().signal.addEventListener('abort', resolve));
    }`,
};

let gateway: TestGateway;
let client: CoapClient;
beforeAll(async () => {
  gateway = await startGateway({ libraries });
  client = await openCoapClient({});
});
afterAll(async () => {
  await client.close();
  await gateway.close();
});

const ask = (method: CoapRequest['method'], path: string, value?: Value): Promise<CoapResponse> =>
  client.request({
    uri: gateway.coap + path,
    method,
    ...(value !== undefined && { payload: encodeCbor(value), contentFormat: 60 }),
  });
const placeOf = ({ options }: CoapResponse): string =>
  `/${(findStrings(options, optionNumber.locationPath) ?? []).join('/')}`;
/** References are paths. */
const value = ({ payload }: CoapResponse): unknown => decodeCbor(payload, defaultDecodeLimits, asPath);

describe('Pyro', () => {
  test('P6 a class of a library is exposed: objects are made, their public methods called, nothing else', async () => {
    const warehouse = placeOf(await ask('POST', '/func/shop/Warehouse'));
    expect(value(await ask('GET', `${warehouse}/list`))).toEqual(['chair', 'bike']);
    expect(dotted((await ask('POST', `${warehouse}/take`, ['bike'])).code)).toBe('2.04');
    expect(value(await ask('GET', `${warehouse}/list`))).toEqual(['chair']);
    expect(dotted((await ask('POST', `${warehouse}/audit`)).code)).toBe('4.04');
    expect(dotted((await ask('DELETE', warehouse)).code)).toBe('2.02');
    expect(dotted((await ask('GET', `${warehouse}/list`)).code)).toBe('4.04');
  });

  test('P4 the command line makes, describes, calls, reads, sets and releases them', async () => {
    const cli = async (...args: string[]): Promise<string> => {
      const { code, out, err } = await ran(args);
      expect([args, code, err]).toEqual([args, 0, '']);
      return out.trim();
    };
    const warehouse = await cli('call', `${gateway.coap}/func/shop/Warehouse`);
    expect(warehouse).toMatch(/^coap:\/\/127\.0\.0\.1:\d+\/o\/[\w-]{8}$/);
    expect(await cli('describe', warehouse)).toMatch(/take\(item: string\)[^]*label: string +read, set/);
    await cli('call', `${warehouse}/take`, 'bike');
    expect(await cli('call', `${warehouse}/list`)).toBe('chair');
    await cli('set', `${warehouse}/label`, 'north');
    expect(await cli('call', `${warehouse}/label`)).toBe('north');
    await cli('release', warehouse);
    expect((await ran(['call', `${warehouse}/label`])).code).toBe(4);
  });

  test('P6 over HTTP it is the same object', async () => {
    const { headers } = await post(`${gateway.url}/func/shop/Warehouse`, []);
    const warehouse = String(headers.location);
    expect((await post(`${gateway.url}${warehouse}/take`, ['bike'])).status).toBe(204);
    // Both callers are `local`.
    expect(value(await ask('GET', `${warehouse}/list`))).toEqual(['chair']);
    expect((await http(`${gateway.url}${warehouse}`, { method: 'DELETE' })).status).toBe(204);
    expect(dotted((await ask('GET', `${warehouse}/list`)).code)).toBe('4.04');
  });

  test('P7 what a class has of a class of others is exposed with it', async () => {
    const person = placeOf(await ask('POST', '/func/shop/Person', ['Janet']));
    expect(value(await ask('POST', `${person}/greet`))).toBe('I am Janet');
    expect(value(await ask('GET', `${person}/things`))).toEqual([]);
    await ask('DELETE', person);
  });

  test('P7 instance modes: one for all, one for each identity, one for each call', async () => {
    const board = placeOf(await ask('POST', '/func/shop/Board'));
    const other = String((await post(`${gateway.url}/func/shop/Board`, [])).headers.location);
    expect(value(await ask('POST', `${board}/leave`, ['hello']))).toBe(1);
    expect((await http(`${gateway.url}${other}/notes`)).json).toEqual(['hello']);
    const basket = placeOf(await ask('POST', '/func/shop/Basket'));
    expect(placeOf(await ask('POST', '/func/shop/Basket'))).toBe(basket);
    expect((await post(`${gateway.url}/func/shop/Basket`, [])).headers.location).not.toBe(basket);
    const query = placeOf(await ask('POST', '/func/shop/Query'));
    expect([value(await ask('POST', `${query}/use`)), value(await ask('POST', `${query}/use`))]).toEqual([1, 1]);
    for (const made of [board, other, basket, query]) await ask('DELETE', made);
  });

  test('P8 attributes are read and set', async () => {
    const warehouse = placeOf(await ask('POST', '/func/shop/Warehouse'));
    expect(value(await ask('GET', `${warehouse}/label`))).toBe('main');
    expect(dotted((await ask('PUT', `${warehouse}/label`, 'north')).code)).toBe('2.04');
    expect(value(await ask('GET', `${warehouse}/label`))).toBe('north');
    expect(dotted((await ask('PUT', `${warehouse}/label`, 5)).code)).toBe('4.22');
    await ask('DELETE', warehouse);
  });

  test('P8 over HTTP too, and what is read-only says so', async () => {
    const warehouse = gateway.url + String((await post(`${gateway.url}/func/shop/Warehouse`, [])).headers.location);
    const put = (name: string, body: string): ReturnType<typeof http> =>
      http(`${warehouse}/${name}`, { method: 'PUT', headers: { 'content-type': 'application/json' }, body });
    expect((await put('label', '"north"')).status).toBe(204);
    expect((await http(`${warehouse}/label`)).json).toBe('north');
    expect((await put('label', '5')).status).toBe(422);
    const refused = await put('list', '"x"');
    expect([refused.status, refused.headers.allow]).toEqual([405, 'GET, HEAD, QUERY, POST, OPTIONS']);
    await http(warehouse, { method: 'DELETE' });
  });

  test('P10 an object that is returned is a reference, which is called, and given to others as an argument', async () => {
    const person = placeOf(await ask('POST', '/func/shop/Person', ['Janet']));
    const warehouse = placeOf(await ask('POST', '/func/shop/Warehouse'));
    expect(value(await ask('POST', `${person}/visit`, [warehouse, 'bike']))).toBe(1);
    expect(value(await ask('GET', `${warehouse}/list`))).toEqual(['chair']);
    const friend = value(await ask('POST', `${person}/friend`));
    expect(friend).toMatch(/^\/o\/[\w-]{8}$/);
    expect(value(await ask('POST', `${String(friend)}/greet`))).toBe('I am a friend of Janet');
    expect(value(await ask('POST', `${person}/friends`))).toEqual([friend]);
    const { json } = await post(`${gateway.url}${person}/friends`, []);
    expect(json).toEqual([friend]);
    const refused = await ask('POST', `${person}/visit`, [person, 'bike']);
    expect(dotted(refused.code)).toBe('4.22');
    for (const made of [person, warehouse, String(friend)]) await ask('DELETE', made);
  });

  test('P10 in a batch an object that was made is the argument of a later call', async () => {
    const person = placeOf(await ask('POST', '/func/shop/Person', ['Jim']));
    // [["shop/Warehouse"], ["{person}/visit", [39([0]), "chair"]]]
    const visit = [0x82, ...encodeCbor(`${person}/visit`), 0x82, 0xd8, 39, 0x81, 0, ...encodeCbor('chair')];
    const payload = new Uint8Array([0x82, ...encodeCbor(['shop/Warehouse']), ...visit]);
    const answer = await client.request({ uri: `${gateway.coap}/b`, method: 'POST', payload, contentFormat: 60 });
    const [warehouse, things] = value(answer) as [string, number];
    expect([warehouse, things]).toEqual([expect.stringMatching(/^\/o\//), 1]);
    expect(value(await ask('GET', `${warehouse}/list`))).toEqual(['bike']);
    for (const made of [person, warehouse]) await ask('DELETE', made);
  });

  test('P18 a future: asked whether it is ready, waited for, its error told, cancelled', async () => {
    const job = placeOf(await ask('POST', '/func/shop/assemble?_job', ['bike']));
    let result: CoapResponse | undefined;
    for await (const state of client.observe({ uri: gateway.coap + job, method: 'GET' })) {
      result = state;
      if (state.payload.length > 0) break;
    }
    expect(result && value(result)).toBe('bike assembled');
    const failing = placeOf(await ask('POST', '/func/shop/explode?_job'));
    const failed = await vi.waitUntil(
      async () => {
        const answer = await ask('GET', failing);
        return dotted(answer.code) === '5.03' ? undefined : answer;
      },
      { timeout: 10_000, interval: 10 },
    );
    expect(decodeProblem(failed.payload).name).toBe('function-failed');
    const endless = placeOf(await ask('POST', '/func/shop/forever?_job'));
    expect(decodeProblem((await ask('GET', endless)).payload).name).toBe('job-pending');
    expect(dotted((await ask('DELETE', endless)).code)).toBe('2.02');
    expect(dotted((await ask('GET', endless)).code)).toBe('4.04');
  });
});
