/** The plugtest server as a process of its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { Wire } from './wire.ts';

const program = fileURLToPath(new URL('main.ts', import.meta.url));

let child: ChildProcess | undefined;
afterEach(() => child?.kill('SIGKILL'));

/** Starts it and waits for the first line that it prints. */
async function start(...args: readonly string[]): Promise<{ readonly process: ChildProcess; readonly line: string }> {
  const started = spawn(process.execPath, [program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child = started;
  const line = await new Promise<string>((resolve) => {
    for (const stream of [started.stdout, started.stderr]) stream.setEncoding('utf8').once('data', resolve);
  });
  return { process: started, line };
}

test('prints where it listens, answers there, and stops on SIGTERM', async () => {
  const { process: server, line } = await start('--port', '0');
  expect(line).toMatch(/^plugtest server on coap:\/\/127\.0\.0\.1:\d+\n$/);
  const wire = await Wire.open(Number(/\d+\n/.exec(line)?.[0]));
  wire.empty('CON', 7);
  expect(await wire.receive()).toMatchObject({ type: 'RST', messageId: 7 });
  wire.close();
  const exited = once(server, 'exit');
  server.kill('SIGTERM');
  expect(await exited).toEqual([0, null]);
});

test('says so where the address cannot be bound', async () => {
  const { process: server, line } = await start('--port', '0', '--listen', '192.0.2.1');
  expect(line).toContain('192.0.2.1');
  if (server.exitCode === null) await once(server, 'exit');
  expect(server.exitCode).toBe(1);
});
