import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { exportViolations } from './export-rules.ts';
import { mostLines, sizeViolations } from './file-size.ts';
import { fixture } from './fixture.ts';
import { readSourceFiles } from './source-file.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

describe('this repository', () => {
  test('exports by name, and from one barrel only', () => {
    expect(exportViolations(readSourceFiles(root, ['src', 'bin', 'libraries']))).toEqual([]);
  });

  test('no long file without a reason', () => {
    expect(sizeViolations(readSourceFiles(root, ['src', 'bin', 'libraries']))).toEqual([]);
  });
});

const told = (path: string, text: string): string[] =>
  exportViolations(readSourceFiles(fixture({ [path]: text, 'src/core/b.ts': 'export const x = 1;\n' }), ['src']));

describe('refused', () => {
  test.each([
    ['a default export', 'src/core/a.ts', 'export default 1;', 'default export'],
    ['a default export under a name', 'src/core/a.ts', 'const a = 1;\nexport { a as default };', 'default export'],
    ['a second barrel', 'src/core/a.ts', "export { x } from './b.ts';", 'a re-export'],
    ['a second barrel in two lines', 'src/core/a.ts', "import { x } from './b.ts';\nexport { x };", 'a re-export'],
    ['a second barrel of types', 'src/core/a.ts', "export type { x } from './b.ts';", 'a re-export'],
    ['export *', 'src/index.ts', "export * from './core/b.ts';", 'export *'],
    ['a definition in the barrel', 'src/index.ts', 'export const a = 1;', 'a definition'],
    ['a statement in the barrel', 'src/index.ts', 'globalThis.x = 1;', 'not a re-export'],
    ['an import in the barrel', 'src/index.ts', "import './core/b.ts';", 'not a re-export'],
  ])('%s', (_, path, text, reason) => {
    expect(told(path, text)).toEqual([expect.stringContaining(reason)]);
  });

  test('a long file whose header gives no reason', () => {
    const long = (header: string): string[] =>
      sizeViolations(readSourceFiles(fixture({ 'src/core/a.ts': header + '\n'.repeat(mostLines + 1) }), ['src']));
    expect(long('/** A table. */')).toEqual([expect.stringContaining('split it')]);
    expect(long('/** A table.\n * Longer than most, because the registry of options is one table. */')).toEqual([]);
  });
});
