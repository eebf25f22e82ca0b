import { describe, expect, test } from 'vitest';
import { readExports } from '../../../src/functions/signature/exports.ts';
import type { DeclaredExport } from '../../../src/functions/signature/declared-export.ts';
import type { ValueType } from '../../../src/functions/description.ts';
import { UsageError } from '../../../src/core/error.ts';

const read = (source: string, file = 'libraries/x/index.ts'): DeclaredExport[] => readExports(source, file);

function only(source: string, file?: string): DeclaredExport {
  const [first] = read(source, file);
  if (first === undefined) throw new Error('nothing is exported');
  return first;
}

const kinds = (source: string): string[] => read(source).map(({ name, kind }) => `${name}: ${kind}`);

function failure(source: string, file?: string): UsageError {
  try {
    read(source, file);
  } catch (error) {
    if (error instanceof UsageError) return error;
    throw error;
  }
  throw new Error('it loads');
}

describe('exports', () => {
  test('are listed in the order in which they are exported', () => {
    expect(
      read('function late() {}\nexport const b = () => 1, a = () => 2;\nexport { late };\nexport function z() {}').map(
        (e) => e.name,
      ),
    ).toEqual(['b', 'a', 'late', 'z']);
  });

  test('have a kind: functions, generators, classes, fn() declarations, others', () => {
    expect(
      kinds(`import { fn } from 'funcoap/library';
        export function f() {}
        export async function af() {}
        export function* g() {}
        export async function* ag() {}
        export const arrow = () => 1;
        export const inline = async function () {};
        export const wrapped = ((a) => a) as unknown;
        export const declared = fn({}, () => 1);
        export class K {}
        export const constant = 5;
        export default function () {}`),
    ).toEqual([
      'f: function',
      'af: async function',
      'g: generator',
      'ag: async generator',
      'arrow: function',
      'inline: async function',
      'wrapped: function',
      'declared: declared',
      'K: class',
      'constant: other',
      'default: other',
    ]);
  });

  test('fn() is known by its import, whatever the file calls it', () => {
    expect(kinds(`import { fn as define } from 'funcoap/library'; export const a = define({}, () => 1);`)).toEqual([
      'a: declared',
    ]);
    expect(kinds(`import * as funcoap from 'funcoap/library'; export const a = funcoap.fn({}, () => 1);`)).toEqual([
      'a: declared',
    ]);
    expect(kinds(`import { helper } from './x.ts'; export const a = helper({}, () => 1);`)).toEqual(['a: other']);
  });

  test('re-exports are listed with a reason and cannot be called', () => {
    const listed = read(`import { readFile } from 'node:fs/promises';
      export { readFile };
      export { join as merge } from 'node:path';
      export * as os from 'node:os';
      export * from './more.ts';`);
    expect(listed.map(({ name, kind }) => [name, kind])).toEqual([
      ['readFile', 'other'],
      ['merge', 'other'],
      ['os', 'other'],
      ['*', 'other'],
    ]);
    for (const each of listed) expect(each.notCallable).toMatch(/write (a function|functions) of your own/);
  });

  test('what cannot be called says why, what can be called does not', () => {
    expect(only('export class K {}').notCallable).toBe('it is a class; a function can be called');
    expect(only('export function* g() {}').notCallable).toMatch(/^it is a generator/);
    expect(only('export const n = 1;').notCallable).toBe('it is a value, not a function');
    expect(only('export const { a } = { a() {} };').notCallable).toMatch(/taken out of another value/);
    expect(only('export function f() {}').notCallable).toBeUndefined();
    expect(only('export const f = fn({}, () => 1);').notCallable).toBeUndefined();
  });

  test('names that begin with _ are left out, and so is what is not exported', () => {
    expect(read('export function _private() {}\nfunction inner() {}\nexport const _c = () => 1;')).toEqual([]);
    expect(read('function f() {}\nexport { f as _f };')).toEqual([]);
  });

  test('a local function has the name under which it is exported', () => {
    const [renamed] = read('function inner(a: number) {}\nexport { inner as outer };');
    expect(renamed).toMatchObject({
      name: 'outer',
      kind: 'function',
      parameters: [{ name: 'a', type: { kind: 'number' } }],
    });
  });

  test('types are no exports', () => {
    expect(read('export type T = 1; export interface I {}\ntype U = 2; export type { U };')).toEqual([]);
  });

  test('a name that is no identifier cannot be called', () => {
    expect(only('function f() {}\nexport { f as "a/b" };')).toMatchObject({
      kind: 'other',
      notCallable: expect.stringMatching(/cannot stand in a path/) as string,
    });
  });

  test('of an overloaded function the implementation counts, with the doc of the first signature', () => {
    const [one, ...more] = read(
      '/** Twice. */\nexport function f(a: number): void;\nexport function f(a: string): void;\nexport function f(a: number | string): void {}',
    );
    expect(more).toEqual([]);
    expect(one).toMatchObject({ title: 'Twice.', parameters: [{ type: { kind: 'union' } }] });
  });

  test('a name that methods of Object have is a name like any other', () => {
    expect(kinds('export function constructor() {}\nexport function toString() {}')).toEqual([
      'constructor: function',
      'toString: function',
    ]);
  });

  test('know their line', () => {
    expect(only('\n\nexport function f() {}').line).toBe(3);
  });
});

describe('documentation and promises', () => {
  test('the text, its first line, and no tags', () => {
    const { title, doc } = only('/**\n * Lists them.\n *\n * All of them.\n * @safe\n */\nexport function f() {}');
    expect(title).toBe('Lists them.');
    expect(doc).toBe('Lists them.\n\nAll of them.');
  });

  test('@safe, @pure, @shared, @inline; pure is safe', () => {
    expect(only('/** @safe */ export function f() {}')).toMatchObject({ safe: true, pure: false });
    expect(only('/** @pure */ export function f() {}')).toMatchObject({ safe: true, pure: true });
    expect(only('/** @pure @x\n * @shared\n * @inline */ export function f() {}')).toMatchObject({
      shared: true,
      inline: true,
    });
    expect(only('export function f() {}')).toMatchObject({ safe: false, pure: false, shared: false, inline: false });
  });

  test.each([
    ['60', 60_000],
    ['5m', 300_000],
    ['1.5 h', 5_400_000],
    ['250ms', 250],
    ['2d', 172_800_000],
    ['0', 0],
  ])('@maxAge %s', (text, expected) => {
    expect(only(`/** @pure\n * @maxAge ${text} */ export function f() {}`).maxAge).toBe(expected);
  });

  test('@staleWhileRevalidate and @timeLimit take seconds or a unit too', () => {
    expect(only('/** @pure\n * @staleWhileRevalidate 1m\n * @timeLimit 10 */ export function f() {}')).toMatchObject({
      staleWhileRevalidate: 60_000,
      timeLimit: 10_000,
    });
    expect(only('export function f() {}').timeLimit).toBeUndefined();
  });

  test('a tag that cannot be meant is an error with file and line', () => {
    expect(failure('/** @pure\n * @maxAge soon */\nexport function f() {}').message).toMatch(
      /^libraries\/x\/index\.ts:3: f: @maxAge needs a time/,
    );
    expect(failure('/** @maxAge 60 */ export function f() {}').message).toMatch(/only a pure function/);
    expect(failure('/** @shared */ export function f() {}').code).toBe('library-tag');
    expect(failure('/** @timeLimit 0 */ export function f() {}').code).toBe('library-tag');
  });

  test('an @ in a fenced example is text', () => {
    expect(only('/**\n * How:\n * ```\n * @pure\n * ```\n */\nexport function f() {}')).toMatchObject({
      pure: false,
      doc: 'How:\n```\n@pure\n```',
    });
  });

  test('@returns adds to the text, and its type counts where nothing else says one', () => {
    const { doc, returns } = only('/** Adds.\n * @returns {number} the sum */\nexport function f() {}', 'index.js');
    expect(doc).toBe('Adds.\n\nReturns the sum');
    expect(returns).toEqual({ kind: 'number' });
  });

  test('the result type is read through Promise; void is none', () => {
    expect(only('export async function f(): Promise<string[]> { return []; }').returns).toEqual({
      kind: 'array',
      items: { kind: 'string' },
    });
    expect(only('export function f(): void {}').returns).toBeUndefined();
  });
});

const typeOf = (annotation: string, more = ''): ValueType | undefined =>
  read(`${more}\nexport function f(a: ${annotation}) {}`).find((e) => e.name === 'f')?.parameters[0]?.type;

describe('TypeScript types', () => {
  const number: ValueType = { kind: 'number' };
  const string: ValueType = { kind: 'string' };
  const cases: [string, ValueType][] = [
    ['number', number],
    ['string', string],
    ['boolean', { kind: 'boolean' }],
    ['bigint', { kind: 'bigint' }],
    ['null', { kind: 'null' }],
    ['unknown', { kind: 'any' }],
    ['Uint8Array', { kind: 'bytes' }],
    ['Date', { kind: 'date' }],
    ['-1', { kind: 'literal', value: -1 }],
    ["'a'", { kind: 'literal', value: 'a' }],
    ['true', { kind: 'literal', value: true }],
    ['`a${string}`', string],
    ['number[]', { kind: 'array', items: number }],
    ['readonly (number)[]', { kind: 'array', items: number }],
    ['Array<string>', { kind: 'array', items: string }],
    ['ReadonlyArray<string>', { kind: 'array', items: string }],
    ['[number, name: string]', { kind: 'tuple', items: [number, string] }],
    ['[number, ...string[]]', { kind: 'array', items: { kind: 'any' } }],
    ['number | string', { kind: 'union', options: [number, string] }],
    ['number | number', number],
    ['number | any', { kind: 'any' }],
    ['object', { kind: 'object', properties: {}, additional: { kind: 'any' } }],
    ['Record<string, number>', { kind: 'object', properties: {}, additional: number }],
    [
      "Record<'a' | 'b', number>",
      {
        kind: 'object',
        properties: { a: { type: number, required: true }, b: { type: number, required: true } },
        additional: undefined,
      },
    ],
    [
      '{ x: number; y?: string }',
      {
        kind: 'object',
        properties: { x: { type: number, required: true }, y: { type: string, required: false } },
        additional: undefined,
      },
    ],
    ['{ [name: string]: number }', { kind: 'object', properties: {}, additional: number }],
    [
      '{ a: number } & { b: string }',
      {
        kind: 'object',
        properties: { a: { type: number, required: true }, b: { type: string, required: true } },
        additional: undefined,
      },
    ],
    [
      'Partial<{ a: number }>',
      { kind: 'object', properties: { a: { type: number, required: false } }, additional: undefined },
    ],
    ['{}', { kind: 'any' }],
    ['Map<string, number>', { kind: 'any' }],
    ['Imported', { kind: 'any' }],
    ['keyof Imported', { kind: 'any' }],
  ];
  test.each(cases)('%s', (annotation, expected) => {
    expect(typeOf(annotation)).toEqual(expected);
  });

  test('aliases and interfaces of the file are followed', () => {
    expect(typeOf('L', "type L = M | 'b'; type M = 'a';")).toEqual({
      kind: 'union',
      options: [
        { kind: 'literal', value: 'a' },
        { kind: 'literal', value: 'b' },
      ],
    });
    expect(
      typeOf('P', 'interface Q { x: string; z: boolean } export interface P extends Q { x: string; y?: number }'),
    ).toEqual({
      kind: 'object',
      properties: {
        x: { type: string, required: true },
        z: { type: { kind: 'boolean' }, required: true },
        y: { type: number, required: false },
      },
      additional: undefined,
    });
  });

  test('a recursive type is any where it meets itself', () => {
    expect(typeOf('T', 'interface T { v: number; next?: T }')).toEqual({
      kind: 'object',
      properties: { v: { type: number, required: true }, next: { type: { kind: 'any' }, required: false } },
      additional: undefined,
    });
    expect(typeOf('A', 'type A = B; type B = A;')).toEqual({ kind: 'any' });
  });

  test('a name that the file takes for itself is not the built-in', () => {
    expect(typeOf('Date', 'class Date {}')).toEqual({ kind: 'any' });
    expect(typeOf('Date', 'type Date = string;')).toEqual(string);
    expect(typeOf('Date', "import { Date } from './x.ts';")).toEqual({ kind: 'any' });
  });

  test('a type parameter is any, also where an alias has its name', () => {
    expect(only('type T = number;\nexport function f<T>(a: T) {}').parameters[0]?.type).toEqual({ kind: 'any' });
  });

  test('types that double with every line are read in no time', () => {
    const lines = Array.from({ length: 200 }, (_, i) => `type T${i} = { a: T${i + 1}; b: T${i + 1} };`);
    expect(typeOf('T0', `${lines.join('\n')} type T200 = number;`)?.kind).toBe('object');
  });
});

const parametersOf = (list: string, doc = '', file?: string) =>
  only(`${doc}export function f(${list}) {}`, file).parameters;

describe('parameters', () => {
  test('are required unless optional, with a default, rest, or with undefined among the types', () => {
    expect(
      parametersOf('a: number, b?: number, c = 1, d: number | undefined = g(), ...e: number[]').map((p) => [
        p.name,
        p.required,
        p.rest,
      ]),
    ).toEqual([
      ['a', true, false],
      ['b', false, false],
      ['c', false, false],
      ['d', false, false],
      ['e', false, true],
    ]);
  });

  test.each([
    ['5', 5, 'number'],
    ['-5', -5, 'number'],
    ['+5', 5, 'number'],
    ['-5n', -5n, 'bigint'],
    ["'x'", 'x', 'string'],
    ['`x`', 'x', 'string'],
    ['true', true, 'boolean'],
    ['null', null, 'any'],
    ['[1, -2]', [1, -2], 'array'],
    ['{ a: 1, "b": [true] }', { a: 1, b: [true] }, 'object'],
    ['("x" as string)', 'x', 'string'],
  ])('a literal default %s gives value and type', (text, value, kind) => {
    expect(parametersOf(`a = ${text}`)[0]).toMatchObject({ default: value, type: { kind }, required: false });
  });

  test('a default that names a constant of the file is its value', () => {
    expect(only("const base = 'os';\nexport function f(a = base) {}").parameters[0]?.default).toBe('os');
  });

  test.each(['new Date()', 'other()', '`${x}`', '[x]', '{ ...x }', '{ __proto__: null }', 'x + 1', 'undefined'])(
    'a default that takes running the code (%s) is not known, only that there is one',
    (text) => {
      const [parameter] = parametersOf(`a = ${text}`);
      expect(parameter).toMatchObject({ required: false, type: { kind: 'any' } });
      expect(parameter).not.toHaveProperty('default');
    },
  );

  test('constants that name each other in a circle end', () => {
    expect(only('const a = b; const b = a;\nexport function f(x = a) {}').parameters[0]).not.toHaveProperty('default');
  });

  test('the annotation wins over the default', () => {
    expect(parametersOf('a: string | number = 1')[0]?.type.kind).toBe('union');
  });

  test('JSDoc gives types, texts and optionality in JavaScript', () => {
    const doc = `/** @param {number} a - the first\n * @param {?string} [b] the second\n * @param {'x'|'y'} c\n * @param {Array.<Number>=} d\n * @param {{x: number}} e\n * @param {*} g\n * @param {...number} h */\n`;
    expect(parametersOf('a, b, c, d, e, g, ...h', doc, 'index.js')).toEqual([
      { name: 'a', type: { kind: 'number' }, required: true, rest: false, doc: 'the first' },
      {
        name: 'b',
        type: { kind: 'union', options: [{ kind: 'string' }, { kind: 'null' }] },
        required: false,
        rest: false,
        doc: 'the second',
      },
      {
        name: 'c',
        type: {
          kind: 'union',
          options: [
            { kind: 'literal', value: 'x' },
            { kind: 'literal', value: 'y' },
          ],
        },
        required: true,
        rest: false,
        doc: undefined,
      },
      { name: 'd', type: { kind: 'array', items: { kind: 'number' } }, required: false, rest: false, doc: undefined },
      {
        name: 'e',
        type: {
          kind: 'object',
          properties: { x: { type: { kind: 'number' }, required: true } },
          additional: undefined,
        },
        required: true,
        rest: false,
        doc: undefined,
      },
      { name: 'g', type: { kind: 'any' }, required: true, rest: false, doc: undefined },
      { name: 'h', type: { kind: 'array', items: { kind: 'number' } }, required: false, rest: true, doc: undefined },
    ]);
  });

  test('a comment before a parameter documents it', () => {
    expect(parametersOf('/** the base */ a: number')[0]?.doc).toBe('the base');
  });

  test('an object that is taken apart is one parameter, options, with the members that are taken out', () => {
    expect(parametersOf('{ x, y = 1 }')).toEqual([
      {
        name: 'options',
        type: {
          kind: 'object',
          properties: {
            x: { type: { kind: 'any' }, required: true },
            y: { type: { kind: 'number' }, required: false },
          },
          additional: undefined,
        },
        required: true,
        rest: false,
        doc: undefined,
      },
    ]);
    expect(parametersOf('{ x, ...more }')[0]?.type).toMatchObject({ additional: { kind: 'any' } });
    expect(parametersOf('options, { x }').map((p) => p.name)).toEqual(['options', 'options2']);
  });

  test('its annotation decides the types, its default what may be left out', () => {
    expect(parametersOf('{ x }: { x: number }')[0]?.type).toMatchObject({
      properties: { x: { type: { kind: 'number' }, required: true } },
    });
    expect(parametersOf('{ x } = {}')[0]).toMatchObject({
      required: false,
      default: {},
      type: { properties: { x: { required: false } } },
    });
  });

  test('JSDoc names it and types its members', () => {
    const doc = '/** @param {object} point - where\n * @param {number} point.x\n * @param {number} [point.y] */\n';
    expect(parametersOf('{ x, y }', doc, 'index.js')[0]).toMatchObject({
      name: 'point',
      doc: 'where',
      type: {
        properties: {
          x: { type: { kind: 'number' }, required: true },
          y: { type: { kind: 'number' }, required: false },
        },
      },
    });
  });

  test("TypeScript's this is no parameter", () => {
    expect(parametersOf('this: void, a: number').map((p) => p.name)).toEqual(['a']);
  });

  test("a constant's function type gives types and optionality", () => {
    const source = 'type F = (a: number, b?: string) => void;\nexport const f: F = (a, b) => {};';
    expect(only(source).parameters.map((p) => [p.type.kind, p.required])).toEqual([
      ['number', true],
      ['string', false],
    ]);
  });

  test('a name that begins with _ is an error, since queries could not give it', () => {
    const error = failure('export function f(_n: number) {}');
    expect(error.code).toBe('library-parameter');
    expect(error.message).toMatch(/^libraries\/x\/index\.ts:1: f: parameter '_n'.*rename it to 'n'/);
  });
});

describe('syntax errors', () => {
  test('are one sentence with file, line and column', () => {
    const error = failure('export function ok() {}\nexport function f(a {');
    expect(error.code).toBe('library-syntax');
    expect(error.message).toBe('libraries/x/index.ts:2:21: Unexpected token, expected ","; mend it and save the file.');
  });

  test('TypeScript in a JavaScript file is one', () => {
    expect(failure('export function f(a: number) {}', 'index.js').code).toBe('library-syntax');
  });
});
