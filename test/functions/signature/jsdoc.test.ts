import { describe, expect, test } from 'vitest';
import { failure, only, read } from './read.ts';

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

  test.each([
    '/** @pure @maxAge 60 */',
    '/** @maxAge 60 @pure */',
    '/** @pure @maxAge 1m */',
    '/** Adds. @pure @maxAge 60 */',
    '/**\n * Adds. @pure\n * @maxAge 60 s\n */',
    '/**\n * @param a the left one @pure @maxAge 60\n */',
    '/** @pure @safe @maxAge 1 m @returns {number} the sum */',
    '/**\n\t@pure\t@maxAge\t60\n*/',
  ])('tags may share a line: %j', (comment) => {
    expect(only(`${comment} export function f(a) {}`)).toMatchObject({ pure: true, maxAge: 60_000 });
  });

  test('text before tags on their line is kept, without them', () => {
    expect(only('/** Adds. @pure @maxAge 60 */ export function f() {}').doc).toBe('Adds.');
    expect(only('/** @pure\n * @param a the left one @safe */ export function f(a) {}').parameters[0]?.doc).toBe(
      'the left one',
    );
  });

  test('an @ inside of a sentence or an address is text', () => {
    const { pure, safe, doc } = only('/** Not like @pure functions; ask me@safe */ export function f() {}');
    expect({ pure, safe, doc }).toEqual({ pure: false, safe: false, doc: 'Not like @pure functions; ask me@safe' });
  });

  test.each([
    ['@Pure', '@Pure is no tag; write @pure'],
    ['@pure @maxage 60', '@maxage is no tag; write @maxAge'],
    ['@pure @pure', '@pure stands there twice'],
    ['@pure false', '@pure takes no value'],
    ['@pure @maxAge 60 minutes', '@maxAge needs a time'],
    ['@pure @maxAge 60 apples', '@maxAge needs a time'],
    ['@pure @maxAge', '@maxAge needs a time'],
  ])('a promise that is misspelt is an error and not silence: %s', (tags, message) => {
    expect(failure(`/** ${tags} */ export function f() {}`).message).toContain(message);
  });

  test.each([
    ['@puer', 'pure'],
    ['@Saef', 'safe'],
    ['Adds. @safe @tmeLimit 5', 'timeLimit'],
    ['Adds. @safee', 'safe'],
    ['@instace single', 'instance'],
    ['@stalewhilerevaldiat 5', 'staleWhileRevalidate'],
    ['@ttll 60', 'maxAge'],
    ['@timeout 5s', 'timeLimit'],
    ['@idempotant', 'safe'],
    ['@parm {number} a', 'param'],
    ['@retruns {number}', 'returns'],
  ])('a tag that is nearly one of ours is an error: %s', (tags, meant) => {
    expect(failure(`/** ${tags} */ export function f(a) {}`).message).toMatch(
      new RegExp(`^libraries/x/index.ts:1: f: @\\w+ is no tag: did you mean @${meant}\\?$`),
    );
  });

  test('@Param is told its capitals; @return, @arg and @argument are other names', () => {
    expect(failure('/** @Param a b */ export function f(a) {}').message).toContain('@Param is no tag; write @param,');
    const doc = '/**\n * @arg {number} a\n * @argument {string} b\n * @return {boolean} c\n */';
    const { parameters, returns } = only(`${doc} export function f(a, b) {}`, 'index.js');
    expect([...parameters.map(({ type }) => type.kind), returns?.kind]).toEqual(['number', 'string', 'boolean']);
  });

  test('a parameter that is nearly one is an error, another is none', () => {
    const doc = (name: string): string =>
      `/** @param {number} ${name} how long */\nexport function f(length, { x }) {}`;
    expect(failure(doc('lenght'), 'index.js').message).toBe(
      'index.js:2: f: @param lenght is no parameter: did you mean length?',
    );
    expect(only(doc('length'), 'index.js').parameters[0]?.type.kind).toBe('number');
    expect(only(doc('width'), 'index.js').parameters[0]?.type.kind).toBe('any');
    expect(only('/** @param x a\n * @param y b */\nexport function f(x, z) {}').parameters).toHaveLength(2);
  });

  test('a declarator has the comment that stands before it', () => {
    const [a, b] = read('/** @safe */\nexport const a = () => 1, /** @pure */ b = () => 2;');
    expect([a?.safe, a?.pure, b?.pure]).toEqual([true, false, true]);
  });

  // Of JSDoc, TSDoc, TypeDoc, TypeScript, the Closure Compiler, API Extractor, Vitest, ESLint and Doxygen.
  test('all other tags are nothing to us', () => {
    const others =
      `abstract access alias alpha async augments author beta borrows callback category class classdesc constant const
    constructor constructs copyright decorator default defaultValue defaultvalue deprecated description desc dict document
    emits enum event eventProperty example exception exports expand export extends external extern externs file fileoverview
    final fires function func generator global group hidden hideCategories hideconstructor host idgenerator ignore
    implements implicitCast import include includeCode inheritDoc inheritdoc inner interface internal kind label lends
    license link linkcode linkplain listens lends member memberOf memberof mergeModuleWith method mixes mixin module name
    namespace nocollapse nocompile nosideeffects noimplicitany override overload overview package packageDocumentation
    preserve preventExpand preventInline primaryExport private privateRemarks product project prop property protected
    provides provideModule public publicApi readonly record remarks requires satisfies sealed see sortStrategy since static
    struct summary suppress switch template this throws todo tutorial type typedef typeParam typeparam unrestricted
    useDeclaredType var variation version virtual vitest-environment yields yield jest-environment ts-ignore eslint-disable
    note warning bug parent parse page image save-state url html title test tests time date message params-of
    pre post invariant tparam`.split(/\s+/);
    expect(others.length).toBeGreaterThan(100);
    for (const name of others)
      expect(only(`/** Adds.\n * @${name} 5 a\n * @${name}\n */ export function f() {}`)).toMatchObject({
        doc: 'Adds.',
        safe: false,
      });
  });

  test.each(['/* @pure */', '// @pure', '// Adds.\n// @pure @maxAge 60\n'])(
    'a promise in a comment that is no doc comment is an error: %j',
    (comment) => {
      expect(failure(`${comment}\nexport function f() {}`).message).toContain('begins with /**');
      expect(only(`/** @safe */ ${comment}\nexport function f() {}`).safe).toBe(true);
    },
  );

  test('what a time means may be explained behind it', () => {
    expect(only('/** @pure\n * @maxAge 60 - a minute */ export function f() {}').maxAge).toBe(60_000);
    expect(only('/** @pure\n * @maxAge 5m (changes daily) */ export function f() {}').maxAge).toBe(300_000);
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
