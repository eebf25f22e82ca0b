/** What objects of a class offer, as it is read from the source. */
import { expect, test } from 'vitest';
import { readExports } from '../../../src/functions/signature/exports.ts';
import type { DeclaredExport } from '../../../src/functions/signature/declared-export.ts';
import { failure, only } from './read.ts';

/** The library's files; the first is the entry. */
function readFiles(files: Readonly<Record<string, string>>): DeclaredExport {
  const [entry] = Object.entries(files);
  if (entry === undefined) throw new Error('there is no file');
  const [first] = readExports(entry[1], entry[0], (specifier) => {
    const file = specifier.replace(/^\.\//, '');
    const text = files[file];
    return text === undefined ? undefined : { file, text };
  });
  if (first === undefined) throw new Error('nothing is exported');
  return first;
}

const shown = ({ members = [] }: DeclaredExport): string[] => members.map(({ name }) => name);

test('members are what is public and written in the class: never static, private or with a name that begins with _', () => {
  const of = only(`
    export class Meter {
      reading: number = 0;
      readonly unit: string = 'kWh';
      static made = 0;
      static make() {}
      #secret = 1;
      #hide() {}
      _inner = 2;
      private own = 3;
      protected shared() {}
      ['computed']() {}
      'quoted'() {}
      get watts(): number { return 1; }
      set watts(value: number) {}
      get now() { return 1; }
      set limit(value: number) {}
      reset(to: number = 0): void {}
      *each() {}
      /** @safe */
      report = (long: boolean): string => '';
      old = function (value: string) {};
      *_all() {}
      constructor() {}
      __proto__() {}
    }`);
  expect(shown(of)).toEqual(['reading', 'unit', 'watts', 'now', 'limit', 'reset', 'report', 'old']);
  const [reading, unit, watts, now, limit, reset, report, old] = of.members ?? [];
  expect([reading, unit, watts, now, limit].map((each) => [each?.readable, each?.writable])).toEqual([
    [true, true],
    [true, false],
    [true, true],
    [true, false],
    [false, true],
  ]);
  expect([reset, report, old].map((each) => [each?.kind, each?.safe, each?.parameters[0]?.name])).toEqual([
    ['method', false, 'to'],
    ['method', true, 'long'],
    ['method', false, 'value'],
  ]);
  expect(report?.returns).toEqual({ kind: 'string' });
});

test('type parameters of a class are any, whatever else has their name', () => {
  const of = only(`
    type T = string;
    export class Box<T> { content?: T; put(content: T): void {} }`);
  expect(of.members?.map(({ parameters: [value] }) => value?.type)).toEqual([{ kind: 'any' }, { kind: 'any' }]);
});

test('a class has what its superclass in the same file has, with its own constructor or the nearest', () => {
  const source = (own: string): string => `
    class Thing {
      name: string;
      constructor(name: string) { this.name = name; }
      get size(): number { return 1; }
      set size(value: number) {}
      move(by: number): void {}
      hide(): void {}
      static count() {}
      #secret() {}
    }
    const Middle = class extends Thing { turn(): void {} };
    export class Car extends Middle { ${own} }`;
  const inherited = only(source(''));
  expect(shown(inherited)).toEqual(['name', 'size', 'move', 'hide', 'turn']);
  expect(inherited.parameters.map(({ name }) => name)).toEqual(['name']);
  const own = only(
    source('constructor(wheels: number) {} move(by: number, to: number) {} get size() {} private hide() {}'),
  );
  expect(shown(own)).toEqual(['name', 'turn', 'move', 'size']);
  expect(own.parameters.map(({ name }) => name)).toEqual(['wheels']);
  expect(own.members?.find(({ name }) => name === 'move')?.parameters).toHaveLength(2);
  // Without a setter of its own, JavaScript does not take the superclass's.
  expect(own.members?.find(({ name }) => name === 'size')?.writable).toBe(false);
});

test('superclasses are followed into other files of the library, and no further', () => {
  const of = readFiles({
    'index.ts': `
      import { Account as Base } from './parts.ts';
      export class Savings extends Base { save(): void {} }`,
    'parts.ts': `
      import Named from './named.ts';
      import { Elsewhere } from '../other/index.ts';
      type Money = { cents: number };
      class Hidden extends Named { deposit(amount: Money): Peer { return new Peer(); } }
      export class Peer {}
      export { Hidden as Account };
      export class Other extends Elsewhere {}`,
    'named.ts': `
      import { EventEmitter } from 'node:events';
      /** A thing with a name. */
      export default class extends EventEmitter {
        name: string = '';
        constructor(name: string) { super(); this.name = name; }
      }`,
  });
  expect(shown(of)).toEqual(['name', 'deposit', 'save']);
  expect(of.parameters.map(({ name }) => name)).toEqual(['name']);
  const deposit = of.members?.find(({ name }) => name === 'deposit');
  expect(deposit?.parameters[0]?.type).toMatchObject({ kind: 'object', properties: { cents: { required: true } } });
  // Peer is exported there, and not by the library: nobody has one.
  expect(deposit?.returns).toEqual({ kind: 'any' });
});

test('superclasses are found through files that export what others export, which may be a circle', () => {
  const parts = { 'a.ts': "export * from './b.ts'; export * from './c.ts';", 'b.ts': "export * from './a.ts';" };
  const index = "import { Base } from './a.ts'; export class Own extends Base { own() {} }";
  expect(shown(readFiles({ 'index.ts': index, ...parts, 'c.ts': 'export class Base { base() {} }' }))).toEqual([
    'base',
    'own',
  ]);
  const renamed = "class Inner { base() {} } export { Inner as X }; export { X as Base } from './c.ts';";
  expect(shown(readFiles({ 'index.ts': index, ...parts, 'c.ts': renamed }))).toEqual(['base', 'own']);
  expect(shown(readFiles({ 'index.ts': index, ...parts, 'c.ts': '' }))).toEqual(['own']);
  expect(shown(only('export class Own extends Own { own() {} }'))).toContain('own');
});

test('a mistake in a superclass is told with its own file and line', () => {
  const index = "import { Base } from './base.ts'; export class Own extends Base {}";
  const load = (base: string): unknown => readFiles({ 'index.ts': index, 'base.ts': base });
  expect(() => load('export class Base {\n  /** @pure @safe @maxAge x */ f() {}\n}')).toThrow(
    /^base\.ts:2: Base\.f: @maxAge/,
  );
  expect(() => load('export class Base { f( }')).toThrow(/^base\.ts:1:/);
});

test('nobody makes objects of a class that is abstract, or whose nearest constructor is private or protected', () => {
  const of = (source: string): readonly unknown[] => {
    const { notMade, parameters } = only(source);
    return [notMade?.split(';', 1)[0], parameters.map(({ name }) => name)];
  };
  expect(of('export abstract class K { constructor(a: number) {} }')).toEqual(['it is abstract', []]);
  expect(of('export class K { private constructor(_a: number) {} }')).toEqual(['its constructor is private', []]);
  expect(of('export class K extends B {}\nclass B { protected constructor(a: number) {} }')).toEqual([
    'its constructor is protected',
    [],
  ]);
  const open = 'export class K extends B { constructor(b: number) { super(b); } }\n';
  expect(of(`${open}abstract class B { protected constructor(a: number) {} }`)).toEqual([undefined, ['b']]);
  expect(of('export class K { public constructor(a: number) {} }')).toEqual([undefined, ['a']]);
  expect(failure('/** @instance single */\nexport abstract class K {}').message).toBe(
    'libraries/x/index.ts:2: K: @instance is about objects that callers make, and none is made of this class: it is abstract; remove @instance.',
  );
});

test('a class says whose its instances are, alone on a line or behind text; JSDoc’s own @instance of anything else is text', () => {
  const modeOf = (doc: string): string | undefined => only(`/** ${doc} */\nexport class K {}`).instance;
  expect(
    ['@instance single', 'A thing. @instance session', '\n * A thing.\n * @instance percall\n '].map(modeOf),
  ).toEqual(['single', 'session', 'percall']);
  expect(modeOf('A thing.')).toBeUndefined();
  expect(only('/** @instance */\nexport function f() {}').notCallable).toBeUndefined();
  expect(only('export class K { /** @instance */ f() {} }').members).toHaveLength(1);
});
