/** The pages of docs/examples tell the truth: each command and program prints what stands below it. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ran, linesOf } from '../cli/terminal.ts';
import { startGateway, type TestGateway } from '../http/gateway.ts';
import { asStated, blocksOf, commandsIn, output, readPage, root } from './pages/page.ts';
import { pythonWithCbor2 } from './pages/python.ts';
import { missingPython } from './python/python-folder.ts';

const folder = 'docs/examples';
const names = readdirSync(join(root, folder)).filter(
  (name) => name !== 'libraries' && statSync(join(root, folder, name)).isDirectory(),
);
/** They use what `npm start` serves, the others the libraries beside them. */
const onShipped: ReadonlySet<string> = new Set(['quick-start', 'curl']);

const needCbor2: ReadonlySet<string> = new Set(['python-client', 'callbacks']);
const missingCbor2 = pythonWithCbor2 === undefined ? 'needs python3 with cbor2 (Debian: python3-cbor2)' : undefined;

let shipped: TestGateway;
let own: TestGateway;
beforeAll(async () => {
  shipped = await startGateway({ libraries: 'shipped' });
  own = await startGateway({ libraries: librariesBeside(), more: { debug: { internals: true } } });
});
afterAll(async () => {
  await shipped.close();
  await own.close();
});

function librariesBeside(): Record<string, string> {
  const libraries = join(root, folder, 'libraries');
  const paths = readdirSync(libraries, { recursive: true, encoding: 'utf8' });
  return Object.fromEntries(
    paths
      .filter((path) => /\.(?:ts|py|json)$/.test(path))
      .map((path) => [path, readFileSync(join(libraries, path), 'utf8')]),
  );
}

test('each example is in the list, and the list has no other', () => {
  const listed = [...readPage(`${folder}/README.md`).matchAll(/^\| \[([\w-]+)\]/gm)].map(([, name = '']) => name);
  expect(listed.toSorted()).toEqual(names.toSorted());
});

describe.each(names)('P26: %s', (name) => {
  const page = readPage(`${folder}/${name}/README.md`);
  const commands = blocksOf(page, 'sh').flatMap(commandsIn);

  test('prints what its page says', async ({ skip }) => {
    const missing = name === 'python-library' ? missingPython() : needCbor2.has(name) ? missingCbor2 : undefined;
    if (missing !== undefined) skip(missing);
    const printed: string[] = [];
    for (const { command, printed: stated } of commands) {
      printed.push(asStated(await output(command, onShipped.has(name) ? shipped : own), stated));
    }
    expect(commands.length).toBeGreaterThan(0);
    expect(printed).toEqual(commands.map(({ printed }) => printed));
  });
});

test('E6, E7: the lines of the quick start, in the shell', async () => {
  const [session = ''] = blocksOf(readPage(`${folder}/quick-start/README.md`), 'shell-session');
  let seen = '';
  const lines = [...session.matchAll(/^> (.*)$/gm)].map(([, line = '']) => line);
  async function* typed(): AsyncGenerator<string> {
    for (const line of lines) {
      seen += `> ${line}\n`;
      yield await Promise.resolve(line);
    }
  }
  const write = (text: string | Uint8Array): void => void (seen += String(text));
  await ran(['shell', shipped.coap], {
    isInTerminal: true,
    out: write,
    err: write,
    openLines: () => ({ ...linesOf([]), lines: typed() }),
  });
  expect(seen.replace(/^Libraries: .*\n/, '')).toBe(session);
});

test('the types of the gateway are those that `funcoap types` writes', async () => {
  const { out } = await ran(['types', own.coap]);
  expect(out.replaceAll(own.coap, 'coap://127.0.0.1')).toBe(readPage(`${folder}/gateway.d.ts`));
});
