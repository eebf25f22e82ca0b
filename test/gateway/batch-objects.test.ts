/** Objects in batches: over CoAP and HTTP, in a gateway of this process. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeCbor } from '../../src/cbor/decode.ts';
import { asPath } from '../../src/cbor/reference-tag.ts';
import { defaultDecodeLimits } from '../../src/cbor/limits.ts';
import { encodeCbor } from '../../src/cbor/encode.ts';
import { openCoapClient, type CoapClient } from '../../src/client/coap-client.ts';
import type { CoapRequest } from '../../src/client/coap-request.ts';
import { dotted } from '../../src/coap/codec/codes.ts';
import { hex } from '../../src/core/bytes.ts';
import type { Value } from '../../src/core/value.ts';
import { decodeProblem } from '../../src/functions/problem-details.ts';
import { ask, post, startGateway, type TestGateway } from '../http/gateway.ts';

const libraries = {
  'bank/index.ts': `
    let deposits = 0;
    export class Account {
      owner: string;
      #balance: number;
      constructor(owner: string, balance: number = 0) { this.owner = owner; this.#balance = balance; }
      get balance(): number { return this.#balance; }
      deposit(amount: number): number { deposits++; return (this.#balance += amount); }
      /** @safe */ double(amount: number): number { return 2 * amount; }
      fail(): never { throw new TypeError('no such luck'); }
      secret(): string { return 'secret'; }
    }
    /** @safe */ export function made(): number { return deposits; }
    /** @safe */ export function sum(a: number, b: number): number { return a + b; }`,
};

let gateway: TestGateway;
let client: CoapClient;
beforeAll(async () => {
  const access = [
    {
      functions: [
        'bank/made',
        'bank/sum',
        'bank/Account',
        'bank/Account.deposit',
        'bank/Account.double',
        'bank/Account.fail',
        'bank/Account.*?',
      ],
      resources: [],
    },
  ];
  gateway = await startGateway({ libraries, more: { access } });
  client = await openCoapClient({});
});
afterAll(async () => {
  await client.close();
  await gateway.close();
});

type Told = readonly [code: string, told: unknown];

async function batch(calls: Value, method: CoapRequest['method'] = 'POST', query = ''): Promise<Told> {
  const uri = `${gateway.coap}/b${query}`;
  const { code, payload } = await client.request({ uri, method, payload: encodeCbor(calls), contentFormat: 60 });
  if (code < 0x80) return [dotted(code), decodeCbor(payload, defaultDecodeLimits, asPath)];
  const { name, batch: where } = decodeProblem(payload);
  return [dotted(code), [name, where?.index]];
}
const deposits = async (): Promise<unknown> =>
  decodeCbor((await client.request({ uri: `${gateway.coap}/func/bank/made`, method: 'GET' })).payload);

test('a caller sees no member that rules deny it, in the class, the object and a member', async () => {
  const asked = async (path: string): Promise<unknown> => {
    const { code, payload } = await client.request({ uri: gateway.coap + path, method: 'GET' });
    return code < 0x80 ? decodeCbor(payload) : decodeProblem(payload).name;
  };
  const path = await account(1);
  for (const whole of ['/func/bank/Account?_describe', path]) {
    const { methods, attributes } = (await asked(whole)) as Record<string, Record<string, unknown>>;
    expect(Object.keys(methods ?? {}).toSorted()).toEqual(['deposit', 'double', 'fail']);
    expect(attributes).toEqual({ owner: { type: 'string' }, balance: { type: 'number' } });
  }
  expect(await asked(`${path}/deposit?_describe`)).toMatchObject({ method: 'Account.deposit' });
  expect(await asked(`${path}/secret?_describe`)).toBe('access-denied');
});

async function account(balance: number): Promise<string> {
  const [, told] = await batch([['bank/Account', ['Ada', balance]]]);
  return (told as string[])[0] ?? '';
}

describe('a batch', () => {
  test('makes objects: the result is a reference, tag 39 around the path', async () => {
    const payload = encodeCbor([['bank/Account', { owner: 'Ada' }]]);
    const uri = `${gateway.coap}/b`;
    const answer = await client.request({ uri, method: 'POST', payload, contentFormat: 60 });
    // A list of one; tag 39; a text of 11 bytes that begins with /o/.
    expect(hex(answer.payload)).toMatch(/^81d8276b2f6f2f/);
    const { json } = await post(`${gateway.url}/b`, [['bank/Account', ['Ada']]]);
    expect(json).toEqual([expect.stringMatching(/^\/o\/[\w-]{8}$/)]);
  });

  test('makes them by ids too', async () => {
    const described = (await ask(`${gateway.url}/func/bank/Account?_describe`)).json as { readonly ids: number[] };
    const [code, told] = await batch([[described.ids, ['Ada']]]);
    expect([code, told]).toEqual(['2.04', [expect.stringMatching(/^\/o\//)]]);
  });

  test.each(['', '/'])('calls methods and reads attributes of objects, at %so/{id}/{member}', async (slash) => {
    const object = slash + (await account(10)).slice(1);
    expect(
      await batch([
        [`${object}/deposit`, [5]],
        [`${object}/balance`],
        [`${object}/deposit`, { amount: 1 }],
        ['bank/sum', [1, 2]],
      ]),
    ).toEqual(['2.04', [15, 15, 16, 3]]);
    expect((await post(`${gateway.url}/b`, [[`${object}/deposit`, 4], [`${object}/owner`]])).json).toEqual([20, 'Ada']);
  });

  test('gives methods what earlier calls gave', async () => {
    const object = await account(0);
    // [["bank/sum", [2, 3]], ["{object}/deposit", [39([0])]]]
    const target = encodeCbor(`${object}/deposit`);
    const payload = new Uint8Array([
      0x82,
      ...encodeCbor(['bank/sum', [2, 3]]),
      0x82,
      ...target,
      0x81,
      0xd8,
      39,
      0x81,
      0,
    ]);
    const { payload: answer } = await client.request({
      uri: `${gateway.coap}/b`,
      method: 'POST',
      payload,
      contentFormat: 60,
    });
    expect(decodeCbor(answer)).toEqual([5, 5]);
  });

  test('with FETCH asks what is safe', async () => {
    const object = await account(3);
    expect(await batch([[`${object}/balance`], [`${object}/double`, [4]]], 'FETCH')).toEqual(['2.05', [3, 8]]);
    expect(await batch([[`${object}/deposit`, [1]]], 'FETCH')).toEqual(['4.05', ['not-safe', 0]]);
    expect(await batch([['bank/Account', ['Ada']]], 'FETCH')).toEqual(['4.05', ['method-not-allowed', 0]]);
  });

  test('says which call failed; what was done before it stays done', async () => {
    const object = await account(1);
    expect(await batch([[`${object}/deposit`, [1]], [`${object}/fail`], [`${object}/deposit`, [1]]])).toEqual([
      '5.00',
      ['function-failed', 1],
    ]);
    expect(await batch([[`${object}/balance`]])).toEqual(['2.04', [2]]);
  });

  test.each<[what: string, target: string, args: Value, told: Told]>([
    ['an id that is guessed', 'o/AAAAAAAA/deposit', [1], ['4.04', ['no-such-resource', 1]]],
    ['an unknown member', '*/nothing', [1], ['4.04', ['no-such-method', 1]]],
    ['__proto__', '*/__proto__', [1], ['4.04', ['no-such-method', 1]]],
    ['constructor', '*/constructor', [1], ['4.04', ['no-such-method', 1]]],
    ['what rules do not allow', '*/secret', [], ['4.03', ['access-denied', 1]]],
    ['an argument of the wrong type', '*/deposit', ['x'], ['4.22', ['wrong-type', 1]]],
    ['an attribute with arguments', '*/balance', [1], ['4.22', ['too-many-arguments', 1]]],
    ['an argument of a constructor of the wrong type', 'bank/Account', [1], ['4.22', ['wrong-type', 1]]],
    ['an object as a whole', 'o/AAAAAAAA', [], ['4.04', ['no-such-library', 1]]],
    ['a path that goes on', '*/deposit/more', [1], ['4.00', ['bad-request', undefined]]],
    ['a path that is none', '/bank/sum', [1, 2], ['4.00', ['bad-request', undefined]]],
  ])('is refused before anything of it runs: %s', async (_, target, args, told) => {
    const object = await account(1);
    const before = await deposits();
    expect(
      await batch([
        [`${object}/deposit`, [1]],
        [target.replace('*', object), args],
      ]),
    ).toEqual(told);
    expect(await deposits()).toBe(before);
  });
});
