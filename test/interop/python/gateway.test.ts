/** Python libraries in the gateway's own process, over CoAP, as people and devices call them. */
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { GatewayProcess } from '../../gateway/gateway-process.ts';
import { ran } from '../../cli/terminal.ts';
import { missingPython } from './python-folder.ts';

const missing = missingPython();

const library = `
from funcoap import pure, safe
runs = 0

@pure(max_age=60)
def add(a: int, b: int = 20) -> int:
    """Adds two numbers.

    :param a: the first
    """
    global runs
    runs += 1
    return a + b

@safe
def rows(n: int):
    return ({'i': i, 'text': 'x' * 50} for i in range(n))

@safe
def count(): return runs

def fails(): raise ValueError('secret')
def loud(): print('printed by Python')
`;

let gateway: GatewayProcess;

beforeAll(async () => {
  if (missing === undefined) gateway = await GatewayProcess.start({ libraries: { 'calc/calc.py': library } });
});

afterAll(async () => {
  if (missing === undefined) await gateway.stop();
});

beforeEach(({ skip }) => {
  if (missing !== undefined) skip(missing);
});

async function funcoap(...args: readonly string[]): Promise<string> {
  const { out, err } = await ran([...args], { workingFolder: gateway.folder });
  return `${out}${err}`;
}

test('a call, its forms, its cache and its compact path are those of every library', async () => {
  const uri = `${gateway.uri}/func/calc/add`;
  expect(await funcoap('call', uri, 'a=10')).toBe('30\n');
  expect(await funcoap('call', uri, 'a=10', 'b=20')).toBe('30\n');
  expect(await funcoap('call', '-m', 'GET', uri, 'a=10')).toBe('30\n');
  expect(await funcoap('call', `${gateway.uri}/f/0/0`, 'a=10')).toBe('30\n');
  expect(await funcoap('call', `${gateway.uri}/func/calc/count`)).toBe('1\n');
  expect(await funcoap('call', uri, 'a=ten')).toContain('a must be a whole number');
  expect(await funcoap('call', `${gateway.uri}/func/calc/nothing`)).toContain('no function nothing');
});

test('a long result comes in blocks', async () => {
  const rows = JSON.parse(await funcoap('call', '--json', `${gateway.uri}/func/calc/rows`, 'n=500')) as unknown[];
  expect(rows).toHaveLength(500);
  expect(rows[499]).toEqual({ i: 499, text: 'x'.repeat(50) });
});

test('it is listed and described', async () => {
  expect(await funcoap('describe', `${gateway.uri}/func/calc/add`)).toContain('Adds two numbers.');
  expect(await funcoap('ls', `${gateway.uri}/func/calc`)).toContain('add');
});

test('what it raises and prints stands in the log, and does not reach the peer', async () => {
  expect(await funcoap('call', `${gateway.uri}/func/calc/fails`)).not.toContain('secret');
  await funcoap('call', `${gateway.uri}/func/calc/loud`);
  await expect.poll(() => gateway.errors).toContain('printed by Python');
  await expect.poll(() => gateway.errors).toContain('ValueError');
});

function isChild(pid: string): boolean {
  try {
    const parent = /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return parent === String(gateway.pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('start.py');
  } catch {
    // It has ended meanwhile.
    return false;
  }
}

test('its processes end with the gateway', async ({ skip }) => {
  if (process.platform !== 'linux') skip('/proc is of Linux');

  const pids = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && isChild(name))
    .map(Number);
  expect(pids).toHaveLength(1);
  gateway.signal('SIGTERM');
  await gateway.ended();
  for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
});
