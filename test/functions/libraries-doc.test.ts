/** docs/libraries.md tells the truth: its libraries are loaded, its calls made, its tables tried out. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { contentFormat } from '../../src/cbor/content-format.ts';
import { encodeRepresentation } from '../../src/cbor/representation.ts';
import { textOf } from '../../src/core/bytes.ts';
import type { Value } from '../../src/core/value.ts';
import { bind, type ArgumentInput } from '../../src/functions/binding.ts';
import { CallError } from '../../src/functions/call-error.ts';
import { UsageError } from '../../src/core/error.ts';
import { defaultRegistryOptions } from '../../src/functions/registry-options.ts';
import { readExports } from '../../src/functions/signature/exports.ts';
import { defaultWorkerPoolOptions } from '../../src/functions/worker-pool-options.ts';
import { functionOf } from './functions-of.ts';
import { libraryFolder, type LibraryFolder } from './library-folder.ts';

const page = readFileSync(new URL('../../docs/libraries.md', import.meta.url), 'utf8');

/** The files of the page, by their path below libraries/. */
const files = Object.fromEntries(
  [...page.matchAll(/```ts\n\/\/ libraries\/(\S+)\n([^]*?)```/g)].map(([, path = '', text = '']) => [path, text]),
);

interface StatedCall {
  readonly line: string;
  readonly library: string;
  readonly method: string;
  readonly input: ArgumentInput;
  readonly stated: string;
}

/** `library/method?query → result`, `library/method BODY → result`. */
const calls: readonly StatedCall[] = [...page.matchAll(/```calls\n([^]*?)```/g)].flatMap(([, block = '']) =>
  block
    .trim()
    .split('\n')
    .map((line): StatedCall => {
      const [, library = '', method = '', query, body, stated = ''] =
        /^([a-z]+)\/(\w+)(?:\?(\S+)| (\S.*))? → (.+)$/.exec(line) ?? [];
      return { line, library, method, stated, input: inputOf(query, body) };
    }),
);

function inputOf(query: string | undefined, body: string | undefined): ArgumentInput {
  if (query !== undefined) return { kind: 'query', items: query.split('&') };
  return body === undefined ? { kind: 'none' } : { kind: 'body', value: JSON.parse(body) as Value };
}

/** The rows below a table's head, as cells; the first cell without its backticks. */
function tableBelow(head: string): readonly (readonly [string, string])[] {
  const [, below = ''] = page.split(`| ${head} |\n|---|---|\n`);
  return below.slice(0, below.indexOf('\n\n')).split('\n').map(cellsOf);
}

function cellsOf(row: string): readonly [string, string] {
  const [, code = '', told = ''] = /^\| `(.*?)` \| (.*) \|$/.exec(row) ?? [];
  return [code.replaceAll('\\|', '|'), told];
}

const asJson = (value: Value): string =>
  value === undefined ? 'nothing' : (textOf(encodeRepresentation(value, contentFormat.json)) ?? 'not UTF-8');

/** What stands in the page, spelled as the gateway spells it. */
const spelled = (stated: string): string => (stated === 'nothing' ? stated : JSON.stringify(JSON.parse(stated)));

const isProblem = (stated: string): boolean => /^\d\.\d\d /.test(stated);

const statusOf = (status: number): string => `${status >> 5}.${String(status & 31).padStart(2, '0')}`;

async function outcome(folder: LibraryFolder, { library, method, input, stated }: StatedCall): Promise<string> {
  try {
    await folder.registry.pending(library);
    const args = bind(folder.registry.find(library, method), input);
    return asJson(await folder.value(library, method, ...args));
  } catch (error) {
    if (!(error instanceof CallError)) throw error;
    const problem = `${statusOf(error.problem.status)} ${error.code}`;
    return stated === problem ? problem : `${problem} ${error.message}`;
  }
}

describe('docs/libraries.md', () => {
  it('has libraries and calls, and nothing else that looks like code', () => {
    expect(calls.length).toBeGreaterThan(15);
    expect(new Set(calls.map((call) => call.library))).toEqual(
      new Set(Object.keys(files).map((path) => path.split('/', 1)[0])),
    );
    expect(page.match(/^```\w+/gm)?.length).toBe(Object.keys(files).length + page.split('```calls\n').length - 1);
  });

  it('its calls have the results that stand next to them', async () => {
    const folder = await libraryFolder(files);
    const got: string[] = [];
    // In their order: some depend on those before.
    for (const call of calls) got.push(await outcome(folder, call));
    const heads = calls.map(({ line }) => line.replace(/ → .*/, ''));
    expect(got.map((result, index) => [heads[index], result])).toEqual(
      calls.map(({ stated }, index) => [heads[index], isProblem(stated) ? stated : spelled(stated)]),
    );
  });

  it('results look like that as JSON', async () => {
    const rows = tableBelow('returned | as JSON');
    expect(rows.length).toBeGreaterThan(10);
    const source = rows.map(([code], index) => `export const f${index} = () => (${code});`).join('\n');
    const folder = await libraryFolder({ 'results/index.js': source });
    const got = await Promise.all(rows.map((_, index) => folder.value('results', `f${index}`)));
    expect(got.map((value, index) => [rows[index]?.[0], asJson(value)])).toEqual(
      rows.map(([code, json]) => [code, spelled(json)]),
    );
  });

  it.each(tableBelow('TypeScript or JSDoc | checked as'))('%s is checked as %s', (type, kind) => {
    expect(functionOf(`export function f(a: ${type}) {}`).parameters[0]?.type.kind).toBe(kind);
    expect(functionOf(`/** @param {${type}} a */\nexport function f(a) {}`, 'index.js').parameters[0]?.type.kind).toBe(
      kind,
    );
  });

  it.each(tableBelow('written above `f` | told'))('%s does not load', (comment, told) => {
    const load = (): unknown => readExports(`${comment}\nexport function f() {}`, 'index.ts');
    expect(load).toThrow(new UsageError('library-tag', `index.ts:2: f: ${told}`));
  });

  it.each(tableBelow('written | why it cannot be called'))('%s cannot be called', (source, reason) => {
    expect(readExports(source, 'index.ts').map((exported) => exported.notCallable)).toEqual([reason]);
  });

  it('mistakes are told in these words', async () => {
    const rows = tableBelow('written in `index.ts` | told');
    expect(rows.length).toBeGreaterThan(5);
    const folder = await libraryFolder(
      Object.fromEntries(rows.map(([source], index) => [`m${index}/index.ts`, source])),
    );
    const told = new Map(folder.registry.libraries().map(({ name, error }) => [name, error]));
    expect(rows.map(([source], index) => [source, told.get(`m${index}`)])).toEqual(rows);
  });

  it('gives the limits that are the defaults', () => {
    const pool = defaultWorkerPoolOptions;
    const stated = [
      `\`workers.timeLimit\`, ${pool.timeLimit / 1000} s`,
      `They stop after ${pool.idleAfter / 1000} s without work`,
      `up to ${pool.concurrency}: while`,
      `react within ${pool.grace} ms`,
      `\`workers.memory\`, ${pool.maxHeapMebibytes} MiB`,
      `\`workers.queue\`, ${pool.maxQueued.toLocaleString('en')} calls`,
      `| loading | ${pool.loadLimit / 1000} s`,
      `${defaultRegistryOptions.maxOutputPerSecond.toLocaleString('en')} characters a second`,
      `A call waits up to ${defaultRegistryOptions.reloadWait / 1000} s for a reload`,
      `after ${defaultRegistryOptions.retryDelay / 1000} s, then later each time, up to ${(defaultRegistryOptions.retryDelay * 32) / 1000} s`,
      `when nothing in it has changed for ${defaultRegistryOptions.copyPatience / 1000} s`,
    ];
    expect(stated.filter((sentence) => !page.includes(sentence))).toEqual([]);
  });
});
