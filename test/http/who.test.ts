/** Who may come in over HTTP, and as whom. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, get as httpGet, type IncomingMessage, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { seconds } from '../../src/core/duration.ts';
import { timeOfDay, type TimeOfDay } from '../../src/core/time-of-day.ts';
import { Credentials } from '../../src/devices/credentials.ts';
import { SqliteIdentityStore } from '../../src/store/sqlite/identity-store.ts';
import { tokenKey } from '../../src/store/token-key.ts';
import { ManualScheduler } from '../../src/transport/manual-scheduler.ts';
import { systemScheduler } from '../../src/transport/scheduler.ts';
import { ran } from '../cli/terminal.ts';
import { ruleOf } from '../gateway/access-rule.ts';
import { openDoors, type Doors, type OpenDoor } from './doors.ts';
import { ask, post, type Asked } from './gateway.ts';

const libraries = {
  'who/index.ts': `import { context } from 'funcoap/library';
    /** @safe */ export function am(): string { return context().identity; }
    /** @safe */ export function within(): readonly string[] { return context().groups; }
    /** @safe */ export function peer(): string { return context().peer; }
    export function change(): string { return 'changed'; }
    /** @safe */ export async function* ticks(): AsyncGenerator<number> {
      for (let tick = 0; ; tick++) { await new Promise((resolve) => { setTimeout(resolve, 10); }); yield tick; }
    }
    /** @safe */ export async function* waits(): AsyncGenerator<number> { yield 1; await new Promise(() => {}); }
    /** @safe */ export function* floods(): Generator<string> { yield 'x'.repeat(30_000_000); }
    /** @pure @maxAge 1h */ export function fixed(): number { return 1; }
    export function say(text: string): string { return text; }`,
  'staff/index.ts': `/** @safe */ export function only(): string { return 'staff'; }`,
};

let folder: string;
let data: string;
let key: string;
let cert: string;
let ca: string;
let doors: Doors;

async function funcoap(line: string): Promise<string> {
  const { code, out, err } = await ran([...line.split(' '), '--data', data], { workingFolder: folder });
  expect([code, err]).toEqual([0, '']);
  return out;
}
/** The gateway looks ten times a second for who is enrolled. */
const patiently = { timeout: 10_000 };
const tokenOf = async (name: string, more = ''): Promise<string> => (await funcoap(`token ${name}${more}`)).trim();
const bearing = (token: string): Asked => ({ headers: { authorization: `Bearer ${token}` } });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'funcoap-who-'));
  data = join(folder, 'data');
  await funcoap('ca init --host 127.0.0.1');
  await funcoap('enroll ann --group staff');
  await funcoap(`enroll gate --x509 --out ${join(folder, 'gate')}`);
  doors = await openDoors(libraries, data);
  ca = readFileSync(join(data, 'ca', 'root.crt.pem'), 'utf8');
  cert = readFileSync(join(folder, 'gate', 'gate.crt.pem'), 'utf8');
  key = readFileSync(join(folder, 'gate', 'gate.key.pem'), 'utf8');
});
afterAll(async () => {
  await doors.close();
  rmSync(folder, { recursive: true });
});
afterEach(() => doors.closeOpened());

const am = (gateway: OpenDoor, asked: Asked = {}): ReturnType<typeof ask> => ask(`${gateway.url}/func/who/am`, asked);

describe('without an identity', () => {
  test('a caller is local on a loopback listener', async () => {
    expect((await am(await doors.open())).json).toBe('local');
  });
  test.each([
    ['forwarded', 'for=192.0.2.1'],
    ['x-forwarded-for', '192.0.2.1'],
    ['x-forwarded-proto', 'https'],
    ['x-real-ip', '192.0.2.1'],
    ['via', '1.1 proxy'],
  ])('not where %s says that a proxy stands between', async (name, value) => {
    const { status, problem, headers } = await am(await doors.open(), { headers: { [name]: value } });
    expect([status, problem, headers['www-authenticate']]).toEqual([401, 'identity-needed', 'Bearer']);
  });
  test('not where it is behind thousands of other headers', async () => {
    const gateway = await doors.open();
    const many = Object.fromEntries(Array.from({ length: 2100 }, (_, n) => [n.toString(36), '']));
    expect((await am(gateway, { headers: { ...many, 'x-forwarded-for': '192.0.2.1' } })).status).toBe(401);
  });
  test('not where a proxy is trusted', async () => {
    expect((await am(await doors.open({ proxies: ['127.0.0.1'] }))).status).toBe(401);
  });
  test('not on a listener beyond loopback, also from this machine', async () => {
    const gateway = await doors.open({ listen: ['0.0.0.0'] });
    const url = gateway.url.replace('0.0.0.0', '127.0.0.1');
    for (const path of ['/func/who/am', '/func', '/frmlist', '/openapi.json', '/.well-known/core'])
      expect([path, (await ask(url + path)).status]).toEqual([path, 401]);
    // The page itself is the same for everybody, and tells nothing.
    expect((await ask(`${url}/docs`)).status).toBe(200);
  });
});

describe('a bearer token', () => {
  test('is who it was made for, and rules count for it', async () => {
    const access = [ruleOf({ identity: 'local', functions: ['who/*'] }), ruleOf({ group: 'staff', functions: ['*'] })];
    const gateway = await doors.open({ access });
    const token = await tokenOf('ann');
    expect((await am(gateway, bearing(token))).json).toBe('ann');
    expect((await ask(`${gateway.url}/func/staff/only`, bearing(token))).json).toBe('staff');
    expect((await ask(`${gateway.url}/func/staff/only`)).problem).toBe('identity-needed');
    expect((await ask(`${gateway.url}/frmlist`)).json).toEqual({ frameworks: ['who'] });
    expect((await ask(`${gateway.url}/openapi.json`)).text).not.toContain('staff');
    expect((await ask(`${gateway.url}/openapi.json`, bearing(token))).text).toContain('/func/staff/only');
  });
  test('that is none is 401, never local', async () => {
    const gateway = await doors.open();
    const token = await tokenOf('ann');
    const [header = '', claims = '', signature = ''] = token.split('.');
    const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url');
    const forged = Buffer.from(
      JSON.stringify({ ...JSON.parse(Buffer.from(claims, 'base64url').toString()), sub: 'x' }),
    ).toString('base64url');
    const wrong = [
      'x',
      `${none}.${claims}.`,
      `${none}.${claims}.${signature}`,
      `${header}.${forged}.${signature}`,
      `${header}.${claims}.`,
      `${token}.x`,
    ];
    for (const text of wrong) {
      const { status, headers } = await am(gateway, bearing(text));
      expect([text, status, headers['www-authenticate']]).toEqual([text, 401, 'Bearer error="invalid_token"']);
    }
    expect((await am(gateway, { headers: { authorization: 'Basic YTpi' } })).status).toBe(401);
  });
  test('of another data folder is none', async () => {
    const gateway = await doors.open();
    const other = mkdtempSync(join(tmpdir(), 'funcoap-other-'));
    const run = async (line: string): Promise<string> => (await ran([...line.split(' '), '--data', other])).out;
    await run('enroll ann');
    expect((await am(gateway, bearing((await run('token ann')).trim()))).status).toBe(401);
    rmSync(other, { recursive: true });
  });
  test('expires', async () => {
    const gateway = await doors.open();
    const { json } = await am(gateway, bearing(await tokenOf('ann', ' --expires 0s')));
    expect(json).toMatchObject({ status: 401, detail: expect.stringContaining('expired') });
  });
  test('that ends takes with it what is still being read with it', async () => {
    const gateway = await doors.open();
    await funcoap('enroll reader');
    const token = await tokenOf('reader');
    await vi.waitFor(async () => expect((await am(gateway, bearing(token))).json).toBe('reader'), patiently);
    const headers = { ...bearing(token).headers, accept: 'text/event-stream' };
    const read = await fetch(`${gateway.url}/func/who/ticks`, { headers });
    await funcoap('identities revoke reader');
    const text = await read.text();
    expect([read.status, text.slice(text.lastIndexOf('event:'))]).toEqual([
      200,
      expect.stringMatching(/^event: error\ndata: .*identity-needed/) as string,
    ]);
  });
  test.each([
    ['an event', 'waits', 'text/event-stream', /identity-needed[^]*$/],
    ['an event', 'fixed', 'text/event-stream', /identity-needed[^]*$/],
    ['a connection that ends in the middle', 'waits', 'application/x-ndjson', /terminated/],
  ])('so at once, also while nothing comes, by %s (%s)', async (_, method, accept, says) => {
    const gateway = await doors.open({ scheduler: new ManualScheduler(systemScheduler.now()) });
    const name = `reader-${method}-${accept.length}`;
    await funcoap(`enroll ${name}`);
    const token = await tokenOf(name);
    await vi.waitFor(async () => expect((await am(gateway, bearing(token))).json).toBe(name), patiently);
    const headers = { ...bearing(token).headers, accept };
    const read = await fetch(`${gateway.url}/func/who/${method}`, { headers });
    expect(read.status).toBe(200);
    await vi.waitFor(() => expect(gateway.door.pending).toBe(1), patiently);
    const text = read.text().catch((error: unknown) => String(error));
    await funcoap(`identities revoke ${name}`);
    expect(await text).toMatch(says);
    await vi.waitFor(() => expect(gateway.door.pending).toBe(0), patiently);
  });
  describe('that expires in the middle of a flow in which nothing comes ends it, and nobody has to revoke it', () => {
    let past = 0;
    const now = (): TimeOfDay => timeOfDay(Date.now() + past);
    let store: SqliteIdentityStore;
    let credentials: Credentials;
    beforeEach(async () => {
      past = 0;
      store = SqliteIdentityStore.open(data, systemScheduler);
      credentials = await Credentials.open({ store, timeOfDay: now, onFault: () => undefined });
    });
    afterEach(async () => {
      credentials.close();
      await store.close();
    });

    test.each([
      ['the token', '1d', '1h', []],
      ['its identity', '1h', '1d', ['identity']],
    ])('%s', async (_, identityFor, tokenFor, ended) => {
      const scheduler = new ManualScheduler(systemScheduler.now());
      const gateway = await doors.open({
        scheduler,
        timeOfDay: now,
        identities: () => ({ credentials, tokenKey: tokenKey(data) }),
      });
      const name = `short-${identityFor}`;
      await funcoap(`enroll ${name} --expires ${identityFor}`);
      const token = await tokenOf(name, ` --expires ${tokenFor}`);
      await vi.waitFor(async () => expect((await am(gateway, bearing(token))).json).toBe(name), patiently);
      const isEnded: string[] = [];
      credentials.onEnd(() => isEnded.push('identity'));
      const headers = { ...bearing(token).headers, accept: 'text/event-stream' };
      const read = await fetch(`${gateway.url}/func/who/waits`, { headers });
      const text = read.text();
      past = 3_600_000;
      scheduler.advance(seconds(1));
      expect(await text).toMatch(/identity-needed[^]*$/);
      expect(isEnded).toEqual(ended);
      await vi.waitFor(() => expect(gateway.door.pending).toBe(0), patiently);
    });
  });
  test('so too where nobody takes what is told', async () => {
    const gateway = await doors.open();
    await funcoap('enroll sleeper');
    const token = await tokenOf('sleeper');
    await vi.waitFor(async () => expect((await am(gateway, bearing(token))).json).toBe('sleeper'), patiently);
    const asked = httpGet(`${gateway.url}/func/who/floods`, {
      headers: { ...bearing(token).headers, accept: 'text/event-stream' },
    }).on('error', () => undefined);
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    answer.on('error', () => undefined).pause();
    // More than the buffers between here and there hold.
    await vi.waitFor(() => expect(answer.readableLength).toBeGreaterThan(0), patiently);
    expect(gateway.door.pending).toBe(1);
    await funcoap('identities revoke sleeper');
    await vi.waitFor(() => expect(gateway.door.pending).toBe(0), patiently);
    asked.destroy();
  });
  test('ends with its identity, and does not come back with its name', async () => {
    const gateway = await doors.open();
    await funcoap('enroll bob');
    const token = await tokenOf('bob');
    await vi.waitFor(async () => expect((await am(gateway, bearing(token))).json).toBe('bob'), patiently);
    const job = await post(`${gateway.url}/func/who/change?_job`, undefined, { authorization: `Bearer ${token}` });
    expect((await ask(`${gateway.url}/j`, bearing(token))).json).toHaveLength(1);
    await funcoap('identities revoke bob');
    await vi.waitFor(async () => expect((await am(gateway, bearing(token))).status).toBe(401), patiently);
    await funcoap('enroll bob');
    const fresh = await tokenOf('bob');
    await vi.waitFor(async () => expect((await am(gateway, bearing(fresh))).json).toBe('bob'), patiently);
    expect((await am(gateway, bearing(token))).status).toBe(401);
    // Nor does what was left behind under that name belong to who has it now.
    expect((await ask(`${gateway.url}/j`, bearing(fresh))).json).toEqual([]);
    for (const method of ['GET', 'DELETE'])
      expect((await ask(gateway.url + String(job.headers['location']), { ...bearing(fresh), method })).status).toBe(
        404,
      );
  });
  test('is not made for who is revoked or unknown', async () => {
    expect(await ran(['token', 'nobody', '--data', data])).toMatchObject({
      code: 2,
      err: expect.stringContaining('nobody'),
    });
    await funcoap('enroll carl');
    await funcoap('identities revoke carl');
    expect(await ran(['token', 'carl', '--data', data])).toMatchObject({
      code: 2,
      err: expect.stringContaining('revoked'),
    });
  });
});

describe('a certificate over https', () => {
  const secure = { listen: [], secureListen: ['127.0.0.1'] };
  const amAt = (gateway: OpenDoor, tls: Asked['tls']) =>
    ask(`${gateway.secureUrl}/func/who/am`, { tls: { ca, ...tls } });

  test('that is enrolled is who it is of', async () => {
    expect((await amAt(await doors.open(secure), { cert, key })).json).toBe('gate');
  });
  test('that is not enrolled is 401, never local', async () => {
    const other = mkdtempSync(join(tmpdir(), 'funcoap-other-'));
    await ran(['ca', 'init', '--host', '127.0.0.1', '--data', other]);
    await ran(['enroll', 'gate', '--x509', '--out', join(other, 'gate'), '--data', other]);
    const read = (name: string): string => readFileSync(join(other, 'gate', name), 'utf8');
    const stranger = { cert: read('gate.crt.pem'), key: read('gate.key.pem') };
    const near = await doors.open(secure);
    const { status, problem, headers } = await amAt(near, stranger);
    expect([status, problem, headers['www-authenticate']]).toEqual([401, 'identity-needed', 'Bearer']);
    expect((await amAt(near, {})).json).toBe('local');
    const beyond = await doors.open({ ...secure, secureListen: ['0.0.0.0'] });
    const url = `${beyond.secureUrl.replace('0.0.0.0', '127.0.0.1')}/func/who/am`;
    expect((await ask(url, { tls: { ca, ...stranger } })).status).toBe(401);
    expect((await ask(url, { tls: { ca, cert, key } })).json).toBe('gate');
    rmSync(other, { recursive: true });
  });
  test('that was revoked is 401, never local, also from this machine', async () => {
    const gateway = await doors.open(secure);
    await funcoap(`enroll badge --x509 --out ${join(folder, 'badge')}`);
    const read = (name: string): string => readFileSync(join(folder, 'badge', name), 'utf8');
    const badge = { cert: read('badge.crt.pem'), key: read('badge.key.pem') };
    await vi.waitFor(async () => expect((await amAt(gateway, badge)).json).toBe('badge'), patiently);
    await funcoap('identities revoke badge');
    await vi.waitFor(async () => expect((await amAt(gateway, badge)).status).toBe(401), patiently);
  });
  test('a bearer token does too, and what it says comes first', async () => {
    const gateway = await doors.open(secure);
    const headers = { authorization: `Bearer ${await tokenOf('ann')}` };
    expect((await ask(`${gateway.secureUrl}/func/who/am`, { headers, tls: { ca, cert, key } })).json).toBe('ann');
  });
  test('is not waited for where an address has as many connections as it may', async () => {
    const gateway = await doors.open({ ...secure, maxConnectionsPerPeer: 2 });
    const to = { port: Number(new URL(gateway.secureUrl).port), host: '127.0.0.1' };
    // They have not begun TLS, and count all the same.
    const idle = [connect(to), connect(to)];
    await Promise.all(idle.map((socket) => once(socket, 'connect')));
    const third = connect(to);
    await once(third.resume(), 'close');
    for (const socket of idle) socket.destroy();
    await vi.waitFor(async () => expect((await amAt(gateway, { cert, key })).json).toBe('gate'), patiently);
  });
  test('its own pages are of https', async () => {
    const gateway = await doors.open(secure);
    const from = async (origin: string): Promise<number> =>
      (
        await ask(`${gateway.secureUrl}/func/who/change`, {
          method: 'POST',
          headers: { origin },
          tls: { ca, cert, key },
        })
      ).status;
    expect(await from(gateway.secureUrl)).toBe(200);
    expect(await from(gateway.secureUrl.replace('https:', 'http:'))).toBe(403);
  });
  test('plain HTTP is not spoken there', async () => {
    const gateway = await doors.open(secure);
    await expect(ask(gateway.secureUrl.replace('https:', 'http:'))).rejects.toMatchObject({ code: 'ECONNRESET' });
  });
});

describe('a proxy that is trusted', () => {
  test('tells whom it speaks for; what stands before its own word is not believed', async () => {
    const gateway = await doors.open({ proxies: ['::ffff:127.0.0.1', '192.0.2.9', '2001:DB8::0:9'] });
    const { authorization = '' } = bearing(await tokenOf('ann')).headers ?? {};
    const peer = async (forwarded: string): Promise<unknown> =>
      (await ask(`${gateway.url}/func/who/peer`, { headers: { authorization, 'x-forwarded-for': forwarded } })).json;
    expect(await peer('198.51.100.7')).toBe('198.51.100.7:0');
    expect(await peer('10.0.0.1, 198.51.100.7')).toBe('198.51.100.7:0');
    expect(await peer('198.51.100.7, 192.0.2.9')).toBe('198.51.100.7:0');
    expect(await peer('<b>, 198.51.100.7')).toBe('198.51.100.7:0');
    // What is no address is nobody: then the proxy itself is who is seen.
    for (const nobody of ['<b>', 'unknown', '_hidden', '198.51.100.7:80', '[2001:db8::1]', '198.51.100.256', ''])
      expect([nobody, await peer(`198.51.100.7, ${nobody}`)]).toEqual([
        nobody,
        expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      ]);
    expect(await peer('198.51.100.7, <b>, 192.0.2.9')).toBe('192.0.2.9:0');
    expect(await peer('2001:db8::1')).toBe('[2001:db8::1]:0');
    // However an address is written, it is that one.
    expect(await peer('2001:DB8:0::1, 2001:db8:0:0::9')).toBe('[2001:db8::1]:0');
  });
});

describe('pages of the web', () => {
  test.each([
    'evil.example',
    'evil.example:3419',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    '[::1].evil.example',
    'evil.example:1:2',
  ])('a name that leads here is refused (DNS rebinding): Host %j', async (host) => {
    const { status, problem } = await am(await doors.open(), { headers: { host } });
    expect([status, problem]).toEqual([403, 'foreign-host']);
  });
  test.each(['localhost', 'LOCALHOST:1', '127.0.0.1', '[::1]:3419', '192.168.1.5:3419', 'gw.example'])(
    '%s is us',
    async (host) => {
      expect((await am(await doors.open({ hosts: ['GW.example'] }), { headers: { host } })).json).toBe('local');
    },
  );
  test('the Host beside an absolute target does not count', async () => {
    const gateway = await doors.open();
    const { port } = new URL(gateway.url);
    const { request } = await import('node:http');
    const made = request({
      host: '127.0.0.1',
      port,
      path: 'http://evil.example/frmlist',
      headers: { host: 'localhost' },
    });
    made.on('error', () => undefined).end();
    const [answer] = (await once(made, 'response')) as [{ statusCode: number; resume(): void }];
    answer.resume();
    expect(answer.statusCode).toBe(403);
  });
  test('a page of another origin is refused, before anything runs', async () => {
    const gateway = await doors.open();
    for (const origin of ['http://evil.example', 'null', 'http://127.0.0.1:1', gateway.url.replace('http', 'https')]) {
      const { status, problem, headers } = await post(`${gateway.url}/func/who/change`, {}, { origin });
      expect([origin, status, problem]).toEqual([origin, 403, 'foreign-origin']);
      expect(headers['access-control-allow-origin']).toBeUndefined();
    }
    // Behind a proxy that is believed the page's address is the proxy's, over TLS.
    const proxied = await doors.open({ hosts: ['gw.example'], proxies: ['127.0.0.1'] });
    const page = { 'host': 'gw.example', 'x-forwarded-for': '192.0.2.1' };
    const from = async (origin: string): Promise<string | undefined> =>
      (await post(`${proxied.url}/func/who/change`, {}, { ...page, origin })).problem;
    expect(await from('https://gw.example')).toBe('identity-needed');
    expect(await from('https://evil.example')).toBe('foreign-origin');
    const preflight = { 'origin': 'http://evil.example', 'access-control-request-method': 'POST' };
    expect((await ask(`${gateway.url}/func/who/change`, { method: 'OPTIONS', headers: preflight })).status).toBe(403);
    expect((await post(`${gateway.url}/func/who/change`, {}, { origin: gateway.url })).json).toBe('changed');
  });
  test.each([
    [{ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }, 403],
    [{ 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors' }, 403],
    [{ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }, 200],
    [{ 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' }, 200],
    [{ 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors' }, 200],
  ])('a GET with %j is %i', async (headers, status) => {
    expect((await am(await doors.open(), { headers })).status).toBe(status);
  });
  test('what a form can send is no call: text is taken with a token only', async () => {
    const gateway = await doors.open();
    const say = (headers: Record<string, string>) =>
      ask(`${gateway.url}/func/who/say`, {
        method: 'POST',
        headers: { 'content-type': 'text/plain', ...headers },
        body: 'hello',
      });
    expect((await say({})).problem).toBe('unsupported-format');
    const { status, json, text } = await say({ authorization: `Bearer ${await tokenOf('ann')}` });
    expect([status, json, text]).toEqual([200, undefined, 'hello']);
    const latin = { 'content-type': 'text/plain; charset=iso-8859-1' };
    expect((await say({ ...latin, authorization: `Bearer ${await tokenOf('ann')}` })).status).toBe(415);
  });
});

test('a job is for the identity that made it: to others it is not there', async () => {
  await funcoap('enroll clerk');
  const gateway = await doors.open();
  const [ann, clerk] = [bearing(await tokenOf('ann')), bearing(await tokenOf('clerk'))];
  const taken = await vi.waitFor(async () => {
    const answer = await ask(`${gateway.url}/func/who/change?_job`, { ...clerk, method: 'POST' });
    expect(answer.status).toBe(202);
    return answer;
  }, patiently);
  const job = gateway.url + String(taken.headers.location);
  await vi.waitFor(async () => expect((await ask(job, clerk)).json).toBe('changed'), patiently);
  for (const other of [ann, {}]) {
    expect([(await ask(job, other)).status, (await ask(job, { ...other, method: 'DELETE' })).status]).toEqual([
      404, 404,
    ]);
    expect((await ask(`${gateway.url}/j`, other)).json).toEqual([]);
  }
  expect((await ask(job, { ...clerk, method: 'DELETE' })).status).toBe(204);
});

test('a function sees the groups of who calls, also as a job', async () => {
  const gateway = await doors.open();
  const ann = bearing(await tokenOf('ann'));
  expect((await ask(`${gateway.url}/func/who/within`, ann)).json).toEqual(['staff']);
  expect((await ask(`${gateway.url}/func/who/within`)).json).toEqual([]);
  const { headers } = await ask(`${gateway.url}/func/who/within?_job`, { ...ann, method: 'POST' });
  const job = gateway.url + String(headers.location);
  await vi.waitFor(async () => expect((await ask(job, ann)).json).toEqual(['staff']), patiently);
});

test('a port that is taken is said before anything is served', async () => {
  const taken: Server = createServer();
  taken.listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  await expect(doors.open({ port })).rejects.toMatchObject({ code: 'cannot-listen' });
  taken.close();
});
