/**
 * A device that moves after a restart and knows no return routability (RFC 9853), beyond loopback, where an address is to be shown first:
 * it is bound to its new address by the Echo that it returns (RFC 9175). In a network namespace: Linux, root and `ip netns`.
 */
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { ran } from '../cli/terminal.ts';
import { whyNoNamespaces } from './namespaces.ts';
import type { EchoSeen } from './restart-echo.ts';

const namespace = `fe${process.pid}`;
const device = '10.79.3.9';
const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8', stdio: 'pipe' });
const missing = whyNoNamespaces();
let folder = '';

beforeEach(({ skip }) => {
  if (missing !== undefined) skip(missing);
});
beforeAll(() => {
  if (missing !== undefined) return;
  ip('netns', 'add', namespace);
  ip('-n', namespace, 'link', 'set', 'lo', 'up');
  ip('-n', namespace, 'address', 'add', `${device}/32`, 'dev', 'lo');
  folder = mkdtempSync(join(tmpdir(), 'funcoap-echo-'));
  mkdirSync(join(folder, 'home'));
});
afterAll(() => {
  if (missing !== undefined) return;
  ip('netns', 'delete', namespace);
  rmSync(folder, { recursive: true });
});

test('a device that moves after a restart and answers no path challenge gets little, until the Echo that it returns binds it there', async () => {
  const { out } = await ran(['enroll', 'fleet', '--json'], { workingFolder: folder });
  const { pskIdentity, key } = JSON.parse(out) as { pskIdentity: string; key: string };
  const script = new URL('restart-echo.ts', import.meta.url).pathname;
  const inside = ['netns', 'exec', namespace, process.execPath, script, folder, device, pskIdentity, key];
  const { stdout } = await promisify(execFile)('ip', inside);
  const seen = JSON.parse(stdout) as EchoSeen;
  expect(seen.whole).toBeGreaterThan(256);
  // RFC 9175 §2.4, in the contract's words: max(3 × request, 136).
  expect(seen.cut).toBeLessThanOrEqual(200);
  expect(seen.echo).toBe(8);
  expect(seen.moved).toEqual(['moved away']);
  expect(seen.afterEcho).toBe(seen.whole);
  expect(seen.verified).toEqual(['moved away', 'verified away']);
  // The journal has it at its new address.
  expect([seen.still, seen.stillStates]).toEqual([seen.whole, []]);
});
