/** `npm start` and the commands of the README, as they are typed: on the default port, in a shell. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { root } from '../gateway/gateway-process.ts';
import { missingCoapClient } from './plugtest/libcoap.ts';

const missing = missingCoapClient();

/** A network of its own, so that the default port is free; without the right to have one, the machine's. */
const isolated = spawnSync('unshare', ['--net', 'true']).status === 0;

/** That of the checkout is whoever's who works in it. */
const data = mkdtempSync(join(tmpdir(), 'funcoap-commands-'));

let started: ChildProcess | undefined;
let printed = '';

beforeAll(async () => {
  if (missing !== undefined) return;
  const command = isolated ? ['unshare', '--net', 'sh', '-c', 'ip link set lo up && exec npm start'] : ['npm', 'start'];
  const child = spawn(command[0] ?? '', command.slice(1), {
    cwd: root,
    env: { ...process.env, FUNCOAP_DATA_FOLDER: data },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started = child;
  child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (printed += text));
  while (!/Try it:\n.*\n/.test(printed)) {
    await Promise.race([once(child.stdout, 'data'), once(child.stderr, 'data'), once(child, 'exit')]);
    if (child.exitCode !== null) throw new Error(`the gateway did not start:\n${printed}`);
  }
});

afterAll(async () => {
  await stopped();
  rmSync(data, { recursive: true });
});

async function stopped(): Promise<void> {
  if (started?.pid === undefined || started.exitCode !== null) return;
  const ended = once(started, 'exit');
  process.kill(-started.pid, 'SIGTERM');
  await ended;
}

beforeEach(({ skip }) => {
  if (missing !== undefined) skip(missing);
});

/** What a shell prints that is given `line`, in the gateway's network. */
function typed(line: string): string {
  const shell = ['sh', '-c', line];
  const [program = '', ...args] = isolated ? ['nsenter', '--net', '--target', String(started?.pid), ...shell] : shell;
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', timeout: 20_000 });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

const systems = [
  { id: 1, name: 'Contiki-NG', license: 'BSD-3-Clause', ram_kib: 10, since: 2017 },
  { id: 2, name: 'FreeRTOS', license: 'MIT', ram_kib: 4, since: 2003 },
  { id: 3, name: 'Mynewt', license: 'Apache-2.0', ram_kib: 8, since: 2015 },
  { id: 4, name: 'NuttX', license: 'Apache-2.0', ram_kib: 32, since: 2007 },
  { id: 5, name: 'RIOT', license: 'LGPL-2.1', ram_kib: 2, since: 2013 },
  { id: 6, name: 'Zephyr', license: 'Apache-2.0', ram_kib: 8, since: 2016 },
];

const links = [
  '</func>;rt="func.dir";ct="60 50 40"',
  '</clock>;rt="clock";title="The time of day";ct=0;obs',
  '</func/date>;rt="func.lib";title="Time of day and date";ct="60 50 40";f="0"',
  '</func/math>;rt="func.lib";title="Arithmetic on two numbers";ct="60 50 40";f="1"',
  '</func/oslist>;rt="func.lib";title="Operating systems for constrained devices";ct="60 50 40";f="2"',
];

test.each([
  [
    String.raw`printf '\241\154databasefile\152os-list.db' | coap-client-notls -m fetch -t 60 -A 50 -f - coap://127.0.0.1/func/oslist/list`,
    JSON.stringify(systems),
  ],
  [`coap-client-notls -m get -A 50 'coap://127.0.0.1/func/math/add?a=10&b=20'`, '30'],
  ['coap-client-notls -m get coap://127.0.0.1/.well-known/core', links.join(',')],
  [`coap-client-notls -m get -A 50 'coap://[::1]/func/math/add?a=10&b=20'`, '30'],
])('%s', (line, output) => {
  // coap-client ends its output with a line feed of its own.
  expect(typed(line)).toBe(`${output}\n`);
});

test('npm start prints where it listens, what it serves and lines that work when they are pasted', () => {
  expect(printed).toContain('\n  coap://127.0.0.1\n  coap://[::1]\n');
  for (const name of ['date', 'math', 'oslist']) expect(printed).toMatch(new RegExp(`^${name} +\\d`, 'm'));
  const [, line = ''] = /Try it:\n +(.*)\n/.exec(printed) ?? [];
  expect(line).toMatch(/^coap-client-notls /);
  expect(typed(line)).toBe('30\n');
});
