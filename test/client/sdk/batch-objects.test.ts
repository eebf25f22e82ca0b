/** P6, P10, P16: classes and objects in `$batch`, over CoAP and over HTTP alike. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Later } from '../../../src/client/sdk/batch-recorder.ts';
import { connect, type ConnectOptions } from '../../../src/client/sdk/connect.ts';
import type { Connection } from '../../../src/client/sdk/connection-controls.ts';
import { ArgumentError } from '../../../src/client/sdk/errors.ts';
import type { RemoteFunction, RemoteLibraries, RemoteMethod } from '../../../src/client/sdk/remote-function.ts';
import type { ObjectControls, RemoteClass, RemoteObject } from '../../../src/client/sdk/remote-object.ts';
import { method } from '../../../src/coap/codec/codes.ts';
import { decodeMessage, isMalformed } from '../../../src/coap/codec/rfc7252.ts';
import { seconds } from '../../../src/core/duration.ts';
import { startGateway, type TestGateway } from '../../http/gateway.ts';
import { ScriptedGateway, value } from './scripted-gateway.ts';

const library = `
let calls = 0;
export class Account {
  owner: string;
  #balance: number;
  #heir: Account | null = null;
  constructor(owner: string, balance: number = 0) { this.owner = owner; this.#balance = balance; }
  get balance(): number { return this.#balance; }
  get heir(): Account | null { return this.#heir; }
  set pin(value: string) { void value; }
  deposit(amount: number): number { calls++; return (this.#balance += amount); }
  pay(to: Account, amount: number): Account { to.deposit(amount); this.deposit(-amount); this.#heir = to; return to; }
  /** @safe */ report(prefix: string = ''): string { return prefix + this.owner + ': ' + this.#balance; }
  /** @safe */ *history(): Generator<string> { yield this.owner; }
  fail(): never { throw new TypeError('no such luck'); }
}
export class Vault { code: number; constructor(code: number) { this.code = code; } }
export function open(owner: string): Account { return new Account(owner, 1); }
export function several(owners: string[]) { return owners.map((owner) => new Account(owner)); }
/** @safe */ export function add(a: number, b: number): number { return a + b; }
/** @safe */ export function made(): number { return calls; }
`;

type None = Readonly<Record<string, never>>;

interface Account extends ObjectControls<{ readonly owner: string }> {
  readonly owner: Promise<string>;
  readonly balance: Promise<number>;
  readonly heir: Promise<Account | null>;
  readonly deposit: RemoteMethod<[amount: number], { readonly amount: number }, number>;
  readonly pay: RemoteMethod<[to: Account, amount: number], { readonly to: Account; readonly amount: number }, Account>;
  readonly report: RemoteMethod<[prefix?: string], { readonly prefix?: string }, string>;
  readonly history: RemoteMethod<[], None, AsyncIterable<string>>;
  readonly fail: RemoteMethod<[], None>;
}

interface Vault extends ObjectControls<None> {
  readonly code: Promise<number>;
}

interface Libraries {
  readonly bank: {
    readonly Account: RemoteClass<
      [owner: string, balance?: number],
      { readonly owner: string; readonly balance?: number },
      Account
    >;
    readonly Vault: RemoteClass<[code: number], { readonly code: number }, Vault>;
    readonly open: RemoteFunction<[owner: string], { readonly owner: string }, Account>;
    readonly several: RemoteFunction<[owners: readonly string[]], None, readonly Account[]>;
    readonly add: RemoteFunction<[a: number, b: number], { readonly a: number; readonly b: number }, number>;
    readonly made: RemoteFunction<[], None, number>;
  };
}

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway({ libraries: { 'bank/index.ts': library }, more: { debug: { internals: true } } });
});
afterAll(async () => gateway.close());

describe.each(['coap', 'http'] as const)('over %s', (door) => {
  const uri = (): string => (door === 'coap' ? gateway.coap : gateway.url);
  const open = async (options: ConnectOptions = {}): Promise<Connection<Libraries>> =>
    await connect<Libraries>(uri(), options);

  test('a class makes an object, which is an argument of later calls and is given as an object', async () => {
    await using gw = await open();
    await using eve = await gw.bank.Account('Eve');
    const { ada, vault, paid, sum } = await gw.$batch((later) => {
      const ada = later.bank.Account({ owner: 'Ada', balance: 10 });
      return {
        ada,
        vault: later.bank.Vault(7),
        paid: later.$object(eve).pay(ada, later.bank.add(1, 2)),
        sum: later.bank.add(1, 1),
      };
    });
    expect([await ada.balance, await ada.report('= '), sum]).toEqual([13, '= Ada: 13', 2]);
    // What an object offers is that of its own class.
    expect(await vault.code).toBe(7);
    expect([paid.$uri, await eve.balance]).toEqual([ada.$uri, -3]);
    await ada.$release();
  });

  test('methods of objects are called and attributes read, each in one request', async () => {
    await using gw = await open();
    await using account = await gw.bank.Account('Ada');
    let requests = 0;
    await using counted = await open({ onCall: () => void requests++ });
    const results = await counted.$batch((later) => {
      const { bank, $object } = later;
      const ada = $object(account);
      const first = ada.deposit(5);
      const second = ada.deposit({ amount: first });
      return [first, second, ada.balance, ada.report('> '), bank.add(second, 1), ada.owner];
    });
    expect(results).toEqual([5, 10, 10, '> Ada: 10', 11, 'Ada']);
    expect(requests).toBe(1);
  });

  test('what is safe of an object is asked, and not called', async () => {
    await using gw = await open();
    await using account = await gw.bank.Account('Ada', 3);
    const [first, second, none] = await gw.$batch((later) => {
      const ada = later.$object(account);
      return [ada.balance, ada.report(), ada.heir];
    });
    expect([first, second, none]).toEqual([3, 'Ada: 3', null]);
  });

  test('attributes and undeclared results that are objects are objects', async () => {
    await using gw = await open();
    await using ada = await gw.bank.Account('Ada');
    const [bob, eve] = await gw.bank.several(['Bob', 'Eve']);
    if (bob === undefined || eve === undefined) throw new Error('two were made');
    const [heir, [zoe]] = await gw.$batch((later) => {
      later.$object(ada).pay(bob, 1);
      return [later.$object(ada).heir, later.bank.several(['Zoe'])];
    });
    expect([heir?.$uri, await zoe?.owner]).toEqual([bob.$uri, 'Zoe']);
  });

  test('an object without types is used alike', async () => {
    await using gw: Connection = await connect(uri());
    const account = (await gw['bank']?.['Account']?.('Ada')) as object as RemoteObject;
    const results = await gw.$batch((later: Later<RemoteLibraries>) => {
      const ada = later.$object(account);
      return [ada['deposit']?.(5), ada['balance'], later['bank']?.['add']?.(1, 2)];
    });
    expect(results).toEqual([5, 5, 3]);
    await account.$release();
  });

  test('of a batch that fails the error has the objects that were made before', async () => {
    await using gw = await open();
    await using account = await gw.bank.Account('Ada');
    const failed: unknown = await gw
      .$batch((later) => [later.bank.Account('Bob', 2), later.bank.open('Eve'), later.$object(account).fail()])
      .catch((error: unknown) => error);
    expect(failed).toMatchObject({ code: 'function-failed', target: 'bank/Account.fail', batch: { index: 2 } });
    const { batch } = failed as { readonly batch: { readonly results: readonly Account[] } };
    expect(await Promise.all(batch.results.map(async (one) => await one.report()))).toEqual(['Bob: 2', 'Eve: 1']);
  });

  test('an object that is gone ends it before anything runs', async () => {
    await using gw = await open();
    const account = await gw.bank.Account('Ada');
    await account.$release();
    await using other = await gw.bank.Account('Bob');
    const before = await gw.bank.made();
    const batch = gw.$batch((later) => [later.$object(other).deposit(1), later.$object(account).deposit(1)]);
    await expect(batch).rejects.toMatchObject({ status: '4.04', target: 'bank/Account.deposit', batch: { index: 1 } });
    expect(await gw.bank.made()).toBe(before);
  });

  test('what no batch can have is refused in words before anything is sent', async () => {
    await using gw = await open();
    await using account = await gw.bank.Account('Ada');
    type Loose = Readonly<Record<string, (...args: unknown[]) => unknown>>;
    const loose = (value: unknown): Loose => value as Loose;
    const cycle: unknown[] = [];
    cycle.push(cycle);
    let sent = 0;
    await using counted = await open({ onMessage: () => void sent++ });
    const { bank } = counted;
    for (const fn of [bank.Account, bank.open, bank.several, bank.add]) await fn.describe();
    const before = sent;
    const refused: [words: string, record: (later: Later<Libraries>) => unknown][] = [
      [
        'deposit cannot be called on what a call of the same batch gives, as that is not there yet: make the object first',
        ({ bank }) => loose(bank.Account('Ada'))['deposit']?.(5),
      ],
      [
        'bank/Account gives an object, of which balance cannot be read in the same batch: make the object first',
        ({ bank }) => loose(bank.Account('Ada'))['balance'],
      ],
      [
        'bank/open gives an object, of which owner',
        ({ bank }) => bank.Account(loose(bank.open('Eve'))['owner'] as never),
      ],
      [
        'bank/Account.history is a stream, and a batch is answered once',
        ({ $object }) => loose($object(account))['history'],
      ],
      ['bank/Account has no depsit; did you mean deposit?', ({ $object }) => loose($object(account))['depsit']],
      ['bank/Account.pin can only be set', ({ $object }) => loose($object(account))['pin']],
      ['$release is asked of the object itself', ({ $object }) => loose($object(account))['$release']?.()],
      [
        "A batch sets no attributes: await $set('owner', …)",
        ({ $object }) => Object.assign($object(account), { owner: 'Eve' }),
      ],
      ['amount must be a number', ({ $object }) => $object(account).deposit('5' as never)],
      ['is no object of', ({ $object }) => $object({ $uri: 'coap://192.0.2.1/o/abcdefgh', $class: account.$class })],
      ['a whole argument', ({ bank }) => bank.several([bank.add(1, 2) as never])],
      ['it contains itself', ({ bank }) => bank.several(cycle as never)],
      ['or of a text', ({ bank }) => bank.open(`${bank.add(1, 2)}`)],
    ];
    for (const [words, record] of refused) {
      const told: unknown = await counted.$batch(record).catch((error: unknown) => error);
      expect(told).toBeInstanceOf(Error);
      expect((told as Error).message).toContain(words);
    }
    expect(sent).toBe(before);
    await expect(gw.$batch(({ $object }) => loose($object(account))['depsit'])).rejects.toBeInstanceOf(ArgumentError);
  });
});

test('over CoAP it is one message both ways, whatever it makes, and a FETCH where all is safe', async () => {
  const sent: number[] = [];
  await using gw = await connect<Libraries>(gateway.coap, {
    onMessage: (direction, bytes) => {
      const message = decodeMessage(bytes);
      if (direction === 'out' && !isMalformed(message)) sent.push(message.code);
    },
  });
  sent.length = 0;
  expect(await gw.$batch(({ bank }) => bank.add(bank.add(1, 2), bank.add(3, 4)))).toBe(10);
  // What it takes is asked for once.
  expect(sent).toEqual([method.GET, method.FETCH]);
  await using account = await gw.bank.Account('Ada');
  for (const fn of [gw.bank.Vault, gw.bank.open]) await fn.describe();
  sent.length = 0;
  const made = await gw.$batch((later) => ({
    all: [later.bank.Vault(7), later.bank.open('Bob')],
    balance: later.$object(account).balance,
  }));
  expect(made.all.map((one) => one.$class.method)).toEqual(['Vault', 'Account']);
  expect(sent).toEqual([method.POST]);
  await gw.$batch((later) => [later.$object(account).balance, later.$object(account).report(), later.bank.add(1, 2)]);
  expect(sent).toEqual([method.POST, method.FETCH]);
});

test('what an old description refuses is refused when the gateway says so still', async () => {
  const scripted = new ScriptedGateway();
  const gw = await scripted.open();
  const read = async (x: number): Promise<unknown> => await scripted.pass(gw.$batch((later) => [later.lib.read(x)]));
  await expect(read(5)).rejects.toMatchObject({ code: 'too-many-arguments' });
  scripted.parameters = [{ name: 'x', id: 0, type: 'number', required: true }];
  await expect(read(5)).rejects.toMatchObject({ code: 'too-many-arguments' });
  expect(scripted.calls).toEqual([]);
  await scripted.wait(seconds(61));
  scripted.script.push(value([7]));
  expect(await read(5)).toEqual([7]);
  expect(scripted.calls).toEqual([method.FETCH]);
});
