/** P6-8, P10: objects of the gateway's classes are objects of the program, over CoAP and over HTTP alike. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../../src/client/sdk/connect.ts';
import type { Connection } from '../../../src/client/sdk/connection-controls.ts';
import { ArgumentError, RemoteError } from '../../../src/client/sdk/errors.ts';
import type { RemoteFunction, RemoteMethod } from '../../../src/client/sdk/remote-function.ts';
import type { ObjectControls, RemoteClass } from '../../../src/client/sdk/remote-object.ts';
import { startGateway, type TestGateway } from '../../http/gateway.ts';

const library = `
/** An account of somebody. */
export class Account {
  owner: string;
  readonly currency: string = 'EUR';
  limits: number[] = [];
  #balance: number;
  constructor(owner: string, balance: number = 0) { this.owner = owner; this.#balance = balance; }
  get balance(): number { return this.#balance; }
  set pin(value: string) { if (value.length !== 4) throw new RangeError('four digits'); }
  /** Puts something in. */
  deposit(amount: number): number { return (this.#balance += amount); }
  /** @safe */ *history(entries: number = Infinity): Generator<string> {
    try { for (let at = 0; at < entries; at++) yield this.owner + at; } finally { this.#balance = -1; }
  }
  /** @safe */ report(prefix: string = ''): string { return prefix + this.owner + ': ' + this.#balance; }
  fail(): never { throw new TypeError('no such luck'); }
}
let gate = Promise.withResolvers<void>();
/** Is closed when it is told. */
export class Feed {
  /** @safe */ async *items(from: number): AsyncGenerator<number> { yield from; await new Promise(() => {}); }
  constructor() { gate = Promise.withResolvers<void>(); }
  async [Symbol.asyncDispose](): Promise<void> { await gate.promise; }
}
export function close(): void { gate.resolve(); }
export function open(owner: string): Account { return new Account(owner, 1); }
export function several(owners: string[]): { first: Account; all: Account[] } {
  const all = owners.map((owner) => new Account(owner));
  return { first: all[0], all };
}
export function undeclared(owner: string) { return [new Account(owner, 2)]; }
export function move(from: Account, to: Account, amount: number): Account { from.deposit(-amount); to.deposit(amount); return to; }
/** @safe */
export function plain(): string { return 'plain'; }
`;

interface Feed extends ObjectControls {
  readonly items: RemoteMethod<[from: number], { readonly from: number }, AsyncIterable<number>>;
}

type None = Readonly<Record<string, never>>;

interface Account extends ObjectControls<{ readonly owner: string; readonly limits: readonly number[]; pin: string }> {
  readonly owner: Promise<string>;
  readonly currency: Promise<string>;
  readonly limits: Promise<readonly number[]>;
  readonly balance: Promise<number>;
  readonly deposit: RemoteMethod<[amount: number], { readonly amount: number }, number>;
  readonly history: RemoteMethod<[entries?: number], { readonly entries?: number }, AsyncIterable<string>>;
  readonly report: RemoteMethod<[prefix?: string], { readonly prefix?: string }, string>;
  readonly fail: RemoteMethod<[], None>;
}

interface Libraries {
  readonly bank: {
    readonly Account: RemoteClass<
      [owner: string, balance?: number],
      { readonly owner: string; readonly balance?: number },
      Account
    >;
    readonly plain: RemoteFunction;
    readonly Feed: RemoteClass<[], None, Feed>;
    readonly close: RemoteFunction;
    readonly open: RemoteFunction<[owner: string], { readonly owner: string }, Account>;
    readonly several: RemoteFunction<
      [owners: readonly string[]],
      { readonly owners: readonly string[] },
      { readonly first: Account; readonly all: readonly Account[] }
    >;
    readonly undeclared: RemoteFunction<[owner: string], { readonly owner: string }, readonly Account[]>;
    readonly move: RemoteFunction<[from: Account, to: Account, amount: number], None, Account>;
  };
}

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway({ libraries: { 'bank/index.ts': library }, more: { debug: { internals: true } } });
});
afterAll(async () => gateway.close());

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

describe.each(['coap', 'http'] as const)('over %s', (door) => {
  const open = async (): Promise<Connection<Libraries>> =>
    await connect<Libraries>(door === 'coap' ? gateway.coap : gateway.url);

  test('P6 an object is made, its methods are called by position or by name, and it is let go of', async () => {
    await using gw = await open();
    const account = await gw.bank.Account('Ada', 100);
    expect(account.$uri).toMatch(/^(?:coap|http):\/\/127\.0\.0\.1:\d+\/o\/[\w-]{8}$/);
    expect(await account.deposit(5)).toBe(105);
    expect(await account.deposit({ amount: 5 })).toBe(110);
    expect(await account.report('= ')).toBe('= Ada: 110');
    const other = await gw.bank.Account({ owner: 'Bob' });
    expect(await Promise.all([other.report(), account.report()])).toEqual(['Bob: 0', 'Ada: 110']);
    await account.$release();
    await expect(account.report()).rejects.toMatchObject({ status: '4.04' });
    await expect(account.$release()).rejects.toBeInstanceOf(RemoteError);
  });

  test('P17 a method that is a stream is read with for await, and closed when the loop is left', async () => {
    await using gw = await open();
    await using account = await gw.bank.Account('Ada', 100);
    expect(await all(account.history(3))).toEqual(['Ada0', 'Ada1', 'Ada2']);
    expect(await account.balance).toBe(-1);
    await account.deposit(1);
    const seen: string[] = [];
    for await (const entry of account.history.with({ from: 5 })({})) {
      seen.push(entry);
      if (seen.length === 2) break;
    }
    expect(seen).toEqual(['Ada5', 'Ada6']);
    await expect.poll(() => account.balance, { timeout: 10_000 }).toBe(-1);
    await expect(all(account.history('x' as unknown as number))).rejects.toBeInstanceOf(ArgumentError);
    const single = account.report() as unknown as AsyncIterable<string>;
    await expect(all(single)).rejects.toMatchObject({ code: 'not-iterable' });
  });

  test('who reads a stream of an object that is let go of is told object-lost, also before that is answered', async () => {
    await using gw = await open();
    await using other = await open();
    const feed = await gw.bank.Feed();
    const items = feed.items(1)[Symbol.asyncIterator]();
    expect(await items.next()).toMatchObject({ value: 1 });
    let isReleased = false;
    const released = feed.$release().then(() => {
      isReleased = true;
    });
    await expect(items.next()).rejects.toMatchObject({ code: 'object-lost', status: '5.00' });
    expect(isReleased).toBe(false);
    await other.bank.close();
    await released;
  });

  test('P8 attributes are awaited, and set', async () => {
    await using gw = await open();
    await using account = await gw.bank.Account('Ada', 100);
    expect([await account.owner, await account.balance, await account.currency]).toEqual(['Ada', 100, 'EUR']);
    await account.$set('owner', 'Eve');
    expect(await account.owner).toBe('Eve');
    await account.$set('limits', [1, 2]);
    expect(await account.limits).toEqual([1, 2]);
    await account.$set('pin', '1234');
    await expect(account.$set('pin', '1')).rejects.toMatchObject({ thrown: { name: 'RangeError' } });
  });

  test('what the class does not have, or does not take, is refused at once', async () => {
    await using gw = await open();
    await using account = await gw.bank.Account('Ada');
    const loose = account as unknown as Readonly<Record<string, RemoteMethod>>;
    expect(() => loose['depsit']).toThrow(/^bank\/Account has no depsit; did you mean deposit\?$/);
    expect(() => loose['pin']).toThrow(ArgumentError);
    expect(() => Object.assign(account, { owner: 'Eve' })).toThrow(/\$set\('owner'/);
    const wrong: (() => Promise<unknown>)[] = [
      () => account.deposit('five' as unknown as number),
      () => gw.bank.Account(7 as unknown as string),
      () => account.$set('owner', 7 as unknown as string),
      () => account.$set('currency' as 'owner', 'USD'),
      () => account.$set('balnce' as 'owner', 'USD'),
    ];
    for (const refused of wrong) await expect(refused()).rejects.toBeInstanceOf(ArgumentError);
    expect(JSON.stringify(account)).toMatch(/^"\/o\/[\w-]{8}"$/);
  });

  test('what a method throws is thrown here', async () => {
    await using gw = await open();
    await using account = await gw.bank.Account('Ada');
    await expect(account.fail()).rejects.toMatchObject({
      code: 'function-failed',
      target: 'bank/Account.fail',
      thrown: { name: 'TypeError', message: 'no such luck' },
    });
  });

  test('await using lets go of it at the end of the block, also where it is gone already', async () => {
    await using gw = await open();
    let uri: string;
    {
      await using account = await gw.bank.Account('Ada');
      ({ $uri: uri } = account);
      await account.$release();
    }
    await expect(gw.$object(uri)).rejects.toMatchObject({ status: '4.04' });
  });

  test('another connection has it again by its URI, or its path', async () => {
    const before = await open();
    const { $uri: uri } = await before.bank.Account('Ada', 7);
    await before.$close();
    await using gw = await open();
    const account = (await gw.$object(uri)) as unknown as Account;
    expect(await account.report()).toBe('Ada: 7');
    expect(account.$class).toMatchObject({ library: 'bank', method: 'Account' });
    expect((await gw.$object(new URL(uri).pathname)).$uri).toBe(uri);
    await expect(gw.$object('coap://192.0.2.1/o/abcdefgh')).rejects.toMatchObject({ code: 'bad-uri' });
    const impatient = account.$with({ signal: AbortSignal.abort() });
    await expect(impatient.deposit(1)).rejects.toMatchObject({ code: 'request-aborted' });
    await account.$release();
  });

  test('P10 objects that functions return are objects here, also inside lists and members, declared or not', async () => {
    await using gw = await open();
    const account = await gw.bank.open('Ada');
    expect(await account.deposit(1)).toBe(2);
    const { first, all } = await gw.bank.several(['Bob', 'Eve']);
    expect(await Promise.all([first.owner, ...all.map(async (one) => await one.owner)])).toEqual(['Bob', 'Bob', 'Eve']);
    expect(first).toBe(all[0]);
    const [undeclared] = await gw.bank.undeclared('Zoe');
    expect(await undeclared?.report()).toBe('Zoe: 2');
    expect(() => (undeclared as unknown as { depsit: unknown }).depsit).toThrow(ArgumentError);
  });

  test('P10 an object is an argument, and what comes back is the same one', async () => {
    await using gw = await open();
    await using from = await gw.bank.Account('Ada', 10);
    await using to = await gw.bank.Account('Bob');
    const given = await gw.bank.move(from, to, 4);
    expect(given.$uri).toBe(to.$uri);
    expect([await from.balance, await to.balance]).toEqual([6, 4]);
    await expect(gw.bank.move(from, 'Bob' as unknown as Account, 1)).rejects.toBeInstanceOf(ArgumentError);
    const batch = await gw.$batch((later) => ({ moved: later.bank.move(from, to, 1), text: later.bank.plain() }));
    expect([batch.moved.$uri, batch.text]).toEqual([to.$uri, 'plain']);
  });

  test('a class is described', async () => {
    await using gw = await open();
    expect(await gw.bank.Account.help()).toMatch(
      /^new Account\(owner: string, balance: number = 0\)\n\nAn account of somebody\.\n\n[^]*^deposit\(amount: number\): number$/m,
    );
    expect(await gw.$functions('bank')).toEqual([
      'Account',
      'Feed',
      'close',
      'move',
      'open',
      'plain',
      'several',
      'undeclared',
    ]);
  });
});

test('who is given an object of a class and makes none of it uses it all the same', async () => {
  const access = [{ functions: ['bank/open', 'bank/Account.deposit'] }];
  const own = await startGateway({ libraries: { 'bank/index.ts': library }, more: { access } });
  await using gw = await connect<Libraries>(own.coap);
  const account = await gw.bank.open('Ada');
  expect(await account.deposit(5)).toBe(6);
  await expect(gw.bank.Account('Ada')).rejects.toMatchObject({ code: 'not-callable' });
  await gw.$close();
  await own.close();
});
