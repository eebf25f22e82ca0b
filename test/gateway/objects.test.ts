/** Objects of classes over CoAP, in a gateway of this process. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { decodeCbor } from '../../src/cbor/decode.ts';
import { encodeCbor } from '../../src/cbor/encode.ts';
import { defaultDecodeLimits } from '../../src/cbor/limits.ts';
import { asPath } from '../../src/cbor/reference-tag.ts';
import { openCoapClient, type CoapClient } from '../../src/client/coap-client.ts';
import type { CoapRequest, CoapResponse } from '../../src/client/coap-request.ts';
import { dotted } from '../../src/coap/codec/codes.ts';
import { findStrings, optionNumber } from '../../src/coap/codec/options.ts';
import { textOf } from '../../src/core/bytes.ts';
import type { Value } from '../../src/core/value.ts';
import { decodeProblem } from '../../src/functions/problem-details.ts';
import { ran } from '../cli/terminal.ts';
import { startGateway, type TestGateway } from '../http/gateway.ts';

const libraries = {
  'bank/index.ts': `
    import { writeFileSync } from 'node:fs';
    import { threadId } from 'node:worker_threads';
    /** An account of somebody. */
    export class Account {
      /** Whose it is. */
      owner: string;
      readonly currency: string = 'EUR';
      #balance: number;
      private secret: string = 'secret';
      _hidden: number = 1;
      static made: number = 0;
      constructor(owner: string, balance: number = 0) {
        if (balance < 0) throw new RangeError('it begins with a debt');
        this.owner = owner;
        this.#balance = balance;
      }
      get balance(): number { return this.#balance; }
      set limit(value: number) { this.#balance = Math.min(this.#balance, value); }
      deposit(amount: number): number { this.#balance += amount; return this.#balance; }
      /** @safe */
      thread(): number { return threadId; }
      async later(): Promise<string> { return this.owner + ' later'; }
      fail(): never { throw new TypeError('no such luck'); }
      end(): void { process.exit(3); }
      hidden_(): void {}
      private rob(): string { return this.secret; }
      close(): void { writeFileSync(this.owner + '.closed', ''); }
    }
    export class Later {
      constructor(name: string) { return Promise.reject(new Error(name)) as unknown as this; }
    }
    let spun = 0;
    /** @safe */
    export function times(): number { return spun; }
    /** @safe */
    export function spin(ms: number): number { const end = Date.now() + ms; while (Date.now() < end); spun++; return threadId; }
    export function plain(): string { return 'plain'; }`,
  'shapes/index.ts': `
    /** What has an area. */
    export abstract class Shape {
      name: string;
      constructor(name: string) { this.name = name; }
      /** How large it is. @safe */
      abstract area(scale: number): number;
      protected abstract secret(): void;
      wider(to: number): void;
      wider(to: string): void;
      wider(): void {}
    }
    class Square extends Shape { area(scale: number): number { return 4 * scale; } secret(): void {} }
    export class Unit extends Shape { constructor() { super('unit'); } area(): number { return 1; } secret(): void {} }
    export function square(): Shape { return new Square('square'); }
    export function areaOf(shape: Shape): number { return shape.area(10); }
    export class Door {
      private constructor() {}
      static open(): Door { return new Door(); }
      knock(): string { return 'who is there?'; }
    }
    export function door(): Door { return Door.open(); }`,
};

let gateway: TestGateway;
let client: CoapClient;
beforeAll(async () => {
  gateway = await startGateway({ libraries, more: { objects: { perIdentity: 5 } } });
  client = await openCoapClient({});
});
afterAll(async () => {
  await client.close();
  await gateway.close();
});

const coap = (method: CoapRequest['method'], path: string, value?: Value): Promise<CoapResponse> =>
  client.request({
    uri: gateway.coap + path,
    method,
    ...(value !== undefined && { payload: encodeCbor(value), contentFormat: 60 }),
  });
const idOf = ({ options }: CoapResponse): string =>
  `/${(findStrings(options, optionNumber.locationPath) ?? []).join('/')}`;
const make = async (...args: Value[]): Promise<string> => idOf(await coap('POST', '/func/bank/Account', args));
const told = ({ code, payload }: CoapResponse): unknown =>
  code < 0x80 ? [dotted(code), payload.length === 0 ? undefined : decodeCbor(payload)] : decodeProblem(payload).name;

test('an object is made, called, read, set, and let go of', async () => {
  const owner = join(gateway.folder, 'ada');
  const made = await coap('POST', '/func/bank/Account', { owner, balance: 10 });
  expect([dotted(made.code), idOf(made)]).toEqual(['2.01', expect.stringMatching(/^\/o\/[\w-]{8}$/) as string]);
  const path = idOf(made);
  expect(told(await coap('POST', `${path}/deposit`, [5]))).toEqual(['2.04', 15]);
  expect(told(await coap('POST', `${path}/deposit`, { amount: 5 }))).toEqual(['2.04', 20]);
  expect(told(await coap('GET', `${path}/balance`))).toEqual(['2.05', 20]);
  expect(told(await coap('PUT', `${path}/limit`, 7))).toEqual(['2.04', undefined]);
  expect(told(await coap('GET', `${path}/balance`))).toEqual(['2.05', 7]);
  expect(told(await coap('GET', `${path}/owner`))).toEqual(['2.05', owner]);
  expect(told(await coap('POST', `${path}/later`))).toEqual(['2.04', `${owner} later`]);
  const other = await make('bob');
  expect(told(await coap('GET', `${other}/balance`))).toEqual(['2.05', 0]);
  expect(told(await coap('PUT', `${other}/owner`, 'eve'))).toEqual(['2.04', undefined]);
  expect(told(await coap('GET', `${other}/owner`))).toEqual(['2.05', 'eve']);
  expect(told(await coap('DELETE', path))).toEqual(['2.02', undefined]);
  expect(existsSync(`${owner}.closed`)).toBe(true);
  expect(told(await coap('GET', `${path}/balance`))).toBe('no-such-resource');
  await coap('PUT', `${other}/owner`, join(gateway.folder, 'bob'));
  await coap('DELETE', other);
});

test('what the class does not show is not there, and what it shows is checked', async () => {
  const path = await make(join(gateway.folder, 'carol'));
  for (const name of ['secret', '_hidden', 'rob', 'made', 'constructor', '__proto__', 'toString', 'hasOwnProperty'])
    expect([name, told(await coap('POST', `${path}/${name}`))]).toEqual([name, 'no-such-method']);
  expect(told(await coap('PUT', `${path}/currency`, 'USD'))).toBe('method-not-allowed');
  expect(told(await coap('PUT', `${path}/balance`, 5))).toBe('method-not-allowed');
  expect(told(await coap('GET', `${path}/limit`))).toBe('method-not-allowed');
  expect(told(await coap('GET', `${path}/deposit?amount=1`))).toBe('not-safe');
  expect(told(await coap('POST', `${path}/deposit`, ['x']))).toBe('wrong-type');
  expect(told(await coap('PUT', `${path}/limit`, 'x'))).toBe('wrong-type');
  expect(told(await coap('POST', '/func/bank/Account', [5]))).toBe('wrong-type');
  expect(told(await coap('GET', '/func/bank/Account'))).toBe('method-not-allowed');
  expect(told(await coap('POST', '/func/bank/Account', ['dan', -1]))).toBe('function-failed');
  expect(told(await coap('POST', `${path}/fail`))).toBe('function-failed');
  expect(told(await coap('GET', '/o/AAAAAAAA/balance'))).toBe('no-such-resource');
  expect(told(await coap('GET', `${path}/balance`))).toEqual(['2.05', 0]);
  await coap('DELETE', path);
});

test('of an abstract class, and of one with a private constructor, nobody makes objects: they are had from functions', async () => {
  const refused = {
    Shape: 'it is abstract; make an object of a class that extends it',
    Door: 'its constructor is private; export a function that returns an object of it, and call that',
  };
  for (const [name, why] of Object.entries(refused)) {
    for (const method of ['POST', 'GET'] as const) {
      const answer = await coap(method, `/func/shapes/${name}?_why`);
      const problem = decodeProblem(answer.payload);
      expect([dotted(answer.code), problem.name, problem.detail]).toEqual([
        '4.04',
        'not-callable',
        `No object is made of shapes/${name}: ${why}.`,
      ]);
    }
    expect(decodeCbor((await coap('GET', '/func/shapes')).payload)).toMatchObject({
      functions: { [name]: { class: true, notCallable: why } },
    });
    expect(decodeCbor((await coap('GET', `/func/shapes/${name}?_describe`)).payload)).toMatchObject({
      notCallable: why,
      parameters: [],
    });
  }
  expect(decodeCbor((await coap('GET', '/func')).payload)).toMatchObject({ shapes: { functions: 4 } });
  const given = async (name: string): Promise<string> =>
    decodeCbor((await coap('POST', `/func/shapes/${name}`)).payload, defaultDecodeLimits, asPath) as string;
  const [square, door, unit] = [
    await given('square'),
    await given('door'),
    idOf(await coap('POST', '/func/shapes/Unit')),
  ];
  expect(told(await coap('GET', `${square}/area?scale=2`))).toEqual(['2.05', 8]);
  expect(told(await coap('POST', `${square}/secret`))).toBe('no-such-method');
  expect(told(await coap('POST', `${door}/knock`))).toEqual(['2.04', 'who is there?']);
  expect(told(await coap('POST', '/func/shapes/areaOf', [square]))).toEqual(['2.04', 40]);
  expect(told(await coap('POST', '/func/shapes/areaOf', [unit]))).toEqual(['2.04', 1]);
  for (const path of [square, door, unit]) await coap('DELETE', path);
});

test('a constructor that gives a promise makes no object, and what becomes of the promise harms nobody', async () => {
  const account = await make(join(gateway.folder, 'ann'));
  expect(told(await coap('POST', '/func/bank/Later', ['late']))).toBe('function-failed');
  expect(told(await coap('POST', `${account}/deposit`, [5]))).toEqual(['2.04', 5]);
  await coap('DELETE', account);
});

test('discovery says what a class takes and what its objects offer', async () => {
  const path = await make('x');
  const described = decodeCbor((await coap('GET', '/func/bank/Account?_describe')).payload);
  expect(described).toMatchObject({
    library: 'bank',
    class: 'Account',
    title: 'An account of somebody.',
    parameters: [
      { name: 'owner', type: 'string', required: true },
      { name: 'balance', default: 0 },
    ],
    methods: {
      deposit: { parameters: [{ name: 'amount', type: 'number' }], returns: 'number' },
      thread: { safe: true },
    },
    attributes: {
      owner: { title: 'Whose it is.', type: 'string', writable: true },
      balance: { type: 'number' },
      limit: { writable: true, writeOnly: true },
    },
  });
  expect(decodeCbor((await coap('GET', path)).payload)).toEqual(described);
  const listed = decodeCbor((await coap('GET', '/func/bank')).payload);
  expect(listed).toMatchObject({ functions: { Account: { id: 0, title: 'An account of somebody.', class: true } } });
  expect(listed).not.toMatchObject({ functions: { Account: { notCallable: expect.anything() as string } } });
  const schema = decodeCbor((await coap('GET', '/func/bank/Account?_describe=schema')).payload);
  expect(schema).toMatchObject({
    title: 'An account of somebody.',
    properties: { owner: { type: 'string' } },
    required: ['owner'],
  });
  expect(textOf((await coap('GET', '/func/bank/Account?_describe=cddl')).payload)).toMatch(/owner/);
  const ids = (described as { ids: number[] }).ids.join('/');
  const compact = await coap('POST', `/f/${ids}`, ['compact']);
  expect(dotted(compact.code)).toBe('2.01');
  for (const made of [path, idOf(compact)]) await coap('PUT', `${made}/owner`, join(gateway.folder, 'x'));
  for (const made of [path, idOf(compact)]) await coap('DELETE', made);
});

test('the command line lists and describes classes', async () => {
  const listed = await ran(['ls', `${gateway.coap}/func/bank`]);
  expect(listed.out).toMatch(/^Account +0 +class +An account of somebody\.$/m);
  const described = await ran(['describe', `${gateway.coap}/func/bank/Account`]);
  expect([described.code, described.err]).toEqual([0, '']);
  expect(described.out).toMatch(
    /^new Account\(owner: string, balance: number = 0\)\n\nAn account of somebody\.\n\npath +\/func\/bank\/Account$/m,
  );
  expect(described.out).toMatch(/^deposit\(amount: number\): number +POST$/m);
  expect(described.out).toMatch(/^thread\(\): number +safe$/m);
  expect(described.out).toMatch(/^owner: string +read, set +Whose it is\.$/m);
  expect(described.out).toMatch(/^balance: number +read$/m);
  expect(described.out).toMatch(/^limit: number +set$/m);
});

test('a library that makes objects has one thread, where functions and objects meet, and objects are lost with it', async () => {
  const path = await make(join(gateway.folder, 'finn'));
  const thread = told(await coap('GET', `${path}/thread`));
  const busy = [coap('FETCH', '/func/bank/spin', [50]), coap('FETCH', '/func/bank/spin', [51])];
  const other = await make(join(gateway.folder, 'fay'));
  expect(told(await coap('GET', `${other}/thread`))).toEqual(thread);
  expect((await Promise.all(busy)).map(told)).toEqual([thread, thread]);
  expect(told(await coap('FETCH', '/func/bank/times'))).toEqual(['2.05', 2]);
  expect(told(await coap('POST', `${path}/end`))).toBe('worker-lost');
  expect(told(await coap('GET', `${path}/thread`))).toBe('object-lost');
  expect(told(await coap('GET', `${path}/thread`))).toBe('no-such-resource');
  expect(told(await coap('DELETE', other))).toBe('object-lost');
  expect(told(await coap('POST', '/func/bank/plain'))).toEqual(['2.04', 'plain']);
});

test('an edit of the library leaves objects what they were made of', async () => {
  const path = await make(join(gateway.folder, 'gil'), 3);
  const file = join(gateway.folder, 'libraries', 'bank', 'index.ts');
  const source = readFileSync(file, 'utf8');
  const { writeFileSync } = await import('node:fs');
  writeFileSync(file, source.replace("return 'plain'", "return 'edited'"));
  await vi.waitFor(
    async () => expect(told(await coap('POST', '/func/bank/plain'))).toEqual(['2.04', 'edited']),
    10_000,
  );
  expect(told(await coap('POST', `${path}/deposit`, [1]))).toEqual(['2.04', 4]);
  await coap('DELETE', path);
});

test('one identity has so many objects and no more', async () => {
  const paths: string[] = [];
  for (let i = 0; i < 5; i++) paths.push(await make(join(gateway.folder, `many-${i}`)));
  expect(told(await coap('POST', '/func/bank/Account', ['more']))).toBe('rate-exceeded');
  for (const path of paths) await coap('DELETE', path);
  const again = await make(join(gateway.folder, 'again'));
  expect(again).toMatch(/^\/o\//);
  await coap('DELETE', again);
});
