/** What users of Pyro can do with objects and futures, row by row, over CoAP. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { decodeCbor } from '../../src/cbor/decode.ts';
import { encodeCbor } from '../../src/cbor/encode.ts';
import { openCoapClient, type CoapClient } from '../../src/client/coap-client.ts';
import type { CoapRequest, CoapResponse } from '../../src/client/coap-request.ts';
import { dotted } from '../../src/coap/codec/codes.ts';
import { findStrings, optionNumber } from '../../src/coap/codec/options.ts';
import type { Value } from '../../src/core/value.ts';
import { decodeProblem } from '../../src/functions/problem-details.ts';
import { startGateway, type TestGateway } from '../http/gateway.ts';

vi.setConfig({ testTimeout: 20_000, hookTimeout: 60_000 });

const libraries = {
  'shop/index.ts': `
    import { setTimeout as sleep } from 'node:timers/promises';
    import { context } from 'funcoap/library';
    /** A warehouse, as in Pyro's tutorial. */
    export class Warehouse {
      contents: string[] = ['chair', 'bike'];
      label: string = 'main';
      /** @safe */ list(): string[] { return this.contents; }
      take(item: string): void { this.contents = this.contents.filter((other) => other !== item); }
      private audit(): void {}
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
const value = ({ payload }: CoapResponse): unknown => decodeCbor(payload);

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

  test('P8 attributes are read and set', async () => {
    const warehouse = placeOf(await ask('POST', '/func/shop/Warehouse'));
    expect(value(await ask('GET', `${warehouse}/label`))).toBe('main');
    expect(dotted((await ask('PUT', `${warehouse}/label`, 'north')).code)).toBe('2.04');
    expect(value(await ask('GET', `${warehouse}/label`))).toBe('north');
    expect(dotted((await ask('PUT', `${warehouse}/label`, 5)).code)).toBe('4.22');
    await ask('DELETE', warehouse);
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
