/**
 * Californium's plugtest checker against the plugtest server, over UDP. It is not published as a package: where
 * somebody has built it, PLUGTEST_CHECKER is the Java class path that holds it (docs/interop.md).
 */
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { seconds } from '../../../src/core/duration.ts';
import { openPlugtestServer } from './server.ts';

const classPath = process.env['PLUGTEST_CHECKER'] ?? '';
const java = 'java';
const mainClass = 'org.eclipse.californium.plugtests.PlugtestChecker';
/** It waits for notifications in seconds, many times. */
const patienceMs = 240_000;

const numbered = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${String(index + 1).padStart(2, '0')}`);

/** All but those for OSCORE. */
const everyTest: readonly string[] = [
  ...numbered('CB', 6),
  ...numbered('CC', 23),
  ...numbered('CL', 9),
  ...['CO01_12', 'CO02_05', 'CO04', 'CO06', 'CO07', 'CO08', 'CO09', 'CO10'],
];

function missingChecker(): string | undefined {
  if (classPath === '') return 'PLUGTEST_CHECKER is not set: the class path of a built cf-plugtest-checker';
  try {
    execFileSync(java, ['-version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return `needs ${java}`;
  }
}

test("passes every test of Californium's plugtest checker", { timeout: patienceMs }, async ({ skip }) => {
  const missing = missingChecker();
  skip(missing !== undefined, missing);
  const server = await openPlugtestServer({ port: 0, interval: seconds(1) });
  const folder = mkdtempSync(join(tmpdir(), 'funcoap-checker-')); // it writes its settings where it runs
  try {
    const uri = `coap://127.0.0.1:${server.addresses[0]?.port}`;
    const args = ['-cp', classPath, mainClass, '--no-oscore', uri];
    const { stdout } = await promisify(execFile)(java, args, {
      cwd: folder,
      timeout: patienceMs,
      maxBuffer: 1 << 24,
    });
    expect(stdout).toContain(`PASS: ${uri} responds to ping`);
    const results = [...stdout.matchAll(/^(\w+): (PASSED|--FAILED--)/gm)].map(([, name = '', result = '']) => [
      name,
      result,
    ]);
    expect(Object.fromEntries(results)).toEqual(Object.fromEntries(everyTest.map((name) => [name, 'PASSED'])));
  } finally {
    rmSync(folder, { recursive: true });
    await server.close();
  }
});
