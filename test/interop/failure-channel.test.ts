/** The file of docs/operating.md that is told what functions fail with, before a gateway of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import { openCoapClient } from '../../src/client/coap-client.ts';
import { root } from '../gateway/gateway-process.ts';

test('a file that is loaded first is told of each failure of a function', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'funcoap-failures-'));
  const page = readFileSync(join(root, 'docs', 'operating.md'), 'utf8');
  const file = /^```js\n(\/\/ errors\.mjs\n[\s\S]*?)^```$/m.exec(page)?.[1] ?? '';
  writeFileSync(join(folder, 'errors.mjs'), file);
  mkdirSync(join(folder, 'libraries', 'slow'), { recursive: true });
  writeFileSync(
    join(folder, 'libraries', 'slow', 'index.ts'),
    `export function boom(): void { throw new RangeError('no such luck'); }`,
  );
  const serve = ['serve', '--json', '--port', '0', '--listen', '127.0.0.1'];
  const child = spawn(process.execPath, ['--import', './errors.mjs', join(root, 'bin', 'funcoap.js'), ...serve], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  onTestFinished(async () => {
    child.kill();
    await once(child, 'exit');
    rmSync(folder, { recursive: true });
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<unknown> => JSON.parse(String((await lines.next()).value));
  const { addresses } = (await next()) as { readonly addresses: readonly string[] };
  const client = await openCoapClient({});
  onTestFinished(() => client.close());
  await client.request({ uri: `${addresses[0]}/func/slow/boom`, method: 'POST' });
  expect(await next()).toEqual({
    target: 'slow/boom',
    problem: 'function-failed',
    message: 'The function threw RangeError: no such luck (index.ts:1).',
    stack: expect.stringContaining('index.ts') as string,
    correlationId: expect.stringMatching(/^\d+$/) as string,
  });
});
