/** Python that exits, prints without end or never returns, called at each door: an error of that call, and the gateway goes on. */
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { encodeCbor } from '../../../src/cbor/encode.ts';
import { openCoapClient, type CoapClient } from '../../../src/client/coap-client.ts';
import type { CoapResponse } from '../../../src/client/coap-request.ts';
import { dotted } from '../../../src/coap/codec/codes.ts';
import type { Value } from '../../../src/core/value.ts';
import { decodeProblem } from '../../../src/functions/problem-details.ts';
import { GatewayProcess } from '../../gateway/gateway-process.ts';
import { ask, post } from '../../http/gateway.ts';
import { placeOf } from './object-bench.ts';
import { missingPython } from './python-folder.ts';

const missing = missingPython();
beforeEach(({ skip }) => {
  if (missing !== undefined) skip(missing);
});

const libraries = {
  'bad/bad.py': `
import os, sys
from funcoap import time_limit
def exits(): os._exit(3)
def leaves(): sys.exit(3)
@time_limit(1)
def prints():
    while True: os.write(1, b'z' * 65536)
@time_limit(0.3)
def loops():
    while True: pass
`,
  'good/good.py': 'def well(): return "well"\n',
};

let gateway: GatewayProcess;
let client: CoapClient;
let url: string;
beforeAll(async () => {
  if (missing !== undefined) return;
  gateway = await GatewayProcess.start({ libraries, settings: ['http.listen=127.0.0.1', 'http.port=0'] });
  client = await openCoapClient({});
  url = gateway.httpUrls[0] ?? '';
  await vi.waitFor(async () => expect((await post(`${url}/func/good/well`, [])).json).toBe('well'), {
    timeout: 60_000,
  });
});
afterAll(async () => {
  if (missing !== undefined) return;
  await client.close();
  await gateway.stop();
});

const coap = (path: string, payload?: Value, method: 'GET' | 'POST' = 'POST'): Promise<CoapResponse> =>
  client.request({
    uri: gateway.uri + path,
    method,
    ...(payload !== undefined && { payload: encodeCbor(payload), contentFormat: 60 }),
  });
const told = ({ code, payload }: CoapResponse): string =>
  code < 0x80 ? dotted(code) : `${dotted(code)} ${decodeProblem(payload).name}`;
const toldHttp = ({ status, problem }: Awaited<ReturnType<typeof ask>>): string =>
  `${Math.floor(status / 100)}.${String(status % 100).padStart(2, '0')} ${problem}`;
const patiently = { timeout: 30_000, interval: 50 };

/** What a call of bad/{name} comes to. */
const ways: Readonly<Record<string, (name: string) => Promise<string>>> = {
  'CoAP': async (name) => told(await coap(`/func/bad/${name}`)),
  'a batch over CoAP': async (name) => told(await coap('/b', [['good/well'], [`bad/${name}`]])),
  'a job over CoAP': async (name) => {
    const place = placeOf(await coap(`/func/bad/${name}?_job`)) ?? '';
    const answer = await vi.waitUntil(async () => {
      const said = told(await coap(place, undefined, 'GET'));
      return said.endsWith('job-pending') ? undefined : said;
    }, patiently);
    return answer;
  },
  'HTTP': async (name) => toldHttp(await post(`${url}/func/bad/${name}`, [])),
  'a batch over HTTP': async (name) => toldHttp(await post(`${url}/b`, [['good/well'], [`bad/${name}`]])),
  'a job over HTTP': async (name) => {
    const { headers } = await post(`${url}/func/bad/${name}?_job`, []);
    return await vi.waitUntil(async () => {
      const answer = await ask(url + String(headers.location));
      return answer.status === 202 ? undefined : toldHttp(answer);
    }, patiently);
  },
};

describe.each(Object.entries(ways))('over %s', (_, call) => {
  test.each([
    ['exits', '5.00 worker-lost'],
    ['leaves', '5.00 function-failed'],
    ['prints', '5.04 time-limit'],
    ['loops', '5.04 time-limit'],
  ])('what %s is %s, and others are answered meanwhile', async (name, problem) => {
    // A process that has ended takes its time to come back.
    await vi.waitFor(async () => expect((await post(`${url}/func/bad/leaves`, [])).status).toBe(500), patiently);
    const before = gateway.memory;
    const ends = call(name);
    for (let i = 0; i < 5; i++) expect((await post(`${url}/func/good/well`, [])).json).toBe('well');
    expect(await ends).toBe(problem);
    expect(dotted((await coap('/func/good/well')).code)).toBe('2.04');
    // Of what is printed in a second only what the log may have of it is read.
    expect(gateway.memory - before).toBeLessThan(100 << 20);
  });
});
