/** docs/http.md tells the truth: each of its commands prints what stands below it. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ran } from '../cli/terminal.ts';
import { parsedConfig } from '../config/loading.ts';
import { startGateway, type TestGateway } from './gateway.ts';

const page = readFileSync(new URL('../../docs/http.md', import.meta.url), 'utf8');
const root = new URL('../..', import.meta.url).pathname;
const commands = [...page.matchAll(/```sh\n([^`]*)```/g)]
  .flatMap(([, block = '']) => [...block.matchAll(/^(curl .*)\n# (.*)$/gm)])
  .map(([, line = '', output = '']) => ({ line, output }));

let gateway: TestGateway;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'funcoap-docs-'));
  await ran(['enroll', 'ci', '--data', folder]);
  gateway = await startGateway({ libraries: 'shipped', data: folder });
});
afterAll(async () => {
  await gateway.close();
  rmSync(folder, { recursive: true });
});

test('there are commands', () => expect(commands.length).toBeGreaterThan(6));

test.each(commands)('$line', async ({ line, output }) => {
  const own = `${process.execPath} ${join(root, 'bin/funcoap.js')}`;
  const script = line
    .replaceAll('http://127.0.0.1:3419', gateway.url)
    .replaceAll(/funcoap token (\S+)/g, `${own} token $1 --data ${folder}`);
  const { stdout } = await promisify(execFile)('sh', ['-c', script]);
  const [whole, start = ''] = /^(.*)…$/.exec(output) ?? [];
  if (whole !== undefined) expect(stdout.slice(0, start.length)).toBe(start);
  else if (output.startsWith('<')) expect(stdout).toMatch(output);
  else expect(stdout).toBe(output);
});

test('its settings are settings', () => {
  const examples = [...page.matchAll(/```json\n([^`]*)```/g)].map(([, text = '']) => JSON.parse(text) as unknown);
  expect(examples.map((example) => parsedConfig(example).http.hosts)).toEqual([
    ['gateway.example'],
    ['gateway.example'],
  ]);
});
