import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { fixture } from './fixture.ts';
import { importCycles } from './import-cycles.ts';
import { importViolations } from './import-rules.ts';
import { readSourceFiles } from './source-file.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folders = ['src', 'bin', 'libraries'];

describe('this repository', () => {
  const files = readSourceFiles(root, folders);

  test('imports point down only', () => {
    expect(files.length).toBeGreaterThan(10);
    expect(importViolations(files)).toEqual([]);
  });

  test('no circle of imports', () => {
    expect(importCycles(files)).toEqual([]);
  });
});

/** What a file at `path` with this text is told, beside the files it imports. */
function told(path: string, text: string, others: Readonly<Record<string, string>> = {}): string[] {
  const tree = { 'src/index.ts': '', 'bin/.keep': '', 'libraries/.keep': '', ...others, [path]: text };
  return importViolations(readSourceFiles(fixture(tree), folders));
}

const empty = 'export const x = 1;\n';

describe('an import is refused when it', () => {
  test.each([
    ['points up', 'src/coap/a.ts', "import { x } from '../gateway/b.ts';", 'src/gateway/b.ts', 'points up or sideways'],
    [
      'points up by type only',
      'src/core/a.ts',
      "import type { x } from '../cbor/b.ts';",
      'src/cbor/b.ts',
      'points up or sideways',
    ],
    ['points up dynamically', 'src/core/a.ts', "void import('../cli/b.ts');", 'src/cli/b.ts', 'points up or sideways'],
    [
      'points up in a type query',
      'src/core/a.ts',
      "export type X = import('../cli/b.ts').x;",
      'src/cli/b.ts',
      'points up or sideways',
    ],
    [
      're-exports from above',
      'src/core/a.ts',
      "export { x } from '../cli/b.ts';",
      'src/cli/b.ts',
      'points up or sideways',
    ],
    [
      'points sideways on floor 1',
      'src/cbor/a.ts',
      "import { x } from '../coap/b.ts';",
      'src/coap/b.ts',
      'points up or sideways',
    ],
    [
      'points sideways on floor 2',
      'src/cache/a.ts',
      "import { x } from '../functions/b.ts';",
      'src/functions/b.ts',
      'points up or sideways',
    ],
    [
      'points sideways on floor 3',
      'src/client/a.ts',
      "import { x } from '../gateway/b.ts';",
      'src/gateway/b.ts',
      'points up or sideways',
    ],
    [
      'makes config know the command line',
      'src/config/a.ts',
      "import { x } from '../cli/b.ts';",
      'src/cli/b.ts',
      'points up or sideways',
    ],
    [
      'makes a transport know CoAP',
      'src/transport/a.ts',
      "import { x } from '../coap/b.ts';",
      'src/coap/b.ts',
      'crosses a wall',
    ],
    [
      'makes a transport know CoAP by type',
      'src/transport/a.ts',
      "import type { x } from '../coap/b.ts';",
      'src/coap/b.ts',
      'crosses a wall',
    ],
    [
      'takes the code behind an interface',
      'src/functions/a.ts',
      "import { x } from '../cache/b.ts';",
      'src/cache/b.ts',
      'needs `import type`',
    ],
    ['takes the barrel', 'src/gateway/a.ts', "import { x } from '../index.ts';", 'src/index.ts', 'is the barrel'],
    ['has no extension', 'src/core/a.ts', "import { x } from './b';", 'src/core/b.ts', '.ts extension'],
    [
      'has the extension of the output',
      'src/core/a.ts',
      "import { x } from './b.js';",
      'src/core/b.ts',
      '.ts extension',
    ],
    [
      'leaves src',
      'src/core/a.ts',
      "import { x } from '../../libraries/math/b.ts';",
      'libraries/math/b.ts',
      'outside src/',
    ],
    [
      'leaves its library',
      'libraries/date/a.ts',
      "import { x } from '../math/b.ts';",
      'libraries/math/b.ts',
      'outside its library',
    ],
    [
      'calls past the command line',
      'bin/a.js',
      "import { x } from '../src/core/b.ts';",
      'src/core/b.ts',
      'is not in src/cli/',
    ],
  ])('%s', (_, path, text, other, reason) => {
    const violations = told(path, text, { [other]: empty });
    expect(violations).toHaveLength(1);
    expect(violations[0]).toContain(reason);
  });

  test.each([
    ['takes node:* in coap/', 'src/coap/codec/a.ts', "import { readFileSync } from 'node:fs';", 'imports no node:*'],
    [
      'takes node:* in cbor/, by type only',
      'src/cbor/a.ts',
      "import type { Buffer } from 'node:buffer';",
      'imports no node:*',
    ],
    [
      'takes node:* in dtls/ beside its one file for it',
      'src/dtls/a.ts',
      "import { createHmac } from 'node:crypto';",
      'where only src/dtls/crypto.ts imports node:*',
    ],
    ['takes a package in coap/', 'src/coap/a.ts', "import { decode } from 'cborg';", 'may not know'],
    ['takes a package in core/', 'src/core/a.ts', "import pino from 'pino';", 'may not know'],
    ['omits the node: prefix', 'src/cli/a.ts', "import { readFileSync } from 'fs';", 'without its node: prefix'],
    ['takes this package by its name', 'src/cli/a.ts', "import { x } from 'funcoap';", 'import the defining file'],
    [
      'takes a package that libraries do not have',
      'libraries/math/a.ts',
      "import { parse } from '@babel/parser';",
      'is not one of',
    ],
    ['takes a package in bin/', 'bin/a.js', "import { program } from 'commander';", 'is a package'],
    ['does not exist', 'src/core/a.ts', "import { x } from './nowhere.ts';", 'does not exist'],
    ['is absolute', 'src/core/a.ts', "import { x } from '/etc/x.ts';", 'absolute path'],
    [
      'is a URL of TypeScript',
      'src/functions/a.ts',
      "export const u = new URL('./worker.ts', import.meta.url);",
      'is a URL of TypeScript',
    ],
  ])('%s', (_, path, text, reason) => {
    const violations = told(path, text);
    expect(violations).toHaveLength(1);
    expect(violations[0]).toContain(reason);
  });

  test('reaches node:* from coap/ through core/', () => {
    const core = "import { channel } from 'node:diagnostics_channel';\nexport const x = channel('x');\n";
    const violations = told('src/coap/a.ts', "import { x } from '../core/b.ts';", { 'src/core/b.ts': core });
    expect(violations).toEqual(["src/coap/a.ts: reaches 'node:diagnostics_channel' through src/core/b.ts"]);
  });

  test('stands in a folder without a floor', () => {
    expect(told('src/utils/a.ts', empty)).toEqual([expect.stringContaining('stands on no floor')]);
  });

  test('closes a circle, also by types', () => {
    const tree = {
      'src/core/a.ts': "import { b } from './b.ts';\nexport const a = b;\n",
      'src/core/b.ts': "import type { c } from './c.ts';\nexport const b: typeof c = 1;\n",
      'src/core/c.ts': "import { a } from './a.ts';\nexport const c = a;\n",
    };
    expect(importCycles(readSourceFiles(fixture(tree), ['src']))).toEqual([
      'src/core/a.ts → src/core/b.ts → src/core/c.ts → src/core/a.ts',
    ]);
  });
});

describe('an import is accepted when it', () => {
  test.each([
    ['points down', 'src/gateway/a.ts', "import { x } from '../coap/b.ts';", 'src/coap/b.ts'],
    ['stays in its folder', 'src/coap/codec/a.ts', "import { x } from '../exchange/b.ts';", 'src/coap/exchange/b.ts'],
    ['makes the command line know config', 'src/cli/a.ts', "import { x } from '../config/b.ts';", 'src/config/b.ts'],
    [
      'takes an interface that the lower party declares',
      'src/functions/a.ts',
      "import type { x } from '../cache/b.ts';",
      'src/cache/b.ts',
    ],
    [
      'takes that interface by inline types',
      'src/functions/a.ts',
      "import { type x } from '../cache/b.ts';",
      'src/cache/b.ts',
    ],
    ['starts the command line', 'bin/a.js', "import '../src/cli/b.ts';", 'src/cli/b.ts'],
  ])('%s', (_, path, text, other) => {
    expect(told(path, text, { [other]: empty })).toEqual([]);
  });
});
