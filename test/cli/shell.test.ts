/** `funcoap shell`, against a gateway in this process. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect } from '../../src/client/sdk/connect.ts';
import type { Connection } from '../../src/client/sdk/connection-controls.ts';
import { ShellSession } from '../../src/cli/shell-session.ts';
import { plain } from '../../src/telemetry/paint.ts';
import { startGateway, type TestGateway } from '../http/gateway.ts';
import { linesOf, ran } from './terminal.ts';

const source = `
/** @safe */
export function join(separator: string, ...words: string[]): string { return words.join(separator); }
/** @safe */
export function mode(mode: 'slow' | 'fast' | 'its\\nend', level = 1): string { return mode + level; }
export function fail(): void { throw new Error('no such luck'); }
`;

let gateway: TestGateway;
let gw: Connection;
beforeAll(async () => {
  gateway = await startGateway({
    libraries: {
      'texts/index.ts': source,
      'math/index.ts':
        '/**\n * Adds two numbers.\n * @pure\n */\nexport function add(a: number, b: number): number { return a + b; }',
    },
  });
  gw = await connect(gateway.coap);
});
afterAll(async () => {
  await gw.$close();
  await gateway.close();
});

const shell = async (...lines: string[]): ReturnType<typeof ran> =>
  await ran(['shell', gateway.coap], { openLines: () => linesOf(lines) });

describe('E6: lines are checked against the signature, and called', () => {
  test.each<[string, string]>([
    ['math/add 10 20', '30'],
    ['math.add 10 20', '30'],
    ['math/add a=1 b=2', '3'],
    ['math/add b=2 1', '3'],
    ["texts/join ', ' a 'b c' d\\ e", 'a, b c, d e'],
    ['texts/join separator=+ words=x words=y', 'x+y'],
    ['texts/mode fast', 'fast1'],
    ['texts/mode fast level:=2', 'fast2'],
  ])('%s', async (line, printed) => {
    expect(await shell(line)).toEqual({ code: 0, out: `${printed}\n`, err: '' });
  });

  test.each<[string, string, number]>([
    ['math/add 10', 'math/add needs b (number)', 2],
    ['math/add ten 20', 'a must be a number', 2],
    ['math/add 1 2 3', 'math/add takes a, b; 3 is one too many.', 2],
    ['math/add 1 c=2', 'math/add has no parameter c', 2],
    ['maht/add 1 2', 'There is no library maht; did you mean math?', 2],
    ['math/ad 1 2', 'math has no function ad; did you mean add?', 2],
    ['math', 'math is no function; write LIBRARY/METHOD, as in math/add, or o/ID/METHOD of an object.', 2],
    ["math/add '1 2", "The quote ' does not end", 2],
    ['texts/fail', '5.00 Internal Server Error: The function threw Error', 5],
    ['math/add a=- b=1', 'The input is the lines of this shell', 2],
  ])('%s is refused in words, and ends a script', async (line, words, code) => {
    const ended = await shell(line, 'math/add 10 20');
    expect(ended.err).toContain(words);
    expect(ended).toMatchObject({ code, out: '' });
  });

  test('a person goes on after an error', async () => {
    const lines = ['math/add 1', 'math/add 1 2', 'exit', 'math/add 5 5'];
    const { code, out, err } = await ran(['shell', gateway.coap], {
      isInTerminal: true,
      openLines: () => linesOf(lines),
    });
    expect({ code, out }).toEqual({ code: 0, out: '3\n' });
    expect(err).toMatch(/^Libraries: math, texts\. [^]*needs b/);
  });

  test('ls, help and comments', async () => {
    const { out } = await shell('# nothing', '', 'ls', 'ls math', 'help math/add', 'help');
    expect(out).toMatch(
      /^library +functions\nmath +1[^]*\ntexts +3[^]*\nmath\/add\nadd\(a: number, b: number\): number\n\nAdds two numbers\.\nline/,
    );
  });
});

test.each<[string, readonly string[]]>([
  ['', ['ls', 'help', 'exit', 'math/', 'texts/']],
  ['ma', ['math/']],
  ['math/', ['math/add']],
  ['texts.j', ['texts.join']],
  ['help te', ['texts/']],
  ['ls te', ['texts']],
  ['math/add ', ['a=', 'b=']],
  ['math/add a=1 ', ['b=']],
  // What would end the line is not completed.
  ['texts/mode mode=', ['mode=slow', 'mode=fast']],
  ['texts/mode l', ['level=']],
])('Tab after %j', async (line, words) => {
  const session = new ShellSession(gw, async () => await Promise.reject(new Error('no files')), plain);
  expect((await session.complete(line))[0]).toEqual(words);
});
