/**
 * What users of five other systems can do (docs/coming-from.md) is numbered row by row: R remote-function-execution, E edu-rpc, P Pyro,
 * W easyrpc. Each row that is promised has a test whose name begins with it.
 *
 * Left out, as it is not here: P5 and P9 (there are no such rows), P27, W3, W10, W13.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const promised: Readonly<Record<string, readonly number[]>> = {
  R: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
  E: [1, 2, 3, 4, 5, 6, 7],
  P: [1, 2, 3, 4, 6, 7, 8, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26],
  W: [1, 2, 4, 5, 6, 7, 8, 9, 11, 12],
};

/** `test('P12-13: …'`, `describe('P8 P10 …'`, `])('R6 …'` */
const names = /(?:\b(?:test|describe)[\w.]*|\))\(\s*(['"`])((?:[REPW]\d+(?:-\d+)?[,:]? )+)/g;
const root = new URL('../', import.meta.url);

function rowsIn(label: string): string[] {
  const [, letter = '', first = '', last = first] = /^([REPW])(\d+)(?:-(\d+))?/.exec(label) ?? [];
  return Array.from({ length: Number(last) - Number(first) + 1 }, (_, at) => `${letter}${Number(first) + at}`);
}

test('each row has a test that is named after it', () => {
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.test.ts'));
  const named = files.flatMap((path) =>
    [...readFileSync(new URL(path, root), 'utf8').matchAll(names)].flatMap(([, , labels = '']) =>
      labels.trim().split(' ').flatMap(rowsIn),
    ),
  );
  const rows = Object.entries(promised).flatMap(([letter, numbers]) => numbers.map((number) => `${letter}${number}`));
  expect(rows.filter((row) => !named.includes(row))).toEqual([]);
});
