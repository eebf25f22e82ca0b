/** What an author reads when a library does not load: where it is, and what to do. */
import { describe, expect, it } from 'vitest';
import { channels, type LibraryChanged } from '../../src/core/channels.ts';
import { libraryFolder } from './library-folder.ts';

const mistakes: Readonly<Record<string, readonly [file: string, source: string, sentence: string]>> = {
  syntax: [
    'index.ts',
    'export function f() {\n  return 1 +;\n}',
    'index.ts:2:13: Unexpected token; mend it and save the file.',
  ],
  tag: [
    'index.ts',
    '/** @maxAge 60 */\nexport function f() {}',
    'index.ts:2: f: @maxAge is about a cached result, and only a pure function has one; add @pure or remove @maxAge.',
  ],
  instance: [
    'index.ts',
    '/** @instance once */\nexport class Clock {}',
    'index.ts:2: Clock: @instance needs to know whose the instances are; write @instance single, session or percall.',
  ],
  capitals: [
    'index.ts',
    '/** @Instance single */\nexport class Clock {}',
    'index.ts:2: Clock: @Instance is no tag; write @instance, with these capitals.',
  ],
  single: [
    'index.ts',
    '/** @instance single */\nexport class Clock { constructor(zone: string) {} }',
    'index.ts:2: Clock: there is one for all callers, so its constructor cannot need zone; give that a default, or write another @instance.',
  ],
  inline: [
    'index.ts',
    'export class Clock {}\n/** @inline @safe */\nexport function now() { return Date.now(); }',
    'index.ts:3: now cannot be inline: it would not meet the objects of Clock, which live on a thread; remove the promise, or put it into a library of its own.',
  ],
  parameter: [
    'index.ts',
    'export function f(_n: number) {}',
    "index.ts:1: f: parameter '_n': names that begin with \"_\" are control words of a query, so no caller could give it; rename it to 'n'.",
  ],
  enumeration: [
    'index.ts',
    'const one = 1;\nenum Colour { Red }\nexport const f = () => Colour.Red + one;',
    "index.ts:2: an enum cannot be stripped from TypeScript; write an object, such as const Colour = { Red: 'red' } as const.",
  ],
  package: [
    'index.ts',
    "// left-pad\nimport { pad } from 'left-pad';\nexport const f = () => pad;",
    "index.ts:2: Cannot find package 'left-pad'; run `npm install left-pad` in the library's folder and save the file.",
  ],
  subpath: [
    'index.js',
    "import { pad } from '@scope/pads/left';\nexport const f = () => pad;",
    "index.js:1: Cannot find package '@scope/pads'; run `npm install @scope/pads` in the library's folder and save the file.",
  ],
  relative: [
    'index.ts',
    "\nimport { x } from './nowhere.ts';\nexport const f = () => x;",
    "index.ts:2: Cannot find module 'nowhere.ts'; mend it and save the file.",
  ],
  ending: [
    'index.ts',
    "import { x } from './index';\nexport const f = () => x;",
    "index.ts:1: Cannot find module 'index'; an import names the file with its ending: 'index.ts'.",
  ],
  thrown: ['index.ts', '\n\nthrow new Error("no database");', 'index.ts:3: no database; mend it and save the file.'],
  elsewhere: [
    'index.ts',
    'throw new Error("open \'/srv/secrets/db\' or file:///srv/more/x or https://host/a/b or ./a/b");',
    "index.ts:1: open 'db' or x or https://host/a/b or ./a/b; mend it and save the file.",
  ],
  spaced: [
    'index.ts',
    "throw new Error(\"open '/srv/my secrets/a b/db', failed:/srv/secrets/key, '/' or 'a/b/c'\");",
    "index.ts:1: open 'db', failed:key, '/' or 'a/b/c'; mend it and save the file.",
  ],
  later: [
    'index.ts',
    'setTimeout(() => { throw new Error("open \'/srv/secrets/db\'."); });\nawait new Promise(() => {});',
    "index.ts:1: nobody caught Error: open 'db', while it was loaded; mend it and save the file.",
  ],
  awaits: [
    'index.ts',
    'await new Promise(() => {});\nexport function f() {}',
    'it waits for something that never comes: a top-level await does not end; mend it and save the file.',
  ],
  commonjs: [
    'index.js',
    'exports.f = () => 1;',
    'index.js: exports in the way of CommonJS are not read; write `export function …` instead of `exports.… =`.',
  ],
  nothing: [
    'main.ts',
    'export const f = 1;',
    'the folder has no index.ts or index.js, and no nothing.py or __init__.py; write one that has functions.',
  ],
};

describe('a library that does not load', () => {
  it('is told in one sentence, with the line', async () => {
    const { registry } = await libraryFolder(
      Object.fromEntries(Object.entries(mistakes).map(([name, [file, source]]) => [`${name}/${file}`, source])),
    );
    const told = Object.fromEntries(registry.libraries().map(({ name, error }) => [name, error]));
    expect(told).toEqual(
      Object.fromEntries(Object.entries(mistakes).map(([name, [, , sentence]]) => [name, sentence])),
    );
  });

  it('because a package.json makes it CommonJS says so, and what to do', async () => {
    const { registry } = await libraryFolder({
      'jay/package.json': '{ "type": "commonjs" }',
      'jay/index.js': '\nexport function f() {}',
      'helped/package.json': '{ "type": "commonjs" }',
      'helped/index.mjs': 'import "./helper.js";\nexport function f() {}',
      'helped/helper.js': 'import fs from "node:fs";',
    });
    const cure = (folder: string, name: string): string =>
      `it is an ES module, but the package.json of the folder ${folder} says that it is CommonJS; name it ${name}, or write "type": "module" there.`;
    expect(registry.libraries().map(({ error }) => error)).toEqual([
      `helper.js:1: ${cure('helped', 'helper.mjs')}`,
      `index.js:2: ${cure('jay', 'index.mjs')}`,
    ]);
  });
});

it('a file where a folder should be is pointed out, once', async () => {
  const told: LibraryChanged[] = [];
  const listener = (event: unknown): void => void told.push(event as LibraryChanged);
  channels.library.subscribe(listener);
  const files = { 'single.ts': '', 'types.d.ts': '', 'vite.config.js': '', 'notes.md': '', 'good/index.mjs': '' };
  const { registry, write } = await libraryFolder(files);
  write('new/index.ts', 'export function f() {}');
  await registry.pending('new');
  channels.library.unsubscribe(listener);
  expect(told.filter(({ state }) => state === 'ignored').map(({ message }) => message)).toEqual([
    'single.ts is not served: a library is a folder. If it is one, put it into single/index.ts.',
  ]);
});
