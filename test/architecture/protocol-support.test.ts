/** docs/protocol-support.md names code and tests that are there. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const rows = readFileSync(join(root, 'docs/protocol-support.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| section') && !line.startsWith('| RFC |'))
  .map((line) => line.split('|').slice(1, -1));

const quoted = (cell: string | undefined): string[] =>
  [...(cell ?? '').matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);

/** `a/{b,c}.ts` as two. */
function spelledOut(name: string): string[] {
  const [, before = '', list, after = ''] = /^(.*)\{(.*)\}(.*)$/.exec(name) ?? [];
  return list === undefined ? [name] : list.split(',').map((part) => before + part + after);
}

/** Names that lead nowhere; one without a folder lies in that of the name before it. */
function lost(names: readonly string[], folder: string, endings: readonly string[]): string[] {
  let before = '.';
  return names.flatMap(spelledOut).filter((name) => {
    const places = name.includes('/') ? [name] : [join(before, name), name];
    const found = places.find((place) => endings.some((ending) => existsSync(join(root, folder, place + ending))));
    before = dirname(found ?? before);
    return found === undefined;
  });
}

test('each row names code and tests that there are, and what is done has both', () => {
  expect(rows.length).toBeGreaterThan(80);
  const faults = rows.flatMap(([section = '', , state = '', code, tests]) => [
    ...lost(quoted(code), 'src', ['']).map((name) => `${section.trim()}: no src/${name}`),
    ...lost(quoted(tests), 'test', ['.test.ts', '']).map((name) => `${section.trim()}: no test/${name}`),
    ...(state.startsWith(' done') && quoted(code).length === 0 ? [`${section.trim()}: done where?`] : []),
  ]);
  expect(faults).toEqual([]);
});
