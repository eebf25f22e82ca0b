/** Objects over HTTP (docs/objects.md): what each request does, whose they are, and what is refused. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { decodeCbor } from '../../src/cbor/decode.ts';
import { encodeCbor } from '../../src/cbor/encode.ts';
import { channels, type RequestAnswered } from '../../src/core/channels.ts';
import { ran } from '../cli/terminal.ts';
import { ruleOf } from '../gateway/access-rule.ts';
import { openDoors, type Doors, type OpenDoor } from './doors.ts';
import { ask, post, type Answered, type Asked } from './gateway.ts';

const libraries = {
  'bank/index.ts': `
    import { context } from 'funcoap/library';
    /** An account of somebody. */
    export class Account {
      owner: string;
      readonly currency: string = 'EUR';
      notes: string[] = [];
      #balance: number;
      constructor(owner: string, balance: number = 0) { this.owner = owner; this.#balance = balance; }
      get balance(): number { return this.#balance; }
      set limit(value: number) { this.#balance = Math.min(this.#balance, value); }
      /** Puts something in. */
      deposit(amount: number): number { return (this.#balance += amount); }
      /** @safe */ report(prefix: string = ''): string { return prefix + this.owner + ': ' + this.#balance; }
      /** @safe */ who(): string { return context().identity; }
      forget(): void {}
      fail(): never { throw new TypeError('secret words'); }
      async wait(): Promise<string> {
        this.owner = 'waits';
        return await new Promise((resolve) => {
          context().signal.addEventListener('abort', () => { this.owner = 'left'; resolve('aborted'); });
        });
      }
      private rob(): void {}
    }
    const kept = new Account('kept', 5);
    export function own(): Account { return kept; }
    export function plain(): string { return 'plain'; }`,
};

const json = { 'content-type': 'application/json' };
let folder: string;
let doors: Doors;
let door: OpenDoor;
let url: string;
let tokens: readonly string[];

const rules = [
  ruleOf({ identity: 'local', functions: ['bank/*'] }),
  ruleOf({ identity: 'ann', functions: ['bank/Account', 'bank/Account.deposit', 'bank/Account.balance?'] }),
  ruleOf({ identity: 'bob', functions: ['bank/plain'] }),
  ruleOf({ identity: 'cy', functions: ['bank/own', 'bank/Account.deposit', 'bank/Account.owner='] }),
];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'funcoap-objects-'));
  const data = join(folder, 'data');
  const funcoap = async (line: string): Promise<string> => (await ran([...line.split(' '), '--data', data])).out.trim();
  await funcoap('ca init --host 127.0.0.1');
  await funcoap('enroll ann');
  await funcoap('enroll bob');
  await funcoap('enroll cy');
  tokens = [await funcoap('token ann'), await funcoap('token bob'), await funcoap('token cy')];
  doors = await openDoors(libraries, data);
  door = await doors.open({ access: rules, maxBodyBytes: 1000, rate: { perSecond: 10_000, burst: 10_000 } });
  url = door.url;
});
afterAll(async () => {
  await door.close();
  await doors.close();
  rmSync(folder, { recursive: true });
});

const made = async (...args: unknown[]): Promise<string> => {
  const { status, headers } = await post(`${url}/func/bank/Account`, args);
  expect(status).toBe(201);
  return url + String(headers.location);
};
const put = (path: string, value: unknown): Promise<Answered> =>
  ask(path, { method: 'PUT', headers: json, body: JSON.stringify(value) });
const remove = (path: string, more: Asked = {}): Promise<Answered> => ask(path, { ...more, method: 'DELETE' });

describe('an object', () => {
  test('is made by POST to its class: 201 with its place, and nothing else', async () => {
    const { status, headers, bytes } = await post(`${url}/func/bank/Account`, { owner: 'Ada', balance: 10 });
    expect([status, headers.location, bytes.length, headers['cache-control']]).toEqual([
      201,
      expect.stringMatching(/^\/o\/[\w-]{8}$/) as string,
      0,
      'no-store',
    ]);
    await remove(url + String(headers.location));
  });

  test('is called, read, set and let go of', async () => {
    const account = await made('Ada', 10);
    expect((await post(`${account}/deposit`, [5])).json).toBe(15);
    expect((await post(`${account}/deposit`, { amount: 5 })).json).toBe(20);
    expect((await ask(`${account}/deposit?amount=1`, { method: 'POST' })).json).toBe(21);
    expect((await ask(`${account}/report?prefix=it+is+`)).json).toBe('it is Ada: 21');
    expect((await ask(`${account}/report`, { method: 'QUERY', headers: json, body: '["q "]' })).json).toBe('q Ada: 21');
    expect((await put(`${account}/owner`, 'Grace')).status).toBe(204);
    expect((await put(`${account}/limit`, 7)).status).toBe(204);
    expect((await ask(`${account}/report`)).json).toBe('Grace: 7');
    expect((await post(`${account}/forget`, [])).status).toBe(204);
    expect((await remove(account)).status).toBe(204);
    for (const gone of [await ask(account), await ask(`${account}/owner`), await remove(account)])
      expect([gone.status, gone.problem]).toEqual([404, 'no-such-resource']);
  });

  test('is set to the body as a whole, also where that is a list', async () => {
    const account = await made('Ada');
    expect((await put(`${account}/notes`, ['a', 'b'])).status).toBe(204);
    expect((await ask(`${account}/notes`)).json).toEqual(['a', 'b']);
    await remove(account);
  });

  test('answers in CBOR where CBOR is spoken, and as text where text is accepted', async () => {
    const account = await made('Ada', 1);
    const headers = { 'content-type': 'application/cbor' };
    const body = encodeCbor([2]);
    const { bytes, headers: answered } = await ask(`${account}/deposit`, { method: 'POST', headers, body });
    expect([decodeCbor(bytes), answered['content-type']]).toEqual([3, 'application/cbor']);
    expect((await ask(`${account}/owner`, { headers: { accept: 'text/plain' } })).text).toBe('Ada');
    expect((await ask(`${account}/owner`, { headers: { accept: 'image/png' } })).problem).toBe('not-acceptable');
    await remove(account);
  });

  test('an attribute that the client has is not sent again, until it is another', async () => {
    const account = await made('Ada');
    const { headers } = await ask(`${account}/owner`);
    expect(headers['cache-control']).toBe('private, max-age=0');
    const known = { headers: { 'if-none-match': headers.etag ?? '' } };
    expect((await ask(`${account}/owner`, known)).status).toBe(304);
    await put(`${account}/owner`, 'Grace');
    expect((await ask(`${account}/owner`, known)).status).toBe(200);
    expect((await ask(`${account}/owner`, { method: 'HEAD' })).status).toBe(200);
    await remove(account);
  });

  test('says what it offers, as its class does', async () => {
    const account = await made('Ada');
    const { json: described, headers } = await ask(account);
    expect(described).toMatchObject({ class: 'Account', methods: { deposit: { title: 'Puts something in.' } } });
    expect((await ask(`${url}/func/bank/Account?_describe`)).json).toEqual(described);
    expect((await ask(account, { headers: { 'if-none-match': headers.etag ?? '' } })).status).toBe(304);
    expect((await ask(`${account}/deposit?_describe`)).json).toMatchObject({
      library: 'bank',
      method: 'Account.deposit',
      parameters: [{ name: 'amount', type: 'number' }],
    });
    expect((await ask(`${account}/deposit?_describe=schema`)).json).toMatchObject({ required: ['amount'] });
    await remove(account);
  });

  test('a client that leaves stops its method, and the object stays', async () => {
    const account = await made('Ada');
    const { request } = await import('node:http');
    const leaving = request(`${account}/wait`, { method: 'POST' });
    leaving.on('error', () => undefined);
    leaving.end();
    await vi.waitFor(async () => expect((await ask(`${account}/owner`)).json).toBe('waits'), { timeout: 10_000 });
    leaving.destroy();
    await vi.waitFor(async () => expect((await ask(`${account}/owner`)).json).toBe('left'), { timeout: 10_000 });
    await remove(account);
  });
});

describe('whose it is', () => {
  test('each identity has its own, and `local` is one: to all others it is 404', async () => {
    const [ann = '', bob = ''] = tokens;
    const as = (token: string): Asked => ({ headers: { authorization: `Bearer ${token}` } });
    const own = await post(`${url}/func/bank/Account`, ['Ann', 3], as(ann).headers);
    const account = url + String(own.headers.location);
    expect((await post(`${account}/deposit`, [1], as(ann).headers)).json).toBe(4);
    for (const other of [as(bob), {}]) {
      for (const asked of [
        await ask(account, other),
        await ask(`${account}/balance`, other),
        await ask(`${account}/deposit?amount=1`, { ...other, method: 'POST' }),
        await ask(`${account}/owner`, { method: 'PUT', headers: { ...other.headers, ...json }, body: '"Eve"' }),
        await remove(account, other),
      ])
        expect([asked.status, asked.problem]).toEqual([404, 'no-such-resource']);
    }
    const local = await made('Loc');
    expect((await ask(`${local}/balance`, as(ann))).status).toBe(404);
    expect((await ask(`${local}/who`)).json).toBe('local');
    expect((await ask(`${account}/balance`, as(ann))).json).toBe(4);
    expect((await remove(account, as(ann))).status).toBe(204);
    await remove(local);
  });

  test('rules say who may make, call, read and set', async () => {
    const [ann = '', bob = ''] = tokens;
    const headers = { ...json, authorization: `Bearer ${ann}` };
    const own = await post(`${url}/func/bank/Account`, ['Ann'], headers);
    const account = url + String(own.headers.location);
    expect((await ask(`${account}/balance`, { headers })).status).toBe(200);
    for (const denied of [
      await ask(`${account}/owner`, { headers }),
      await ask(`${account}/owner`, { method: 'PUT', headers, body: '"Eve"' }),
      await post(`${account}/forget`, [], headers),
      await post(`${url}/func/bank/Account`, ['Bob'], { authorization: `Bearer ${bob}` }),
    ])
      expect([denied.status, denied.problem]).toEqual([403, 'access-denied']);
    await remove(account, { headers });
  });

  test('who may use some members sees no others: in the class, the object, a member, OpenAPI', async () => {
    const headers = { authorization: `Bearer ${tokens[0]}` };
    const own = await post(`${url}/func/bank/Account`, ['Ann'], headers);
    const account = url + String(own.headers.location);
    for (const path of [`${url}/func/bank/Account?_describe`, account]) {
      const { methods, attributes } = (await ask(path, { headers })).json as Record<string, object>;
      expect([path, methods, attributes]).toMatchObject([path, { deposit: {} }, { balance: { type: 'number' } }]);
      expect([Object.keys(methods ?? {}), Object.keys(attributes ?? {})]).toEqual([['deposit'], ['balance']]);
    }
    const described = async (name: string): Promise<unknown> =>
      (await ask(`${account}/${name}?_describe`, { headers })).problem;
    expect([await described('balance'), await described('deposit')]).toEqual([undefined, undefined]);
    for (const name of ['owner', 'forget', 'limit']) expect(await described(name)).toBe('access-denied');
    const paths = async (more: Asked): Promise<string[]> => {
      const { json: document } = await ask(`${url}/openapi.json`, more);
      const members = Object.entries((document as { paths: Record<string, object> }).paths);
      return members.flatMap(([path, item]) =>
        path.startsWith('/o/{id}/') ? [`${path.slice(8)} ${Object.keys(item).slice(1).join(' ')}`] : [],
      );
    };
    expect(await paths({ headers })).toEqual(['balance get', 'deposit post']);
    expect(await paths({})).toContain('owner get put');
    await remove(account, { headers });
  });

  test('who is given an object and makes none sees what it may use of it, and is told that it makes none', async () => {
    const headers = { authorization: `Bearer ${tokens[2]}` };
    const account = url + String((await post(`${url}/func/bank/own`, [], headers)).json);
    expect((await post(`${account}/deposit`, [1], headers)).json).toBe(6);
    const notCallable = expect.stringContaining('access rules') as string;
    const seen = { notCallable, parameters: [], methods: { deposit: {} }, attributes: { owner: { writeOnly: true } } };
    for (const path of [account, `${url}/func/bank/Account?_describe`]) {
      const { json: described } = await ask(path, { headers });
      expect([path, described]).toMatchObject([path, seen]);
    }
    expect((await ask(`${url}/func/bank`, { headers })).json).toMatchObject({
      functions: { own: {}, Account: { class: true, notCallable } },
    });
    expect((await ask(`${url}/func`, { headers })).json).toMatchObject({ bank: { functions: 1 } });
    expect((await ask(`${url}/.well-known/core?rt=func*`, { headers })).text).not.toContain('Account');
    const { paths } = (await ask(`${url}/openapi.json`, { headers })).json as { paths: Record<string, object> };
    expect(Object.keys(paths).filter((path) => !path.startsWith('/o/{id}'))).toEqual(['/func/bank/own']);
    expect([paths['/o/{id}/deposit'], paths['/o/{id}/owner']]).toMatchObject([{ post: {} }, { put: {} }]);
    expect((await post(`${url}/func/bank/Account`, ['x'], headers)).problem).toBe('access-denied');
    expect((await ask(`${url}/func/bank/Account`, { headers })).problem).toBe('access-denied');
    await remove(account, { headers });
  });

  test('405 names no verb that a rule denies; where they deny all, that is the answer', async () => {
    const headers = { authorization: `Bearer ${tokens[2]}` };
    const account = url + String((await post(`${url}/func/bank/own`, [], headers)).json);
    const told = async (method: string, name: string): Promise<readonly unknown[]> => {
      const answer = await ask(`${account}/${name}`, { method, headers });
      return [answer.status, answer.problem, answer.headers.allow, (answer.json as { detail: string }).detail];
    };
    expect(await told('POST', 'owner')).toEqual([
      405,
      'method-not-allowed',
      'PUT, OPTIONS',
      'owner can only be set, with PUT.',
    ]);
    expect((await told('PUT', 'deposit')).slice(0, 3)).toEqual([405, 'method-not-allowed', 'POST, OPTIONS']);
    for (const [method, name] of [
      ['POST', 'notes'],
      ['PUT', 'forget'],
      ['PUT', 'balance'],
    ] as const)
      expect((await told(method, name)).slice(0, 3)).toEqual([403, 'access-denied', undefined]);
    await remove(account, { headers });
  });

  test('its id is in no log', async () => {
    const account = await made('Ada');
    const seen: RequestAnswered[] = [];
    const listen = (event: unknown): void => void seen.push(event as RequestAnswered);
    channels.request.subscribe(listen);
    await ask(account);
    await ask(`${account}/owner`);
    await ask(`${account}/owner/more`);
    await remove(account);
    channels.request.unsubscribe(listen);
    expect(seen.map(({ target }) => target)).toEqual(['o', 'o/*/owner', 'o', 'o']);
  });
});

describe('what is refused', () => {
  let account: string;
  beforeAll(async () => {
    account = await made('Ada', 10);
  });
  afterAll(async () => {
    expect((await ask(`${account}/report`)).json).toBe('Ada: 10');
    await remove(account);
  });

  test.each<[what: string, path: string, asked: Asked, status: number, problem: string]>([
    ['an id that is guessed', '/o/AAAAAAAA/balance', {}, 404, 'no-such-resource'],
    ['an id of another length', `/o/${'A'.repeat(50)}`, {}, 404, 'no-such-resource'],
    ['an id that is none', '/o/__proto__', {}, 404, 'no-such-resource'],
    ['a path that goes on', '*/owner/more', {}, 404, 'no-such-resource'],
    ['an unknown member', '*/nothing', {}, 404, 'no-such-method'],
    ['a private method', '*/rob', { method: 'POST' }, 404, 'no-such-method'],
    ['__proto__', '*/__proto__', { method: 'PUT', headers: json, body: '{}' }, 404, 'no-such-method'],
    ['constructor', '*/constructor', { method: 'POST' }, 404, 'no-such-method'],
    ['toString', '*/toString', {}, 404, 'no-such-method'],
    ['a static or inherited name', '*/hasOwnProperty?x=1', {}, 404, 'no-such-method'],
    ['a name that is encoded', '*/%5F%5Fproto%5F%5F', {}, 404, 'no-such-method'],
    ['an argument of the wrong type', '*/deposit', { method: 'POST', headers: json, body: '["x"]' }, 422, 'wrong-type'],
    ['an attribute of the wrong type', '*/owner', { method: 'PUT', headers: json, body: '5' }, 422, 'wrong-type'],
    ['an attribute and no value', '*/owner', { method: 'PUT' }, 422, 'missing-argument'],
    ['an argument too many', '*/deposit', { method: 'POST', headers: json, body: '[1,2]' }, 422, 'too-many-arguments'],
    [
      '__proto__ as an argument',
      '*/deposit',
      { method: 'POST', headers: json, body: '{"__proto__":1}' },
      422,
      'unexpected-argument',
    ],
    ['no JSON', '*/owner', { method: 'PUT', headers: json, body: '{' }, 400, 'malformed-body'],
    ['a body too long', '*/owner', { method: 'PUT', headers: json, body: `"${'x'.repeat(2000)}"` }, 413, 'too-large'],
    ['a body of no type', '*/owner', { method: 'PUT', body: '"x"' }, 415, 'unsupported-format'],
    [
      'a form',
      '*/deposit',
      { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'amount=1' },
      415,
      'unsupported-format',
    ],
    [
      'text without a token',
      '*/owner',
      { method: 'PUT', headers: { 'content-type': 'text/plain' }, body: 'x' },
      415,
      'unsupported-format',
    ],
    [
      'a page of another origin',
      '*/owner',
      { method: 'PUT', headers: { ...json, origin: 'http://evil.example' }, body: '"x"' },
      403,
      'foreign-origin',
    ],
    ['a job of a method', '*/deposit?_job', { method: 'POST', headers: json, body: '[1]' }, 400, 'bad-request'],
    [
      'a job of a class',
      '/func/bank/Account?_job',
      { method: 'POST', headers: json, body: '["x"]' },
      400,
      'bad-request',
    ],
    ['a word for streams', '*/deposit?_from=1', { method: 'POST', headers: json, body: '[1]' }, 400, 'unknown-query'],
    ['arguments twice', '*/deposit?amount=1', { method: 'POST', headers: json, body: '[1]' }, 400, 'arguments-twice'],
    ['a method that throws', '*/fail', { method: 'POST' }, 500, 'function-failed'],
    ['a constructor without what it needs', '/func/bank/Account', { method: 'POST' }, 422, 'missing-argument'],
  ])('%s', async (_, path, asked, status, problem) => {
    const answer = await ask(path.startsWith('*') ? account + path.slice(1) : url + path, asked);
    expect([answer.status, answer.problem]).toEqual([status, problem]);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.text).not.toContain('secret words');
  });

  test.each([
    ['GET', '/func/bank/Account', 'POST, OPTIONS'],
    ['POST', '*', 'GET, HEAD, DELETE, OPTIONS'],
    ['PUT', '*', 'GET, HEAD, DELETE, OPTIONS'],
    ['GET', '*/deposit', 'POST, OPTIONS'],
    ['PUT', '*/deposit', 'POST, OPTIONS'],
    ['PUT', '*/report', 'GET, HEAD, QUERY, POST, OPTIONS'],
    ['PUT', '*/balance', 'GET, HEAD, QUERY, OPTIONS'],
    ['PUT', '*/currency', 'GET, HEAD, QUERY, OPTIONS'],
    ['GET', '*/limit', 'PUT, OPTIONS'],
    ['POST', '*/owner', 'GET, HEAD, QUERY, PUT, OPTIONS'],
    ['DELETE', '*/owner', 'GET, HEAD, QUERY, POST, PUT, OPTIONS'],
  ])('%s of %s is 405, and Allow says what there is: %s', async (method, path, allow) => {
    const asked: Asked = method === 'PUT' ? { method, headers: json, body: '1' } : { method };
    const answer = await ask(path.startsWith('*') ? account + path.slice(1) : url + path, asked);
    expect([answer.status, answer.headers.allow]).toEqual([405, allow]);
  });

  test('Prefer: respond-async is no reason to refuse: it is done at once (RFC 7240 §2)', async () => {
    const prefer = { prefer: 'respond-async' };
    const { status, headers } = await post(`${url}/func/bank/Account`, ['Ada'], prefer);
    expect([status, headers['preference-applied']]).toEqual([201, undefined]);
    const other = url + String(headers.location);
    expect((await post(`${other}/deposit`, [1], prefer)).json).toBe(1);
    await remove(other);
  });
});

test('one identity has so many objects and no more', async () => {
  const paths = await Promise.all(Array.from({ length: 10 }, () => made('many')));
  const { status, problem, headers } = await post(`${url}/func/bank/Account`, ['more']);
  expect([status, problem, headers['retry-after']]).toEqual([429, 'rate-exceeded', '10']);
  await Promise.all(paths.map((path) => remove(path)));
});
