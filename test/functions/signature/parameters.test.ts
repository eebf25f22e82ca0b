import { describe, expect, test } from 'vitest';
import { failure, only } from './read.ts';

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
