/** Objects as results and as arguments, over CoAP, in a gateway of this process. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { decodeCbor } from '../../src/cbor/decode.ts';
import { encodeCbor } from '../../src/cbor/encode.ts';
import { defaultDecodeLimits } from '../../src/cbor/limits.ts';
import { asReference } from '../../src/cbor/reference-tag.ts';
import { openCoapClient, type CoapClient } from '../../src/client/coap-client.ts';
import type { CoapRequest, CoapResponse } from '../../src/client/coap-request.ts';
import { dotted } from '../../src/coap/codec/codes.ts';
import { findStrings, optionNumber } from '../../src/coap/codec/options.ts';
import { hex, textOf, utf8 } from '../../src/core/bytes.ts';
import { ObjectReference } from '../../src/core/object-reference.ts';
import type { Value } from '../../src/core/value.ts';
import { decodeProblem } from '../../src/functions/problem-details.ts';
import { startGateway, type TestGateway } from '../http/gateway.ts';

const libraries = {
  'bank/index.ts': `
    import { existsSync, writeFileSync } from 'node:fs';
    const kept = new Map<string, Account>();
    let teller: Teller | undefined;
    export class Account {
      readonly owner: string;
      parent: Account | null = null;
      self: Account = this;
      #balance: number;
      constructor(owner: string, balance: number = 0) { this.owner = owner; this.#balance = balance; }
      get balance(): number { return this.#balance; }
      add(amount: number): void { this.#balance += amount; }
      transfer(to: Account, amount: number): number { this.#balance -= amount; to.add(amount); return this.#balance; }
      /** @safe */ me(): Account { return this; }
      open(owner: string): Account { return new Account(owner); }
      close(): void { if (this.owner.startsWith('/')) writeFileSync(this.owner + '.closed', ''); }
    }
    export class Savings extends Account { rate: number = 2; constructor(owner: string) { super(owner); } }
    class Hidden extends Savings { constructor() { super('hidden'); this.rate = 7; } }
    /** @instance percall */ export class Clerk { name: string = 'clerk'; me(): Clerk { return this; } }
    /** @instance single */ export class Ledger { me(): Ledger { return this; } close(): void { throw new Error('it is for all'); } }
    /** @safe */ export function nameOf(clerk: Clerk): string { return clerk.name; }
    /** @safe */ export function isLedger(ledger: Ledger): boolean { return ledger instanceof Ledger; }
    export class Vault extends Map<string, number> {}
    export class Teller {
      readonly account: Account;
      constructor(account: Account) { this.account = account; }
    }
    export function account(owner: string): Account {
      const known = kept.get(owner) ?? new Account(owner);
      kept.set(owner, known);
      return known;
    }
    export async function several(count: number): Promise<{ readonly accounts: Account[]; readonly z: number; readonly a: Map<string, unknown> }> {
      const accounts = Array.from({ length: count }, (_, index) => new Account(String(index)));
      return { accounts, z: 1, a: new Map<string, unknown>([['first', accounts[0]], ['hidden', new Hidden()]]) };
    }
    export function hidden(): Account { return new Hidden(); }
    export function vault(): Vault { return new Vault([['gold', 3]]); }
    export function broken(): unknown { const list: unknown[] = [new Account('/' + 'lost')]; list.push(list); return list; }
    /** @safe */ export function owner(account: Account | null): string { return account === null ? 'nobody' : account.owner; }
    /** @safe */ export function owners(accounts: Account[], more?: { readonly extra: Account }): string {
      return [...accounts, ...(more === undefined ? [] : [more.extra])].map((each) => each.owner).join();
    }
    /** @safe */ export function any(account: Account, what: unknown): string { return account.owner + typeof what; }
    /** @safe */ export function either(one: Account | string): string { return typeof one === 'string' ? 'text ' + one : one.owner; }
    /** @safe */ export function both(one: Account | Teller): string { return one.constructor.name; }
    /** @safe */ export function isSame(...all: Account[]): boolean { return new Set(all).size === 1; }
    /** @safe */ export function text(text: string): string { return text; }
    export function rich(accounts: Savings[]): number { return accounts.length; }
    /** @pure @maxAge 60 */ export function cached(): Account { return new Account('cached'); }
    /** @pure @maxAge 60 */ export function counted(of: Account): string { return of.owner + ++calls; }
    let calls = 0;
    /** @safe */ export function* stream(): Generator<unknown> { yield 1; yield { account: new Account('streamed') }; }
    /** @safe */ export function* about(account: Account): Generator<string> { yield account.owner; yield 'end'; }
    export async function slow(ms: number, folder: string): Promise<Account> {
      while (!existsSync(folder + '/go')) await new Promise((resolve) => setTimeout(resolve, ms));
      return new Account(folder + '/slow');
    }
    export function end(): void { process.exit(3); }`,
  'other/index.ts': `
    export class Account { owner: string = 'of another library'; }
    /** @safe */ export function owner(account: Account): string { return account.owner; }
    /** @safe */ export function any(what: unknown): string { return typeof what; }`,
};

let gateway: TestGateway;
let client: CoapClient;
beforeAll(async () => {
  gateway = await startGateway({ libraries, more: { objects: { perIdentity: 10 }, workers: { timeLimit: '60s' } } });
  client = await openCoapClient({});
});
afterAll(async () => {
  await client.close();
  await gateway.close();
});

type Method = CoapRequest['method'];
const send = (method: Method, path: string, payload: Uint8Array, contentFormat: number): Promise<CoapResponse> =>
  client.request({ uri: gateway.coap + path, method, payload, contentFormat });
const coap = (method: Method, path: string, value?: Value, more: Partial<CoapRequest> = {}): Promise<CoapResponse> =>
  client.request({
    uri: gateway.coap + path,
    method,
    ...(value !== undefined && { payload: encodeCbor(value), contentFormat: 60 }),
    ...more,
  });
const made = async (...args: Value[]): Promise<string> => placeOf(await coap('POST', '/func/bank/Account', args));
const placeOf = ({ options }: CoapResponse): string =>
  `/${(findStrings(options, optionNumber.locationPath) ?? []).join('/')}`;
const valueOf = ({ payload }: CoapResponse): Value => decodeCbor(payload, defaultDecodeLimits, asReference);
const told = (answer: CoapResponse): unknown => {
  const { code, payload } = answer;
  if (code >= 0x80) return decodeProblem(payload).name;
  return payload.length === 0 ? undefined : plain(valueOf(answer));
};
/** References as their paths. */
const plain = (value: Value): unknown => {
  if (value instanceof ObjectReference) return value.path;
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member as Value)]));
};
const reference = (path: string): ObjectReference => new ObjectReference(path.slice('/o/'.length));
const released = async (...paths: unknown[]): Promise<void> => {
  for (const path of paths) expect(dotted((await coap('DELETE', String(path))).code)).toBe('2.02');
};

test('an object that a function returns is tag 39 around its path in CBOR, and the path in JSON and text', async () => {
  const answer = await coap('POST', '/func/bank/account', ['ada']);
  expect([dotted(answer.code), hex(answer.payload.subarray(0, 3)), textOf(answer.payload.subarray(3))]).toEqual([
    '2.04',
    'd8276b',
    expect.stringMatching(/^\/o\/[\w-]{8}$/) as string,
  ]);
  const path = String(told(answer));
  const json = await coap('POST', '/func/bank/account', ['ada'], { accept: 50 });
  expect(textOf(json.payload)).toBe(JSON.stringify(path));
  const text = await coap('POST', '/func/bank/account', ['ada'], { accept: 0 });
  expect(textOf(text.payload)).toBe(path);
  expect(told(await coap('GET', `${path}/owner`))).toBe('ada');
  await released(path);
});

test('docs/objects.md has the bytes', () => {
  const page = readFileSync(new URL('../../docs/objects.md', import.meta.url), 'utf8');
  const blocks = [...page.matchAll(/(?:^ {4}(?:[\da-f]{2} ?)+ .*\n)+/gm)].map(([block]) =>
    block.replaceAll(/^ {4}((?:[\da-f]{2} )+) .*$/gm, '$1').replaceAll(/\s/g, ''),
  );
  const object = reference('/o/3kP0aZ_q');
  expect(blocks).toEqual([hex(encodeCbor(object)), hex(encodeCbor([object, null, 5]))]);
});

test('the same object has the same id, wherever it is returned', async () => {
  const path = await made('bob');
  expect(told(await coap('GET', `${path}/me`))).toBe(path);
  expect(told(await coap('GET', `${path}/self`))).toBe(path);
  const first = told(await coap('POST', '/func/bank/account', ['carl']));
  expect(told(await coap('POST', '/func/bank/account', ['carl']))).toBe(first);
  expect(first).not.toBe(path);
  await released(path, first);
  const again = told(await coap('POST', '/func/bank/account', ['carl']));
  expect(again).not.toBe(first);
  await released(again);
});

test('an object in an attribute is a reference to it, even to itself, and data around objects is data', async () => {
  const child = await made('child');
  const parent = await made('parent');
  expect(told(await coap('GET', `${child}/parent`))).toBeNull();
  expect(told(await coap('PUT', `${child}/parent`, reference(parent)))).toBeUndefined();
  expect(told(await coap('GET', `${child}/parent`))).toBe(parent);
  expect(told(await coap('PUT', `${child}/parent`, null))).toBeUndefined();
  await released(child, parent);
  const answer = await coap('POST', '/func/bank/several', [2]);
  const { accounts, a, z } = told(answer) as { accounts: string[]; a: Record<string, string>; z: number };
  expect([accounts.length, z, a['first']]).toEqual([2, 1, accounts[0]]);
  for (const [index, path] of accounts.entries()) expect(told(await coap('GET', `${path}/owner`))).toBe(String(index));
  expect(told(await coap('GET', `${a['hidden']}/rate`))).toBe(7);
  await released(...accounts, a['hidden']);
  const json = await coap('POST', '/func/bank/several', [1], { accept: 50 });
  const shown = JSON.parse(textOf(json.payload) ?? '') as typeof told extends never ? never : Record<string, unknown>;
  // In JSON members keep the order that the function gave them.
  expect(Object.keys(shown)).toEqual(['accounts', 'z', 'a']);
  expect(shown['accounts']).toEqual([expect.stringMatching(/^\/o\/[\w-]{8}$/)]);
  await released(...(shown['accounts'] as string[]), (shown['a'] as Record<string, string>)['hidden']);
});

test('an object of a class that is not exported is one of the exported class that it extends', async () => {
  const path = told(await coap('POST', '/func/bank/hidden'));
  expect(told(await coap('GET', String(path)))).toMatchObject({ class: 'Savings' });
  const vault = told(await coap('POST', '/func/bank/vault'));
  expect(told(await coap('GET', String(vault)))).toMatchObject({ class: 'Vault' });
  await released(path, vault);
});

describe('arguments', () => {
  let ada: string;
  let bob: string;
  beforeAll(async () => {
    ada = await made('ada', 10);
    bob = await made('bob', 5);
  });
  afterAll(async () => released(ada, bob));

  test('by its path, tagged or not, in every form of arguments', async () => {
    expect(told(await coap('POST', `${ada}/transfer`, [reference(bob), 3]))).toBe(7);
    expect(told(await coap('POST', `${ada}/transfer`, [bob, 3]))).toBe(4);
    expect(told(await coap('POST', `${ada}/transfer`, { to: reference(bob), amount: 1 }))).toBe(3);
    expect(told(await coap('GET', `${bob}/balance`))).toBe(12);
    expect(told(await coap('FETCH', '/func/bank/owner', reference(bob)))).toBe('bob');
    expect(told(await coap('FETCH', '/func/bank/owner', [null]))).toBe('nobody');
    expect(told(await coap('GET', `/func/bank/owner?account=${bob}`))).toBe('bob');
    const json = await send('FETCH', '/func/bank/owner', utf8(JSON.stringify([bob])), 50);
    expect(textOf(json.payload)).toBe('"bob"');
    expect(textOf((await send('FETCH', '/func/bank/owner', utf8(bob), 0)).payload)).toBe('bob');
  });

  test('in lists and in members, and of a body that is read on a thread of its own', async () => {
    expect(told(await coap('FETCH', '/func/bank/owners', [[ada, reference(bob)]]))).toBe('ada,bob');
    expect(told(await coap('FETCH', '/func/bank/owners', [[ada], { extra: reference(bob) }]))).toBe('ada,bob');
    expect(told(await coap('FETCH', '/func/bank/owners', [Array.from({ length: 500 }, () => reference(bob))]))).toBe(
      Array.from({ length: 500 }, () => 'bob').join(),
    );
    expect(told(await coap('FETCH', '/func/bank/isSame', [bob, reference(bob)]))).toBe(true);
    expect(told(await coap('FETCH', '/func/bank/isSame', [bob, ada]))).toBe(false);
  });

  test('a constructor takes them, and what it kept is the same object', async () => {
    const teller = placeOf(await coap('POST', '/func/bank/Teller', [bob]));
    expect(told(await coap('GET', `${teller}/account`))).toBe(bob);
    expect(told(await coap('FETCH', '/func/bank/both', [reference(teller)]))).toBe('Teller');
    expect(told(await coap('FETCH', '/func/bank/both', [bob]))).toBe('Account');
    await released(teller);
  });

  test('a subclass will do, its superclass will not', async () => {
    const savings = placeOf(await coap('POST', '/func/bank/Savings', ['sue']));
    expect(told(await coap('FETCH', '/func/bank/owner', [savings]))).toBe('sue');
    expect(told(await coap('POST', '/func/bank/rich', [[savings]]))).toBe(1);
    expect(told(await coap('POST', '/func/bank/rich', [[savings, bob]]))).toBe('wrong-type');
    await released(savings);
  });

  test('where text is declared too, text is text and a tag is an object', async () => {
    expect(told(await coap('FETCH', '/func/bank/either', [bob]))).toBe(`text ${bob}`);
    expect(told(await coap('FETCH', '/func/bank/either', [reference(bob)]))).toBe('bob');
  });

  test('a pure function that is given an object runs each time', async () => {
    expect(told(await coap('FETCH', '/func/bank/counted', [bob]))).toBe('bob1');
    expect(told(await coap('FETCH', '/func/bank/counted', [bob]))).toBe('bob2');
  });

  test('a stream is given one', async () => {
    const answer = await coap('FETCH', '/func/bank/about', [bob]);
    expect([dotted(answer.code), hex(answer.payload)]).toEqual(['2.05', '63626f6263656e64']);
    expect(told(await coap('FETCH', '/func/bank/about', ['/o/AAAAAAAA']))).toBe('no-such-object');
  });

  test('in a batch its path is an argument, and so is what an earlier call gave', async () => {
    const answer = await coap('POST', '/b', [
      ['bank/owner', [bob]],
      ['bank/account', ['batched']],
    ]);
    const [owner, path] = told(answer) as [string, string];
    expect([owner, path]).toEqual(['bob', expect.stringMatching(/^\/o\//)]);
    // [["bank/account", ["batched"]], ["bank/owner", [39([0])]]]
    const body = `82${hex(encodeCbor(['bank/account', ['batched']]))}82${hex(encodeCbor('bank/owner'))}81d8278100`;
    const chained = await send('POST', '/b', Buffer.from(body, 'hex'), 60);
    expect(told(chained)).toEqual([path, 'batched']);
    const tagged = await coap('POST', '/b', [['bank/owner', [reference(bob)]]]);
    expect(told(tagged)).toBe('bad-reference');
    await released(path);
  });

  test.each<[string, string, Value, string]>([
    ['nobody has', '/func/bank/owner', ['/o/AAAAAAAA'], 'no-such-object'],
    ['nobody has, tagged', '/func/bank/owner', [new ObjectReference('AAAAAAAA')], 'no-such-object'],
    ['nobody has, in a list', '/func/bank/owners', [[new ObjectReference('AAAAAAAA')]], 'no-such-object'],
    ['is no path', '/func/bank/owner', ['o/AAAAAAAA'], 'wrong-type'],
    ['is longer than a path', '/func/bank/owner', ['/o/AAAAAAAA/owner'], 'wrong-type'],
    ['is an id', '/func/bank/owner', ['AAAAAAAA'], 'wrong-type'],
    ['is data', '/func/bank/owner', [{ owner: 'x', balance: 1 }], 'wrong-type'],
    ['stands for text', '/func/bank/text', [new ObjectReference('AAAAAAAA')], 'malformed-body'],
  ])('what %s is refused, and the parameter named', async (_what, path, args, problem) => {
    const answer = await coap('FETCH', path, args);
    const { name, parameter, expected } = decodeProblem(answer.payload);
    expect([name, dotted(answer.code)]).toEqual([problem, problem === 'malformed-body' ? '4.00' : '4.22']);
    if (problem !== 'malformed-body')
      expect([parameter, expected]).toEqual([0, path.endsWith('owners') ? 'array' : 'union']);
  });

  test('to a method, whose parameters have no ids', async () => {
    const refused = decodeProblem((await coap('POST', `${ada}/transfer?_why`, ['/o/AAAAAAAA', 1])).payload);
    expect([refused.name, refused.parameter, refused.detail]).toEqual([
      'no-such-object',
      'to',
      'to must be an object of bank/Account, and there is no object /o/AAAAAAAA of yours; make one.',
    ]);
  });

  test('beside one that is declared, an object stands for nothing else', async () => {
    expect(told(await coap('FETCH', '/func/bank/any', [bob, bob]))).toBe('bobstring');
    expect(told(await coap('FETCH', '/func/bank/any', [bob, reference(bob)]))).toBe('wrong-type');
    expect(told(await coap('FETCH', '/func/bank/any', [bob, { deep: [reference(bob)] }]))).toBe('wrong-type');
    const why = decodeProblem((await coap('FETCH', '/func/bank/any?_why', [bob, [reference(bob)]])).payload);
    expect([why.parameter, why.detail]).toEqual([
      1,
      `what has the object ${bob} where no class is declared; give data there.`,
    ]);
  });

  test('an object of a class of the same name in another library is another one', async () => {
    const other = placeOf(await coap('POST', '/func/other/Account'));
    expect(told(await coap('FETCH', '/func/other/owner', [other]))).toBe('of another library');
    const refused = decodeProblem((await coap('FETCH', '/func/bank/owner?_why', [other])).payload);
    expect([refused.name, refused.detail]).toEqual([
      'wrong-type',
      `account must be an object of bank/Account, and ${other} is one of other/Account.`,
    ]);
    expect(told(await coap('FETCH', '/func/other/owner', [reference(bob)]))).toBe('wrong-type');
    expect(told(await coap('FETCH', '/func/other/any', reference(bob)))).toBe('malformed-body');
    expect(told(await coap('FETCH', '/func/other/any', [bob]))).toBe('string');
    await released(other);
  });

  test.each([
    'd82780',
    'd82701',
    'd82763616263',
    'd82740',
    'd8276c2f6f2f414141414141414141',
    'd827d8276b2f6f2f4141414141414141',
  ])('tag 39 around anything but a path is not valid: %s', async (bytes) => {
    expect(told(await send('FETCH', '/func/bank/owner', Buffer.from(`81${bytes}`, 'hex'), 60))).toBe('malformed-body');
  });
});

describe('what cannot be given', () => {
  test.each([
    ['by a pure function', () => coap('FETCH', '/func/bank/cached'), /is pure: an object is its caller's alone/],
    ['inside itself', () => coap('POST', '/func/bank/broken?_why'), /nested deeper/],
  ])('an object %s', async (_how, ask, why) => {
    const before = await free();
    const { name } = decodeProblem((await ask()).payload);
    expect(name).toBe('unencodable-result');
    const words = decodeProblem((await coap('POST', '/func/bank/cached?_why')).payload).detail;
    if (why.source.includes('pure')) expect(words).toMatch(why);
    expect(await free()).toBe(before);
  });

  test('an object in an item of a stream', async () => {
    const before = await free();
    const observed = await coap('FETCH', '/func/bank/stream');
    expect(decodeProblem(observed.payload).name).toBe('unencodable-result');
    expect(await free()).toBe(before);
  });

  test('an object to a job', async () => {
    const before = await free();
    const job = placeOf(await coap('POST', '/func/bank/account?_job', ['job']));
    await vi.waitFor(async () => expect(told(await coap('GET', job))).toBe('unencodable-result'), 5000);
    expect(await free()).toBe(before);
  });
});

/** How many more objects there may be: those that leak are missing. */
async function free(): Promise<number> {
  const paths: string[] = [];
  for (;;) {
    const answer = await coap('POST', '/func/bank/Account', ['probe']);
    if (answer.code >= 0x80) break;
    paths.push(placeOf(answer));
  }
  await released(...paths);
  return paths.length;
}

test('an object that is for all callers is given as any other, and stays; one for each call is not given', async () => {
  const ledger = placeOf(await coap('POST', '/func/bank/Ledger'));
  expect(told(await coap('POST', `${ledger}/me`))).toBe(ledger);
  expect(told(await coap('FETCH', '/func/bank/isLedger', [ledger]))).toBe(true);
  await released(ledger);
  const clerk = placeOf(await coap('POST', '/func/bank/Clerk'));
  expect(told(await coap('GET', `${clerk}/name`))).toBe('clerk');
  expect(told(await coap('POST', `${clerk}/me`))).toBe('unencodable-result');
  const refused = decodeProblem((await coap('FETCH', '/func/bank/nameOf?_why', [clerk])).payload);
  expect([refused.name, refused.detail]).toEqual([
    'wrong-type',
    'clerk must be an object of bank/Clerk that lasts, and of Clerk there is one for each call; call its methods instead.',
  ]);
  await released(clerk);
});

test('over the limit a call fails and says why, and what it made is let go of', async () => {
  const before = await free();
  expect(before).toBe(10);
  const path = await made(join(gateway.folder, 'limited'));
  const answer = await coap('POST', '/func/bank/several?_why', [9]);
  const { name, detail } = decodeProblem(answer.payload);
  expect([name, dotted(answer.code)]).toEqual(['rate-exceeded', '4.29']);
  expect(detail).toBe(
    'several was carried out, but its result cannot be given: 1 objects of local are there already, and 10 may be; let go of some (DELETE /o/…).',
  );
  expect(told(await coap('GET', `${path}/balance`))).toBe(0);
  expect(existsSync(join(gateway.folder, 'limited.closed'))).toBe(false);
  await released(path);
  expect(await free()).toBe(before);
});

test('it is closed when nobody has it any more, and not before', async () => {
  const owner = join(gateway.folder, 'shared');
  const path = String(told(await coap('POST', '/func/bank/account', [owner])));
  const teller = placeOf(await coap('POST', '/func/bank/Teller', [path]));
  expect(told(await coap('GET', `${teller}/account`))).toBe(path);
  await released(path);
  expect(existsSync(`${owner}.closed`)).toBe(true);
  // The teller has it still, and gives it again under an id of its own.
  const again = told(await coap('GET', `${teller}/account`));
  expect(again).not.toBe(path);
  expect(told(await coap('GET', `${path}/owner`))).toBe('no-such-resource');
  await released(again, teller);
});

test('an object that was lost with its thread is no argument any more: said once, then it is none', async () => {
  const path = await made('doomed');
  expect(told(await coap('POST', '/func/bank/end'))).toBe('worker-lost');
  expect(told(await coap('FETCH', '/func/bank/owner', [path]))).toBe('object-lost');
  expect(told(await coap('FETCH', '/func/bank/owner', [path]))).toBe('no-such-object');
  expect(told(await coap('GET', `${path}/owner`))).toBe('no-such-resource');
});
