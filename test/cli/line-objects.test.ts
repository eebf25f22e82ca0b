/** P6, P16, E6: classes and objects in lines, of `funcoap batch` and of `funcoap shell`, against a gateway in this process. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../src/client/sdk/connect.ts';
import type { Connection } from '../../src/client/sdk/connection-controls.ts';
import { ShellSession } from '../../src/cli/shell-session.ts';
import { encodeCbor } from '../../src/cbor/encode.ts';
import { utf8 } from '../../src/core/bytes.ts';
import { plain } from '../../src/telemetry/paint.ts';
import { startGateway, type TestGateway } from '../http/gateway.ts';
import { linesOf, ran } from './terminal.ts';

const bank = `
/** An account of somebody. */
export class Account {
  owner: string;
  #balance: number;
  constructor(owner: string, balance: number = 0) { this.owner = owner; this.#balance = balance; }
  get balance(): number { return this.#balance; }
  set pin(value: string) { void value; }
  /** Puts something in. */
  deposit(amount: number): number { return (this.#balance += amount); }
  pay(to: Account, amount: number): Account { to.deposit(amount); this.#balance -= amount; return to; }
  /** @safe */ *history(): Generator<number> { yield 1; }
  fail(): never { throw new Error('no such luck'); }
}
export function open(owners: string[]): { accounts: Account[] } { return { accounts: owners.map((owner) => new Account(owner)) }; }
/** @safe */
export function* ticks(to: number): Generator<number> { for (let n = 0; n < to; n++) yield n; }
/** @safe */ export function add(a: number, b: number): number { return a + b; }
`;

let gateway: TestGateway;
let gw: Connection;
beforeAll(async () => {
  gateway = await startGateway({ libraries: { 'bank/index.ts': bank } });
  gw = await connect(gateway.coap);
});
afterAll(async () => {
  await gw.$close();
  await gateway.close();
});

const uri = /coap:\/\/127\.0\.0\.1:\d+\/o\/[\w-]{8}/;
const made = async (...args: string[]): Promise<string> =>
  (await ran(['call', `${gateway.coap}/func/bank/Account`, ...args])).out.trim();
const pathOf = (account: string): string => new URL(account.replace('coap:', 'http:')).pathname;

describe('funcoap batch', () => {
  const batch = async (...args: string[]): ReturnType<typeof ran> => await ran(['batch', gateway.coap, ...args]);

  test('a class makes an object, whose URI is printed as `funcoap call` prints it, and a later call takes it', async () => {
    const eve = await made('Eve', '100');
    const bob = await made('Bob');
    const lines = ['bank/Account Ada 10', `${eve}/pay #0 5`, `${eve}/balance`, `${eve}/pay ${bob} 1`];
    const { code, out, err } = await batch(...lines);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const [ada = '', paid, balance, paidBob] = out.split('\n');
    expect(ada).toMatch(new RegExp(`^${uri.source}$`));
    expect([paid, balance, paidBob]).toEqual([ada, '95', bob]);
    expect((await ran(['call', `${ada}/balance`])).out).toBe('15\n');
  });

  test.each<[what: string, of: (account: string) => string]>([
    ['its URI', (account) => account],
    ['its path', pathOf],
    ['its path without a slash', (account) => pathOf(account).slice(1)],
  ])('methods are called and attributes read below %s', async (_, of) => {
    const account = of(await made('Ada'));
    expect(await batch(`${account}/deposit 5`, `${account}/deposit amount=#0`, `${account}/owner`)).toEqual({
      code: 0,
      out: '5\n10\nAda\n',
      err: '',
    });
  });

  test('the same over HTTP, with objects inside results, as JSON', async () => {
    const account = pathOf(await made('Ada'));
    const { code, out } = await ran([
      'batch',
      '--json',
      gateway.url,
      `${account}/deposit 5`,
      'bank/open owners=Bob owners=Eve',
    ]);
    expect(code).toBe(0);
    const ofHttp = expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/o\/[\w-]{8}$/) as string;
    expect(JSON.parse(out)).toEqual([5, { accounts: [ofHttp, ofHttp] }]);
  });

  test('a file has them too', async () => {
    const account = pathOf(await made('Ada')).slice(1);
    const file = [
      [`${account}/deposit`, [5]],
      [`${account}/deposit`, { amount: { '#': [0] } }],
      [`${account}/balance`],
      ['bank/Account', ['Bob']],
    ];
    const readInput = async (): Promise<Uint8Array> => await Promise.resolve(utf8(JSON.stringify(file)));
    const { code, out } = await ran(['batch', gateway.coap, '-'], { readInput });
    expect([code, out]).toEqual([0, expect.stringMatching(new RegExp(`^5\n10\n10\n${uri.source}\n$`))]);
    const set = async (): Promise<Uint8Array> => await Promise.resolve(encodeCbor([[`${account}/owner`, ['Eve']]]));
    expect(await ran(['batch', gateway.coap, '-'], { readInput: set })).toMatchObject({
      code: 2,
      err: 'funcoap: bank/Account.owner is an attribute, which is read here: `funcoap set` sets it.\n',
    });
  });

  test('of one that fails the objects that were made before are printed', async () => {
    const account = await made('Ada');
    const ended = await batch('bank/Account Bob', `${account}/fail`);
    expect(ended).toMatchObject({ code: 5, err: expect.stringContaining('Call 1 of the batch') });
    expect(ended.out).toMatch(new RegExp(`^${uri.source}\n$`));
  });

  test.each<[line: string, words: string, code: number]>([
    ['*/depsit 5', 'bank/Account has no depsit; did you mean deposit?', 2],
    ['*/deposit', 'bank/Account.deposit needs amount (number)', 2],
    ['*/deposit five', 'amount must be a number', 2],
    ['*/deposit 5 6', 'bank/Account.deposit takes amount; 6 is one too many.', 2],
    ['*/owner Eve', 'bank/Account.owner is an attribute, which is read here: `funcoap set` sets it.', 2],
    ['*/pin', 'bank/Account.pin can only be set.', 2],
    ['*/history', 'bank/Account.history is a stream: `funcoap watch` prints its items.', 2],
    ['bank/ticks 3', 'bank/ticks is a stream: `funcoap watch` prints its items.', 2],
    ['*', 'is no function; write LIBRARY/METHOD, as in math/add, or o/ID/METHOD of an object.', 2],
    ['#0/deposit 5', '#0/deposit cannot be called: what a call of the same batch gives is not there yet.', 2],
    ['bank/add #0.owner 1', 'bank/Account gives an object, of which owner cannot be read in the same batch', 2],
    ['o/AAAAAAAA/deposit 5', '4.04', 4],
    ['coap://192.0.2.1/o/AAAAAAAA/deposit 5', 'is no object of', 2],
  ])('%s is refused in words', async (line, words, code) => {
    const account = await made('Ada');
    const ended = await batch('bank/Account Bob', line.replace('*', account));
    expect(ended.err).toContain(words);
    expect(ended).toMatchObject({ code, out: '' });
  });
});

describe('funcoap shell', () => {
  const shell = async (...lines: string[]): ReturnType<typeof ran> =>
    await ran(['shell', gateway.coap], { openLines: () => linesOf(lines) });

  test('a class makes an object, whose methods are called and attributes read', async () => {
    const account = await made('Eve');
    const path = pathOf(account).slice(1);
    const { code, out, err } = await shell(
      'bank/Account Ada 10',
      `${path}/deposit 5`,
      `${account}/pay ${account} 1`,
      `${path}/owner`,
      'bank/open owners=Bob',
    );
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const [ada, balance, paid, owner, opened] = out.split('\n');
    expect(ada).toMatch(new RegExp(`^${uri.source}$`));
    expect([balance, paid, owner]).toEqual(['5', account, 'Eve']);
    expect(opened).toMatch(new RegExp(`^accounts +\\["${uri.source}"\\]$`));
  });

  test('an object that is gone says so, and a script ends', async () => {
    const account = await made('Ada');
    await ran(['release', account]);
    expect(await shell(`${account}/deposit 5`, 'bank/add 1 2')).toMatchObject({
      code: 4,
      out: '',
      err: expect.stringMatching(/4\.04/),
    });
  });

  test('help tells of an object, of a method, and of a stream', async () => {
    const path = pathOf(await made('Ada')).slice(1);
    const { out } = await shell(`help ${path}`, `help ${path}/deposit`, 'help bank/ticks');
    expect(out).toMatch(/^new Account\([^]*\ndeposit\(amount: number\): number\n/);
    expect(out).toMatch(
      /\nAccount\.deposit\(amount: number\): number\n\nPuts something in\.\nticks\(to: number\): number\n$/,
    );
  });

  test('Tab completes members of an object and their parameters', async () => {
    const session = new ShellSession(gw, async () => await Promise.reject(new Error('no files')), plain);
    const path = pathOf(await made('Ada')).slice(1);
    const complete = async (line: string): Promise<readonly string[]> => (await session.complete(line))[0];
    const members = (await complete(`${path}/`)).map((word) => word.slice(path.length + 1));
    expect(members.toSorted()).toEqual(['balance', 'deposit', 'fail', 'history', 'owner', 'pay']);
    expect(await complete(`help /${path}/de`)).toEqual([`/${path}/deposit`]);
    expect(await complete(`${path}/pay `)).toEqual(['to=', 'amount=']);
  });
});
