/** src/client/python/funcoap.py against the real gateway. The tests themselves are in Python (python-client/calls.py). */
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

const reason = python === undefined ? 'needs python3 with cbor2 (Debian: python3-cbor2)' : undefined;

describe.skipIf(reason !== undefined)(`the Python client${reason === undefined ? '' : `: ${reason}`}`, () => {
  let gateway: GatewayProcess;
  let relay: LossyRelay;
  beforeAll(async () => {
    gateway = await GatewayProcess.start({
      libraries: { 'lib/index.ts': source },
      settings: ['debug.internals=true'],
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

  test('its own tests pass', async () => {
    const environment = {
      ...process.env,
      PYTHONPATH: join(root, 'src', 'client', 'python'),
      PYTHONDONTWRITEBYTECODE: '1',
      GATEWAY: gateway.uri,
      LOSSY_GATEWAY: `coap://127.0.0.1:${relay.port}`,
    };
    const script = join(root, 'test', 'interop', 'python-client', 'calls.py');
    const { stderr } = await promisify(execFile)(python ?? '', [script], { env: environment });
    expect(stderr).toMatch(/^Ran 16 tests in [^]*\n\nOK\n$/m);
  });

  test('the block of docs/sdk.md prints what stands behind its lines', async () => {
    const page = readFileSync(join(root, 'docs', 'sdk.md'), 'utf8');
    const block = /^```python\n([^]*?)^```$/m.exec(page)?.[1] ?? '';
    const shipped = await GatewayProcess.start({ libraries: 'shipped' });
    const environment = {
      ...process.env,
      PYTHONPATH: join(root, 'src', 'client', 'python'),
      PYTHONDONTWRITEBYTECODE: '1',
    };
    const program = block.replace('coap://127.0.0.1', shipped.uri);
    const { stdout } = await promisify(execFile)(python ?? '', ['-c', program], { env: environment });
    await shipped.stop();
    const wanted = [...block.matchAll(/print\(.*\) {2}# (.*)$/gm)].map(([, said = '']) => said.replace(/ …$/, ''));
    expect(wanted).toHaveLength(3);
    for (const said of wanted) expect(stdout).toContain(`${said}\n`);
  });
});
