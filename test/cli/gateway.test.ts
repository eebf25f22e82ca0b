/**
 * The commands against a gateway that is a process. Those whose end or start is the point are processes too; the others run
 * here, each from its command line to its exit code, because a process a call would take ten times as long.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { funcoap, start, type Started } from './process.ts';
import { ran } from './terminal.ts';

let folder: string;
let gateway: Started;
let base: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'funcoap-serve-'));
  expect((await funcoap(['new', 'library', 'first'], folder)).code).toBe(0);
  gateway = start(['serve', '--port', '0', '--listen', '127.0.0.1'], folder);
  base = (await gateway.printed(/^ +(coap:\/\/127\.0\.0\.1:\d+)$/m))[1] ?? '';
  await gateway.printed(/Try it:[^]*funcoap(?:\.js)? call/);
});

afterAll(async () => {
  gateway.child.kill('SIGKILL');
  await gateway.ended;
  rmSync(folder, { recursive: true });
});

const run = (...args: string[]): ReturnType<typeof ran> => ran(args, { workingFolder: folder });

/** Loaded, or refused: a busy machine may take longer for that than a call waits. */
const loaded = (library: string): Promise<void> =>
  vi.waitFor(async () => expect((await run('ls', `${base}/func/${library}`)).code).toBe(0), { timeout: 30_000 });

test('what serve prints to paste works', async () => {
  const [, pasted = ''] = await gateway.printed(/^ +node \S*\/bin\/funcoap\.js (call .*)$/m);
  expect(await funcoap(pasted.split(' '), folder)).toMatchObject({ code: 0, out: 'Hello, world!\n' });
});

test.each(['--ts', '--js', '--zod'])('new library %s is served by the running gateway', async (form) => {
  const name = `made${form.slice(1)}`;
  expect((await run('new', 'library', name, form)).code).toBe(0);
  await loaded(name);
  expect(await run('call', `${base}/func/${name}/greet`, 'name=Ada')).toEqual({
    code: 0,
    out: 'Hello, Ada!\n',
    err: '',
  });
  expect((await run('call', `${base}/func/${name}/record`, 'value=3')).out).toBe('recorded 3\n');
});

test('a job is made, waited for, listed and removed', async () => {
  const made = await run('call', '--job', `${base}/func/first/greet`, 'name=Di');
  const place = /^coap:\/\/127\.0\.0\.1:\d+\/j\/[\w-]{8}\n$/;
  expect(made).toMatchObject({ code: 0, out: expect.stringMatching(place) as string });
  const uri = made.out.trim();
  expect(await run('jobs', 'wait', uri)).toEqual({ code: 0, out: 'Hello, Di!\n', err: '' });
  expect((await run('jobs', 'show', '--json', uri)).out).toBe('"Hello, Di!"\n');
  expect((await run('jobs', 'ls', base)).out).toMatch(
    /^job +function +state +created *\n[\w-]{8} +first\/greet +done +20\S+\n$/,
  );
  expect((await run('jobs', 'cancel', uri)).code).toBe(0);
  const gone = await run('jobs', 'show', uri);
  expect([gone.code, gone.err]).toEqual([4, expect.stringMatching(/^funcoap: 4\.04 Not Found: /) as string]);
  expect((await run('jobs', 'ls', base)).out).toBe('no jobs\n');
  const wrong = await run('jobs', 'wait', base);
  expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining('is no job') as string]);
});

describe('call', () => {
  const greet = (): string => `${base}/func/first/greet`;

  test('--json is exact, --cbor is the bytes', async () => {
    expect((await run('call', '--json', greet(), 'name=Bo')).out).toBe('"Hello, Bo!"\n');
    expect((await run('call', '--cbor', greet(), 'name=Bo')).out).toBe('jHello, Bo!');
  });

  test('a URI without its scheme, NON, GET and a body of JSON are the same call', async () => {
    writeFileSync(join(folder, 'body.json'), '{"name":"Bo"}');
    const bare = greet().replace('coap://', '');
    for (const args of [
      [bare, 'name=Bo'],
      ['--non', greet(), 'name=Bo'],
      ['-m', 'GET', greet(), 'name=Bo'],
      [greet(), '@body.json'],
    ]) {
      expect((await run('call', ...args)).out).toBe('Hello, Bo!\n');
    }
  });

  test('-i shows the ETag, --etag asks for a change only', async () => {
    const { err } = await run('call', '-i', greet(), 'name=Cy');
    const etag = /ETag ([0-9a-f]{8})/.exec(err)?.[1] ?? '';
    expect(await run('call', '--etag', etag, greet(), 'name=Cy')).toEqual({
      code: 0,
      out: '',
      err: '2.03 Valid: the result that you have is current\n',
    });
  });

  test('-v shows each message with its bytes on the error output', async () => {
    const { out, err } = await run('call', '-v', '-m', 'GET', `${base}/clock`);
    expect(out).toMatch(/^\d{4}-\d\d-\d\dT/);
    expect(err).toMatch(/^→ \d+ bytes\n {2}0000 {2}4[0-8] +version 1, CON/);
    expect(err).toMatch(/\n← \d+ bytes\n[^]*2\.05 Content/);
    expect(err).toContain('63 6c 6f 63 6b           "clock"');
  });

  test('--observe prints each notification', async () => {
    const { code, out } = await run('call', '--observe', '--count', '2', `${base}/clock`);
    expect(code).toBe(0);
    expect(out.trim().split('\n')).toHaveLength(2);
  });

  test('long bodies travel in blocks, both ways', async () => {
    const name = 'x'.repeat(5000);
    writeFileSync(join(folder, 'long.txt'), name);
    const { out } = await run('call', '--block', '64', greet(), 'name=@long.txt');
    expect(out).toBe(`Hello, ${name}!\n`);
  });
});

test.each<[string, string[], number, string]>([
  ['4.04', ['call', '/func/first/gret'], 4, '4.04 Not Found: first has no function gret; see /func/first'],
  [
    '4.05',
    ['call', '-m', 'FETCH', '/func/first/record'],
    4,
    '4.05 Method Not Allowed: The function has side effects: use POST.',
  ],
  ['a wrong argument', ['call', '/func/first/record', 'value=x'], 2, 'value must be a number'],
])('%s has its exit code and its words', async (_what, [command = '', ...args], code, words) => {
  const ended = await run(command, ...args.map((arg) => (arg.startsWith('/') ? base + arg : arg)));
  expect(ended.err).toContain(words);
  expect(ended.code).toBe(code);
});

test('an error under --json is one object with the name of the problem', async () => {
  const { err } = await run('call', '--json', `${base}/func/nothing/here`);
  expect(JSON.parse(err)).toMatchObject({ error: 'no-such-library', code: '4.04' });
});

test('ls and describe', async () => {
  expect((await run('ls', base)).out).toMatch(/^first +\/f\/0 +2 +first$/m);
  expect((await run('ls', `${base}/func/first`)).out).toMatch(/^greet +0 +pure +Greets somebody\.$/m);
  expect((await run('ls', `${base}/f/0`)).out).toBe((await run('ls', `${base}/func/first`)).out);
  for (const path of ['/func/first', '/f/0'])
    expect((await run('describe', `${base}${path}`)).err).toContain('is not a function; a function is');
  expect((await run('ls', `${base}/.well-known/core`)).out).toMatch(/^\/func\/first +rt=func\.lib/m);
  expect((await run('describe', `${base}/func/first/greet`)).out).toMatch(/^greet\(name: string = "world"\): string\n/);
  const { out } = await run('describe', '--json', `${base}/func/first/greet`);
  expect(JSON.parse(out)).toMatchObject({ library: 'first', method: 'greet', pure: true, maxAge: 60 });
});

test('a library that does not load says why, wherever it is asked for', async () => {
  const library = join(folder, 'libraries', 'broken');
  mkdirSync(library);
  writeFileSync(join(library, 'index.ts'), 'throw new Error("no database");\nexport function f() {}');
  await loaded('broken');
  const why = 'broken does not load: index.ts:1: no database; mend it and save the file.';
  expect(await run('call', `${base}/func/broken/f`)).toMatchObject({ code: 5, err: expect.stringContaining(why) });
  expect(await run('describe', `${base}/func/broken/f`)).toMatchObject({ code: 5, err: expect.stringContaining(why) });
  expect(await run('ls', `${base}/func/broken`)).toMatchObject({ code: 0, err: expect.stringContaining(why) });
  rmSync(library, { recursive: true });
});

test('--why shows what the function says of a refused argument, and the error tells of it', async () => {
  const library = join(folder, 'libraries', 'picky');
  mkdirSync(library);
  writeFileSync(
    join(library, 'index.ts'),
    `import { invalidArgument } from 'funcoap/library';
     export class Thing {}
     export function f(n: number) { throw invalidArgument('n must be even.', 'n'); }
     export function g() { throw new Error('secret'); }`,
  );
  await loaded('picky');
  expect((await run('ls', `${base}/func/picky`)).out).toMatch(/^Thing +0 +class$/m);
  expect((await run('call', `${base}/func/picky/f`, 'n=1')).err).toContain('(parameter n); --why says more.');
  expect((await run('call', '--why', `${base}/func/picky/f`, 'n=1')).err).toContain('n must be even');
  expect((await run('call', `${base}/func/picky/g`)).err).toContain("The function failed; the gateway's log says why.");
  rmSync(library, { recursive: true });
});

test('ping answers, and does not where nobody is', async () => {
  expect((await run('ping', base)).out).toMatch(/answered in [\d.]+ ms\n$/);
  expect((await run('ping', '--timeout', '200ms', 'coap://127.0.0.1:9')).code).toBe(3);
});

test('the README that new library writes names calls that work', async () => {
  const readme = readFileSync(join(folder, 'libraries', 'first', 'README.md'), 'utf8');
  const calls = [...readme.matchAll(/^ +funcoap (call .*)$/gm)].map((match) => match[1] ?? '');
  expect(calls).toHaveLength(2);
  for (const call of calls) {
    const { code } = await run(...call.replace('coap://127.0.0.1', base).split(' '));
    expect(code).toBe(0);
  }
});

test.each(['SIGINT', 'SIGTERM'] as const)('serve ends cleanly on %s and survives SIGHUP', async (signal) => {
  const other = start(['serve', '--json', '--port', '0', '--listen', '127.0.0.1', '--data', 'other'], folder);
  const [line] = await other.printed(/^\{.*\}$/m);
  expect(JSON.parse(line)).toMatchObject({ addresses: [expect.stringMatching(/^coap:\/\/127\.0\.0\.1:\d+$/)] });
  other.child.kill('SIGHUP');
  other.child.kill(signal);
  const { code, err } = await other.ended;
  expect(code).toBe(0);
  expect(err).toContain('stopping');
});

test('a port that is taken is a sentence and exit code 2', async () => {
  const port = base.split(':').at(-1) ?? '';
  const { code, err } = await funcoap(['serve', '--listen', '127.0.0.1', '--port', port, '--data', 'other'], folder);
  expect(code).toBe(2);
  expect(err).toMatch(/^funcoap: .*port/m);
});
