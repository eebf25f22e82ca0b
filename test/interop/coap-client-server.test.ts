/** Our client, through the command line, against libcoap's example server. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { funcoap, type Ended } from '../cli/process.ts';
import { freeUdpPort } from '../transport/free-port.ts';

const program = 'coap-server-notls';
const missing = spawnSync('which', [program]).status === 0 ? undefined : `needs ${program} (Debian: libcoap3-bin)`;

let server: ChildProcess;
let folder: string;
let base: string;

const run = (...args: string[]): Promise<Ended> => funcoap(args, folder);
/** A call that succeeds; what it printed. */
async function call(path: string, ...args: string[]): Promise<string> {
  const { code, out, err } = await run('call', ...args, `${base}${path}`);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return out;
}

beforeAll(async () => {
  if (missing !== undefined) return;
  folder = mkdtempSync(join(tmpdir(), 'funcoap-coap-server-'));
  const port = await freeUdpPort();
  base = `coap://127.0.0.1:${port}`;
  server = spawn(program, ['-A', '127.0.0.1', '-p', String(port), '-d', '10'], { stdio: 'ignore' });
  for (let tries = 0; (await run('ping', '--timeout', '1s', base)).code !== 0; tries++) {
    if (tries === 10) throw new Error(`${program} does not answer`);
  }
});

afterAll(async () => {
  if (missing !== undefined) return;
  const ended = once(server, 'exit');
  server.kill('SIGKILL');
  await ended;
  rmSync(folder, { recursive: true });
});

beforeEach(({ skip }) => {
  if (missing !== undefined) skip(missing);
});

describe("the command line against libcoap's example server", () => {
  test.each([[[]], [['--non']]])('GET / %s', async (args) => {
    expect(await call('/', ...args)).toMatch(/^This is a test server made with libcoap /);
  });

  test.each([[[]], [['--non']]])('a separate response %s', async (args) => {
    const started = Date.now();
    expect(await call('/async?2', ...args)).toBe('done\n');
    expect(Date.now() - started).toBeGreaterThanOrEqual(1900);
  });

  test('an observation', async () => {
    const times = (await call('/time', '--observe', '--count', '3')).trim().split('\n');
    expect(times).toHaveLength(3);
    expect(new Set(times).size).toBe(3);
  });

  test.each([
    ['the default size', []],
    ['64 bytes', ['--block', '64']],
    ['256 bytes, NON', ['--block', '256', '--non']],
  ])('PUT and GET of 5 KB in blocks of %s', async (name, args) => {
    const body = `${name} `.repeat(1000).slice(0, 5000);
    writeFileSync(join(folder, 'body'), body);
    const put = await run('call', '-m', 'PUT', '--content-format', '0', ...args, `${base}/example_data`, '@body');
    expect(put).toEqual({ code: 0, out: '', err: '' });
    expect(await call('/example_data', ...args)).toBe(`${body}\n`);
  });

  test('a resource is created, read, deleted and then not there', async () => {
    writeFileSync(join(folder, 'small'), 'small');
    const created = await run('call', '-i', '-m', 'PUT', '--content-format', '0', `${base}/fresh`, '@small');
    expect(created).toMatchObject({ code: 0, err: expect.stringMatching(/^2\.01 Created/) });
    expect(await call('/fresh')).toBe('small\n');
    expect((await run('call', '-i', '-m', 'DELETE', `${base}/fresh`)).err).toMatch(/^2\.02 Deleted/);
    expect(await run('call', `${base}/fresh`)).toMatchObject({
      code: 4,
      err: expect.stringMatching(/4\.04 Not Found/),
    });
  });

  test('ls shows its links, describe that they are no functions', async () => {
    const listed = JSON.parse((await run('ls', '--json', `${base}/.well-known/core`)).out) as { target: string }[];
    expect(listed.map(({ target }) => target)).toEqual(
      expect.arrayContaining(['/', '/time', '/async', '/example_data']),
    );
    expect(await run('describe', `${base}/time`)).toMatchObject({
      code: 2,
      err: expect.stringMatching(/not a function/),
    });
    expect((await run('ls', base)).code).toBe(4);
  });

  test('ping is answered by a Reset', async () => {
    // It sends no two within a quarter of a second (src/net.c, coap_dispatch).
    await sleep(300);
    expect((await run('ping', base)).out).toMatch(/^coap:\/\/127\.0\.0\.1:\d+ answered in [\d.]+ ms\n$/);
  });
});
