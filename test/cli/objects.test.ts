/** Objects on the command line, against a gateway in this process. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startGateway, type TestGateway } from '../http/gateway.ts';
import { ran, type Ran } from './terminal.ts';

const libraries = {
  'bank/index.ts': `
    /** An account of somebody. */
    export class Account {
      /** Whose it is. */
      owner: string;
      readonly currency: string = 'EUR';
      notes: string[] = [];
      limit: number = 0;
      #balance: number;
      constructor(owner: string, balance: number = 0) { this.owner = owner; this.#balance = balance; }
      get balance(): number { return this.#balance; }
      /** Puts something in. */
      deposit(amount: number): number { return (this.#balance += amount); }
      /** @safe */ report(): string { return this.owner + ': ' + this.#balance; }
      /** @safe */ *history(entries: number = 2): Generator<string> { for (let at = 0; at < entries; at++) yield this.owner + at; }
      refuse(): never { throw new TypeError('no'); }
    }
    export abstract class Shape { abstract area(): number; }
    let rung = 0;
    export function ring(): number { return ++rung; }
    /** @safe */ export function add(a: number, b: number): number { return a + b; }`,
};

let gateway: TestGateway;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'funcoap-cli-objects-'));
  gateway = await startGateway({ libraries });
});
afterAll(async () => {
  await gateway.close();
  rmSync(folder, { recursive: true });
});

const run = (...args: string[]): Promise<Ran> => ran(args, { workingFolder: folder });
const out = async (...args: string[]): Promise<string> => {
  const { code, out: printed, err } = await run(...args);
  expect([args, code, err]).toEqual([args, 0, '']);
  return printed;
};
const made = async (...args: string[]): Promise<string> =>
  (await out('call', `${gateway.coap}/func/bank/Account`, ...args)).trim();

test('calling a class prints the URI of an object, below which it is called, read, set, and let go of', async () => {
  const account = await made('Ada', '10');
  expect(account).toMatch(/^coap:\/\/127\.0\.0\.1:\d+\/o\/[\w-]{8}$/);
  expect(await out('call', `${account}/deposit`, '5')).toBe('15\n');
  expect(await out('call', `${account}/deposit`, 'amount=-7')).toBe('8\n');
  expect(await out('call', `${account}/deposit`, '-1')).toBe('7\n');
  expect(await out('call', `${account}/balance`)).toBe('7\n');
  expect(await out('set', `${account}/owner`, 'Grace')).toBe('');
  expect(await out('call', `${account}/report`)).toBe('Grace: 7\n');
  expect(await out('call', '--json', `${account}/report`)).toBe('"Grace: 7"\n');
  expect(await out('release', account)).toBe('');
  expect(await run('call', `${account}/balance`)).toMatchObject({ code: 4, err: expect.stringMatching(/4\.04/) });
});

test('a value to be set is what the attribute is declared to be', async () => {
  const account = await made('Ada');
  writeFileSync(join(folder, 'owner.txt'), 'from a file');
  for (const [attribute, value, read] of [
    ['owner', '10', '"10"'],
    ['owner', ':="quoted"', '"quoted"'],
    ['owner', `@${join(folder, 'owner.txt')}`, '"from a file"'],
    ['notes', ':=["a","b"]', '["a","b"]'],
    ['notes', '["c"]', '["c"]'],
  ] as const) {
    expect(await out('set', '--json', `${account}/${attribute}`, value)).toBe('null\n');
    expect(await out('call', '--json', `${account}/${attribute}`)).toBe(`${read}\n`);
  }
  await out('release', account);
});

test('what an object and its members are is described', async () => {
  const account = await made('Ada');
  const { pathname } = new URL(account.replace('coap:', 'http:'));
  const described = await out('describe', account);
  expect(described).toContain(
    `Account\n\nAn account of somebody.\n\npath     ${pathname}\nclass    bank/Account\n\nmethod`,
  );
  expect(described).toMatch(/deposit\(amount: number\): number +POST +Puts something in\./);
  expect(described).toMatch(/owner: string +read, set +Whose it is\./);
  const method = await out('describe', `${account}/deposit`);
  expect(method).toContain(`path     ${pathname}/deposit\nclass    bank/Account\neffects  has side effects`);
  expect(JSON.parse(await out('describe', '--json', account))).toMatchObject({ class: 'Account' });
  expect(JSON.parse(await out('describe', '--schema', `${account}/deposit`))).toMatchObject({ required: ['amount'] });
  await out('release', account);
});

test.each([
  ['an attribute that is not set', 4, /4\.05 .*currency can only be read, with GET/, ['set', '*/currency', 'USD']],
  ['a method that is set', 4, /4\.05 .*deposit is a method: call it with POST/, ['set', '*/deposit', '5']],
  ['an attribute that is not there', 4, /4\.04 .*has no colour/, ['set', '*/colour', 'red']],
  ['a value that does not fit', 2, /value must be a number/, ['set', '*/limit', 'x']],
  ['a method that is not there', 4, /4\.04 .*has no rob/, ['call', '*/rob']],
  ['__proto__', 4, /4\.04 .*has no __proto__/, ['call', '*/__proto__']],
  [
    'an argument too many',
    2,
    /bank\/Account\.deposit takes amount; 6 is one too many/,
    ['call', '*/deposit', '5', '6'],
  ],
  ['an argument that does not fit', 2, /amount must be a number/, ['call', '*/deposit', 'x']],
  ['an object that is not there', 4, /4\.04 .*There is no object .* and all end with the gateway/s, ['release', '*x']],
  ['letting go of a function', 2, /is no object/, ['release', 'coap://127.0.0.1/func/bank/add']],
  ['letting go of a member', 2, /is no object/, ['release', '*/owner']],
  ['setting a function', 2, /is no attribute of an object/, ['set', 'coap://127.0.0.1/func/bank/add', '5']],
  ['a job of a method', 4, /4\.00 .*_job is for functions\./, ['call', '--job', '*/deposit', '5']],
  ['a method that throws', 5, /5\.00/, ['call', '*/refuse']],
])('refused: %s', async (_, code, sentence, args) => {
  const account = await made('Ada');
  const told = await run(...args.map((word) => word.replace(/^\*/, account)));
  expect([told.code, told.err]).toEqual([code, expect.stringMatching(sentence)]);
  await out('release', account);
});

test('functions take arguments by position too', async () => {
  expect(await out('call', `${gateway.coap}/func/bank/add`, '10', '20')).toBe('30\n');
  expect(await out('call', `${gateway.coap}/func/bank/add`, 'b=20', '10')).toBe('30\n');
  expect(await out('call', '-m', 'GET', `${gateway.coap}/func/bank/add`, '10', '20')).toBe('30\n');
});

test('what is not observed is not watched, and has not run', async () => {
  const account = await made('Ada');
  for (const [uri, name] of [
    [`${gateway.coap}/func/bank/ring`, 'bank/ring'],
    [`${account}/balance`, 'bank/Account.balance'],
  ] as const) {
    expect(await run('watch', uri)).toMatchObject({
      code: 2,
      out: '',
      err: `funcoap: ${name} is not pure, so it cannot be watched; call it instead.\n`,
    });
  }
  expect(await out('call', `${gateway.coap}/func/bank/ring`)).toBe('1\n');
});

test('a method that is a stream is watched, item by item, from where it is told to; call prints the list', async () => {
  const account = await made('Ada');
  expect(await out('watch', `${account}/history`)).toBe('Ada0\nAda1\n');
  expect(await out('watch', '--json', '--from', '3', '--count', '2', `${account}/history`, '9')).toBe(
    '"Ada3"\n"Ada4"\n',
  );
  expect(await out('call', '--json', `${account}/history`, 'entries=3')).toBe('["Ada0","Ada1","Ada2"]\n');
  await out('release', account);
});

test('what no object is made of is said before its arguments are looked at', async () => {
  const { code, err } = await run('call', `${gateway.coap}/func/bank/Shape`, 'width=3');
  expect([code, err]).toEqual([2, expect.stringMatching(/bank\/Shape cannot be called: it is abstract;/) as string]);
});
