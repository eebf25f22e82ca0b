/** docs/coming-from.md tells the truth: the right-hand sides are libraries that load, and commands and programs that print what they say. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { ask, startGateway, type TestGateway } from '../http/gateway.ts';
import { asStated, blocksOf, commandsIn, output, readPage } from './pages/page.ts';
import { missingPython } from './python/python-folder.ts';

const page = readPage('docs/coming-from.md');

/** What stands on the right, of each section by its name. */
const sections = page
  .split(/^## /m)
  .slice(1)
  .map((section) => {
    const right = [...section.matchAll(/<\/td><td>\n([^]*?)<\/td><\/tr>/g)].map(([, cell = '']) => cell).join('\n');
    return {
      name: section.split('\n', 1)[0] ?? '',
      programs: blocksOf(right, 'js'),
      libraries: [...blocksOf(right, 'ts'), ...blocksOf(right, 'py')],
      commands: blocksOf(right, 'sh').flatMap(commandsIn),
    };
  });

const missing = missingPython();
beforeEach(({ skip }) => {
  if (missing !== undefined) skip(missing);
});

let gateway: TestGateway;
let folder: string;
beforeAll(async () => {
  gateway = await startGateway({ libraries: 'shipped', more: { debug: { internals: true } } });
  for (const text of sections.flatMap(({ libraries }) => libraries)) await drop(text);
  folder = mkdtempSync(join(tmpdir(), 'funcoap-coming-from-'));
});
afterAll(async () => {
  await gateway.close();
  rmSync(folder, { recursive: true });
});

/** Writes a library of the page, and waits until it is served. */
async function drop(text: string): Promise<void> {
  const [, path = '', below] = /^(?:\/\/|#) libraries\/([^\s,]+)(, below what the example has)?/.exec(text) ?? [];
  const file = join(gateway.folder, 'libraries', path);
  mkdirSync(dirname(file));
  writeFileSync(file, below === undefined ? text : readPage(`docs/examples/libraries/${path}`) + text);
  const loaded = async (): Promise<void> =>
    expect((await ask(`${gateway.url}/func/${dirname(path)}`)).status).toBe(200);
  await vi.waitFor(loaded, { timeout: 60_000, interval: 100 });
}

/** What its lines say that they print. */
const statedBy = (program: string): string[] =>
  [...program.matchAll(/console\.log\(.*\/\/ (.*)$/gm)].map(([, text = '']) => text);

/** The programs of a section are one after the other, each with names of its own, on one connection. */
function whole(programs: readonly string[]): string {
  const imports = programs.flatMap((program) => program.match(/^import .*$/gm) ?? []);
  const bodies = programs.map((program) => `{\n${program.replace(/^import .*$/gm, '')}}`);
  return [
    "import { connect } from 'funcoap';",
    ...imports,
    'const gw = await connect(process.argv[2]);',
    ...bodies,
    'await gw.$close();',
  ].join('\n');
}

test('there is a section for each system, and something to run in it', () => {
  expect(sections.map(({ name }) => name)).toEqual([
    'remote-function-execution',
    'edu-rpc',
    'Pyro',
    'easyrpc',
    'IoT Async-RPC',
  ]);
  for (const { programs, commands } of sections) expect(programs.length + commands.length).toBeGreaterThan(0);
});

test.each(sections.filter(({ programs }) => programs.length > 0))(
  '$name: its programs print what they say',
  async ({ name, programs }) => {
    const file = join(folder, `${name}.mjs`);
    writeFileSync(file, whole(programs));
    expect((await output(`node ${file}`, gateway)).split('\n')).toEqual(programs.flatMap(statedBy));
  },
);

test.each(sections.flatMap(({ name, commands }) => commands.map((stated) => ({ name, ...stated }))))(
  '$name: $command',
  async ({ command, printed }) => {
    expect(asStated(await output(command, gateway), printed)).toBe(printed);
  },
);
