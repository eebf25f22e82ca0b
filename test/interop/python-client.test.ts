/** src/client/python/funcoap.py against the real gateway. The tests themselves are in Python (python-client/). */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { GatewayProcess, root } from '../gateway/gateway-process.ts';
import { LossyRelay } from './lossy-relay.ts';
import { pythonWithCbor2 as python } from './pages/python.ts';

const source = `
import { setTimeout as sleep } from 'node:timers/promises';
let runs = 0;
/**
 * Adds two numbers.
 * @pure
 * @maxAge 240
 */
export function add(a: number, b: number = 20): number { return a + b; }
/** @safe */
export function echo(value: unknown): unknown { return value; }
/** @pure */
export function big(text: string): string { return text.repeat(10_000); }
/** @safe */
export function total(...xs: number[]): number { return xs.reduce((a, b) => a + b, 0); }
/** @safe */
export function nothing(): void {}
/** @safe */
export async function slowly(): Promise<string> { await sleep(2500); return 'late'; }
export function count(): number { return ++runs; }
export class Account { owner: string; constructor(owner: string) { this.owner = owner; } }
/** @safe */
export function* ticks(): Generator<number> { for (let n = 0; ; n++) yield n; }
export function fail(): void { throw new RangeError('no such luck'); }
`;

const live = `
import { setTimeout as sleep } from 'node:timers/promises';
let made = 0, begun = 0, closed = 0, ticking = 0;
/** @safe */
export async function* count(to: number): AsyncGenerator<number> {
  try {
    for (let n = 0; n < to; n++) { made++; yield n; }
  } finally { closed++; }
}
/** @safe */
export async function* slow(to: number): AsyncGenerator<number> {
  begun++;
  for (let n = 0; n < to; n++) { await sleep(500); yield n; }
}
/** @safe */
export async function* repeated(text: string, times: number): AsyncGenerator<string> {
  try {
    for (let n = 0; n < times; n++) yield n + text;
  } finally { closed++; }
}
/** @safe */
export async function* repeated_by(size: number, times: number): AsyncGenerator<string> {
  for (let n = 0; n < times; n++) yield n + 'long'.repeat(size);
}
/** @safe */
export async function* fails(): AsyncGenerator<number> { yield 1; throw new RangeError('no more'); }
/** Each run of it has a number. @safe */
export async function* ticks(to: number, every = 0, first = 0): AsyncGenerator<[number, number]> {
  const run = ++ticking;
  for (let n = 0; n < to; n++) { await sleep(n === 0 ? first : every); yield [n, run]; }
}
export function counted(): { made: number; begun: number; closed: number; ticks: number } {
  return { made, begun, closed, ticks: ticking };
}
/** @safe */
export function twice(n: number): number { return 2 * n; }
/** @safe */
export function total(xs: number[]): number { return xs.reduce((a, b) => a + b, 0); }
export async function build(year: number, after = 0): Promise<{ year: number }> { await sleep(after); return { year }; }
export function nothing(): void {}
export function long(): string { return 'long'.repeat(1000); }
export function broken(): void { throw new RangeError('no such luck'); }
export async function forever(): Promise<void> { await sleep(3_600_000); }
`;

const bank = `
export class Account {
  owner: string;
  heir: Account | null = null;
  #balance: number;
  constructor(owner: string, balance: number = 0) { this.owner = owner; this.#balance = balance; }
  get balance(): number { return this.#balance; }
  /** Puts in. */
  deposit(amount: number): number { return (this.#balance += amount); }
  /** @safe */
  report(): string { return this.owner + ': ' + this.#balance; }
  set pin(value: string) { void value; }
  /** @safe */
  *history(entries: number): Generator<string> { for (let n = 0; n < entries; n++) yield this.owner + n; }
  fail(): never { throw new RangeError('no such luck'); }
}
export function transfer(from: Account, to: Account, amount: number): number {
  to.deposit(amount);
  return from.deposit(-amount);
}
export function richest(accounts: Account[]): { rows: Account[] } {
  return { rows: accounts.toSorted((a, b) => b.balance - a.balance) };
}
`;

const users = `
/** @safe */
export function find(name: string): { id: number; name: string } { return { id: 7, name }; }
/** @safe */
export function orders(user: number, limit = 10): { order: string }[] {
  return [{ order: user + '-1' }, { order: user + '-2' }].slice(0, limit);
}
`;

const reason = python === undefined ? 'needs python3 with cbor2 (Debian: python3-cbor2)' : undefined;

describe.skipIf(reason !== undefined)(`the Python client${reason === undefined ? '' : `: ${reason}`}`, () => {
  let gateway: GatewayProcess;
  let relay: LossyRelay;
  beforeAll(async () => {
    gateway = await GatewayProcess.start({
      libraries: {
        'lib/index.ts': source,
        'live/index.ts': live,
        'bank/index.ts': bank,
        'users/index.ts': users,
      },
      // One thread: its functions count in one place.
      settings: ['debug.internals=true', 'workers.threads=1'],
    });
    // Every third answer is lost.
    relay = await LossyRelay.open(
      gateway.port,
      Array.from({ length: 100 }, (_, at) => 3 * at + 3),
    );
  });
  afterAll(async () => {
    relay.close();
    await gateway.stop();
  });

  test.each([
    ['calls.py', 25],
    ['ongoing.py', 39],
    ['restarted.py', 8],
  ])('its own tests in %s pass', async (name, count) => {
    const environment = {
      ...process.env,
      PYTHONPATH: join(root, 'src', 'client', 'python'),
      PYTHONDONTWRITEBYTECODE: '1',
      GATEWAY: gateway.uri,
      LOSSY_GATEWAY: `coap://127.0.0.1:${relay.port}`,
      NODE: process.execPath,
      FUNCOAP: join(root, 'bin', 'funcoap.js'),
    };
    const script = join(root, 'test', 'interop', 'python-client', name);
    const { stderr } = await promisify(execFile)(python ?? '', [script], { env: environment });
    expect(stderr).toMatch(new RegExp(`^Ran ${count} tests in [^]*\\n\\nOK\\n$`, 'm'));
  });

  test('the blocks of docs/sdk.md print what stands behind their lines', async () => {
    const page = readFileSync(join(root, 'docs', 'sdk.md'), 'utf8');
    const blocks = [...page.matchAll(/^```python\n([^]*?)^```$/gm)].map(([, block = '']) => block);
    const written = [...page.matchAll(/^```ts\n\/\/ libraries\/(\w+\/index\.ts)\n([^]*?)^```$/gm)];
    const shipped = await GatewayProcess.start({ libraries: 'shipped' });
    shipped.write(Object.fromEntries(written.map(([, path = '', text = '']) => [path, text])));
    const environment = {
      ...process.env,
      PYTHONPATH: join(root, 'src', 'client', 'python'),
      PYTHONDONTWRITEBYTECODE: '1',
    };
    // They are there when the gateway has seen them.
    const ready = `import funcoap, time
with funcoap.connect("${shipped.uri}") as gw:
    while not {"ticker", "reports", "bank", "users", "orders"} <= set(dir(gw)):
        time.sleep(0.1)
        gw.refresh()
`;
    const program = [ready, ...blocks.map((block) => block.replace('coap://127.0.0.1', shipped.uri))].join('\n');
    const { stdout } = await promisify(execFile)(python ?? '', ['-c', program], { env: environment });
    await shipped.stop();
    const wanted = [...blocks.join('').matchAll(/print\(.*\) {2}# (.*)$/gm)].map(([, said = '']) =>
      said.replace(/ …$/, ''),
    );
    expect(wanted).toHaveLength(11);
    for (const said of wanted) expect(stdout).toContain(`${said}\n`);
  });
});
