/** docs/calling.md and docs/objects.md tell the truth: their commands, one after the other, print what stands below them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { ask, startGateway, type TestGateway } from '../http/gateway.ts';
import { asStated, blocksOf, commandsIn, output, readPage } from './pages/page.ts';
import { missingCoapClient } from './plugtest/libcoap.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const pages = ['docs/calling.md', 'docs/objects.md'].map((path) => ({ path, page: readPage(path) }));
const [bank = ''] = blocksOf(readPage('docs/objects.md'), 'ts');

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway({ libraries: 'shipped' });
  const folder = join(gateway.folder, 'libraries', 'bank');
  mkdirSync(folder);
  writeFileSync(join(folder, 'index.ts'), bank);
  await vi.waitFor(async () => expect((await ask(`${gateway.url}/func/bank`)).status).toBe(200), { timeout: 30_000 });
});
afterAll(async () => gateway.close());

const programs = pages.flatMap(({ path, page }) =>
  blocksOf(page, 'sh').map((block) => ({ path, block, stated: commandsIn(block) })),
);

test('there are commands on each page', () => {
  expect(new Set(programs.map(({ path }) => path))).toEqual(new Set(pages.map(({ path }) => path)));
});

/** Curl and coap-client end no line, others do. */
const linesOf = (text: string): string[] => text.split('\n').filter((line) => line !== '');

test.for(programs)('$path: $block', async ({ stated }, { skip }) => {
  const missing = missingCoapClient();
  if (missing !== undefined && stated.some(({ command }) => command.includes('coap-client'))) skip(missing);
  // One shell for all of a block: it keeps what it has found out in variables.
  const printed = linesOf(await output(stated.map(({ command }) => `${command}\necho`).join('\n'), gateway));
  const expected = stated.flatMap((one) => linesOf(one.printed));
  expect(printed.map((line, at) => asStated(line, expected[at] ?? ''))).toEqual(expected);
});
