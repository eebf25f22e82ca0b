/** What a batch costs of its sender's rate, in a gateway of this process whose rates are earned again in an hour. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { decodeCbor } from '../../src/cbor/decode.ts';
import { encodeCbor } from '../../src/cbor/encode.ts';
import { openCoapClient } from '../../src/client/coap-client.ts';
import { dotted } from '../../src/coap/codec/codes.ts';
import { startGateway, type TestGateway } from '../http/gateway.ts';

const burst = 6;
const libraries = {
  'count/index.ts': `let calls = 0;
    export function up(): number { return ++calls; }
    /** @safe */ export function ups(): number { return calls; }`,
};
let gateway: TestGateway;
beforeAll(async () => {
  // One thread: its functions count in one place.
  const more = { workers: { threads: 1 }, rate: { perSecond: 0.001, burst, loopback: true } };
  gateway = await startGateway({ libraries, more });
});
afterAll(() => gateway.close());

/** Batches of so many calls each, by one peer: their codes, and whether the last one says when to come back. */
async function sent(...sizes: readonly number[]): Promise<readonly [codes: string[], comeBack: boolean]> {
  const client = await openCoapClient({});
  const codes: string[] = [];
  let comeBack = false;
  for (const size of sizes) {
    const payload = encodeCbor(Array.from({ length: size }, () => ['count/up']));
    const answer = await client.request({ uri: `${gateway.coap}/b`, method: 'POST', payload, contentFormat: 60 });
    codes.push(dotted(answer.code));
    comeBack = (answer.maxAge ?? 0) > 0;
  }
  await client.close();
  return [codes, comeBack];
}

test('each call of a batch counts as a request, and where there is no room for all of them none runs', async () => {
  expect(await sent(burst)).toEqual([['2.04'], expect.any(Boolean)]);
  expect(await sent(burst, 1)).toEqual([['2.04', '4.29'], true]);
  expect(await sent(burst + 1)).toEqual([['4.29'], true]);
  expect((await sent(burst - 2, 2))[0]).toEqual(['2.04', '2.04']);
  expect((await sent(burst - 1, 2))[0]).toEqual(['2.04', '4.29']);
  const client = await openCoapClient({});
  const ran = await client.request({ uri: `${gateway.coap}/func/count/ups`, method: 'GET' });
  await client.close();
  expect(decodeCbor(ran.payload)).toBe(burst + burst + burst + (burst - 1));
});
