/** Objects as arguments and results of functions that are declared with `fn()`, over CoAP, in a gateway of this process. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeCbor } from '../../src/cbor/decode.ts';
import { encodeCbor } from '../../src/cbor/encode.ts';
import { defaultDecodeLimits } from '../../src/cbor/limits.ts';
import { asReference } from '../../src/cbor/reference-tag.ts';
import { openCoapClient, type CoapClient } from '../../src/client/coap-client.ts';
import type { CoapRequest, CoapResponse } from '../../src/client/coap-request.ts';
import { dotted } from '../../src/coap/codec/codes.ts';
import { textOf } from '../../src/core/bytes.ts';
import { ObjectReference } from '../../src/core/object-reference.ts';
import type { Value } from '../../src/core/value.ts';
import { decodeProblem } from '../../src/functions/problem-details.ts';
import { startGateway, type TestGateway } from '../http/gateway.ts';

const libraries = {
  'bank/index.ts': `
    import { fn, z } from 'funcoap/library';
    export class Account {
      readonly owner: string;
      #balance: number;
      constructor(owner: string, balance: number = 0) { this.owner = owner; this.#balance = balance; }
      get balance(): number { return this.#balance; }
    }
    export class Savings extends Account {}
    export class Teller {}
    const account = z.instanceof(Account);
    export const open = fn({ params: { owner: z.string() }, returns: account }, ({ owner }) => new Account(owner));
    export const pair = fn({ returns: z.object({ both: z.array(account), main: account.nullable() }) }, async () => {
      const one = new Account('one');
      return { both: [one, new Savings('two')], main: one };
    });
    /** The first of them, described, and all the others. */
    export const owners = fn({
      params: {
        first: account.describe('the one that counts'),
        others: z.array(account).default([]),
        more: z.object({ extra: account }).optional(),
        last: account.nullable().optional(),
      },
      safe: true,
    }, ({ first, others, more, last }) => [first, ...others, more?.extra, last].map((each) => each?.owner).join());
    export const spend = fn({ params: { from: account.refine(({ balance }) => balance > 0, 'There is nothing on it') } }, () => 'spent');
    export const either = fn({ params: { one: z.union([account, z.string()]) } }, ({ one }) => typeof one);
    export const wrong = fn({ returns: z.instanceof(Teller) }, () => new Account('of another class') as unknown as Teller);`,
  // What comes from another file is no class of the library, however it is exported.
  'apart/account.ts': `export class Account { owner: string = 'somebody'; }`,
  'apart/index.ts': `import { Account } from './account.ts';
    export { Account };
    export class Own {}
    export function make(): Account { return new Account(); }`,
  'alone/account.ts': `export class Account { owner: string = 'somebody'; }`,
  'alone/index.ts': `import { Account } from './account.ts';
    export { Account };
    export function make(): Account { return new Account(); }`,
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

const call = (path: string, args: Value, method: CoapRequest['method'] = 'POST'): Promise<CoapResponse> =>
  client.request({ uri: `${gateway.coap}${path}`, method, payload: encodeCbor(args), contentFormat: 60 });
const read = (path: string): Promise<CoapResponse> => client.request({ uri: gateway.coap + path, method: 'GET' });

/** References as their paths, errors as their names. */
function told({ code, payload }: CoapResponse): unknown {
  return code >= 0x80 ? decodeProblem(payload).name : plain(decodeCbor(payload, defaultDecodeLimits, asReference));
}

function plain(value: Value): unknown {
  if (value instanceof ObjectReference) return value.path;
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member as Value)]));
}

const opened = async (owner: string): Promise<string> => String(told(await call('/func/bank/open', [owner])));
const reference = (path: string): ObjectReference => new ObjectReference(path.slice('/o/'.length));

async function described(method: string): Promise<unknown> {
  const uri = `${gateway.coap}/func/bank/${method}?_describe`;
  const { payload } = await client.request({ uri, method: 'GET', accept: 50 });
  return JSON.parse(textOf(payload) ?? '');
}

describe('a result of fn()', () => {
  test('that is an object travels as its path, and the object answers there', async () => {
    const path = await opened('ada');
    expect(path).toMatch(/^\/o\/[\w-]{8}$/);
    expect(told(await read(`${path}/owner`))).toBe('ada');
  });

  test('may have objects inside, of subclasses too, and of the same object one path', async () => {
    const { both, main } = told(await call('/func/bank/pair', [])) as { both: string[]; main: string };
    expect([both.length, both[0] === main, both[1] === main]).toEqual([2, true, false]);
    expect(told(await read(`${both[1]}/owner`))).toBe('two');
  });

  test('of another class than is declared is an error of the function', async () => {
    expect(told(await call('/func/bank/wrong', []))).toBe('function-failed');
  });
});

describe('an argument of fn()', () => {
  test('that is declared a class is the object itself: alone, in lists and members, left out and null', async () => {
    const [ada, bob, eve] = [await opened('ada'), await opened('bob'), await opened('eve')];
    const ask = async (args: Value): Promise<unknown> => told(await call('/func/bank/owners', args, 'FETCH'));
    expect(await ask([ada])).toBe('ada,,');
    expect(await ask([reference(ada), [bob, reference(eve)]])).toBe('ada,bob,eve,,');
    expect(await ask({ first: ada, more: { extra: bob }, last: null })).toBe('ada,bob,');
    expect(await ask({ first: ada, last: reference(eve) })).toBe('ada,,eve');
  });

  test('is checked further by what is declared besides', async () => {
    const path = await opened('poor');
    expect(told(await call('/func/bank/spend', [path]))).toBe('invalid-argument');
  });

  test('beside text is text, and tagged the object', async () => {
    const path = await opened('ada');
    expect(told(await call('/func/bank/either', [path]))).toBe('string');
    expect(told(await call('/func/bank/either', [reference(path)]))).toBe('object');
  });

  test.each<[string, Value, string]>([
    ['nobody has', '/o/AAAAAAAA', 'no-such-object'],
    ['is no path', 'ada', 'wrong-type'],
    ['is data', { owner: 'ada' }, 'wrong-type'],
  ])('that %s is 4.22 with the parameter', async (_what, given, name) => {
    const answer = await call('/func/bank/owners', [given], 'FETCH');
    const problem = decodeProblem(answer.payload);
    expect([dotted(answer.code), problem.name, problem.parameter]).toEqual(['4.22', name, 0]);
  });

  test('of another class is 4.22', async () => {
    const made = await client.request({ uri: `${gateway.coap}/func/bank/Teller`, method: 'POST' });
    const [, id = ''] = made.options.flatMap(({ value }) => textOf(value) ?? []).slice(-2);
    expect(told(await call('/func/bank/owners', [`/o/${id}`], 'FETCH'))).toBe('wrong-type');
  });
});

test('descriptions have the class, as those of plain functions do', async () => {
  const account = { kind: 'instance', class: 'Account' };
  expect(await described('open')).toMatchObject({ returns: account });
  expect(await described('owners')).toMatchObject({
    parameters: [
      { name: 'first', type: account, required: true, doc: 'the one that counts' },
      { name: 'others', type: { kind: 'array', items: account } },
      { name: 'more', type: { kind: 'object', properties: { extra: account } } },
      { name: 'last', type: { kind: 'union', options: [account, 'null'] } },
    ],
  });
});

test.each(['apart', 'alone'])('an object of a class that comes from another file is data (%s)', async (library) => {
  expect(told(await call(`/func/${library}/make`, []))).toEqual({ owner: 'somebody' });
});
