/** What authors of libraries do wrong, and what they are told: one sentence with file and line, what is wrong, and what to do. */
import { expect, test } from 'vitest';
import { libraryFolder } from '../functions/library-folder.ts';

type Mistake = readonly [files: Readonly<Record<string, string>>, told: string];

const index = (text: string): Readonly<Record<string, string>> => ({ 'index.ts': text });
const declared = (text: string): Readonly<Record<string, string>> =>
  index(`import { fn, z } from 'funcoap/library';\n\n${text}`);
const helped = (statement: string, file: string, text: string): Readonly<Record<string, string>> => ({
  'index.ts': `${statement}\nexport const f = () => x;`,
  [file]: text,
});

const mistakes: Readonly<Record<string, Mistake>> = {
  // TypeScript that cannot be stripped.
  'parameter-property': [
    index('export class A {\n  constructor(private x: number) {}\n}'),
    'index.ts:2: a parameter property cannot be stripped from TypeScript; declare the field in the class and assign it in the constructor.',
  ],
  'enum': [
    helped("import { Colour as x } from './colour.ts';", 'colour.ts', '\nexport enum Colour { Red }'),
    "colour.ts:2: an enum cannot be stripped from TypeScript; write an object, such as const Colour = { Red: 'red' } as const.",
  ],
  'namespace': [
    index('namespace N { export const x = 1 }\nexport const f = () => N.x;'),
    'index.ts:1: a namespace cannot be stripped from TypeScript; put what it holds into a file of its own.',
  ],
  'module-keyword': [
    index('module N { export const x = 1 }\nexport const f = () => N.x;'),
    'index.ts:1:1: a namespace cannot be stripped from TypeScript; put what it holds into a file of its own.',
  ],
  'import-equals': [
    index("import fs = require('node:fs');\nexport const f = () => fs.constants;"),
    "index.ts:1: `import … =` cannot be stripped from TypeScript; write import … from '…'.",
  ],
  'export-equals': [
    index('function f() {}\nexport = f;'),
    'index.ts:2: `export =` cannot be stripped from TypeScript; write export before each function.',
  ],
  'angle-brackets': [
    index('export const f = (x: unknown) => <string>x;'),
    'index.ts:1: `<T>value` cannot be stripped from TypeScript; write value as T.',
  ],
  'decorator': [
    index('const log = (v: unknown) => v;\n@log\nexport class A {}'),
    'index.ts:2:1: decorators are not run; call them as functions.',
  ],
  // Modules.
  'type-import': [
    helped("import { Part } from './part.ts';\nconst x = 1;", 'part.ts', 'export interface Part {}'),
    "index.ts:1: './part.ts' exports no 'Part'; mend the name, or write import type where it is a type.",
  ],
  'default-import': [
    helped("import x from './helper.ts';", 'helper.ts', 'export const x = 1;'),
    "index.ts:1: './helper.ts' has no default export; write import { … } from './helper.ts'.",
  ],
  'js-for-ts': [
    helped("import { x } from './helper.js';", 'helper.ts', 'export const x = 1;'),
    "index.ts:1: Cannot find module 'helper.js'; an import names the file with its ending: 'helper.ts'.",
  ],
  'folder-import': [
    helped("\nimport { x } from './lib';", 'lib/index.ts', 'export const x = 1;'),
    "index.ts:2: 'lib' is a folder; an import names the file with its ending: 'lib/index.ts'.",
  ],
  'json-import': [
    helped("import x from './data.json';", 'data.json', '{}'),
    "index.ts:1: 'data.json' is imported as if it were a module; write with { type: 'json' } behind it.",
  ],
  'json-mistake': [
    helped("import x from './data.json' with { type: 'json' };", 'data.json', '{\n"a" 1}'),
    "data.json:2:5: Expected ':' after property name in JSON; mend it and save the file.",
  ],
  'page-import': [
    helped("import x from './page.html';", 'page.html', '<p>'),
    "index.ts:1: 'page.html' is no module; read it with readFileSync(import.meta.dirname + '/page.html').",
  ],
  'web-import': [
    index("\nimport x from 'https://host/x.js';\nexport const f = () => x;"),
    "index.ts:2: nothing is imported from 'https:'; install the package in the library's folder, or copy the file.",
  ],
  'node-import': [
    index("import x from 'node:filesystem';\nexport const f = () => x;"),
    "index.ts:1: Node has no module 'node:filesystem'; mend the name and save the file.",
  ],
  'funcoap-import': [
    index("import { fn } from 'funcoap';\nexport const f = fn({}, () => 1);"),
    "index.ts:1: Cannot find package 'funcoap'; what libraries import is 'funcoap/library'.",
  ],
  'commonjs-import': [
    {
      'index.ts': "import { x } from './old/x.js';\nexport const f = () => x;",
      'old/package.json': '{ "type": "commonjs" }',
      'old/x.js': 'module["exports"] = { x: 1 };',
    },
    "index.ts:1: './old/x.js' is CommonJS, and its 'x' cannot be imported by name; write import all from './old/x.js' and take it out of all.",
  ],
  'require': [
    index("\nconst fs = require('node:fs');\nexport const f = () => fs;"),
    "index.ts:2: require belongs to CommonJS, and this is an ES module; write import … from '…' and export.",
  ],
  'dirname': [
    index('export const here = __dirname;\nexport const f = () => here;'),
    'index.ts:1: __dirname belongs to CommonJS, and this is an ES module; write import.meta.dirname.',
  ],
  'syntax-in-another-file': [
    helped("import { x } from './parts/helper.js';", 'parts/helper.js', '\nexport const x = 1 +;'),
    'parts/helper.js:2:21: Unexpected token; mend it and save the file.',
  ],
  'exported-twice': [
    index('function f() {}\nexport { f };\nexport { f };'),
    'index.ts:3: f is exported twice; remove one.',
  ],
  'used-too-early': [
    declared('export const f = fn({ params: { a: z.instanceof(A) } }, () => 1);\nexport class A {}'),
    "index.ts:3: 'A' is used above the line that declares it; move that line up.",
  ],
  // Classes.
  'async-constructor': [
    index('export class A {\n  async constructor() {}\n}'),
    'index.ts:2:9: a constructor cannot be async; write a function that awaits what it needs and returns the object.',
  ],
  'safe-class': [
    index('/** @safe */\nexport class A {}'),
    'index.ts:2: A is a class, and making an object of it is not safe; promise @safe of its methods.',
  ],
  'inline-class': [
    index('/** @inline */\nexport class A {}'),
    'index.ts:2: A cannot be inline: objects live on a thread; remove @inline.',
  ],
  'inline-method': [
    index('export class A {\n  /** @safe @inline */\n  m() {}\n}'),
    'index.ts:3: A.m cannot be inline: it runs on the thread of its object; remove @inline.',
  ],
  'member-tag': [
    index('export class A {\n\n  /** @maxAge 5 */\n  m() {}\n}'),
    'index.ts:4: A.m: @maxAge is about a cached result, and only a pure function has one; add @pure or remove @maxAge.',
  ],
  'constructor-parameter': [
    index('export class A {\n  constructor(_x: number) {}\n}'),
    "index.ts:2: A: parameter '_x': names that begin with \"_\" are control words of a query, so no caller could give it; rename it to 'x'.",
  ],
  // fn()
  'hidden-class': [
    declared('class A {}\nexport const f = fn({ params: { to: z.instanceof(A) } }, () => 1);'),
    "index.ts:4: f: parameter 'to': no caller could give an instance of A: it is no class that is written in this file and exported; do both, or declare the data that it is made of.",
  ],
  'no-type': [
    declared('export const f = fn({ params: { a: z.number } } as object, () => 1);'),
    'index.ts:3: `a` of `params` is no Zod type: write z.number(), z.string() or another.',
  ],
  'by-position': [
    declared('export const f = fn({ params: { a: z.number(), b: z.number() } }, (a, b) => a + b);'),
    'index.ts:3: fn() gives its function one object with all arguments: write ({ a, b }) => …, not (a, b) => ….',
  ],
  'param-name': [
    index('/** @param {number} lenght */\nexport function f(length) {}'),
    'index.ts:2: f: @param lenght is no parameter: did you mean length?',
  ],
  'tags-above-fn': [
    declared('/** @pure @maxAge 60 */\nexport const f = fn({}, () => 1);'),
    'index.ts:4: f: @pure stands above fn(), whose promises are its options; write `pure: true` there instead.',
  ],
  // While it loads.
  'rejected': [
    index("\nvoid Promise.reject(new Error('no database.'));\nexport const f = () => 1;"),
    'index.ts:2: nobody caught Error: no database, while it was loaded; mend it and save the file.',
  ],
  'exit': [
    index('process.exit(1);'),
    'it called process.exit(1) while loading; remove that: a library is loaded to the end of its file.',
  ],
  'thrown-value': [
    index("throw 'nothing';"),
    'index.ts: threw "nothing" while it was loaded; mend it and save the file.',
  ],
};

test('mistakes are told in one sentence, with the line and what to do', { timeout: 120_000 }, async () => {
  const { registry } = await libraryFolder(
    Object.fromEntries(
      Object.entries(mistakes).flatMap(([name, [files]]) =>
        Object.entries(files).map(([file, text]) => [`${name}/${file}`, text]),
      ),
    ),
  );
  const told = Object.fromEntries(registry.libraries().map(({ name, error }) => [name, error]));
  expect(told).toEqual(Object.fromEntries(Object.entries(mistakes).map(([name, [, sentence]]) => [name, sentence])));
});
