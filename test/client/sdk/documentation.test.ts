/** docs/sdk.md: its blocks are run against a gateway, and print what stands behind them; … stands for anything. (Python's: test/interop.) */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { wordsOf } from '../../../src/cli/call-line.ts';
import * as funcoap from '../../../src/index.ts';
import { ran } from '../../cli/terminal.ts';
import { root } from '../../gateway/gateway-process.ts';
import { startGateway, type TestGateway } from '../../http/gateway.ts';

const page = readFileSync(join(root, 'docs', 'sdk.md'), 'utf8');
const blocks = [...page.matchAll(/^```(\w+)\n([^]*?)^```$/gm)].map(([, kind = '', text = '']) => ({ kind, text }));
const of = (kind: string): string[] => blocks.flatMap((block) => (block.kind === kind ? [block.text] : []));

let gateway: TestGateway;
let gw: funcoap.Connection;
beforeAll(async () => {
  gateway = await startGateway({ libraries: 'shipped' });
  const own = of('ts').flatMap((text): [string, string][] => {
    const [, path] = /^\/\/ libraries\/(\S+)\n/.exec(text) ?? [];
    return path === undefined ? [] : [[path, text]];
  });
  own.push(['notes/index.ts', 'export function write(text: string): void { void text; }']);
  for (const [path, text] of own) {
    mkdirSync(dirname(join(gateway.folder, 'libraries', path)), { recursive: true });
    writeFileSync(join(gateway.folder, 'libraries', path), text);
  }
  gw = await funcoap.connect(gateway.coap);
  const names = async (): Promise<string[]> => (await gw.$libraries()).map(({ name }) => name);
  const wanted = own.map(([path]) => dirname(path));
  await vi.waitFor(async () => expect(await names()).toEqual(expect.arrayContaining(wanted)), {
    timeout: 30_000,
  });
});
afterAll(async () => {
  await gw.$close();
  await gateway.close();
});

const escaped = (text: string): string => text.replaceAll(/[^\w ]/g, String.raw`\$&`);

/** Where the page has more behind `…`, only the beginning counts. */
function expectPrinted(printed: string, wanted: string): void {
  if (wanted.endsWith(' …')) expect(printed.replaceAll('\n', ' ')).toContain(wanted.slice(0, -2));
  else expect(printed).toMatch(new RegExp(`^${wanted.split('…').map(escaped).join('.*')}$`));
}

test('the programs print what stands behind them', async () => {
  for (const text of of('js')) {
    const printed: string[] = [];
    const console = { log: (...values: unknown[]) => printed.push(values.map(String).join(' ')) };
    const opens = text.includes('const gw = ');
    const program = text
      .replace(/^import \{(.*)\} from 'funcoap';$/m, 'const {$1} = funcoap;')
      .replaceAll('coap://127.0.0.1', gateway.coap);
    // oxlint-disable-next-line typescript/no-implied-eval -- it is the page that is run
    const run = new Function(
      'funcoap',
      'console',
      ...(opens ? [] : ['gw']),
      `return (async () => {${program}})();`,
    ) as (...given: unknown[]) => Promise<void>;
    await run(funcoap, console, ...(opens ? [] : [gw]));
    const wanted = [...text.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(([, said = '']) => said);
    expect(wanted.length).toBeGreaterThan(0);
    expect(printed).toHaveLength(wanted.length);
    for (const [at, said] of wanted.entries()) expectPrinted(printed[at] ?? '', said);
  }
});

test('the commands print what stands below them', async () => {
  const commands = of('sh').flatMap((text) => text.split(/^(?=funcoap )/m));
  expect(commands.length).toBeGreaterThan(2);
  for (const command of commands) {
    const [line = '', ...below] = command.trimEnd().split('\n');
    const [, ...args] = wordsOf(line.replace(/ > \S+$/, '').replace('coap://127.0.0.1', gateway.coap));
    const { code, out, err } = await ran(args);
    expect({ line, code, err }).toEqual({ line, code: 0, err: '' });
    if (below.length > 0) expect(out.trimEnd().split('\n')).toEqual(below.map((text) => text.slice(2)));
  }
});
