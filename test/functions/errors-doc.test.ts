/** docs/errors.md and the sources agree: every stable code is in the tables, and nothing else is. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { problems } from '../../src/functions/call-error.ts';
import { expectedKinds, problemKey } from '../../src/functions/problem-details.ts';

const root = new URL('../..', import.meta.url).pathname;
const doc = readFileSync(join(root, 'docs/errors.md'), 'utf8');

/** The rows of a table that begin with a cell that matches, as their cells. */
const rowsOf = (first: RegExp): string[][] =>
  doc
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
    .filter(([cell]) => first.test(cell ?? ''));

const codeOf = (cell: string | undefined): string => /^`([a-z][a-z0-9-]*)`$/.exec(cell ?? '')?.[1] ?? '';

/** `new PeerError('code', …)`, its relatives, and `super('code', …)` of their subclasses. */
const raised = /(?:new (\w*Error|InvalidArgument)|\bsuper)\(\s*'([a-z][a-z0-9]*(?:-[a-z0-9]+)*)'/g;

export function codesIn(source: string): string[] {
  return [...source.matchAll(raised)].map(([, type, code]) =>
    type === 'RequestError' ? `request-${code}` : (code ?? ''),
  );
}

const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => ({ file, text: readFileSync(join(root, 'src', file), 'utf8') }));

describe('the problems', () => {
  const rows = rowsOf(/^\d+$/).filter((cells) => cells.length === 5);
  test('are those of the table in the sources, in order of number', () => {
    const wanted = Object.entries(problems)
      .sort(([, a], [, b]) => a.number - b.number)
      .map(([name, { number, status, title }]) => [
        String(number),
        `\`${name}\``,
        `${status >> 5}.${String(status & 31).padStart(2, '0')}`,
        title,
      ]);
    expect(rows.map((cells) => cells.slice(0, 4))).toStrictEqual(wanted);
  });
  test('each say what to do', () => expect(rows.filter((cells) => (cells[4] ?? '').length < 10)).toStrictEqual([]));
  test('the kinds are those of the sources', () => {
    const kinds = rowsOf(/^\d+$/).filter(
      (cells) => cells.length === 2 && cells[1] !== undefined && Object.hasOwn(expectedKinds, cells[1]),
    );
    expect(Object.fromEntries(kinds.map(([number, kind]) => [kind, Number(number)]))).toStrictEqual(expectedKinds);
  });
  test('the key is the one of the sources', () => expect(doc).toContain(`| \`${problemKey}\` |`));
});

describe('the errors inside', () => {
  const documented = rowsOf(/^`[a-z-]+`$/).filter((cells) => cells.length === 3);
  const known = new Set([...Object.keys(problems), ...documented.map(([cell]) => codeOf(cell))]);

  test.each(sources.filter(({ text }) => codesIn(text).length > 0))('of src/$file are documented', ({ text }) => {
    expect(codesIn(text).filter((code) => !known.has(code))).toStrictEqual([]);
  });
  test('are all still raised', () => {
    const all = sources.map(({ text }) => text).join('\n');
    const gone = documented
      .map(([cell]) => codeOf(cell))
      .filter((code) => !all.includes(`'${code.replace(/^request-/, '')}'`));
    expect(gone).toStrictEqual([]);
  });
  test('stand once each, in order', () => {
    const codes = documented.map(([cell]) => codeOf(cell));
    expect(codes).toStrictEqual([...new Set(codes)].sort());
  });
  test('are found where they are raised', () => {
    expect(
      codesIn(
        "throw new PeerError('a-b', 'x'); new UsageError(\n  'c',\n  'd'); super('e-2', m); new RequestError('f', u); new Error('G h')",
      ),
    ).toStrictEqual(['a-b', 'c', 'e-2', 'request-f']);
  });
});
