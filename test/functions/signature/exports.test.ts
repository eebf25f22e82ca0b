import { describe, expect, test } from 'vitest';
import { failure, kinds, only, read } from './read.ts';

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
    expect(only('export class K {}').notCallable).toBe('it is a class; POST makes an object of it');
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
