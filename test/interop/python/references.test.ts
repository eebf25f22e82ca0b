/** Objects of Python classes as results and as arguments, over CoAP, with a real python3. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { decodeCbor } from '../../../src/cbor/decode.ts';
import { encodeCbor } from '../../../src/cbor/encode.ts';
import { defaultDecodeLimits } from '../../../src/cbor/limits.ts';
import { asPath } from '../../../src/cbor/reference-tag.ts';
import { openCoapClient, type CoapClient } from '../../../src/client/coap-client.ts';
import type { CoapRequest, CoapResponse } from '../../../src/client/coap-request.ts';
import { dotted } from '../../../src/coap/codec/codes.ts';
import { findStrings, optionNumber } from '../../../src/coap/codec/options.ts';
import { never } from '../../../src/core/duration.ts';
import { ObjectReference } from '../../../src/core/object-reference.ts';
import type { Value } from '../../../src/core/value.ts';
import type { CallResult } from '../../../src/functions/call.ts';
import { decodeProblem } from '../../../src/functions/problem-details.ts';
import { startGateway, type TestGateway } from '../../http/gateway.ts';
import { missingPython, pythonFolder } from './python-folder.ts';

const missing = missingPython();
beforeEach(({ skip }) => {
  if (missing !== undefined) skip(missing);
});

const bank = `
from __future__ import annotations
import dataclasses, threading, typing
from funcoap import pure, safe

accounts = {}

class Account:
    partner: typing.Optional[Account] = None
    def __init__(self, owner: str, balance: int = 0):
        self.owner, self._balance = owner, balance
    @property
    def balance(self) -> int: return self._balance
    def pay(self, to: Account, amount: int) -> Account:
        self._balance -= amount
        to._balance += amount
        return to
    async def twin(self) -> typing.List[Account]:
        other = Account(self.owner + ' too')
        return [self, other, other]
    def close(self):
        with open('closed-' + self.owner, 'w'): pass

class Savings(Account):
    def interest(self): self._balance += 1

class _Secret(Account):
    def pay(self, to, amount): return 'overridden'

class Other:
    def __str__(self): return 'other'
Twin = Other

class Sealed:
    def __init__(self, _key): self.word = 'a word'
    def __str__(self): return self.word

@dataclasses.dataclass
class Basket:
    items: typing.List[str]
    def count(self) -> int: return len(self.items)

def account(owner: str) -> Account:
    if owner not in accounts: accounts[owner] = Account(owner)
    return accounts[owner]
def secret() -> Account: return _Secret('nobody')
def sealed(): return Sealed(1)
def inside(): return {'one': account('ada'), 'more': [account('ada'), (account('bob'),)], 'set': {account('ada'), account('bob')}, 'rows': (account('bob') for _ in range(2))}
def total(of: typing.List[Account], by: typing.Dict[str, Account] = None, untyped=None) -> int:
    return sum(each.balance for each in [*of, *(by or {}).values()])
def kind(what: typing.Union[Account, Other, int]) -> str: return type(what).__name__
def size(basket: Basket) -> int: return basket.count()
def filled() -> Basket: return Basket(['a', 'b'])
def broken(owner: str): return [account(owner), threading.Lock]
def half(owner: str):
    yield account(owner)
    raise ValueError('in the middle')
def keyed(): return {account('ada'): 1}
@pure
def cached(): return account('ada')
@safe
def each(): yield Other()
def other(): return Other()
def drop(owner: str): del accounts[owner]
`;

let gateway: TestGateway;
let client: CoapClient;
let folder: string;
beforeAll(async () => {
  if (missing !== undefined) return;
  gateway = await startGateway({ libraries: { 'bank/bank.py': bank, 'bank/data/.keep': '' } });
  client = await openCoapClient({});
  folder = join(gateway.folder, 'libraries', 'bank', 'data');
});
afterAll(async () => {
  if (missing !== undefined) return;
  await client.close();
  await gateway.close();
});

const coap = (method: CoapRequest['method'], path: string, value?: Value): Promise<CoapResponse> =>
  client.request({
    uri: gateway.coap + path,
    method,
    ...(value !== undefined && { payload: encodeCbor(value), contentFormat: 60 }),
  });
const read = (payload: Uint8Array): Value =>
  payload.length === 0 ? undefined : decodeCbor(payload, defaultDecodeLimits, asPath);
const told = ({ code, payload }: CoapResponse): unknown =>
  code < 0x80 ? [dotted(code), read(payload)] : decodeProblem(payload).name;
const call = async (path: string, value?: Value): Promise<unknown> => told(await coap('POST', path, value));
const result = async (path: string, value?: Value): Promise<Value> => {
  const { code, payload } = await coap('POST', path, value);
  expect([path, dotted(code)]).toEqual([path, '2.04']);
  return read(payload);
};
const aPath = expect.stringMatching(/^\/o\/[\w-]{8}$/) as string;
/** The path of the object that it gives. */
const given = async (path: string, value?: Value): Promise<string> => {
  const object = await result(path, value);
  expect(object).toEqual(aPath);
  return typeof object === 'string' ? object : '';
};
const make = async (name: string, ...args: Value[]): Promise<string> =>
  `/${(findStrings((await coap('POST', `/func/bank/${name}`, args)).options, optionNumber.locationPath) ?? []).join('/')}`;
const referenceTo = (path: string): ObjectReference => new ObjectReference(path.slice('/o/'.length));

test('P10 an object that a function returns is one of the caller, the same as often as it is returned', async () => {
  const { payload } = await coap('POST', '/func/bank/account', ['ada']);
  // Tag 39 around a text string of 11 bytes.
  expect([...payload.subarray(0, 3)]).toEqual([0xd8, 39, 0x6b]);
  const ada = await given('/func/bank/account', ['ada']);
  expect([read(payload), ada]).toEqual([ada, aPath]);
  expect(told(await coap('GET', `${ada}/balance`))).toEqual(['2.05', 0]);
  const described = decodeCbor((await coap('GET', ada)).payload);
  expect(described).toMatchObject({
    class: 'Account',
    methods: { pay: { returns: { kind: 'instance', class: 'Account' } } },
  });
  const bob = await given('/func/bank/account', ['bob']);
  expect(bob).not.toBe(ada);
  const both = expect.arrayContaining([ada, bob]) as string[];
  expect(await result('/func/bank/inside')).toEqual({ one: ada, more: [ada, [bob]], set: both, rows: [bob, bob] });
  const other = await given('/func/bank/other');
  expect(decodeCbor((await coap('GET', other)).payload)).toMatchObject({ class: 'Other' });
  const made = await make('Account', 'eve');
  const [same, twin, again] = (await result(`${made}/twin`)) as string[];
  expect([same, again, twin]).toEqual([made, twin, aPath]);
  expect(twin).not.toBe(made);
});

test('an object is given as an argument by its path, where its class is declared', async () => {
  const [ada, bob] = [await make('Account', 'ada', 10), await make('Account', 'bob')];
  expect(await result(`${ada}/pay`, [bob, 3])).toBe(bob);
  expect(await result(`${ada}/pay`, { to: referenceTo(bob), amount: 1 })).toBe(bob);
  expect(told(await coap('GET', `${bob}/balance`))).toEqual(['2.05', 4]);
  expect(await result('/func/bank/total', { of: [ada, referenceTo(bob)], by: { x: bob } })).toBe(14);
  expect(told(await coap('PUT', `${ada}/partner`, bob))).toEqual(['2.04', undefined]);
  expect(told(await coap('GET', `${ada}/partner`))).toEqual(['2.05', bob]);
  const [savings, other] = [await make('Savings', 'sue', 5), await make('Other')];
  expect(await result('/func/bank/total', [[savings]])).toBe(5);
  expect(await result('/func/bank/kind', [savings])).toBe('Savings');
  expect(await result('/func/bank/kind', [other])).toBe('Other');
  expect(await result('/func/bank/kind', [5])).toBe('int');
  expect(await call('/func/bank/total', [[other]])).toBe('wrong-type');
  expect(await call('/func/bank/total', [['/o/AAAAAAAA']])).toBe('no-such-object');
  expect(await call('/func/bank/total', [['ada']])).toBe('wrong-type');
  await coap('DELETE', bob);
  expect(await call('/func/bank/total', [[bob]])).toBe('no-such-object');
});

test('a dataclass with methods is given as an object or as its fields, and returned as an object', async () => {
  expect(await result('/func/bank/size', { basket: { items: ['a'] } })).toBe(1);
  const filled = await given('/func/bank/filled');
  expect(await result(`${filled}/count`)).toBe(2);
  expect(await result('/func/bank/size', [filled])).toBe(2);
  const described = decodeCbor((await coap('GET', '/func/bank/filled?_describe')).payload);
  expect(described).toMatchObject({ returns: { kind: 'instance', class: 'Basket' } });
});

test('an object of a class that is not exported is one of the nearest that is, or data', async () => {
  const secret = await given('/func/bank/secret');
  expect(decodeCbor((await coap('GET', secret)).payload)).toMatchObject({ class: 'Account' });
  expect(await result(`${secret}/pay`, [secret, 1])).toBe('overridden');
  expect(await result('/func/bank/sealed')).toBe('a word');
});

test('where an object cannot be given, that is said, and it is counted as not given', async () => {
  for (const name of ['cached', 'keyed'])
    expect([name, await call(`/func/bank/${name}`)]).toEqual([name, 'unencodable-result']);
  expect(told(await coap('GET', '/func/bank/each'))).toBe('unencodable-result');
  const path = await given('/func/bank/account', ['tim']);
  expect(await call('/func/bank/half', ['tim'])).toBe('function-failed');
  await coap('DELETE', path);
  expect(existsSync(join(folder, 'closed-tim'))).toBe(true);
});

test('an id that was given once more meanwhile stays with whoever has it', async () => {
  const { registry, path } = await pythonFolder({ 'bank/bank.py': bank, 'bank/data/.keep': '' });
  const run = (method: string, args: readonly Value[], identity = 'ann'): Promise<CallResult> =>
    Promise.resolve(
      registry.invoke({
        function: { ...registry.find('bank', 'account'), method },
        args,
        caller: { identity, peer: 'p' },
        correlationId: 'c',
        deadline: never,
      }),
    );
  const once = await run('account', ['uma']);
  const twice = await run('account', ['uma']);
  const [{ id } = { id: '' }] = once.objects ?? [];
  expect([once.objects, twice.objects]).toEqual([
    [{ id, class: 'Account', times: 1 }],
    [{ id, class: 'Account', times: 2 }],
  ]);
  const [bobs] = (await run('account', ['uma'], 'bob')).objects ?? [];
  expect([bobs?.times, bobs?.id === id]).toEqual([1, false]);
  await run('Account.~', [id, 1]);
  expect((await run('Account.balance?', [id])).value).toBe(0);
  await run('Account.~', [id, 2]);
  await expect(run('Account.balance?', [id])).rejects.toThrow(/LookupError/);
  expect(existsSync(join(path, 'bank', 'data', 'closed-uma'))).toBe(false);
  await run('Account.~', [bobs?.id, 1], 'bob');
  expect(existsSync(join(path, 'bank', 'data', 'closed-uma'))).toBe(true);
});

test('an object that its library keeps is let go of when the last who was given it does', async () => {
  const path = await given('/func/bank/account', ['zoe']);
  expect(await result('/func/bank/account', ['zoe'])).toBe(path);
  expect(existsSync(join(folder, 'closed-zoe'))).toBe(false);
  expect(told(await coap('DELETE', path))).toEqual(['2.02', undefined]);
  expect(existsSync(join(folder, 'closed-zoe'))).toBe(true);
  const again = await given('/func/bank/account', ['zoe']);
  expect([again, again === path]).toEqual([aPath, false]);
});
